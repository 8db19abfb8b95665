import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from selfj.engine import Sample
from selfj.records import from_table
from selfj.selfjudge.pairs import Pair, Verdict
from selfj.selfjudge.self_training import rows
from selfj.selfjudge.self_training.makers import IDENTICAL, RoundMaker, compare_different, grader, left_out
from selfj.selfjudge.self_training.results import PROBES
from selfj.selfjudge.self_training.rows import JudgedPair, Probe
from selfj.selfjudge.self_training.step import task_of
from tests.selfjudge.self_training.worlds import settings, write_run
from tests.tiny_models import make_model, make_tokenizer

HOW = settings("x").self_training


class FakeEngine:
    """Answers with the seed's last digit, and prefers, as a judge, what is shown first a little."""

    context = 400

    def __init__(self) -> None:
        self.tokenizer = make_tokenizer("llama")
        self.adapted: list[bool] = []
        self.seeds: list[int] = []

    def forget_prefixes(self) -> None:
        pass

    def sample(self, requests, *, temperature, top_p, max_tokens, adapted=False):
        self.adapted.append(adapted)
        self.seeds += [request.seed for request in requests]
        return [Sample(f"It is {request.seed % 5}.", 3, None, "stop", (7, request.seed % 5, 2)) for request in requests]

    def label_logprobs(self, prompts, labels, *, adapted=False):
        self.adapted.append(adapted)
        return np.log(np.tile([0.5, 0.3], (len(prompts), 1)))


class ByNumber:
    """Prefers the higher number."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        self.asked += pairs
        return [Verdict("a" if pair.a > pair.b else "b", 0.8, 0.2, False) for pair in pairs]


@pytest.fixture
def maker(run_folder, tmp_path):
    write_run(run_folder)
    model = make_model(tmp_path / "model", "llama")
    engine, judge = FakeEngine(), ByNumber()
    return RoundMaker(task_of(run_folder, settings(str(model))), engine, judge)  # type: ignore[arg-type]


def _pairs(made) -> list[JudgedPair]:
    return from_table(JudgedPair, made.rows)


def test_two_answers_to_each_prompt_of_the_round_and_the_verdict_on_them(maker):
    pairs = _pairs(maker.pairs(0, adapted=True))
    assert len(pairs) == 4
    for pair in pairs:
        higher = max(pair.response_a, pair.response_b)
        if pair.preferred:
            assert higher == (pair.response_a if pair.preferred == "a" else pair.response_b)
            better = pair.ids_a if pair.preferred == "a" else pair.ids_b
            assert list(pair.example.targets[0]) == better
        else:
            assert pair.left_out == "identical" and pair.response_a == pair.response_b
        assert pair.prompt_ids == list(pair.example.prompts[0]) == list(pair.example.prompts[1])


def test_seeds_differ_between_answers_prompts_and_passes(maker):
    for number in range(3):
        maker.pairs(number, adapted=True)
    assert len(set(maker.engine.seeds)) == 3 * 4 * 2


def test_the_start_answers_as_the_policy_would_in_the_first_pass(maker):
    assert _pairs(maker.pairs(0, adapted=False)) == _pairs(maker.pairs(0, adapted=True))
    assert len(_pairs(maker.pairs(1, adapted=False))) == 2  # the other two were asked before


def test_the_policy_samples_with_its_adapter_and_the_frozen_judge_reads_without(run_folder, tmp_path):
    write_run(run_folder)
    model = str(make_model(tmp_path / "model", "llama"))
    for judge, adapted in (("frozen", False), ("moving", True)):
        engine = FakeEngine()
        RoundMaker(task_of(run_folder, settings(model, judge=judge)), engine).pairs(0, adapted=True)  # type: ignore[arg-type]
        assert engine.adapted == [True, adapted]


def test_a_judge_that_only_looks_at_the_place_leaves_ties(run_folder, tmp_path):
    write_run(run_folder)
    engine = FakeEngine()
    task = task_of(run_folder, settings(str(make_model(tmp_path / "model", "llama"))))
    pairs = _pairs(RoundMaker(task, engine).pairs(0, adapted=True))  # type: ignore[arg-type]
    assert {pair.left_out for pair in pairs} <= {"tie", "identical"} and not any(pair.preferred for pair in pairs)


def test_a_prompt_without_room_for_an_answer_is_a_reject(maker):
    maker.engine.context = 60
    made = maker.pairs(0, adapted=True)
    assert made.rejects and len(made.rejects) + made.rows.num_rows == made.rows_in == 4
    assert "the model's context is 60" in made.rejects[0].reason


def test_probes_stand_beside_the_starts_answers(maker):
    start = maker.probe(3, adapted=False)
    maker.task.table(PROBES).write(0, start.rows, [], start.rows_in)
    maker.engine.sample = lambda requests, **_: [Sample("It is 9.", 3, None, "length", (7, 9)) for _ in requests]
    probes = from_table(Probe, maker.probe(2, adapted=True).rows)
    assert len(probes) == 2
    assert {probe.preferred for probe in probes} == {"policy"} and {probe.score for probe in probes} == {0.8}
    assert [row.preferred for row in from_table(Probe, start.rows)] == [None] * 3
    assert all(probe.grade is not None and probe.start_grade is not None for probe in probes)


def test_the_same_text_twice_is_a_tie_that_no_judge_is_asked_about():
    judge = ByNumber()
    verdicts = compare_different(judge, [Pair("i", "1", "1"), Pair("i", "2", "1")])
    assert verdicts[0] is IDENTICAL and verdicts[1].preferred == "a"
    assert judge.asked == [Pair("i", "2", "1")]


@pytest.mark.parametrize(
    ("verdict", "changes", "why"),
    [
        (Verdict("a", 0.6, 0.4, False), {}, None),
        (Verdict(None, 0.5, 0.5, True), {}, rows.TIE),
        (Verdict(None, None, None, reason="too long"), {}, rows.UNJUDGED),
        (Verdict("a", 0.52, 0.48, False), {"min_margin": 0.1}, rows.CLOSE),
        (Verdict("a", 0.6, 0.4, True), {"drop_flips": True}, rows.FLIPS),
        (Verdict("a", 0.6, 0.4, True), {}, None),
    ],
)
def test_a_pair_is_left_out_for_one_reason(verdict, changes, why):
    assert left_out(verdict, False, dataclasses.replace(HOW, **changes)) == why


def test_the_same_text_twice_is_left_out_as_such():
    assert left_out(Verdict("a", 0.6, 0.4), True, HOW) == rows.IDENTICAL


def test_a_grade_that_cannot_be_made_is_none():
    assert grader("none")("{}", "x") is None
    grade = grader("selfj.pocket.grading:grade_response")
    assert grade("{}", "x") is None
    assert 0 <= grade('{"seed": 1, "index": 0}', "It is 3.") <= 1  # type: ignore[operator]
