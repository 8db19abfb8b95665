"""The Ray Serve application of one run: an ingress, and engines for the policy and the judge, or one engine for both."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ray import serve

from selfj.engine import engine_pool
from selfj.parts import QUIET
from selfj.rating import Question
from selfj.selfjudge.pairs import Pair
from selfj.serve.app import create_app
from selfj.serve.clients import QUESTIONS, Calls, JudgeClient, PairJudgeClient, Refusal
from selfj.serve.draining import Drain
from selfj.serve.endpoint import Endpoint
from selfj.serve.engine import ServedEngine
from selfj.serve.guard.headers import LeaveIdToProxy
from selfj.serve.guard.keys import Keys, read_keys
from selfj.serve.observe.ray_metrics import RayMetrics
from selfj.serve.policy_client import USUALLY_TOGETHER, PolicyClient
from selfj.serve.replicas import Replicas
from selfj.serve.served import ServedRun
from selfj.serve.services import Compared, Delta, Overloaded, PromptRefused, Rated, SampleCall, Sampled
from selfj.serve.settings import ReplicaSettings, ServeSettings
from selfj.serve.together import Together

INGRESS, POLICY, JUDGE, ENGINE, PAIR_JUDGE = "Ingress", "Policy", "Judge", "Engine", "PairJudge"
"""Names of the deployments; `Engine` is policy and judge in one. What compares answers is one, or a role of the policy's."""
HEALTH_PERIOD_S = 2
"""A replica that was killed is missed after this long."""
HEALTH_TIMEOUT_S = 30
NO_BOUND = 1_000_000
"""Requests that a replica works on: more than any machine has connections."""
NOT_PROMISED = "not as when the run's answers were drawn; what was calibrated is not promised for this policy"
DRAIN_LOOP_S = 0.5
"""How often a stopping replica looks whether it is idle."""


class EngineReplica:
    """One engine in one replica.

    Args:
        run: what is served.
        roles: of POLICY, JUDGE and PAIR_JUDGE; the first decides which weights the engine has.
    """

    def __init__(self, run: ServedRun, roles: Sequence[str]) -> None:
        engines = {POLICY: run.policy_engine, JUDGE: run.judge_engine, PAIR_JUDGE: run.comparing_engine}
        self._engine = ServedEngine(engines[roles[0]])
        self._policy = run.policy_role(self._engine) if POLICY in roles else None
        self._judge = run.judge_role(self._engine) if JUDGE in roles else None
        self._pair_judge = run.pair_judge_role(self._engine) if PAIR_JUDGE in roles else None
        self._together = Together()

    def check_health(self) -> None:
        """Ray replaces the replica when this raises."""
        self._engine.check()

    async def sample_each(self, calls: Mapping[str, SampleCall]) -> AsyncIterator[dict[str, Sampled | Refusal]]:
        """The policy's answers to several requests, by their keys, each as soon as it is finished."""
        async for finished in self._together.run({key: self._sample(call) for key, call in calls.items()}):
            yield finished

    def forget(self, key: str) -> None:
        """Nobody waits any more for one of the requests of `sample_each`."""
        self._together.forget(key)

    async def _sample(self, call: SampleCall) -> Sampled | Refusal:
        assert self._policy is not None
        try:
            return await self._policy.sample(call)
        except PromptRefused as problem:
            return Refusal(str(problem), problem.field)

    async def stream(self, call: SampleCall) -> AsyncIterator[Delta | Refusal]:
        """The policy's answers in pieces."""
        assert self._policy is not None
        try:
            async for delta in self._policy.stream(call):
                yield delta
        except PromptRefused as problem:
            yield Refusal(str(problem), problem.field)

    async def rate_each(self, calls: Sequence[Sequence[Question]]) -> list[Rated]:
        """The judge's ratings of several requests' questions."""
        assert self._judge is not None
        return await self._judge.rate_each(calls)

    async def compare(self, pairs: Sequence[Pair], request_id: str) -> Compared:
        """Verdicts on pairs of answers."""
        assert self._pair_judge is not None
        return await self._pair_judge.compare(pairs, request_id)


@serve.ingress()
class Ingress:
    """HTTP: the application of selfj/serve/app.py over handles of the engines."""

    def __init__(
        self, settings: ServeSettings, run: ServedRun, keys: Keys | None, policy: Any, judge: Any, comparing: Any = None
    ) -> None:
        name = serve.get_replica_context().app_name
        judges = engine_replicas(settings, run.shared)[-1]
        handles = (policy, judge, *([comparing] if comparing else []))
        by_handle = [Calls(handle, Replicas(name, handle.deployment_name)) for handle in handles]
        self._endpoint = Endpoint(
            settings,
            run.name,
            PolicyClient(by_handle[0], room(settings.policy_replicas)),
            JudgeClient(by_handle[1], room(judges), judges.min_replicas),
            run.promises,
            run.sampling,
            run.context(),
            RayMetrics(run.name),
            keys,
            run.policy.system_prompt,
            run.departures,
            PairJudgeClient(by_handle[2]) if comparing else None,
        )

    def __serve_build_asgi_app__(self) -> Any:  # Ray Serve's name for it
        """The ASGI application, made in the replica."""
        app = create_app(self._endpoint)
        app.add_middleware(LeaveIdToProxy)
        self._drain = Drain(app)
        return self._drain

    async def drain(self, limit_s: float) -> int:
        """Let no further request in and finish those under way; how many are left after `limit_s` seconds."""
        return await self._drain.close(limit_s)


def application(settings: ServeSettings) -> Any:
    """The application to deploy. Raises SelfJError, in one line, if the run cannot be served."""
    run = ServedRun.of(settings)
    keys = read_keys(settings.access)
    if run.departures:
        print(f"warning: {', '.join(run.departures)}: {NOT_PROMISED}", flush=True)
    how = engine_replicas(settings, run.shared)
    further = (PAIR_JUDGE,) if run.policy_compares else ()
    if run.shared:
        policy = judge = _engine(ENGINE, run, settings, how[0]).bind(run, (POLICY, JUDGE, *further))
    else:
        policy = _engine(POLICY, run, settings, how[0]).bind(run, (POLICY, *further))
        judge = _engine(JUDGE, run, settings, how[1]).bind(run, (JUDGE,))
    comparing = policy if further else None
    if run.comparing and not further:
        comparing = _engine(PAIR_JUDGE, run, settings, settings.judge_replicas).bind(run, (PAIR_JUDGE,))
    ingress = serve.deployment(Ingress).options(name=INGRESS, ray_actor_options={"num_cpus": 0}, **ingress_options(settings))
    return ingress.bind(settings, run, keys, policy, judge, comparing)


def engine_replicas(settings: ServeSettings, shared: bool) -> list[ReplicaSettings]:
    """Replicas of the engines: one entry if it is shared, else the policy's and the judge's."""
    return [settings.policy_replicas] if shared else [settings.policy_replicas, settings.judge_replicas]


def room(replicas: ReplicaSettings) -> int:
    """Requests that a deployment takes from one that asks it: in work in all replicas, and waiting; -1 for no bound."""
    if replicas.max_queued_requests < 0:
        return -1
    return replicas.max_replicas * replicas.max_ongoing_requests + replicas.max_queued_requests


def ingress_options(settings: ServeSettings) -> dict[str, Any]:
    """Options of the ingress. It bounds its work itself (guard/admission.py), so that who is turned away gets our error object.

    Ray Serve has no bound then: its proxy would count a burst as waiting before any of it is passed on. What waits in a proxy
    while there is no ingress is bounded by the proxy's connections.
    """
    bounds = {"max_ongoing_requests": NO_BOUND, "max_queued_requests": -1}
    return {**replica_options(settings.ingress_replicas, settings.drain_s), **bounds}


def replica_options(replicas: ReplicaSettings, drain_s: float, requests_per_call: int = 1) -> dict[str, Any]:
    """Options of a Ray Serve deployment. `requests_per_call`: how many requests share one call when there are many."""
    options: dict[str, Any] = {
        "max_ongoing_requests": replicas.max_ongoing_requests,
        "max_queued_requests": replicas.max_queued_requests,
        "backpressure_config": {"retry_after_s": Overloaded.retry_after_s},
        "graceful_shutdown_timeout_s": drain_s,
        "graceful_shutdown_wait_loop_s": DRAIN_LOOP_S,
        "health_check_period_s": HEALTH_PERIOD_S,
        "health_check_timeout_s": HEALTH_TIMEOUT_S,
        "logging_config": {"enable_access_log": False},
    }
    if replicas.max_replicas == replicas.min_replicas:
        return {**options, "num_replicas": replicas.min_replicas}
    scaling = {
        "min_replicas": replicas.min_replicas,
        "max_replicas": replicas.max_replicas,
        "target_ongoing_requests": replicas.target_ongoing_requests / requests_per_call,
        "upscale_delay_s": replicas.upscale_delay_s,
        "downscale_delay_s": replicas.downscale_delay_s,
    }
    return {**options, "autoscaling_config": scaling}


def _engine(name: str, run: ServedRun, settings: ServeSettings, replicas: ReplicaSettings) -> Any:
    pool = engine_pool(run.engine)
    # In the replica's own process: vLLM's other way leaves processes behind when a replica is killed.
    environment = {**QUIET, **pool.environment, "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    actor = {"num_cpus": pool.cpus, "num_gpus": pool.gpus, "runtime_env": {"env_vars": environment}}
    options = replica_options(replicas, settings.drain_s, {JUDGE: QUESTIONS, POLICY: USUALLY_TOGETHER}.get(name, 1))
    return serve.deployment(EngineReplica).options(name=name, ray_actor_options=actor, **options)
