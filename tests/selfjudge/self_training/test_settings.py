import pytest

from selfj.errors import SettingsError
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.settings import read_selfjudge_settings

_BASE = ["--policy.model", "x", "--preferences.sources", "[{path: y}]"]


def _read(*arguments: str) -> SelfTrainingSettings:
    return read_selfjudge_settings([*_BASE, *arguments]).self_training


def test_the_defaults_are_the_papers():
    how = _read()
    assert how.lora is not None and (how.lora.rank, how.lora.alpha, how.lora.dropout) == (8, 16, 0.1)
    assert (how.batch_size, how.learning_rate, how.beta, how.top_p) == (64, 5e-6, 0.1, 0.9)
    assert (how.mode, how.judge, how.loss, how.steps_per_round) == ("on_policy", "frozen", "sigmoid", 1)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "on_policy"),
        (["--self_training.judge", "moving"], "moving_judge"),
        (["--self_training.mode", "off_policy"], "off_policy"),
        (["--self_training.mode", "offline", "--self_training.arm", "plain"], "plain"),
    ],
)
def test_an_arm_is_named_after_what_it_does(arguments, name):
    assert _read(*arguments).name == name


def test_a_round_of_several_batches_has_several_steps():
    assert _read("--self_training.round_prompts", "256", "--self_training.epochs", "2").steps_per_round == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--self_training.lora", "null"], "lora: self-training needs an adapter"),
        (["--self_training.base_model", "x"], "give the model to start from as self_training.start"),
        (["--self_training.mode", "off_policy", "--self_training.judge", "moving"], "off-policy pairs are judged once"),
        (["--self_training.judge", "outside"], "outside: goes with judge: outside"),
        (["--self_training.temperature", "0"], "else the two answers are the same"),
        (["--self_training.batch_size", "3"], "batch_size: a multiple of workers"),
        (["--self_training.arm", "a/b"], "arm: a plain folder name"),
        (["--self_training.validation_examples", "500"], "validation_examples: from 1 to final_prompts"),
    ],
)
def test_what_would_fail_later_is_refused_at_once(arguments, message):
    with pytest.raises(SettingsError, match=message):
        _read(*arguments)
