"""The runs of a SELF-JUDGE study, one after the other; what is finished is skipped, what fails loses nothing else."""

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from selfj.config import ModelSettings
from selfj.contests.settings import TournamentSettings
from selfj.contests.step import run_tournament
from selfj.errors import SelfJError
from selfj.progress import duration
from selfj.run import RunFolder
from selfj.selfjudge.jobs import run_selfjudge_steps
from selfj.selfjudge.judges import PairJudgeSettings
from selfj.selfjudge.measured.answers import Answering, answers_table, make_answers
from selfj.selfjudge.measured.verdicts import judge_held_out
from selfj.selfjudge.self_training.host import Hosts
from selfj.selfjudge.self_training.step import self_train
from selfj.selfjudge.settings import SelfJudgeSettings
from selfj.study.selfjudge.settings import SFT, START, SelfJudgeStudySettings, arm_settings, run_settings, sft_settings

TOURNAMENT = "tournament"
SECONDS = "seconds.json"
"""Working time of each stage, over all attempts."""


@dataclass
class SeedRun:
    """What became of one seed."""

    seed: int
    folder: str
    problems: dict[str, str] = field(default_factory=dict)
    """Stage → why it is not there."""


def run_seeds(study: SelfJudgeStudySettings) -> list[SeedRun]:
    """Run everything that is not finished; never raises for one stage's fault. Needs nothing but the settings."""
    done = []
    for number, seed in enumerate(study.seeds, 1):
        print(f"study: seed {seed} ({number} of {len(study.seeds)})", flush=True)
        done.append(run_seed(study, seed))
    return done


def run_seed(study: SelfJudgeStudySettings, seed: int) -> SeedRun:
    """All stages of one seed; those that build on one that failed are not begun."""
    settings = run_settings(study, seed)
    done = SeedRun(seed, settings.run_folder)
    _attempt(done, START, lambda: run_selfjudge_steps(settings, ["preferences", "jsft"]))
    if study.sft:
        _attempt(done, SFT, lambda: _without_judge_examples(study, seed, settings))
    if START in done.problems:
        return done
    with Hosts() as hosts:
        for arm in study.arms:
            chosen = arm_settings(study, seed, arm)
            _attempt(done, arm, lambda chosen=chosen: self_train(RunFolder(chosen.run_folder), chosen, hosts))  # type: ignore[misc]
    _attempt(done, "verdicts", lambda: _judge(study, settings))
    if study.tournament > 1:
        _attempt(done, TOURNAMENT, lambda: _hold_tournaments(study, settings))
    return done


def _attempt(done: SeedRun, stage: str, work: Callable[[], object]) -> None:
    """Do one stage; a fault is written down, not raised, and its time is kept."""
    started = time.monotonic()
    try:
        work()
    except SelfJError as problem:
        done.problems[stage] = str(problem)
    except Exception as problem:  # a library's fault in one stage must not lose the others
        traceback.print_exc()
        done.problems[stage] = f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
    took = time.monotonic() - started
    _add_seconds(RunFolder(done.folder), stage, took)
    said = f"failed: {done.problems[stage]}" if stage in done.problems else f"ended after {duration(took)}"
    print(f"study: seed {done.seed}: {stage}: {said}", flush=True)


def _add_seconds(run: RunFolder, stage: str, took: float) -> None:
    known = seconds_of(run)
    known[stage] = round(known.get(stage, 0.0) + took, 1)
    run.store.write(SECONDS, json.dumps(known, indent=1).encode())


def seconds_of(run: RunFolder) -> dict[str, float]:
    """Working time of each stage so far."""
    return json.loads(run.store.read(SECONDS)) if run.store.exists(SECONDS) else {}


def _answering(settings: SelfJudgeSettings, folder: str, prompts: int, answers: int) -> Answering:
    policy = settings.policy
    model = ModelSettings(
        model=folder, name=policy.name, dtype=policy.dtype, context=policy.context, system_prompt=policy.system_prompt
    )
    return Answering.like(settings.self_training, model, prompts, answers, settings.seed)


def _without_judge_examples(study: SelfJudgeStudySettings, seed: int, start: SelfJudgeSettings) -> None:
    settings = sft_settings(study, seed)
    trained = run_selfjudge_steps(settings, ["preferences", "jsft"])
    how = _answering(settings, trained.path("jsft"), start.self_training.final_prompts, study.sft_answers)
    make_answers(trained, SFT, how, settings.engine)


def _judge(study: SelfJudgeStudySettings, settings: SelfJudgeSettings) -> None:
    run = RunFolder(settings.run_folder)
    judge_held_out(run, _start_as_judge(run, settings), study.pairs, settings.engine, settings.seed)


def _start_as_judge(run: RunFolder, settings: SelfJudgeSettings) -> PairJudgeSettings:
    return PairJudgeSettings(ModelSettings(model=run.path("jsft"), dtype=settings.policy.dtype, context=settings.policy.context))


def _hold_tournaments(study: SelfJudgeStudySettings, settings: SelfJudgeSettings) -> None:
    run = RunFolder(settings.run_folder)
    how = _answering(settings, run.path("jsft"), study.tournament_prompts, study.tournament)
    make_answers(run, START, how, settings.engine)
    run_tournament(
        TournamentSettings(
            name=TOURNAMENT,
            runs=run.address,
            run=run.address,
            tables=[answers_table(START)],
            judge=_start_as_judge(run, settings),
            gold=settings.self_training.gold,
            bootstrap=study.bootstrap,
            seed=settings.seed,
            engine=settings.engine,
        )
    )
