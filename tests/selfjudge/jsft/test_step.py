"""The step `jsft` as a whole: pairs → a model that answers and judges, which loads as any other."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from selfj.config import LoraSettings
from selfj.errors import ModelError, RunFolderError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import JsftFolder
from selfj.selfjudge.jsft.merge import merge_adapter
from selfj.selfjudge.jsft.step import train_jsft
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.pairwise import PairRater
from selfj.selfjudge.preferences.table import Preference
from tests.selfjudge.worlds import selfjudge_settings, write_pairs_run
from tests.tiny_models import make_model
from tests.torch_engine import TorchEngine
from tests.training.sessions import saved_weights

pytestmark = pytest.mark.usefixtures("ray_local")
LEARNS = {"epochs": 6, "batch_size": 12, "learning_rate": 5e-3, "workers": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("qwen"), "qwen"))


@pytest.fixture(scope="module")
def trained(ray_local: None, model: str, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose model has learnt that `yes` is better than `no`."""
    run = RunFolder(str(tmp_path_factory.mktemp("trained") / "run"))
    write_pairs_run(run, pairs=60)
    train_jsft(run, selfjudge_settings(model, **LEARNS))
    return run


def held_out(run: RunFolder) -> list[Preference]:
    pairs: list[Preference] = from_table(Preference, run.table("preferences").read_all())
    return [pair for pair in pairs if pair.split == "held_out"]


def test_the_card_tells_what_the_model_was_made_of(trained, model):
    card = JsftFolder.load(trained.path("jsft"))
    assert (card.base_model, card.adapter_rank, card.principles, card.labels) == (model, None, ["overall"], ["0", "9"])
    assert card.judge_share == pytest.approx(2 / 3)
    assert card.examples == {"sft": card.pairs, "judge": 2 * card.pairs, "rationale": 0}
    assert card.counts == {"considered": card.pairs, "beyond_max_examples": 0, "without_examples": 0}
    assert {"lm", "judge", "accuracy", "flip_rate", "clear_accuracy", "pairs"} <= set(card.validation)
    assert card.validation["pairs"] == len(held_out(trained))
    assert [set(point["losses"]) for point in card.history] == [{"loss", "lm", "judge"}] * len(card.history)


def test_the_last_validation_is_what_a_pair_rater_finds_with_the_saved_model(trained):
    card = JsftFolder.load(trained.path("jsft"))
    rater = PairRater(TorchEngine(trained.path("jsft")), card.prompts, card.principles, card.max_prompt_tokens)  # type: ignore[arg-type]
    assert rater.encoder.labels == card.label_token_ids
    pairs = held_out(trained)
    verdicts = rater.compare([Pair(pair.instruction, pair.chosen, pair.rejected) for pair in pairs])
    right = [verdict.preferred == "a" for verdict in verdicts]
    assert np.mean(right) == pytest.approx(card.validation["accuracy"])
    assert np.mean([verdict.flips for verdict in verdicts]) == pytest.approx(card.validation["flip_rate"])
    clear = [found for found, pair in zip(right, pairs, strict=True) if (pair.gap or 0) >= 0.3]
    assert np.mean(clear) == pytest.approx(card.validation["clear_accuracy"])


def test_what_was_learnt_lowers_both_losses(trained):
    card = JsftFolder.load(trained.path("jsft"))
    first, last = card.history[0]["losses"], card.validation
    assert last["lm"] < first["lm"] and last["judge"] < first["judge"]


def test_a_finished_model_is_left_alone_and_other_settings_are_told(trained, model, capsys):
    train_jsft(trained, selfjudge_settings(model, **LEARNS))
    assert "jsft: the model is finished" in capsys.readouterr().out
    with pytest.raises(RunFolderError, match="judge_share"):
        train_jsft(trained, selfjudge_settings(model, **LEARNS, judge_share=0.5))


def test_an_adapter_is_merged_into_whole_weights(run_folder, model):
    write_pairs_run(run_folder)
    lora = LoraSettings(rank=4, alpha=8, dropout=0.0)
    train_jsft(run_folder, selfjudge_settings(model, lora=lora, learning_rate=1e-2, workers=1))
    assert JsftFolder.load(run_folder.path("jsft")).adapter_rank == 4
    base, merged = saved_weights(Path(model)), saved_weights(Path(run_folder.path("jsft")))
    adapter = saved_weights(Path(run_folder.path("jsft_adapter")))
    name = "model.layers.0.self_attn.q_proj"
    down, up = (adapter[f"base_model.model.{name}.lora_{side}.weight"] for side in "AB")
    assert up.abs().sum() > 0
    torch.testing.assert_close(merged[f"{name}.weight"], base[f"{name}.weight"].float() + 2 * up @ down)
    assert set(merged) == set(base)


def test_an_adapter_that_is_not_there_is_told(tmp_path, model):
    with pytest.raises(ModelError, match="cannot be merged into"):
        merge_adapter(model, None, str(tmp_path / "nothing"), str(tmp_path / "out"), "float32")


def test_plain_fine_tuning_has_the_same_form(run_folder, model):
    write_pairs_run(run_folder)
    manifest = train_jsft(run_folder, selfjudge_settings(model, judge_share=0.0, workers=1))
    card = JsftFolder.load(run_folder.path("jsft"))
    assert (card.judge_share, card.examples["judge"]) == (0.0, 0)
    assert "accuracy" in card.validation and set(card.history[-1]["losses"]) == {"loss", "lm"}
    assert manifest.rows_in == manifest.rows_out + manifest.rejected


def test_a_folder_that_is_no_finished_model_is_told(tmp_path, trained):
    with pytest.raises(ModelError, match=r"no JSFT model is there \(no jsft.json\)"):
        JsftFolder.load(str(tmp_path))
    (tmp_path / "jsft.json").write_text("{}")
    with pytest.raises(ModelError, match="not a JSFT model's card"):
        JsftFolder.load(str(tmp_path))
    values: dict[str, Any] = json.loads(Path(trained.path("jsft/jsft.json")).read_text())
    values["prompt_texts"]["prefix"] = "I prefer"
    (tmp_path / "jsft.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="other 'short' prompts"):
        JsftFolder.load(str(tmp_path))
