import pytest

from selfj.errors import DataError
from selfj.prompts import PromptEncoder
from selfj.records import Rejected
from selfj.selfjudge.self_training.rows import JudgedPair
from selfj.selfjudge.self_training.sources import PromptStream, given_pairs, probe_prompts, read_prompts
from tests.selfjudge.self_training.worlds import settings, write_run
from tests.tiny_models import make_tokenizer


def _stream(run_folder, prompts: int = 6, **changes) -> PromptStream:
    write_run(run_folder, prompts)
    return PromptStream(run_folder, settings("x", **changes).self_training, seed=1)


def test_every_pass_asks_each_prompt_once(run_folder):
    stream = _stream(run_folder, round_prompts=4)
    asked = [(one.prompt.instruction_id, one.number) for number in range(3) for one in stream.round(number)]
    assert sorted(asked) == [(f"id-{number}", turn) for number in range(6) for turn in range(2)]


def test_what_is_sampled_once_is_the_first_pass(run_folder):
    stream = _stream(run_folder, round_prompts=4)
    once = [one.prompt.instruction_id for part in stream.parts for one in stream.once(part)]
    assert sorted(once) == [f"id-{number}" for number in range(6)]
    assert [one.prompt.instruction_id for one in stream.round(0)] == once[:4]


def test_fewer_rounds_ask_a_beginning_of_the_same_order(run_folder):
    stream = _stream(run_folder, round_prompts=2, rounds=2)
    assert stream.parts == [0, 1]


def test_a_round_larger_than_the_prompts_asks_some_twice(run_folder):
    numbers = [one.number for one in _stream(run_folder, prompts=3, round_prompts=8).round(0)]
    assert numbers == [0, 0, 0, 1, 1, 1, 2, 2]


def test_held_out_prompts_are_of_their_own_split_and_a_beginning_of_more(run_folder):
    write_run(run_folder)
    assert {row.split for row in probe_prompts(run_folder, 3)} == {"test"}
    assert probe_prompts(run_folder, 2) == probe_prompts(run_folder, 3)[:2]


def test_a_run_without_prompts_says_which_setting_gives_some(run_folder):
    write_run(run_folder, prompts=0)
    with pytest.raises(DataError, match=r"no prompt of the split prompts; raise preferences\.prompts_fraction"):
        read_prompts(run_folder, "prompts")


def test_given_pairs_end_with_the_end_of_the_turn_and_prefer_the_chosen_answer(run_folder):
    write_run(run_folder)
    encoder = PromptEncoder(make_tokenizer("llama"), "standard", 1000)
    pairs = list(given_pairs(run_folder, encoder, settings("x", mode="offline").self_training))
    assert len(pairs) == 7 and all(isinstance(pair, JudgedPair) for pair in pairs)
    example = pairs[0].example
    assert encoder.tokenizer.decode(example.targets[0][:-1]) == pairs[0].response_a
    assert encoder.tokenizer.decode(example.targets[1][:-1]) == "I do not know."
    assert {target[-1] for target in example.targets} == {encoder.tokenizer.eos_token_id}
    assert example.prompts[0] == encoder.conversation_ids([{"role": "user", "content": _instruction(run_folder, pairs[0])}])


def _instruction(run_folder, pair: JudgedPair) -> str:
    rows = run_folder.table("preferences").read_all().to_pylist()
    return next(row["instruction"] for row in rows if row["pair_id"] == pair.instruction_id)


def test_a_given_pair_that_is_too_long_is_a_reject_with_its_length(run_folder):
    write_run(run_folder)
    encoder = PromptEncoder(make_tokenizer("llama"), "standard", 1000)
    how = settings("x", mode="offline", max_tokens=40, max_examples=4).self_training
    found = list(given_pairs(run_folder, encoder, how))
    rejects = [one for one in found if isinstance(one, Rejected)]
    assert len(found) == 4 and rejects
    assert all("tokens, 40 is the most" in one.reason and one.key.startswith("pair-") for one in rejects)
