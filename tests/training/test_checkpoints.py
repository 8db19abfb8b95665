"""What a restarted worker finds."""

import shutil
from types import SimpleNamespace

import pytest
import ray.train

from selfj.errors import ModelError
from selfj.training.checkpoints import TrainingState, report_checkpoint, restore_checkpoint
from selfj.training.job import Point


@pytest.fixture
def reported(monkeypatch, tmp_path):
    """A state that was checkpointed, and how Ray Train gives it back."""
    state = TrainingState(step=7, precision="float32", tokens=9, seconds=1.5, sums={"loss": 2.0}, summed=8)
    state.history = [Point(5, 0.1, {"loss": 3.0}, {"student_pearson": 0.5})]
    kept = []

    def report(metrics, checkpoint, checkpoint_dir_name):
        target = tmp_path / checkpoint_dir_name
        with checkpoint.as_directory() as folder:
            shutil.copytree(folder, target)
        kept.append(ray.train.Checkpoint.from_directory(str(target)))

    monkeypatch.setattr(ray.train, "report", report)
    monkeypatch.setattr(ray.train, "get_checkpoint", lambda: kept[-1] if kept else None)
    trainee = SimpleNamespace(save_state=lambda folder: None, load_state=lambda folder: loaded.append(folder))
    loaded: list[str] = []
    return trainee, state, loaded


def test_without_a_checkpoint_training_begins_anew(reported):
    trainee, _, loaded = reported
    fresh = TrainingState(precision="float32")
    assert restore_checkpoint(trainee, fresh) is fresh
    assert loaded == []


def test_everything_that_is_counted_survives(reported):
    trainee, state, loaded = reported
    report_checkpoint(trainee, state, rank=0)
    assert restore_checkpoint(trainee, TrainingState(precision="float32")) == state
    assert len(loaded) == 1


def test_a_checkpoint_of_another_precision_is_refused_before_it_is_loaded(reported):
    trainee, state, loaded = reported
    report_checkpoint(trainee, state, rank=0)
    with pytest.raises(ModelError, match="began in float32, but this machine would go on in bfloat16"):
        restore_checkpoint(trainee, TrainingState(precision="bfloat16"))
    assert loaded == []
