"""The engine in a Ray actor that lives over all rounds, and over all arms of a run: one copy of the start's weights.

Policy and judge are these weights with and without the policy's adapter, which is loaded anew before each round.
"""

import dataclasses
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from selfj.config import EngineSettings, ModelSettings
from selfj.engine import Adapter, Engine, engine_pool
from selfj.errors import SelfJError
from selfj.parts import QUIET, Pool
from selfj.selfjudge.judges import PairJudgeSettings, load_pair_judge, located_judge, pair_judge_pool
from selfj.selfjudge.pairs import Pair, PairJudge, Verdict
from selfj.selfjudge.self_training.makers import RoundMaker
from selfj.selfjudge.self_training.results import PAIRS, PROBES
from selfj.selfjudge.self_training.task import Task, readable
from selfj.store import local_copy


class EngineHost:
    """What the actor runs. It loads the model at its first use, so that what a user can mend is told in one line."""

    def __init__(self, model: ModelSettings, engine: EngineSettings, rank: int, seed: int) -> None:
        self._made_with = (model, engine, rank, seed)
        self._engine: Engine | None = None
        self._maker: RoundMaker | None = None
        self._numbers: dict[str, int] = {}

    def ready(self) -> None:
        """Load the model."""
        if self._engine is None:
            model, settings, rank, seed = self._made_with
            here = dataclasses.replace(model, model=readable(model.model))
            self._engine = Engine(here, settings, Adapter("policy", "", rank), seed)

    def pairs(self, task: Task, judge: Any, part: int, adapter: str | None) -> None:
        """Write a part of `pairs`, unless it is there; without an adapter it is of the start."""
        table = task.table(PAIRS)
        if not table.has(part):
            made = self._adapted(task, judge, part, adapter).pairs(part, adapted=adapter is not None)
            table.write(part, made.rows, made.rejects, made.rows_in)

    def probe(self, task: Task, judge: Any, part: int, adapter: str | None, count: int) -> None:
        """Write a part of `probes`, unless it is there."""
        table = task.table(PROBES)
        if not table.has(part):
            made = self._adapted(task, judge, part, adapter).probe(count, adapted=adapter is not None)
            table.write(part, made.rows, made.rejects, made.rows_in)

    def _adapted(self, task: Task, judge: Any, part: int, adapter: str | None) -> RoundMaker:
        self.ready()
        assert self._engine is not None
        if self._maker is None or self._maker.task != task:
            self._maker = RoundMaker(task, self._engine, judge and RemoteJudge(judge))
        if adapter is not None:
            self._load(adapter)
        return self._maker

    def _load(self, adapter: str) -> None:
        assert self._engine is not None and self._engine.adapter is not None
        number = self._numbers.setdefault(adapter, len(self._numbers) + 1)
        self._engine.adapter = Adapter(f"policy-{number}", local_copy(adapter), self._engine.adapter.rank, number)


class JudgeHost:
    """A judge from outside, in an actor of its own."""

    def __init__(self, settings: PairJudgeSettings, engine: EngineSettings, seed: int) -> None:
        self._made_with = (settings, engine, seed)
        self._judge: PairJudge | None = None

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """Verdicts on pairs."""
        if self._judge is None:
            self._judge = load_pair_judge(*self._made_with)
        return self._judge.compare(pairs)


class RemoteJudge:
    """A JudgeHost as a PairJudge."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """Verdicts on pairs."""
        found: list[Verdict] = answer_of(self.host.compare.remote(list(pairs)))
        return found


def answer_of(reference: Any) -> Any:
    """What an actor's method returns. Raises the SelfJError that it raised, without Ray's wrapper."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as problem:
        if isinstance(problem.cause, SelfJError):
            raise type(problem.cause)(str(problem.cause.args[0])) from None
        raise


def start_engine(model: ModelSettings, engine: EngineSettings, rank: int, seed: int) -> Any:
    """An EngineHost in an actor; it begins to load at once. Ray starts it again if it dies, and asks it once more."""
    host = _actor(EngineHost, engine_pool(engine)).remote(model, engine, rank, seed)
    host.ready.remote()
    return host


def start_judge(settings: PairJudgeSettings, engine: EngineSettings, seed: int) -> Any:
    """A JudgeHost in an actor."""
    return _actor(JudgeHost, pair_judge_pool(settings, engine)).remote(settings, engine, seed)


_RESTARTS = 3
"""How often an actor that died is started again, and what it was asked is asked once more."""


def _actor(kind: type, pool: Pool) -> Any:
    """Engine and training take turns, so what the training reserves of CPUs is enough for both."""
    import ray

    return ray.remote(kind).options(
        num_cpus=0,
        num_gpus=pool.gpus,
        max_restarts=_RESTARTS,
        max_task_retries=_RESTARTS,
        runtime_env={"env_vars": {**QUIET, **pool.environment}},
    )


class Hosts:
    """The actors that arms share: the engine of a start, and a judge from outside. Use it in a `with` statement."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, Any]] = {}

    def __enter__(self) -> "Hosts":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for role in list(self._made):
            self._end(role)

    def engine(self, task: Task) -> Any:
        """An engine with the start's weights; the one that is there if it has these."""
        assert task.how.lora is not None
        return self._host("engine", (task.model, task.engine, task.how.lora.rank, task.seed), start_engine)

    def judge(self, task: Task) -> Any:
        """The judge from outside; None if the start or the policy judges."""
        if task.how.outside is None:
            return None
        return self._host("judge", (located_judge(task.how.outside), task.engine, task.seed), start_judge)

    def _host(self, role: str, wanted: Any, start: Any) -> Any:
        if role not in self._made or self._made[role][0] != wanted:
            self._end(role)
            self._made[role] = (wanted, start(*wanted))
        return self._made[role][1]

    def _end(self, role: str) -> None:
        import ray

        if role in self._made:
            ray.kill(self._made.pop(role)[1])
