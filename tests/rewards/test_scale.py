import pytest

from selfj.errors import SettingsError
from selfj.rewards import RewardSettings, reward_of


@pytest.mark.parametrize(
    ("scale", "score", "expected"),
    [
        ("unit", 9, 1),
        ("unit", 0, 0),
        ("score", 6.5, 6.5),
        ("margin", 6, 1),
        ("margin", 0, -5),
        ("answered", 5, 1),
        ("answered", 4.9, 0),
    ],
)
def test_a_score_becomes_a_reward_on_the_scale_that_was_chosen(scale, score, expected):
    assert reward_of(score, 5.0, scale) == expected


@pytest.mark.parametrize("scale", ["margin", "answered"])
def test_a_scale_that_needs_a_threshold_says_so_where_there_is_none(scale):
    with pytest.raises(SettingsError, match=f"scale: {scale} needs a threshold"):
        reward_of(5.0, None, scale)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"base_url": "localhost:8000"}, "base_url"),
        ({"scale": "percent"}, "scale"),
        ({"missing": float("nan")}, "missing"),
        ({"tries": 0}, "tries"),
        ({"requests_at_once": 0}, "requests_at_once"),
    ],
)
def test_settings_that_would_fail_later_fail_at_once(fields, named):
    with pytest.raises(SettingsError, match=named):
        RewardSettings(**fields)
