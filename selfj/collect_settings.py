"""Settings of `collect`: where instructions come from, what is left out of them, and how many are kept."""

from dataclasses import dataclass, field
from typing import Literal

from selfj.filter_settings import FilterSettings
from selfj.setting_fields import ADDED, resource

Split = Literal["train", "calibration", "test"]


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
