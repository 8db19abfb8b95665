"""Settings of a SELF-JUDGE run: one section per step, one run folder, read by every script of the method in `ray_jobs/`.

`RUN/preferences/` (preferences.table.Preference) and `RUN/prompts/` (Prompt) → `RUN/jsft/`: a folder of whole weights with a
tokenizer and a `jsft.json` (jsft.card.JsftFolder), which is where self-training starts and what judges. Whoever adds a step
adds a section here and its tables to STEP_TABLES.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from selfj.arguments import check_limits, settings_from
from selfj.config import EngineSettings, LoopSettings, ModelSettings
from selfj.selfjudge.self_training.settings import SelfTrainingSettings, limits
from selfj.selfjudge.wording import OVERALL, PRINCIPLES
from selfj.setting_fields import folder_of, name_limit, resource

STEP_TABLES: dict[str, list[str]] = {
    "preferences": ["preferences", "prompts"],
    "jsft": ["jsft_examples", "jsft_adapter", "jsft"],
    "self_training": ["self_training"],
}
"""Steps in order, and what each makes in the run folder."""

SPLITS = ("test", "prompts", "held_out", "train")
"""Of instructions, by hash: kept for final evaluation; prompts of self-training; pairs the judge is validated on; JSFT."""


@dataclass
class PairFieldSettings:
    """Which columns of a table of pairs hold what; of several names the first that is not empty is taken (selfj.config)."""

    prompt: list[str] = field(default_factory=lambda: ["prompt", "instruction", "question"])
    """The instruction, or the conversation up to the answers as a list of turns."""
    input: list[str] = field(default_factory=lambda: ["input"])
    """Optional text the instruction works on; it is put below the instruction."""
    messages: list[str] = field(default_factory=lambda: ["messages", "conversation"])
    """The conversation up to the answers, in place of the prompt; not read where the answers come with their conversation."""
    chosen: list[str] = field(default_factory=lambda: ["chosen", "chosen_response"])
    """The preferred answer: a text, or a conversation whose last turn it is."""
    rejected: list[str] = field(default_factory=lambda: ["rejected", "rejected_response"])
    """The other one."""
    score_chosen: list[str] = field(
        default_factory=lambda: ["score_chosen", "chosen_score", "chosen_rating", "chosen_avg_rating"]
    )
    """Optional score of the preferred answer, on any scale."""
    score_rejected: list[str] = field(
        default_factory=lambda: ["score_rejected", "rejected_score", "rejected_rating", "rejected_avg_rating"]
    )
    """The same of the other."""
    principles: list[str] = field(default_factory=lambda: ["principles"])
    """Optional ratings by principle: {honesty: {chosen: 4, rejected: 2, rationale_chosen: …, rationale_rejected: …}}."""
    metadata: list[str] = field(default_factory=lambda: ["metadata"])
    """Columns to keep as they are, as JSON; of a `metadata` object its entries (what a gold grade needs, say)."""


@dataclass
class PairSourceSettings:
    """One source of pairs."""

    path: str = ""
    """File, folder or glob (JSONL, JSON, CSV, Parquet); `hf://OWNER/NAME`; or `MODULE:FUNCTION` for a generator."""
    name: str = ""
    """Name in the tables; by default the last part of the path."""
    kind: Literal["auto", "pairs", "ultrafeedback", "hh"] = "auto"
    """What a row is: a pair (UltraFeedback binarized among them), UltraFeedback's four rated completions, or HH-RLHF's two
    transcripts; `auto` goes by the row."""
    format: Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "dataset", "hf", "generator"] = "auto"
    """How to read it; `auto` goes by the path."""
    fields: PairFieldSettings = field(default_factory=PairFieldSettings)
    """Which columns hold what, where a row is a pair."""
    completions: Literal["all", "best"] = "all"
    """Of several rated completions: every two with different scores, or the best one and another drawn by hash."""
    noise: float = 0.0
    """Share of the pairs of the split `train` whose two answers are exchanged, by hash: wrong preferences, as people's are."""
    split: str = "train"
    """Split of a data set."""
    config: str = ""
    """Configuration of an `hf://` data set."""
    revision: str | None = None
    """Revision of an `hf://` data set."""
    rows: int | None = None
    """Read at most so many rows (a generator: make so many)."""
    seed: int = 0
    """Seed of a generator."""


@dataclass
class PreferenceSettings:
    """The table of pairs, and who may use which of them: splits by hash of the instruction, so that none is in two."""

    sources: list[PairSourceSettings] = field(default_factory=list)
    """Where the pairs come from."""
    held_out_fraction: float = 0.05
    """Share of the instructions on whose pairs the judge is validated."""
    prompts_fraction: float = 0.2
    """Share kept for self-training: JSFT sees neither their prompts nor their answers."""
    test_fraction: float = 0.1
    """Share kept for the final evaluation."""
    max_line_megabytes: float = 4.0
    """A longer row is rejected unread."""
    workers: int = resource(2)
    """Source shards read at a time."""


@dataclass
class JsftSettings(LoopSettings):
    """Judge-augmented supervised fine-tuning (METHOD.md B, JSFT)."""

    judge_share: float | None = None
    """Share of judge examples in every batch; by default that of all examples. 0 is plain supervised fine-tuning."""
    judge_weight: float = 1.0
    """Weight of a judge example's loss; that of an answer has 1."""
    rationale_weight: float = 1.0
    """Weight of the rationale after a decision, where the data has one; 0 leaves rationales out."""
    clear_gap: float = 0.3
    """Held-out pairs whose scores differ by at least so much are also reported alone (in units of the scores)."""
    max_examples: int | None = None
    """Use at most so many pairs of the split `train`, chosen by hash."""
    validation_examples: int = 256
    """Pairs of the split `held_out` that are judged during training."""
    epochs: float = 1
    """Passes over the chosen answers (with judge_share 1: over the judge examples)."""
    learning_rate: float = 2e-5
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """Learning rate after the warm-up."""
    max_tokens: int = 2048
    """Longest sequence. A longer judge prompt loses the middle of its answers; a longer answer its end."""


@dataclass
class SelfJudgeSettings:
    """One SELF-JUDGE run."""

    name: str = "selfjudge"
    """Name of the run: its folder below `runs`."""
    runs: str = resource("runs")
    """Folder of runs: local, NFS, or any fsspec address."""
    seed: int = 0
    """Seed of everything that is drawn."""
    prompts: Literal["standard", "short"] = "standard"
    """Texts of the judge's prompt (selfj.selfjudge.wording.PAIR_PROMPTS): `short` for tiny models."""
    principles: list[str] = field(default_factory=lambda: [OVERALL])
    """What answers are compared by: `overall`, helpfulness, honesty, instruction_following, truthfulness. Each has a vote."""
    restart_from: str = resource("")
    """Throw away this step's tables and those of all later steps, and make them anew."""
    policy: ModelSettings = field(default_factory=ModelSettings)
    """The model to start from."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """vLLM, in every step that reads from a model."""
    preferences: PreferenceSettings = field(default_factory=PreferenceSettings)
    """Step 1: pairs."""
    jsft: JsftSettings = field(default_factory=JsftSettings)
    """Step 2: one model that answers and judges."""
    self_training: SelfTrainingSettings = field(default_factory=SelfTrainingSettings)
    """Step 3: it learns from its own answers, judged by itself."""

    @property
    def run_folder(self) -> str:
        """Address of this run's folder."""
        return folder_of(self.runs, self.name)


def read_selfjudge_settings(arguments: Sequence[str] | None = None, program: str = "jsft.py") -> SelfJudgeSettings:
    """Settings from `--config FILE` and `--section.field VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for an unknown setting, a wrong type or a value outside its range.
    """
    settings = settings_from(SelfJudgeSettings, arguments, program)
    check_limits(_limits(settings))
    return settings


def _limits(settings: SelfJudgeSettings) -> list[tuple[bool, str]]:
    pairs, jsft = settings.preferences, settings.jsft
    held = pairs.held_out_fraction + pairs.prompts_fraction + pairs.test_fraction
    unknown = ", ".join(name for name in settings.principles if name not in PRINCIPLES)
    return [
        name_limit(settings.name),
        (bool(settings.policy.model), "policy.model: give a folder or a Hugging Face name"),
        (not unknown, f"principles: unknown {unknown} (there is {', '.join(PRINCIPLES)})"),
        (bool(settings.principles), "principles: give at least one"),
        (len(set(settings.principles)) == len(settings.principles), "principles: each at most once"),
        (settings.restart_from in ("", *STEP_TABLES), f"restart_from: one of {', '.join(STEP_TABLES)}"),
        (bool(pairs.sources), "preferences.sources: give at least one source"),
        (all(0 <= source.noise < 1 for source in pairs.sources), "preferences.sources: noise from 0 to below 1"),
        (
            min(pairs.held_out_fraction, pairs.prompts_fraction, pairs.test_fraction) >= 0 and held < 1,
            "preferences: the fractions are at least 0, and together below 1",
        ),
        (pairs.max_line_megabytes > 0, "preferences.max_line_megabytes: above 0"),
        (pairs.workers > 0 and jsft.workers > 0 and settings.engine.workers > 0, "workers: at least 1"),
        (jsft.judge_share is None or 0 <= jsft.judge_share <= 1, "jsft.judge_share: from 0 to 1"),
        (jsft.judge_weight > 0, "jsft.judge_weight: above 0 (judge_share 0 leaves judge examples out)"),
        (jsft.rationale_weight >= 0, "jsft.rationale_weight: at least 0"),
        (jsft.epochs > 0, "jsft.epochs: above 0"),
        (jsft.batch_size > 0 and jsft.batch_size % jsft.workers == 0, "jsft.batch_size: a multiple of jsft.workers"),
        (jsft.gpus_per_worker in (0, 1), "jsft.gpus_per_worker: 0 or 1"),
        *limits(settings.self_training),
    ]
