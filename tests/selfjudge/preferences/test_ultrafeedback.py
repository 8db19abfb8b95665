from typing import Any

import pytest

from selfj.collect.formats.base import RowProblem
from selfj.selfjudge.preferences.draft import Draft
from selfj.selfjudge.preferences.table import Opinion
from selfj.selfjudge.preferences.ultrafeedback import is_rated, rated_pairs


def completion(response: str, *ratings: object) -> dict[str, Any]:
    names = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    annotations: dict[str, Any] = {
        name: {"Rating": rating, "Rationale": f"{name} of {response}"} for name, rating in zip(names, ratings, strict=False)
    }
    annotations.get("helpfulness", {})["Rationale For Rating"] = f"why {response}"
    return {"response": response, "annotations": annotations, "overall_score": 10.0}


def row(*completions: object) -> dict[str, Any]:
    return {"source": "test", "instruction": "Why?", "completions": list(completions)}


FOUR = row(
    completion("a", "5", "5", "5", "5"),
    completion("b", "1", "N/A", "1", "1"),
    completion("c", "3", "3", "3", "3"),
    completion("d", "3", "2", "4", "3"),
)


def pairs(values: dict[str, Any], take: Any = "all") -> list[Draft]:
    found = list(rated_pairs(values, take))
    assert all(isinstance(one, Draft) for one in found)
    return found  # type: ignore[return-value]


def test_every_two_completions_are_a_pair_with_the_better_one_first():
    found = pairs(FOUR)
    assert {(one.chosen, one.rejected) for one in found} == {
        ("a", "b"),
        ("a", "c"),
        ("a", "d"),
        ("c", "b"),
        ("d", "b"),
        ("c", "d"),
    }
    assert {(one.score_chosen, one.score_rejected) for one in found if one.chosen == "a"} == {(5.0, 1.0), (5.0, 3.0)}


def test_completions_of_one_mean_rating_are_a_tie():
    (tie,) = [one for one in pairs(FOUR) if {one.chosen, one.rejected} == {"c", "d"}]
    with pytest.raises(RowProblem, match="tie: both answers have score 3"):
        tie.checked()


def test_the_published_overall_score_does_not_count():
    assert all(one.score_chosen != 10 for one in pairs(FOUR))


def test_ratings_and_rationales_are_kept_by_principle():
    (found,) = [one for one in pairs(FOUR) if (one.chosen, one.rejected) == ("a", "b")]
    assert found.opinions["honesty"] == Opinion(5.0, None, "honesty of a", "honesty of b")
    assert found.opinions["honesty"].prefers_chosen is None
    assert found.opinions["helpfulness"] == Opinion(5.0, 1.0, "why a", "why b")


def test_the_best_completion_is_paired_once_with_one_of_the_others_and_always_the_same():
    (first,), (again,) = pairs(FOUR, "best"), pairs(FOUR, "best")
    assert first == again and first.chosen == "a" and first.rejected in "bcd"


def test_a_completion_without_ratings_says_so_and_the_others_are_still_pairs():
    unrated = {"response": "e", "annotations": {"honesty": {"Rating": "N/A"}}}
    problem, *found = rated_pairs(row(unrated, completion("a", "5"), completion("b", "4")), "all")
    assert isinstance(problem, RowProblem) and problem.field == "completions.0.annotations"
    assert [(one.chosen, one.rejected) for one in found if isinstance(one, Draft)] == [("a", "b")]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "wrong type: a text"),
        ({"response": "a"}, "missing ratings"),
        ({"response": "", "annotations": {}}, "empty response"),
        ({"response": "a", "annotations": {"honesty": {"Rating": "five"}}}, "wrong type: a text 'five'"),
    ],
)
def test_a_completion_of_another_kind_is_told(entry, reason):
    problem, *rest = rated_pairs(row(entry, completion("a", "5")), "best")
    assert isinstance(problem, RowProblem) and problem.reason.startswith(reason)
    assert rest == []


@pytest.mark.parametrize("values", [{"instruction": "?"}, {"instruction": "?", "completions": [completion("a", "5")]}])
def test_a_row_with_fewer_than_two_completions_is_no_pair(values):
    with pytest.raises(RowProblem, match="at least two"):
        list(rated_pairs(values, "all"))


def test_a_rated_row_is_known_by_its_completions():
    assert is_rated(FOUR) and not is_rated({"prompt": "?", "chosen": "a", "rejected": "b"})
