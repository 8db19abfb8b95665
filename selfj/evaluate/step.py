"""The last two steps of the line: the judge's scores of held-out answers, then what they are worth."""

from typing import Any

from selfj.config import Settings
from selfj.evaluate.gold import gold_source
from selfj.evaluate.methods import methods_of
from selfj.evaluate.predictions import write_predictions
from selfj.evaluate.rows import read_splits
from selfj.run import RunFolder


def evaluate(run: RunFolder, settings: Settings) -> Any:
    """Score the answers of the test and calibration splits with the judge and its variants, sample and judge what else the
    settings compare: the tables `judged` and `judged_by_…`, `candidates`, `resample_similarities` and `judged_candidates`.

    Raises RunFolderError if a table before it is not finished, or was made with other settings.
    """
    from selfj.evaluate.candidates import make_candidates
    from selfj.evaluate.judging import judge_responses
    from selfj.evaluate.made_with import check_made_with
    from selfj.evaluate.outside import ask_outside

    check_made_with(run, settings)
    return [*judge_responses(run, settings), *make_candidates(run, settings), *ask_outside(run, settings)]


def report(run: RunFolder, settings: Settings) -> str:
    """Compute all metrics and write `report/index.html`, `metrics.json` and `predictions.parquet`; made anew each time, for it
    takes seconds.

    Returns the address of the report. Raises RunFolderError if a table is not finished or was made with other settings, DataError
    if the gold cannot be used.
    """
    from selfj.evaluate.made_with import check_made_with
    from selfj.evaluate.report.page import write_report

    check_made_with(run, settings)
    methods = methods_of(settings)
    held_out = read_splits(run, gold_source(settings.evaluate), methods)
    write_predictions(run, held_out, methods, settings)
    return write_report(run, settings, [rows for rows in held_out if rows.split == "test"])
