"""The card in a trained model's folder, the same for judges and for models after JSFT."""

import dataclasses
import json
from pathlib import Path

import pytest

from selfj.errors import ModelError
from tests.cards import jsft_card, judge_card

pytestmark = pytest.mark.parametrize(("make", "kind"), [(judge_card, "judge"), (jsft_card, "JSFT model")])


def test_a_card_survives_writing_and_loading(tmp_path: Path, make, kind):
    card = make(tmp_path, counts={"considered": 6}, validation={"accuracy": 0.5}, history=[{"step": 4}], revision="main")
    card.write()
    assert type(card).load(str(tmp_path)) == card


def test_a_card_of_a_later_version_with_more_fields_is_read(tmp_path: Path, make, kind):
    card = make(tmp_path)
    card.write()
    file = tmp_path / card.card_file
    file.write_text(json.dumps({**json.loads(file.read_text()), "path": "/elsewhere", "made_by": "someone"}))
    assert type(card).load(str(tmp_path)) == card


def test_a_folder_without_a_card_is_no_model(tmp_path: Path, make, kind):
    card = make(tmp_path)
    with pytest.raises(ModelError, match=rf"no {kind} is there \(no {card.card_file}\); train one with {card.script}"):
        type(card).load(str(tmp_path))
    assert (Path(__file__).parents[2] / card.script).is_file()


@pytest.mark.parametrize("text", ["{", "[]", '{"policy": "x"}', "7"])
def test_a_card_that_is_none_is_refused_in_one_line(tmp_path: Path, make, kind, text):
    card = make(tmp_path)
    (tmp_path / card.card_file).write_text(text)
    with pytest.raises(ModelError, match=f"{card.card_file}: not a {kind}'s card") as problem:
        type(card).load(str(tmp_path))
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("changes", "named"), [({"prompt_texts": {"head": "Rate this."}}, "short"), ({"prompts": "older"}, "older")]
)
def test_a_model_trained_with_other_prompt_texts_is_refused(tmp_path: Path, make, kind, changes, named):
    card = dataclasses.replace(make(tmp_path), **changes)
    card.write()
    with pytest.raises(ModelError, match=f"the {kind} was trained with other '{named}' prompts"):
        type(card).load(str(tmp_path))
