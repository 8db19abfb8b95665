"""Label tokens and what is read from them."""

import numpy as np
import pytest

from selfj.errors import ModelError
from selfj.labels import expected_value, label_token_ids, normalised_probabilities
from selfj.prompts import PromptEncoder
from tests.tiny_models import ARCHITECTURES, make_tokenizer


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_digit_is_one_token_of_its_own_in_the_prompt(architecture: str) -> None:
    tokenizer = make_tokenizer(architecture)
    ids = label_token_ids(tokenizer, PromptEncoder(tokenizer, "short", 100).rating_text("a", "b"))
    assert [tokenizer.decode([token]).strip() for token in ids] == list("0123456789")


def test_a_tokenizer_whose_digits_are_not_single_tokens_is_refused_in_one_line() -> None:
    tokenizer = make_tokenizer("llama", digits=False)
    with pytest.raises(ModelError, match="digits are single tokens") as problem:
        label_token_ids(tokenizer, PromptEncoder(tokenizer, "short", 100).rating_text("a", "b"))
    assert "\n" not in str(problem.value)


def test_labels_that_share_a_token_are_refused() -> None:
    class Same:
        unk_token_id = None

        def encode(self, text: str, add_special_tokens: bool) -> list[int]:
            return [1] if text == "p" else [1, 7]

    with pytest.raises(ModelError, match="same token"):
        label_token_ids(Same(), "p", ["A", "B"])


def test_probabilities_are_normalised_and_their_mass_is_kept() -> None:
    logprobs = np.log(np.array([[0.1, 0.3], [0.5, 0.5]]))
    probabilities, mass = normalised_probabilities(logprobs)
    assert probabilities == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
    assert mass == pytest.approx([0.4, 1.0])


def test_very_unlikely_labels_still_have_proportions() -> None:
    probabilities, mass = normalised_probabilities(np.array([[-1000.0, -1000.0 + np.log(3)]]))
    assert probabilities == pytest.approx(np.array([[0.25, 0.75]]))
    assert mass[0] == 0.0


def test_a_missing_logprob_makes_the_row_nan_not_zero() -> None:
    probabilities, _ = normalised_probabilities(np.array([[np.nan, -1.0]]))
    assert np.isnan(probabilities).all()


def test_the_expected_value_is_the_mean_digit() -> None:
    certain = np.eye(10)
    assert expected_value(certain) == pytest.approx(np.arange(10))
    assert expected_value(np.full((1, 10), 0.1)) == pytest.approx([4.5])
