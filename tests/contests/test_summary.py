"""What many tournaments come to."""

import pytest

from selfj.contests.rows import Contest, Winner, bracket_of, bracket_text, winner_of
from selfj.contests.summary import Played, grades_by_size
from selfj.selfjudge.pairs import Pair, Verdict
from selfj.selfjudge.tournament import tournament


class Longer:
    """Prefers the longer answer; cannot judge `?`."""

    def compare(self, pairs: list[Pair]) -> list[Verdict]:
        return [self._verdict(pair) for pair in pairs]

    def _verdict(self, pair: Pair) -> Verdict:
        if "?" in pair.a + pair.b:
            return Verdict(None, None, None, reason="too long")
        a, b = len(pair.a), len(pair.b)
        return Verdict("a" if a > b else "b" if b > a else None, 0.6, 0.4, flips=a == b)


def play(*texts: str, key: str = "c") -> tuple[Contest, Winner]:
    contest = Contest(key, "Say.", list(texts), [f"{key}-{n}" for n in range(len(texts))], "", "{}")
    (bracket,) = tournament([contest.instruction], [contest.responses], Longer())
    return contest, winner_of(contest, bracket)


def test_the_winner_of_a_contest_is_told_with_its_bracket():
    contest, row = play("xx", "x", "xxxx", "xxx")
    assert (row.winner, row.response_id, row.response) == (2, "c-2", "xxxx")
    assert (row.responses, row.matches, row.unjudged, row.ties, row.reason) == (4, 3, 0, 0, None)
    assert bracket_of(row.bracket) == tournament([contest.instruction], [contest.responses], Longer())[0]


def test_where_nothing_could_be_judged_there_is_no_winner_and_a_reason():
    _, row = play("?", "??")
    assert (row.winner, row.response_id, row.response, row.reason, row.unjudged) == (None, None, None, "too long", 1)


def test_one_response_wins_without_a_match():
    _, row = play("x")
    assert (row.winner, row.matches, row.reason) == (0, 0, None) and bracket_of(row.bracket).winner == 0


def test_counts_and_grades_by_size_of_many_contests():
    counted = Played()
    counted.add(play("xx", "x", "xxxx", "xxx")[1], [0.2, 0.1, 0.4, 0.3])
    counted.add(play("x", "x")[1], [0.0, 1.0])
    counted.add(play("?", "?")[1], [0.0, 1.0])
    counted.add(play("x", "xx")[1], [0.5, None])
    found = counted.as_dict(resamples=200, seed=0)
    assert (found["contests"], found["won"], found["responses"], found["matches"]) == (4, 3, 10, 6)
    assert (found["unjudged"], found["ties"], found["flips"], found["judged_in_both_orders"]) == (1, 1, 1, 5)
    assert found["flip_rate"] == pytest.approx(1 / 5)
    sizes = found["by_size"]
    assert {size: point["contests"] for size, point in sizes.items()} == {"1": 2, "2": 2, "4": 1}, "only graded contests count"
    assert sizes["4"]["grade"] == pytest.approx(0.4) and sizes["4"]["gain"] == pytest.approx(0.4 - 0.25)
    assert sizes["1"]["grade"] == pytest.approx((0.25 + 0.5) / 2) and sizes["1"]["gain"] == 0.0
    assert sizes["2"]["grade_low"] <= sizes["2"]["grade"] <= sizes["2"]["grade_high"]


def test_without_grades_there_is_no_curve():
    counted = Played()
    counted.add(play("x", "xx")[1])
    assert counted.as_dict(10, 0)["by_size"] == {}


def test_grades_of_smaller_tournaments_are_means_over_all_of_them():
    _, row = play("x", "xx", "xxx", "xxxx")
    bracket = bracket_of(row.bracket)
    by_size = grades_by_size(bracket, [0.0, 0.25, 0.5, 1.0])
    halves = [bracket.entrants[:2], bracket.entrants[2:]]
    assert by_size == {1: 0.4375, 2: pytest.approx(sum([0.0, 0.25, 0.5, 1.0][max(half)] for half in halves) / 2), 4: 1.0}


def test_a_bracket_survives_being_written():
    (bracket,) = tournament(["c"], [["x", "xx", "?", "xxx", "xxxx"]], Longer())
    assert bracket_of(bracket_text(bracket)) == bracket
