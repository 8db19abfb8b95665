"""The step `self_training`: a model after JSFT → an adapter that makes its answers better, `self_training.json` beside it.

RUN/self_training/ARM/: `pairs/`, `probes/`, `adapters/` (between rounds), `adapter/` (the result), `self_training.json`.
"""

from collections.abc import Sequence
from typing import Any

from selfj.config import ModelSettings, absolute_path, as_dict
from selfj.engine import check_model_folder, content_of_model
from selfj.errors import SelfJError
from selfj.progress import Progress
from selfj.prompts import PromptEncoder, load_tokenizer
from selfj.records import Rejected, to_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import CARD, JsftFolder
from selfj.selfjudge.judges import pair_judge_made_with
from selfj.selfjudge.self_training.host import Hosts, answer_of
from selfj.selfjudge.self_training.objective import DirectPreference
from selfj.selfjudge.self_training.results import (
    ADAPTER,
    PAIRS,
    PROBES,
    arm_folder,
    read_result,
    result_of,
    write_result,
)
from selfj.selfjudge.self_training.rows import JudgedPair
from selfj.selfjudge.self_training.settings import FOLDER, check_outside
from selfj.selfjudge.self_training.sources import STEP, PromptStream, given_pairs
from selfj.selfjudge.self_training.task import Task, readable
from selfj.selfjudge.self_training.worker import SelfTrainingJob, self_training_worker
from selfj.selfjudge.settings import SelfJudgeSettings
from selfj.tables import Fingerprint, Manifest, TableFolder, timed
from selfj.training.job import Outcome
from selfj.training.launch import run_workers


def self_train(run: RunFolder, settings: SelfJudgeSettings, hosts: Hosts | None = None) -> dict[str, Any]:
    """Make one arm; returns what its `self_training.json` holds. A finished arm is left alone, one that was killed goes on.

    Needs a Ray cluster. `hosts`: to share the engine with other arms of the same start, which saves its start.

    Raises SelfJError, in one line, for what the user can mend, and if the run diverged: its last good adapter and its figures
    lie in the folder then.
    """
    if hosts is None:
        with Hosts() as own:
            return self_train(run, settings, own)
    arm = arm_folder(run, settings.self_training.name)
    if settings.restart_from == STEP:
        run.store.remove(f"{FOLDER}/{settings.self_training.name}")
    check_outside(settings.self_training)
    task = task_of(run, settings)
    fingerprint = _fingerprint(run, task, settings)
    folder = task.table(ADAPTER)
    if folder.finished(fingerprint):
        print(f"{STEP}: {settings.self_training.name} is finished", flush=True)
        return read_result(run, settings.self_training.name)
    manifest = folder.begin(fingerprint, STEP)
    tables = {name: task.table(name).begin(fingerprint, STEP) for name in (PAIRS, PROBES)}
    with timed(folder, manifest):
        outcome = _train(task, hosts)
    return _finish(arm, task, outcome, manifest, tables)


def task_of(run: RunFolder, settings: SelfJudgeSettings) -> Task:
    """The settings as every process needs them. Raises ModelError if there is nothing to start from."""
    how = settings.self_training
    start = absolute_path(how.start) if how.start else run.path("jsft")
    card = JsftFolder.load(start) if RunFolder(start).store.exists(CARD) else None
    if card is None:
        check_model_folder(readable(start))
    template = settings.policy.chat_template
    own_template = None if card or not template else absolute_path(template)
    model = ModelSettings(
        model=start,
        name=settings.policy.name,
        dtype=settings.policy.dtype,
        context=settings.policy.context,
        chat_template=own_template,
        system_prompt=settings.policy.system_prompt,
    )
    return Task(
        run=run.address,
        folder=arm_folder(run, how.name).address,
        model=model,
        engine=settings.engine,
        how=how,
        prompts=card.prompts if card else settings.prompts,
        principles=tuple(settings.principles),
        judge_tokens=card.max_prompt_tokens if card else None,
        seed=settings.seed,
    )


def _fingerprint(run: RunFolder, task: Task, settings: SelfJudgeSettings) -> Fingerprint:
    how = settings.self_training
    left = ("arm", "outside", "stop")  # with other bounds a run that was stopped may go on
    chosen = {name: value for name, value in as_dict(how, resources=False).items() if name not in left}
    judged, files = pair_judge_made_with(how.outside) if how.outside else ({}, {})
    inputs = {name: run.upstream(name, STEP).fingerprint.digest for name in ("prompts", "preferences")}
    return Fingerprint(
        {STEP: chosen, "seed": task.seed, "prompts": task.prompts, "principles": list(task.principles), "outside": judged}
        | {"policy": {**as_dict(task.model, resources=False), "model": ""}},
        {**inputs, **content_of_model(task.model), **{f"outside_{name}": digest for name, digest in files.items()}},
    )


def _train(task: Task, hosts: Hosts) -> Outcome:
    engine, judge = hosts.engine(task), hosts.judge(task)
    outcome = run_workers(job_of(task, engine, judge, fixed_pairs(task, engine, judge)), self_training_worker)
    if outcome.problem and not RunFolder(task.folder).store.exists(f"{ADAPTER}/adapter_config.json"):
        raise SelfJError(outcome.problem)
    return outcome


def job_of(task: Task, engine: Any, judge: Any, fixed: Sequence[int]) -> SelfTrainingJob:
    """What the training processes are given."""
    return SelfTrainingJob(
        name=STEP,
        run=RunFolder(task.folder).store.address,
        examples=PAIRS,
        output=ADAPTER,
        base_model=task.model.model,
        base_path=task.model.model,
        revision=None,
        settings=task.how,
        objective=DirectPreference(task.how.loss, task.how.beta),
        seed=task.seed,
        task=task,
        host=engine,
        judge=judge,
        fixed=tuple(fixed),
    )


def fixed_pairs(task: Task, engine: Any, judge: Any) -> list[int]:
    """Make the pairs that all rounds learn from, if they do; returns their parts."""
    if task.how.mode == "on_policy":
        return []
    if task.how.mode == "offline":
        _write_given(task)
        return [0]
    parts = PromptStream(task.run_folder, task.how, task.seed).parts
    progress = Progress(f"{STEP}: {PAIRS}", len(parts), "parts")
    for part in parts:
        answer_of(engine.pairs.remote(task, judge, part, None))
        progress.add(1)
    return parts


def _write_given(task: Task) -> None:
    table = task.table(PAIRS)
    if table.has(0):
        return
    tokenizer = load_tokenizer(readable(task.model.model), task.model.chat_template)
    encoder = PromptEncoder(tokenizer, "standard", task.how.max_tokens, task.model.system_prompt)
    found = list(given_pairs(task.run_folder, encoder, task.how))
    pairs = [one for one in found if isinstance(one, JudgedPair)]
    table.write(0, to_table(JudgedPair, pairs), [one for one in found if isinstance(one, Rejected)], len(found))


def _finish(arm: RunFolder, task: Task, outcome: Outcome, manifest: Manifest, tables: dict[str, Manifest]) -> dict[str, Any]:
    """Write the result; then finish the tables, or raise what stopped the run."""
    result = result_of(
        arm,
        task.how,
        outcome,
        seed=task.seed,
        start=task.model.model,
        seconds=manifest.seconds,
        rows_rejected=task.table(PAIRS).rejected().num_rows,
        settings=as_dict(task.how),
    )
    write_result(arm, result)
    if outcome.problem:
        raise SelfJError(f"{outcome.problem} (last good adapter: {arm.address}/{ADAPTER})")
    for name, begun in tables.items():
        task.table(name).finish(begun)
    _mark(task.table(ADAPTER), manifest, outcome, result["pairs"]["prompts"], result["pairs"]["pairs"])
    print(f"{STEP}: {_told(result)}", flush=True)
    return result


def _mark(folder: TableFolder, manifest: Manifest, outcome: Outcome, pairs: int, learnt_from: int) -> None:
    manifest.finished, manifest.rows_in, manifest.rows_out, manifest.rejected = True, pairs, learnt_from, pairs - learnt_from
    manifest.details = {"steps": outcome.steps, "tokens": outcome.tokens, "training_seconds": outcome.seconds}
    folder.write_manifest(manifest)


def _told(result: dict[str, Any]) -> str:
    last = result["probes"][-1]
    shown = {"grade": last["grade"], "start's": last["start_grade"], "win rate": last["win_rate"], "KL": last["kl"]}
    return f"{result['arm']}: " + ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
