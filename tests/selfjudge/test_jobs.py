"""What the scripts do around the steps: settings, restarts, one line of error; and the pocket world's pairs from end to end."""

import pytest

from selfj.config import SELF_JUDGE_STEPS
from selfj.run import RunFolder
from selfj.selfjudge.jobs import ENTRIES, restart_from, run_selfjudge
from selfj.selfjudge.jsft.card import JsftFolder
from selfj.selfjudge.preferences.table import Preference
from selfj.selfjudge.settings import STEP_TABLES
from selfj.store import Store


def test_a_wrong_setting_is_one_line_of_error(capsys):
    with pytest.raises(SystemExit) as ended:
        run_selfjudge("jsft", arguments=["--jsft.judge_share", "2"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: settings: ") and said.count("\n") == 1


def test_a_restart_throws_away_the_step_and_all_later_ones(run_folder):
    for step, tables in STEP_TABLES.items():
        for name in tables:
            Store(run_folder.path(name)).write("made", step.encode())
    restart_from(run_folder, "jsft")
    left = [name for tables in STEP_TABLES.values() for name in tables if run_folder.store.exists(name)]
    assert left == ["preferences", "prompts"]


def test_every_step_that_a_script_can_run_is_known_to_a_restart_and_to_the_tables_errors():
    assert set(ENTRIES) <= set(STEP_TABLES) == set(SELF_JUDGE_STEPS)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_local")
def test_the_pocket_worlds_pairs_make_a_model_that_answers_and_judges(tmp_path):
    small = {"--preferences.sources": "[{path: 'selfj.pocket.preferences:pairs', name: pocket, rows: 300, noise: 0.1}]"}
    small |= {"--jsft.batch_size": "32", "--jsft.validation_examples": "40", "--runs": str(tmp_path), "--name": "tiny"}
    arguments = [part for item in small.items() for part in item]
    run_selfjudge("preferences", "jsft", arguments=["--config", "configs/jsft_pocket.yaml", *arguments])
    run = RunFolder(str(tmp_path / "tiny"))
    card = JsftFolder.load(run.path("jsft"))
    pairs = run.table("preferences").read_all()
    assert pairs.num_rows == 300 and set(pairs.column_names) == set(Preference.__dataclass_fields__)
    assert card.pairs == pairs.column("split").to_pylist().count("train")
    assert card.validation["lm"] < 2 and 0 <= card.validation["clear_accuracy"] <= 1
