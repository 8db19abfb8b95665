"""A judge's folder."""

import dataclasses
import json

from selfj.judge.judge import CARD, judge_hash
from tests.cards import judge_card


def test_thresholds_begin_empty(tmp_path):
    judge_card(tmp_path).write()
    assert json.loads((tmp_path / CARD).read_text())["thresholds"] == {}


def test_a_calibration_leaves_the_hash_of_a_judge_as_it_is_and_other_weights_do_not(tmp_path):
    judge = judge_card(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    judge.write()
    before = judge_hash(str(tmp_path))
    dataclasses.replace(judge, thresholds={"quality=0.7": {"threshold": 4.0}}, calibration={"on": "gold"}).write()
    assert judge_hash(str(tmp_path)) == before
    dataclasses.replace(judge, examples=6).write()
    assert judge_hash(str(tmp_path)) != before
    judge.write()
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    assert judge_hash(str(tmp_path)) != before


def test_an_engine_loads_the_folder_or_the_base_of_the_adapter(tmp_path):
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert (judge_card(tmp_path).model, judge_card(tmp_path).chat_template) == (str(tmp_path), None)
    adapter = judge_card(tmp_path, adapter=True, adapter_rank=16)
    assert (adapter.model, adapter.chat_template) == ("base", str(tmp_path / "chat_template.jinja"))
    assert judge_card(tmp_path, adapter=True, base_path=str(tmp_path)).model == str(tmp_path)
