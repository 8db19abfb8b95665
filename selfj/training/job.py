"""What is to be trained and what came of it: the two things that cross the border between the driver and the workers."""

from dataclasses import dataclass, field

from selfj.config import LoopSettings
from selfj.training.objective import Objective


@dataclass(frozen=True)
class TrainingJob:
    """One training."""

    name: str
    """Of the step, for its progress lines."""
    run: str
    """Address of the run folder."""
    examples: str
    """Its table of examples; the checkpoints lie in the same folder."""
    output: str
    """Its folder for the trained model."""
    base_model: str
    """Folder or Hugging Face name of the model to start from, as the user wrote it: what adapters name as their base."""
    base_path: str
    """The same as workers find it."""
    revision: str | None
    settings: LoopSettings
    objective: Objective
    seed: int
    quotas: tuple[int, ...] = ()
    """Examples of each kind in every batch, where there are several; an example's kind is then the first of its numbers."""


@dataclass
class Point:
    """Means since the point before, and the validation at this step."""

    step: int
    """Optimizer steps done."""
    learning_rate: float
    losses: dict[str, float]
    validation: dict[str, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """What the loop returns to the driver."""

    steps: int = 0
    precision: str = ""
    """Number format it computed in."""
    examples: int = 0
    """Distinct examples that were learnt from."""
    validation_examples: int = 0
    tokens: int = 0
    """Tokens read in training, without padding, over all workers."""
    seconds: float = 0.0
    """Working time of the steps that count (work lost to a crash is not in it)."""
    history: list[Point] = field(default_factory=list)
    problem: str = ""
    """Why training could not go on, where it is something the user can mend."""

    @property
    def validation(self) -> dict[str, float]:
        """Figures of the last validation."""
        return self.history[-1].validation if self.history else {}
