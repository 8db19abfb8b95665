"""What an endpoint loads."""

import pytest

from selfj.errors import ModelError
from selfj.serve.served import ServedRun
from selfj.serve.settings import ServeSettings
from tests.serve.folders import make_run


@pytest.mark.parametrize(("adapter", "name"), [(False, "model.safetensors"), (True, "adapter_model.safetensors")])
def test_pickled_weights_are_refused_with_the_folder_named(tmp_path, adapter, name):
    run = make_run(tmp_path / "run", adapter=adapter)
    weights = run / "judge" / name
    assert ServedRun.of(ServeSettings(run=str(run))).judge.adapter is adapter
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"judge: no .*safetensors; .*pickled"):
        ServedRun.of(ServeSettings(run=str(run)))


def test_no_setting_turns_on_the_code_of_a_models_author_or_other_formats(tmp_path):
    settings = ServeSettings(run=str(make_run(tmp_path / "run")))
    settings.engine.options = {"trust_remote_code": True, "load_format": "pt", "max_num_seqs": 3}
    options = ServedRun.of(settings).engine.options
    assert options == {"trust_remote_code": False, "load_format": "safetensors", "max_num_seqs": 3}
