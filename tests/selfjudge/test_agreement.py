from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfj.errors import DataError
from selfj.selfjudge.agreement import Voted, human_agreement, read_voted
from selfj.selfjudge.pairs import Pair, Verdict


def voted(*votes: int, a: str = "a", b: str = "b") -> Voted:
    return Voted(Pair("i", a, b), votes)


class Longer:
    """Prefers the longer answer; gives no verdict on an empty one."""

    def __init__(self) -> None:
        self.calls = 0

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        self.calls += 1
        return [self._verdict(len(pair.a), len(pair.b)) for pair in pairs]

    def _verdict(self, a: int, b: int) -> Verdict:
        if not a or not b:
            return Verdict(None, None, None, reason="too long")
        return Verdict("a" if a > b else "b" if b > a else None, float(a), float(b), flips=a == 1)


def test_the_majority_is_what_more_than_half_say():
    assert voted(1, 1, 2).majority == "a" and voted(2, 2, 2).majority == "b"
    assert voted(0, 0, 1).majority is None and voted(0, 1, 2).majority is None and voted(1, 2).majority is None


def test_verdicts_are_counted_against_the_majority_in_one_call():
    judge = Longer()
    pairs = [voted(1, 1, 2, a="aa"), voted(2, 2, 0, a="aaa"), voted(0, 0, 0), voted(1, 1, 1, a="")]
    found = human_agreement(judge, pairs)
    assert judge.calls == 1
    assert found["agreement"] == 0.5
    assert found["agreement_three"] == pytest.approx(2 / 3)
    assert (found["unjudged"], found["decided"], found["pairs"]) == (0.25, 2, 4)
    assert (found["ties"], found["flip_rate"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_single_voters_are_held_against_the_majority_of_the_others():
    found = human_agreement(Longer(), [voted(1, 1, 2), voted(2, 2, 2)])
    assert found["voters"] == pytest.approx(3 / 4), "two of the first pair have no majority beside them but the third voter has"


def test_nothing_to_compare_with_leaves_figures_out():
    assert "agreement" not in human_agreement(Longer(), [voted(0, 0, 0)])


def test_the_votes_on_real_pairs_are_read_with_their_input(shared_data):
    pairs = read_voted(str(shared_data / "pairs" / "pandalm_human.parquet"))
    assert len(pairs) == 999 and all(len(one.votes) == 3 for one in pairs)
    found = human_agreement(Longer(), pairs)
    assert found["pairs"] == 999 and 0.5 < found["agreement"] < 0.8 < found["voters"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": "i", "response_a": "a", "response_b": "b", "votes": [3]}, r"row 0: votes is \[3\]"),
        ({"instruction": "i", "response_a": "a", "response_b": "b", "votes": []}, r"row 0: votes is \[\]"),
        ({"instruction": "i", "response_a": None, "response_b": "b", "votes": [1]}, "row 0: response_a is None"),
    ],
)
def test_a_row_that_nobody_voted_on_is_told(tmp_path, row, said):
    path = tmp_path / "votes.parquet"
    kinds = {"response_a": pa.string(), "votes": pa.list_(pa.int64())}
    pq.write_table(pa.table({name: pa.array([value], kinds.get(name)) for name, value in row.items()}), path)
    with pytest.raises(DataError, match=said):
        read_voted(str(path))


def test_what_is_no_parquet_file_is_told_in_one_line(tmp_path):
    (tmp_path / "votes.parquet").write_text("no")
    with pytest.raises(DataError, match=r"votes\.parquet: not a readable Parquet file"):
        read_voted(str(tmp_path / "votes.parquet"))
