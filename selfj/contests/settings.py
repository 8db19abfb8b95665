"""Settings of a tournament job.

python ray_jobs/tournament.py --run runs/pocket --judge.model.model runs/pocket/jsft/model
python ray_jobs/tournament.py --path candidates.jsonl --judge.pointwise '{kind: selfj, model: runs/pocket/judge}'
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from selfj.arguments import check_limits, settings_from
from selfj.collect_settings import Split
from selfj.config import EngineSettings
from selfj.selfjudge.judges import PairJudgeSettings, check_pair_judge
from selfj.setting_fields import folder_of


@dataclass
class TournamentSettings:
    """Of the candidate responses to each instruction the one that wins a knock-out tournament."""

    name: str = "tournament"
    """Name of the output folder below `runs`."""
    runs: str = "runs"
    """Folder of runs: local, NFS, or any fsspec address (s3://, gs://)."""
    path: str = ""
    """A table from anywhere: file, folder, glob or `hf://OWNER/NAME`. Its rows have a list of responses, or one response each,
    and then those of one instruction compete."""
    run: str = ""
    """Instead of `path`: a run, whose policy's answers compete."""
    tables: list[str] = field(default_factory=lambda: ["responses", "candidates"])
    """Tables of the run that answers are taken from, as far as they are there; of a SELF-JUDGE run one like `answers_start`."""
    splits: list[Split] = field(default_factory=lambda: ["test"])
    """Splits of the run's instructions."""
    instruction: list[str] = field(default_factory=lambda: ["instruction", "prompt", "question"])
    """Columns of the table with the instruction; of several the first that holds text is taken."""
    responses: list[str] = field(default_factory=lambda: ["responses", "candidates", "outputs"])
    """Columns with a list of responses."""
    response: list[str] = field(default_factory=lambda: ["response", "output", "answer"])
    """Columns with one response, where there is no list."""
    rows: int | None = None
    """Read at most so many rows of the table."""
    most: int | None = None
    """Let at most so many responses compete, the first ones."""
    rows_per_part: int = 200
    """Contests of one part: all matches of a round of a part are judged in one call of the engine."""
    judge: PairJudgeSettings = field(default_factory=PairJudgeSettings)
    """What compares two answers."""
    gold: str = "none"
    """`MODULE:FUNCTION` that grades a response given the instruction's metadata, for the curve of grades; or `none`."""
    bootstrap: int = 1000
    """Resamples (of contests) behind each interval."""
    seed: int = 0
    """Of who meets whom."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """vLLM."""

    @property
    def folder(self) -> str:
        """Address of the output folder."""
        return folder_of(self.runs, self.name)


def read_tournament_settings(arguments: Sequence[str] | None = None) -> TournamentSettings:
    """Settings from `--config FILE` and `--field VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for what is unknown, of a wrong type or missing.
    """
    settings = settings_from(TournamentSettings, arguments, "tournament.py")
    check_tournament(settings)
    return settings


def check_tournament(settings: TournamentSettings) -> None:
    """Raise SettingsError, in one line, for values that would fail later."""
    limits = [
        (bool(settings.path) != bool(settings.run), "give either `path` (a table) or `run` (a run folder)"),
        (bool(settings.tables) and bool(settings.splits), "tables and splits: at least one of each"),
        (settings.most is None or settings.most > 0, "most: at least 1"),
        (settings.rows_per_part > 0, "rows_per_part: at least 1"),
        (settings.gold == "none" or ":" in settings.gold, "gold: MODULE:FUNCTION, or none"),
    ]
    check_limits(limits)
    check_pair_judge(settings.judge)
