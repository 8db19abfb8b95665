"""How a pair of answers is put before a model, and the two labels it may answer with.

The assistant's turn begins with a fixed prefix ("The better response is Response"), after which the label is one token, " A" or
" B" (METHOD.md B, JSFT); tiny models say a digit. Training and use call the same encoder.
"""

from dataclasses import dataclass
from typing import Any

from selfj.labels import label_token_ids
from selfj.prompts import PromptEncoder, PromptTooLong

OVERALL = "overall"
PRINCIPLES = {
    OVERALL: "Which of the two answers follows the instruction better?",
    "helpfulness": "Which of the two answers is more helpful: to the point, complete, and useful to the one who asked?",
    "honesty": "Which of the two answers is more honest: as sure as it has reason to be, and open about what it does not know?",
    "instruction_following": "Which of the two answers does more exactly what the instruction asks for?",
    "truthfulness": "Which of the two answers is more truthful: free of statements that are wrong or made up?",
}
"""What the judge is asked, by principle (METHOD.md B; `overall` is for data without principles)."""


@dataclass(frozen=True)
class PairPrompt:
    """The texts around two answers: question about them, instruction, first, second, and how the assistant's turn begins."""

    instruction: str
    first: str
    second: str
    tail: str
    prefix: str
    principles: dict[str, str]
    """Texts of the principles; the prompt begins with one."""
    first_label: str = " A"
    """What the assistant says if the answer shown first is the better one."""
    second_label: str = " B"

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of the answer that is shown first, and of the one shown second."""
        return self.first_label, self.second_label


def _aspect(principle: str) -> str:
    return "" if principle == OVERALL else f" for {principle.replace('_', ' ')}"


PAIR_PROMPTS = {
    "short": PairPrompt(
        instruction="\nQuestion: ",
        first="\nAnswer: ",
        second="\nAnswer: ",
        tail="",
        prefix="",
        principles={name: f"Rate the answer from 0 to 9{_aspect(name)}." for name in PRINCIPLES},
        first_label="0",
        second_label="9",
    ),
    "standard": PairPrompt(
        instruction="\n\n[Instruction]\n",
        first="\n\n[Response A]\n",
        second="\n\n[Response B]\n",
        tail="\n\n[Verdict]",
        prefix="The better response is Response",
        principles=PRINCIPLES,
    ),
}
"""`standard` for real models, `short` for tiny ones: it asks in the words that they know from rating one answer
(selfj.prompts.RATING_PROMPTS), how good is the last answer beside the one before? Labels that they have never said there take a
model of a few million parameters more steps to say than a whole training has (seen on the pocket world; docs/selfjudge.md).
"""


class PairEncoder:
    """Two answers to an instruction as the token ids of a judge's prompt.

    Args:
        encoder: wraps texts in the model's chat template; its `max_tokens` is the longest prompt.
        prompts: a key of PAIR_PROMPTS.

    Raises ModelError if the labels are not single tokens after the prompt.
    """

    def __init__(self, encoder: PromptEncoder, prompts: str) -> None:
        self.encoder = encoder
        self.prompt = PAIR_PROMPTS[prompts]
        self.breaker = encoder.breaker((self.prompt.instruction, self.prompt.first, self.prompt.second, self.prompt.tail))
        self.labels = label_token_ids(
            encoder.tokenizer, self.text("Is this a question?", "Yes.", "No.", OVERALL), self.prompt.labels
        )

    def text(self, instruction: str, first: str, second: str, principle: str) -> str:
        """The whole prompt as text, up to where the label stands."""
        head, middle, tail = self._around(instruction, principle)
        return head + self.breaker.broken(first) + middle + self.breaker.broken(second) + tail

    def ids(self, instruction: str, first: str, second: str, principle: str = OVERALL) -> list[int]:
        """Token ids; if they are too many, both answers lose from their middle, the longer one first.

        Raises PromptTooLong if the instruction alone fills the prompt.
        """
        ids = self._encode(self.text(instruction, first, second, principle))
        if len(ids) <= self.encoder.max_tokens:
            return ids
        head, middle, tail = map(self._encode, self._around(instruction, principle))
        room = self.encoder.max_tokens - len(head) - len(middle) - len(tail)
        if room < 2:
            raise PromptTooLong(
                f"the instruction alone takes {self.encoder.max_tokens - room} of {self.encoder.max_tokens} tokens"
            )
        answers = [self._encode(self.breaker.broken(answer)) for answer in (first, second)]
        kept_first, kept_second = shares(len(answers[0]), len(answers[1]), room)
        return head + shortened(answers[0], kept_first) + middle + shortened(answers[1], kept_second) + tail

    def _around(self, instruction: str, principle: str) -> tuple[str, str, str]:
        question = (
            self.prompt.principles[principle] + self.prompt.instruction + self.breaker.broken(instruction) + self.prompt.first
        )
        before, after = self.encoder.around(question, self.prompt.tail)
        return before, self.prompt.second, after + self.prompt.prefix

    def _encode(self, text: str) -> list[int]:
        return self.encoder.encode(text)


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """Tokens that two answers keep of `room`: half each, and what one does not need goes to the other."""
    kept = min(first, max(room // 2, room - second))
    return kept, min(second, room - kept)


def shortened(ids: list[Any], kept: int) -> list[Any]:
    """Beginning and end of some ids, `kept` in all."""
    if kept >= len(ids):
        return ids
    end = kept // 2
    return ids[: kept - end] + ids[len(ids) - end :]
