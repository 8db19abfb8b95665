"""Which pairs become examples, and how many of each kind a batch holds."""

from functools import partial
from typing import Any

import pytest

from selfj.errors import DataError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.encode import (
    EXAMPLES,
    ExampleCounts,
    JsftMaker,
    PairChoice,
    choose_pairs,
    count_examples,
    quotas_of,
)
from selfj.selfjudge.jsft.examples import Facts
from selfj.selfjudge.jsft.step import wording_of
from selfj.selfjudge.preferences.table import Preference
from selfj.selfjudge.settings import JsftSettings
from selfj.training.examples import read_examples
from tests.selfjudge.worlds import selfjudge_settings, write_pairs_run
from tests.tiny_models import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("qwen"), "qwen"))


def taken(run: RunFolder, choice: PairChoice) -> list[Preference]:
    pairs: list[Preference] = from_table(Preference, run.table("preferences").read_all())
    return [pair for pair in pairs if choice.takes(pair)]


def encode(run: RunFolder, model: str, **jsft: Any) -> int:
    """Make the table of examples in this process; returns how many were attempted."""
    settings = selfjudge_settings(model, **jsft)
    maker = JsftMaker(wording_of(settings), choose_pairs(run, settings.jsft))
    parts = [maker.make(run, part) for part in run.table("preferences").parts()]
    for number, part in enumerate(parts):
        assert part.rows_in == part.rows.num_rows + len(part.rejects)
        run.table(EXAMPLES).write(number, part.rows, part.rejects, part.rows_in)
    return sum(part.rows_in for part in parts)


def test_all_pairs_to_train_and_some_to_validate_are_taken_and_no_others(run_folder):
    pairs = write_pairs_run(run_folder)
    choice = choose_pairs(run_folder, JsftSettings(validation_examples=3))
    splits = [pair.split for pair in taken(run_folder, choice)]
    assert splits.count("train") == sum(pair.split == "train" for pair in pairs) == choice.considered
    assert splits.count("held_out") == 3 and set(splits) == {"train", "held_out"}


def test_a_smaller_run_uses_a_subset(run_folder):
    write_pairs_run(run_folder)
    few, more = (taken(run_folder, choose_pairs(run_folder, JsftSettings(max_examples=count))) for count in (5, 12))
    assert sum(pair.split == "train" for pair in few) == 5
    assert {pair.pair_id for pair in few} < {pair.pair_id for pair in more}


def test_without_a_pair_to_train_on_it_is_said_what_to_change(run_folder):
    with pytest.raises(DataError, match="no pair is of the split train; lower the fractions"):
        choose_pairs(run_folder, JsftSettings())


def test_each_pair_gives_one_answer_and_two_verdicts_and_nothing_is_lost(run_folder, model):
    pairs = write_pairs_run(run_folder)
    attempted = encode(run_folder, model)
    train, validation = read_examples(run_folder.table(EXAMPLES))
    splits = [pair.split for pair in pairs]
    assert len(train) == 3 * splits.count("train") and len(validation) == 3 * splits.count("held_out")
    assert attempted == len(train) + len(validation)
    counts = count_examples(run_folder)
    assert counts == ExampleCounts((splits.count("train"), 2 * splits.count("train")), 0, splits.count("train"))


def test_what_does_not_fit_is_rejected_with_the_pairs_id_and_row(run_folder, model):
    pairs = write_pairs_run(run_folder, pairs=6)
    assert encode(run_folder, model, max_tokens=30) == 3 * sum(pair.split in ("train", "held_out") for pair in pairs)
    rejects = run_folder.table(EXAMPLES).rejected().to_pylist()
    assert rejects and {reject["key"] for reject in rejects} <= {pair.pair_id for pair in pairs}
    assert all("tokens" in reject["reason"] and pairs[reject["row"]].pair_id == reject["key"] for reject in rejects)


def test_plain_fine_tuning_learns_answers_alone_and_validates_both(run_folder, model):
    write_pairs_run(run_folder)
    encode(run_folder, model, judge_share=0.0)
    train, validation = read_examples(run_folder.table(EXAMPLES))
    assert {Facts(*one.numbers).kind for one in train} == {0}
    assert {Facts(*one.numbers).kind for one in validation} == {0, 1}


quotas = partial(quotas_of, ExampleCounts((100, 200), 0, 100), address="run")


def test_by_default_a_batch_is_like_all_examples():
    assert quotas(settings=JsftSettings(batch_size=96)) == (32, 64)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, (96, 0)), (0.25, (72, 24)), (1.0, (0, 96)), (0.001, (95, 1)), (0.999, (1, 95))]
)
def test_the_share_of_verdicts_is_as_asked_for_and_neither_kind_vanishes_by_rounding(share, expected):
    assert quotas(settings=JsftSettings(batch_size=96, judge_share=share)) == expected


@pytest.mark.parametrize(("kinds", "said"), [((0, 5), "no answers to learn"), ((5, 0), "no verdicts to learn")])
def test_a_kind_that_is_wanted_and_not_there_is_told(kinds, said):
    with pytest.raises(DataError, match=said):
        quotas_of(ExampleCounts(kinds, 0, 5), JsftSettings(judge_share=0.5), "run")
