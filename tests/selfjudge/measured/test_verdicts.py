"""Verdicts on held-out pairs."""

import pytest

from selfj.config import EngineSettings
from selfj.selfjudge.judges import PairJudgeSettings
from selfj.selfjudge.measured import verdicts
from selfj.selfjudge.measured.verdicts import VERDICTS, VerdictMaker, held_out_pairs, read_verdicts
from selfj.selfjudge.pairs import Verdict
from tests.selfjudge.worlds import write_pairs_run


class SaysYes:
    """Prefers answers that begin with `yes`; cannot judge the number 4."""

    def compare(self, pairs):
        self.calls = [*getattr(self, "calls", []), len(pairs)]
        return [
            Verdict(None, None, None, reason="too long")
            if pair.instruction.startswith("Number 4:")
            else Verdict("a" if pair.a.startswith("yes") else "b", 0.7, 0.3, flips=False)
            for pair in pairs
        ]


@pytest.fixture
def judged(run_folder, monkeypatch):
    pairs, judge = write_pairs_run(run_folder), SaysYes()
    monkeypatch.setattr(verdicts, "load_pair_judge", lambda *_: judge)
    maker = VerdictMaker(PairJudgeSettings(), 100, EngineSettings(), 0)
    for part in run_folder.table("preferences").parts():
        made = maker.make(run_folder, part)
        run_folder.table(VERDICTS).write(part, made.rows, made.rejects, made.rows_in)
    return pairs, judge, list(read_verdicts(run_folder))


def test_pairs_that_training_has_not_seen_are_judged_a_part_in_one_call(judged):
    pairs, judge, rows = judged
    unseen = {pair.pair_id for pair in pairs if pair.split in ("held_out", "test")}
    assert {row.pair_id for row in rows} == unseen and len(rows) == len(unseen)
    assert len(judge.calls) == 3 and sum(judge.calls) == len(rows)


def test_a_verdict_is_right_where_it_is_the_datas_and_a_pair_without_one_has_its_reason(judged):
    _, _, rows = judged
    missing = [row for row in rows if row.reason]
    assert [row.reason for row in missing] == ["too long"] and not missing[0].right
    assert all(row.right and row.preferred == "chosen" and row.flips is False for row in rows if not row.reason)
    assert {round(row.gap, 1) for row in rows if row.gap is not None} == {0.1, 0.6}


def test_fewer_pairs_are_a_subset_of_more(run_folder):
    write_pairs_run(run_folder)
    few, more = ({row.pair_id for rows in held_out_pairs(run_folder, most).values() for row in rows} for most in (3, 7))
    assert len(few) == 3 and len(more) == 7 and few < more
