"""Small scored runs, as the steps before the training leave them."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfj.collect_settings import CollectSettings, SourceSettings
from selfj.config import LoraSettings, ModelSettings, Settings, TrainSettings
from selfj.judge.encode import label_ids
from selfj.judge.objective import SelfDistillation
from selfj.prompts import PromptEncoder
from selfj.records import Instruction, Response, Scored, instruction_id, response_id, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint
from selfj.training.batches import Batch
from tests.tiny_models import SMALL_TRAINING

if TYPE_CHECKING:
    import torch

_WORDS = ["red", "green", "blue", "one", "two", "three", "four", "five", "six", "seven"]


def write_scored_run(run: RunFolder, instructions: int = 60, per_part: int = 20, unlabelled: int = 0, words: int = 6) -> None:
    """Instructions whose answers repeat 0 to 9 words of the reference; the label says how many (a judge can learn it)."""
    random = np.random.default_rng(0)
    rows = [_row(random, number, words) for number in range(instructions)]
    for part, start in enumerate(range(0, instructions, per_part)):
        chosen = rows[start : start + per_part]
        scored = [_scored(row, labelled=start + place >= unlabelled) for place, row in enumerate(chosen)]
        run.table("instructions").write(part, to_table(Instruction, [row[0] for row in chosen]), [], len(chosen))
        run.table("responses").write(part, to_table(Response, [row[1] for row in chosen]), [], len(chosen))
        run.table("scored").write(part, to_table(Scored, scored), [], len(chosen))
    for name in ("instructions", "responses", "scored"):
        folder = run.table(name)
        folder.finish(folder.begin(Fingerprint({"made": "by a test"}, {}), "test"))


def _row(random: np.random.Generator, number: int, words: int) -> tuple[Instruction, Response, int]:
    text = f"Say {number} words: {' '.join(random.choice(_WORDS, words))}"
    reference = " ".join(random.choice(_WORDS, 9))
    label = int(random.integers(10))
    split = "calibration" if number % 5 == 4 else "test" if number % 10 == 3 else "train"
    key = instruction_id(text)
    instruction = Instruction(key, text, reference, "common", None, "test", number, split, "{}")
    answer = " ".join(reference.split()[:label] + ["no"] * (9 - label))
    return instruction, Response(response_id(key, 0), key, answer, "tiny", 0, 9, -1.0, "stop"), label


def _scored(row: tuple[Instruction, Response, int], labelled: bool) -> Scored:
    instruction, response, label = row
    quality = label / 9 if labelled else None
    reason = None if labelled else "no rating"
    return Scored(response.response_id, instruction.instruction_id, 4.5, 0.5, quality, label if labelled else None, reason)


def judge_settings(model: str, **train: object) -> Settings:
    """Settings of a small training on one model."""
    small = {**SMALL_TRAINING, "max_tokens": 256}
    return Settings(
        name="test",
        policy=ModelSettings(model=model, name="tiny"),
        prompts="short",
        collect=CollectSettings(sources=[SourceSettings(path="none")]),
        train=TrainSettings(**{**small, **train}),
    )


TINY_LORA = LoraSettings(rank=4, alpha=8, dropout=0.1)


@dataclass(frozen=True)
class Watched(SelfDistillation):
    """Self-distillation that writes down which process computed, and, if told so, kills a worker once or waits for a kill."""

    log: str = ""
    """File that gets a line (process id) per call."""
    snapshot: str = ""
    """Ray Train's list of checkpoints: the kill comes only after the first is in it."""
    then: str = ""
    """kill (one worker, once) or wait (until killed)."""

    def losses(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """The same losses."""
        self._act()
        with Path(self.log).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().losses(logits, batch)

    def _act(self) -> None:
        import torch.distributed as dist

        snapshot, done = Path(self.snapshot), Path(f"{self.log}.killed")
        if not self.then or dist.get_rank() != 1 or not snapshot.is_file() or done.exists():
            return
        done.touch()
        if self.then == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)


def watch(monkeypatch: pytest.MonkeyPatch, run: RunFolder, log: Path, then: str = "") -> None:
    """Let the train step use a Watched objective."""
    from selfj.judge import step

    snapshot = run.store.path("training/checkpoints/checkpoint_manager_snapshot.json")

    def objective(settings: Settings, encoder: PromptEncoder) -> Watched:
        return Watched(tuple(label_ids(encoder)), log=str(log), snapshot=snapshot, then=then)

    monkeypatch.setattr(step, "_objective", objective)
