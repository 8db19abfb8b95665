"""Settings of the endpoint, from YAML and the command line like those of a run.

selfj serve runs/pocket --port 8000
python ray_jobs/serve.py --config configs/serve.yaml --run runs/pocket
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from selfj.arguments import check_limits, settings_from
from selfj.config import EngineSettings, ModelSettings


@dataclass
class ReplicaSettings:
    """Replicas of one deployment, and what each of them takes at a time."""

    min_replicas: int = 1
    """Replicas when nothing is asked."""
    max_replicas: int = 1
    """Replicas at the most; more than `min_replicas` means autoscaling."""
    target_ongoing_requests: float = 16
    """Autoscaling adds replicas when they have more requests in work than this, each."""
    max_ongoing_requests: int = 64
    """Requests in work in one replica; further ones wait."""
    max_queued_requests: int = 256
    """Requests that may wait for a replica, in each ingress; above it a request gets 503 with Retry-After."""
    upscale_delay_s: float = 30
    """How long the load has to stay high before a replica is added."""
    downscale_delay_s: float = 300
    """How long it has to stay low before one is taken away."""


@dataclass
class AccessSettings:
    """Who may ask."""

    keys_file: str = ""
    """File with one API key per line (`#` begins a comment)."""
    keys_variable: str = "SELFJ_API_KEYS"
    """Environment variable with API keys, separated by commas."""
    open: bool = False
    """Ask for no key. Then the endpoint listens on the loopback interface only."""
    cors_origins: list[str] = field(default_factory=list)
    """Web origins whose pages may call the endpoint; by default none."""


@dataclass
class LimitSettings:
    """What one request may ask for; above it 413 (body) or 422 with the field named."""

    body_bytes: int = 1_000_000
    """Longest request body."""
    prompt_tokens: int = 0
    """Longest prompt for the policy in tokens; 0 means what the model's context leaves for an answer."""
    max_tokens: int = 2048
    """Longest answer in tokens that may be asked for."""
    n: int = 8
    """Answers to one request (`n`)."""
    best_of: int = 32
    """Candidates of one answer."""
    items: int = 256
    """Answers to judge, rerank or reward in one request."""
    text_characters: int = 200_000
    """Longest instruction, response or reference."""
    request_s: float = 120
    """A request that takes longer gets 504, and its work is cancelled."""


@dataclass
class LogSettings:
    """The request log: one JSON line a request, without any text of users."""

    requests: bool = True
    """Whether requests are logged."""
    texts: bool = False
    """Also log instructions and answers. They may be confidential."""


@dataclass
class ServeSettings:
    """The judge endpoint of one run."""

    run: str = ""
    """The run folder: its policy answers, its judge decides."""
    name: str = ""
    """Name of the model for clients; by default the policy's in the run."""
    host: str = "127.0.0.1"
    """Interface that the endpoint listens on."""
    port: int = 8000
    """Its port."""
    metrics_port: int = 0
    """Port of the metrics for Prometheus where the endpoint starts a Ray of its own; 0 takes a free one."""
    promise: str = ""
    """What a model name without `@` means: `coverage=0.8`, `quality=0.7`, `always` …; by default what was calibrated last, and
    `always` where nothing was."""
    refusal: str = ""
    """Sentence for declined requests, with {score}, {threshold} and {promise}; by default selfj.serve.decide.REFUSAL."""
    policy: ModelSettings = field(default_factory=ModelSettings)
    """Fields that are set here replace those of the run's policy (another folder for the same weights, say)."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """vLLM, in each replica."""
    shared_engine: bool = True
    """One engine for policy and judge where the judge is a LoRA adapter on the policy's weights."""
    comparing: str = ""
    """Folder of a model that compares two answers (RUN/jsft), for tournaments among candidates: an engine of its own. None is
    needed where the policy is such a model."""
    pick: Literal["score", "tournament"] = "score"
    """How one of several candidates is picked where a request does not say: by its score, or by a tournament."""
    ingress_replicas: ReplicaSettings = field(default_factory=lambda: ReplicaSettings(max_ongoing_requests=256))
    """HTTP: parsing, decisions, best-of-N."""
    policy_replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    """Engines that answer; both roles where the engine is shared."""
    judge_replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    """Engines that judge."""
    access: AccessSettings = field(default_factory=AccessSettings)
    """API keys, CORS."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    """What one request may ask for."""
    log: LogSettings = field(default_factory=LogSettings)
    """Request log."""
    page: bool = True
    """Serve the page at `/`."""
    drain_s: float = 30
    """How long a stopping replica may finish what it has begun."""


def read_serve_settings(arguments: Sequence[str] | None = None, program: str = "serve.py") -> ServeSettings:
    """Settings from `--config FILE` and `--section.field VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for an unknown setting, a wrong type or a value outside its range.
    """
    settings = settings_from(ServeSettings, arguments, program)
    check_serve_settings(settings)
    return settings


def check_serve_settings(settings: ServeSettings) -> None:
    """Raise SettingsError, in one line, for values that would fail, or surprise, later."""
    limits = [
        (bool(settings.run), "run: give a run folder"),
        (0 < settings.port < 65536, "port: 1 to 65535"),
        (0 <= settings.metrics_port < 65536, "metrics_port: 0 to 65535"),
        ("@" not in settings.name, "name: without @, which begins a promise"),
        (not settings.access.open or settings.host in LOOPBACK, "access.open: without keys only on 127.0.0.1 (host)"),
        (_is_sentence(settings.refusal), "refusal: in braces only {score}, {threshold} and {promise}"),
        *_replica_limits(settings),
        *((value > 0, f"limits.{name}: above 0") for name, value in vars(settings.limits).items() if name != "prompt_tokens"),
        (settings.limits.prompt_tokens >= 0, "limits.prompt_tokens: at least 0"),
        (settings.limits.items <= MOST_ENTRIES, f"limits.items: at most {MOST_ENTRIES}"),
        (settings.drain_s >= 0, "drain_s: at least 0"),
    ]
    check_limits(limits)


MOST_ENTRIES = 10_000
"""Of any list in a request: a longer one is not even read to its end."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _is_sentence(refusal: str) -> bool:
    try:
        refusal.format(score="", threshold="", promise="")
    except (LookupError, ValueError, AttributeError):
        return False
    return True


def _replica_limits(settings: ServeSettings) -> list[tuple[bool, str]]:
    found = []
    for name in ("ingress_replicas", "policy_replicas", "judge_replicas"):
        replicas: ReplicaSettings = getattr(settings, name)
        found += [
            (1 <= replicas.min_replicas <= replicas.max_replicas, f"{name}: 1 ≤ min_replicas ≤ max_replicas"),
            (replicas.max_ongoing_requests > 0, f"{name}.max_ongoing_requests: at least 1"),
            (replicas.max_queued_requests >= -1, f"{name}.max_queued_requests: at least 0, or -1 for no bound"),
            (replicas.target_ongoing_requests > 0, f"{name}.target_ongoing_requests: above 0"),
            (min(replicas.upscale_delay_s, replicas.downscale_delay_s) >= 0, f"{name}: delays of at least 0"),
        ]
    return found
