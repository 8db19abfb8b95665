"""What crosses the borders between driver, engine and training processes: plain values."""

from dataclasses import dataclass

from selfj.config import EngineSettings, ModelSettings
from selfj.run import RunFolder
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.store import local_copy
from selfj.tables import TableFolder

PROMPTS, TEST, TRAIN_SPLIT = "prompts", "test", "train"
"""Splits of the run's instructions: prompts learnt from, prompts of probes, pairs of offline learning."""


@dataclass(frozen=True)
class Task:
    """One self-training run, as every process sees it."""

    run: str
    """Address of the SELF-JUDGE run."""
    folder: str
    """Address of the arm's folder in it."""
    model: ModelSettings
    """The start."""
    engine: EngineSettings
    how: SelfTrainingSettings
    prompts: str
    """Texts of the judge's prompt."""
    principles: tuple[str, ...]
    judge_tokens: int | None
    """Longest prompt of the judge in training; None if that is not known."""
    seed: int

    def table(self, name: str) -> TableFolder:
        """A table of the arm."""
        return TableFolder(RunFolder(self.folder).store, name, restart="self_training")

    @property
    def run_folder(self) -> RunFolder:
        """The SELF-JUDGE run, with prompts and preferences."""
        return RunFolder(self.run)


def readable(model: str) -> str:
    """A model's folder as libraries can read it: copied to this machine if it lies on a remote file system."""
    return local_copy(model) if "://" in model else model
