"""The policy rates each of its answers with the reference in view (METHOD.md A, self-evaluate: z1)."""

from selfj.config import Settings
from selfj.engine import Engine
from selfj.parts import MadePart
from selfj.rating import Question, Rater, Rating
from selfj.records import Instruction, Response, SelfEvaluation, from_table, to_table
from selfj.run import RunFolder


def answered(run: RunFolder, part: int) -> list[tuple[Instruction, Response]]:
    """Each response of one part beside its instruction."""
    instructions = {row.instruction_id: row for row in from_table(Instruction, run.table("instructions").read(part))}
    responses = from_table(Response, run.table("responses").read(part))
    return [(instructions[row.instruction_id], row) for row in responses]


class SelfEvaluationMaker:
    """Rates one part of the responses with the policy itself."""

    def __init__(self, settings: Settings) -> None:
        engine = Engine(settings.policy, settings.engine, seed=settings.seed)
        self.rater = Rater(engine, settings.prompts)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Self-evaluations of part `part` of the responses."""
        pairs = answered(run, part)
        questions = [
            Question(instruction.instruction, response.response, instruction.reference) for instruction, response in pairs
        ]
        rows = [
            _row(response.response_id, rating) for (_, response), rating in zip(pairs, self.rater.rate(questions), strict=True)
        ]
        return MadePart(to_table(SelfEvaluation, rows), [], rows_in=len(pairs))


def _row(key: str, rating: Rating) -> SelfEvaluation:
    return SelfEvaluation(key, rating.score, rating.probabilities, rating.digit_mass, rating.reason)
