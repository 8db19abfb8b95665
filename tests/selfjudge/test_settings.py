"""Settings of SELF-JUDGE runs: the files people start from, and what is refused."""

from pathlib import Path

import pytest

from selfj.errors import SettingsError
from selfj.selfjudge.settings import SelfJudgeSettings, read_selfjudge_settings

CONFIGS = Path(__file__).parents[2] / "configs"
POCKET = str(CONFIGS / "jsft_pocket.yaml")


def read(*arguments: str) -> SelfJudgeSettings:
    return read_selfjudge_settings(["--config", POCKET, *arguments])


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("jsft*.yaml")), ids=lambda file: file.stem)
def test_every_file_is_read_and_checked(file):
    settings = read_selfjudge_settings(["--config", str(file)])
    assert settings.name == file.stem, "its run folder is called like the file"


def test_settings_for_a_real_model_train_as_the_paper_did():
    jsft = read_selfjudge_settings(["--config", str(CONFIGS / "jsft_ultrafeedback.yaml")]).jsft
    assert (jsft.learning_rate, jsft.batch_size, jsft.epochs, jsft.schedule, jsft.lora) == (2e-5, 128, 1, "cosine", None)


def test_the_command_line_wins_over_the_file():
    settings = read("--jsft.judge_share", "0.5", "--principles", "[helpfulness, truthfulness]")
    assert settings.jsft.judge_share == 0.5
    assert settings.principles == ["helpfulness", "truthfulness"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--principles", "[kindness]"], "principles: unknown kindness"),
        (["--principles", "[overall, overall]"], "principles: each at most once"),
        (["--principles", "[]"], "principles: give at least one"),
        (["--preferences.sources", "[]"], "preferences.sources: give at least one"),
        (["--preferences.sources", "[{path: x, noise: 1.5}]"], "noise from 0 to below 1"),
        (["--preferences.prompts_fraction", "0.9"], "the fractions are at least 0, and together below 1"),
        (["--jsft.judge_share", "1.5"], "jsft.judge_share: from 0 to 1"),
        (["--jsft.batch_size", "7"], "jsft.batch_size: a multiple of jsft.workers"),
        (["--restart_from", "collect"], "restart_from: one of preferences, jsft"),
        (["--name", "a/b"], "name: a plain folder name"),
    ],
)
def test_what_would_fail_later_is_refused_in_one_line(arguments, said):
    with pytest.raises(SettingsError, match="settings: ") as refused:
        read(*arguments)
    assert said in str(refused.value) and "\n" not in str(refused.value)
