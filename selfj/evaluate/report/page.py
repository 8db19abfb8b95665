"""The report of a run: `report/index.html`, one file that works offline, and `report/metrics.json`."""

import json
from typing import Any

import yaml

from selfj import __version__
from selfj.config import Settings, as_dict
from selfj.evaluate.evaluation import metrics_of
from selfj.evaluate.gold import gold_source
from selfj.evaluate.methods import TASK_MEAN, methods_of
from selfj.evaluate.report import sections, words
from selfj.evaluate.report.ranking import METRICS, Ranking, read_ranking
from selfj.evaluate.report.rendering import environment
from selfj.evaluate.report.view import CALIBRATED, PICKERS, View, bins_of, view_of
from selfj.evaluate.rows import HeldOut, read_held_out
from selfj.progress import duration
from selfj.run import RunFolder

HTML = "report/index.html"
METRICS_JSON = "report/metrics.json"


def write_report(run: RunFolder, settings: Settings, policies: list[HeldOut] | None = None) -> str:
    """Compute the metrics of a run and write both files; returns the address of the HTML file.

    `policies`: the rows of its test split, where they have been read already (with the methods of the settings).

    Raises RunFolderError if a table is missing or unfinished, DataError if the gold cannot be used.
    """
    if policies is None:
        policies = read_held_out(run, gold_source(settings.evaluate), methods_of(settings))
    metrics = metrics_of(policies, run, settings)
    run.store.write(METRICS_JSON, json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False).encode())
    views = [
        view_of(run, held_out, metrics["policies"][held_out.policy], settings, f"p{number}")
        for number, held_out in enumerate(policies, start=1)
    ]
    run.store.write(HTML, render(views, read_ranking(run), metrics, settings).encode())
    return run.path(HTML)


def render(views: list[View], ranking: Ranking | None, metrics: dict[str, Any], settings: Settings) -> str:
    """The HTML page; every text from data is escaped."""
    template = environment(comparison=words.comparison, duration=duration, bins=bins_of).get_template("report.html.jinja")
    text = template.render(
        views=views,
        ranking=ranking,
        metrics=metrics,
        settings=settings,
        settings_text=yaml.safe_dump(as_dict(settings), sort_keys=False, allow_unicode=True),
        shown=sections.shown,
        left_out=sections.left_out,
        pickers=PICKERS,
        calibrated_styles=CALIBRATED,
        rank_metrics=METRICS,
        task_mean=TASK_MEAN,
        version=__version__,
    )
    return str(text)
