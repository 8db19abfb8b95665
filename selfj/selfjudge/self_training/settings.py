"""Settings of self-training: the section `self_training` of a SELF-JUDGE run."""

from dataclasses import dataclass, field
from typing import Literal

from selfj.config import LoopSettings, LoraSettings
from selfj.selfjudge.judges import PairJudgeSettings, check_pair_judge
from selfj.selfjudge.losses import PreferenceLoss
from selfj.setting_fields import name_limit, resource

FOLDER = "self_training"
"""Below the run folder; in it a folder for each arm."""


@dataclass
class StopSettings:
    """When a run that diverges is stopped; the last good adapter is kept."""

    max_kl: float = 60.0
    """Highest KL divergence of the policy from the start, in nats per answer, estimated on answers of the policy."""
    max_growth: float = 3.0
    """Most by which answers of the policy may be longer than those of the start, as a factor of their mean length in tokens."""
    tied_rounds: int = 3
    """Rounds in a row without any usable verdict."""


@dataclass
class SelfTrainingSettings(LoopSettings):
    """Self-training from a model that answers and judges."""

    arm: str = ""
    """Its folder below RUN/self_training; by default `on_policy`, `moving_judge`, `outside_judge`, `off_policy` or `offline`."""
    mode: Literal["on_policy", "off_policy", "offline"] = "on_policy"
    """Whose answers are learnt from: the current policy's in each round, the start's (sampled and judged once), or those of the
    run's table `preferences` (split `train`)."""
    start: str = ""
    """Folder or Hugging Face name of the model to start from, which is also reference and judge; by default RUN/jsft."""
    judge: Literal["frozen", "moving", "outside"] = "frozen"
    """Who compares two answers: the start, the policy as it is in that round, or the one below."""
    outside: PairJudgeSettings | None = None
    """Any judge: another model, or a pointwise one (`{pointwise: {name: selfj, kind: selfj, model: runs/pocket/judge}}`)."""
    rounds: int = 50
    """Rounds of sampling, judging and learning."""
    round_prompts: int = 64
    """Prompts of a round, two answers each: with `batch_size` prompts every step is on-policy."""
    temperature: float = 1.0
    """Sampling temperature."""
    top_p: float = 0.9
    """Nucleus sampling: the smallest set of tokens with this probability."""
    answer_tokens: int = 512
    """Longest answer in tokens."""
    min_margin: float = 0.0
    """Pairs whose scores differ by less are left out, like ties (0 to 1)."""
    drop_flips: bool = False
    """Leave out pairs whose verdict changes with the order in which the answers are shown."""
    loss: PreferenceLoss = "sigmoid"
    """DPO, SLiC's hinge, or IPO (selfj.selfjudge.losses)."""
    beta: float = 0.1
    """Strength of the pull to the start."""
    gold: str = "none"
    """`MODULE:FUNCTION` that grades an answer, called with the prompt's metadata and the answer; only figures depend on it."""
    final_prompts: int = 256
    """Held-out prompts (split `test`) that start and finished policy answer."""
    stop: StopSettings = field(default_factory=StopSettings)
    """When to give up."""
    lora: LoraSettings | None = field(default_factory=lambda: LoraSettings(rank=8, alpha=16, dropout=0.1))
    """The adapter: the policy is the start with it, the reference is the start without."""
    max_examples: int | None = None
    """Offline: use at most so many pairs, chosen by hash."""
    validation_examples: int = 64
    """Held-out prompts answered between the first and the last step."""
    validate_every: int = resource(10)
    """Steps between these; it changes what is known of a run, not its result."""
    epochs: float = 1
    """Passes over the pairs of a round."""
    batch_size: int = 64
    """Prompts whose pairs make an optimizer step, over all workers; pairs left out make it smaller."""
    learning_rate: float = 5e-6
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Learning rate after the warm-up."""
    warmup_steps: int = 1 << 30
    """Optimizer steps to the peak; at most a tenth of all steps, which is the default (METHOD.md B: 0.1)."""
    max_tokens: int = 2048
    """Offline: pairs with a prompt and answer longer than this are left out."""
    checkpoint_every: int = resource(10)
    """Optimizer steps between checkpoints, which are made at the end of a round."""

    @property
    def name(self) -> str:
        """Name of its folder, and of its row in a comparison."""
        if self.arm or self.mode != "on_policy":
            return self.arm or self.mode
        return {"frozen": "on_policy", "moving": "moving_judge", "outside": "outside_judge"}[self.judge]

    @property
    def fresh(self) -> bool:
        """Whether each round has new answers of the policy."""
        return self.mode == "on_policy"

    @property
    def steps_per_round(self) -> int:
        """Optimizer steps of a round."""
        return max(1, round(self.round_prompts * self.epochs / self.batch_size))


def limits(settings: SelfTrainingSettings) -> list[tuple[bool, str]]:
    """What has to hold, and what is said where it does not."""
    here = "self_training"
    return [
        name_limit(settings.name, f"{here}.arm"),
        (settings.lora is not None, f"{here}.lora: self-training needs an adapter: without it the model is the reference"),
        (settings.base_model is None, f"{here}.base_model: give the model to start from as {here}.start"),
        (settings.rounds > 0 and settings.round_prompts > 0, f"{here}.rounds and round_prompts: at least 1"),
        (settings.batch_size > 0 and settings.batch_size % settings.workers == 0, f"{here}.batch_size: a multiple of workers"),
        (settings.gpus_per_worker in (0, 1), f"{here}.gpus_per_worker: 0 or 1"),
        (settings.epochs > 0, f"{here}.epochs: above 0"),
        (min(settings.validate_every, settings.checkpoint_every) > 0, f"{here}.validate_every, checkpoint_every: at least 1"),
        (0 < settings.validation_examples <= settings.final_prompts, f"{here}.validation_examples: from 1 to final_prompts"),
        (settings.beta > 0, f"{here}.beta: above 0"),
        (0 <= settings.min_margin < 1, f"{here}.min_margin: from 0 to below 1"),
        (settings.temperature > 0, f"{here}.temperature: above 0, else the two answers are the same"),
        (0 < settings.top_p <= 1, f"{here}.top_p: above 0, at most 1"),
        (settings.answer_tokens > 0, f"{here}.answer_tokens: at least 1"),
        (settings.gold == "none" or ":" in settings.gold, f"{here}.gold: none or MODULE:FUNCTION"),
        ((settings.judge == "outside") == (settings.outside is not None), f"{here}.outside: goes with judge: outside"),
        (settings.mode != "off_policy" or settings.judge != "moving", f"{here}.judge: off-policy pairs are judged once"),
        (settings.mode != "offline" or settings.judge != "moving", f"{here}.judge: offline pairs are not judged"),
        (min(settings.stop.max_kl, settings.stop.max_growth, settings.stop.tied_rounds) > 0, f"{here}.stop: above 0"),
    ]


def check_outside(settings: SelfTrainingSettings) -> None:
    """Raise SelfJError, in one line, if the judge from outside cannot be one."""
    if settings.outside is not None:
        check_pair_judge(settings.outside)
