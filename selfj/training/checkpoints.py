"""Step-level checkpoints through Ray Train: what is in them, and how a restarted worker goes on from the last."""

import dataclasses
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from selfj.errors import ModelError
from selfj.training.job import Outcome, Point
from selfj.training.trainee import Trainee

_STATE = "progress.json"


@dataclass
class TrainingState:
    """How far a training is; the same in all workers."""

    step: int = 0
    """Optimizer steps done."""
    precision: str = "float32"
    """Number format it computes in."""
    tokens: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    """Losses since the last point of the history, summed over examples."""
    summed: int = 0
    """Examples in these sums."""
    history: list[Point] = field(default_factory=list)

    def outcome(self) -> Outcome:
        """What is to be told of it."""
        return Outcome(
            steps=self.step, precision=self.precision, tokens=self.tokens, seconds=round(self.seconds, 2), history=self.history
        )


def report_checkpoint(trainee: Trainee, state: TrainingState, rank: int) -> None:
    """Save everything a restart needs; Ray Train puts the workers' files into one folder and forgets older checkpoints.

    All workers call it, and wait for each other in it.
    """
    import ray.train

    with tempfile.TemporaryDirectory() as folder:
        trainee.save_state(folder)
        if rank == 0:
            (Path(folder) / _STATE).write_text(json.dumps(dataclasses.asdict(state)))
        checkpoint = ray.train.Checkpoint.from_directory(folder)
        ray.train.report({"step": state.step}, checkpoint=checkpoint, checkpoint_dir_name=f"step-{state.step:07d}")


def restore_checkpoint(trainee: Trainee, fresh: TrainingState) -> TrainingState:
    """Load the last checkpoint into the model and say how far it was; `fresh` if there is none.

    Raises ModelError if it was made in another precision (`auto` on another kind of machine).
    """
    import ray.train

    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        return fresh
    with checkpoint.as_directory() as folder:
        values = json.loads((Path(folder) / _STATE).read_text())
        if values["precision"] != fresh.precision:
            raise ModelError(
                f"the training began in {values['precision']}, but this machine would go on in {fresh.precision}; "
                "go on on a machine like the first, or set the precision and train anew with --restart-from train"
            )
        trainee.load_state(folder)
    history = [Point(**point) for point in values.pop("history")]
    return TrainingState(**values, history=history)
