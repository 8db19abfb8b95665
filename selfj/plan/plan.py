"""Settings → plan: reads what can be read cheaply, computes the rest, and says what it assumed."""

from dataclasses import dataclass
from pathlib import Path

from selfj.columns import short_count
from selfj.config import Settings
from selfj.errors import SelfJError
from selfj.plan import rates
from selfj.plan.basis import Basis, Count, Stage, added, times, weights_gigabytes
from selfj.plan.checks import fewer_workers, problems
from selfj.plan.cost import NodeHours, Storage, node_hours
from selfj.plan.lengths import measure
from selfj.plan.models import ModelSize, local_folder, looks_local, model_size, size_from_headers
from selfj.plan.rates import Cluster
from selfj.plan.sources import SourceRows, first_texts, source_rows
from selfj.plan.stages import planned_stages
from selfj.prompts import PromptEncoder, load_tokenizer

FEW_TEST_INSTRUCTIONS = 200


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    settings: Settings
    cluster: Cluster
    sources: list[SourceRows]
    stages: list[Stage]
    storage: Storage
    assumptions: list[str]
    notes: list[str]
    problems: list[str]
    """What would make it fail; empty if it can start."""

    @property
    def seconds(self) -> Count:
        """Time of the whole run; the stages run one after the other."""
        return added(rates.JOB_START_SECONDS, *(stage.seconds for stage in self.stages))

    @property
    def node_hours(self) -> NodeHours:
        """Hours of the cluster's nodes."""
        return node_hours(self.stages, self.cluster, self.seconds)


def make_plan(settings: Settings, cluster: Cluster) -> Plan:
    """The plan of one run on a cluster. Starts nothing, loads no weights, writes nothing, asks no network."""
    sources = [source_rows(number, settings.collect) for number in range(len(settings.collect.sources))]
    policy_folder = local_folder(settings.policy.model, settings.policy.revision)
    judge_folder = local_folder(settings.train.base_model) if settings.train.base_model else policy_folder
    basis = Basis(
        settings=settings,
        cluster=cluster,
        source_rows=added(*(source.rows for source in _readable(sources))),
        lengths=measure(first_texts(sources), settings, _encoder(settings, policy_folder)),
        policy=model_size(settings.policy.model, policy_folder),
        judge=model_size(settings.train.base_model or settings.policy.model, judge_folder),
        embedding=_embedding_size(settings),
    )
    stages = planned_stages(basis)
    lost = [source.problem for source in sources if source.problem]
    goes_on = not settings.collect.strict and len(lost) < len(sources)
    found = [] if goes_on else lost
    notes = [f"left out: {problem}" for problem in lost if goes_on] + _notes(basis, sources, stages, policy_folder)
    found += problems(basis, stages, policy_folder, judge_folder)
    return Plan(settings, cluster, sources, stages, _storage(basis, stages), _assumptions(basis), notes, found)


def _readable(sources: list[SourceRows]) -> list[SourceRows]:
    """The sources that can be read; all of them if none can."""
    return [source for source in sources if not source.problem] or sources


def _encoder(settings: Settings, folder: Path | None) -> PromptEncoder | None:
    """The policy's own tokenizer and template; None if they are not here or cannot be used, which `problems` tells."""
    if folder is None:
        return None
    try:
        tokenizer = load_tokenizer(str(folder), settings.policy.chat_template)
        return PromptEncoder(tokenizer, settings.prompts, settings.train.max_tokens, settings.policy.system_prompt)
    except SelfJError:
        return None


def _embedding_size(settings: Settings) -> ModelSize | None:
    from selfj.score.similarity import embedding_folder

    folder = Path(embedding_folder(settings.score.embedding_model))
    return size_from_headers(folder) or model_size(settings.score.embedding_model, local_folder(settings.score.embedding_model))


def _storage(basis: Basis, stages: list[Stage]) -> Storage:
    """Tables, judges and checkpoints; and the weights of each model once."""
    settings = basis.settings
    read = {settings.policy.model: basis.policy, settings.train.base_model or settings.policy.model: basis.judge}
    read[settings.score.embedding_model] = basis.embedding
    weights = added(*(None if size is None else weights_gigabytes(size) for size in read.values()))
    return Storage(added(*(stage.gigabytes for stage in stages)), weights)


def _assumptions(basis: Basis) -> list[str]:
    lengths = basis.lengths
    return [
        "rows: upper limits, before duplicates, filters and other rejects; splits as the hash is expected to deal them",
        lengths.source,
        f"tokens a row: answer prompt {lengths.answer_prompt:.0f}, answer {lengths.response:.0f}, "
        f"rating prompt {lengths.rating:.0f}, with reference {lengths.rating_reference:.0f}",
        *_size_lines(basis),
        *_rate_lines(basis),
        "GPU hours: while workers hold the GPUs",
        *_node_lines(basis.cluster),
        "storage: the run folder after the last step, with two checkpoints of each training; weights of 2 bytes a parameter",
        "not counted: downloads of models and data, waiting for machines, the head's node, attention over long texts, padding",
    ]


def _node_lines(cluster: Cluster) -> list[str]:
    if cluster.nodes == 1:
        return []
    return [
        "node hours: workers packed as closely as they fit, none over two nodes; a node starts in "
        f"{rates.NODE_START_SECONDS:.0f} s and goes after {rates.NODE_IDLE_SECONDS:.0f} s without work (assumed)",
        f"spot: {rates.SPOT_LOSS:.0%} of the work is made again (assumed); parts that are finished are never lost",
    ]


def _size_lines(basis: Basis) -> list[str]:
    settings = basis.settings
    lines = [_size_line("policy", settings.policy.model, basis.policy)]
    if settings.train.base_model:
        lines.append(_size_line("judge", settings.train.base_model, basis.judge))
    return [*lines, _size_line("embedding", settings.score.embedding_model, basis.embedding)]


def _size_line(what: str, name: str, size: ModelSize | None) -> str:
    if size is None:
        return f"{what} model {name}: size unknown (neither here nor in its name), so its times are unknown"
    return f"{what} model {name}: {short_count(size.parameters)} parameters ({size.source})"


def _rate_lines(basis: Basis) -> list[str]:
    cluster = basis.cluster
    core = rates.cpu_speed(1)
    lines = [
        "time: 2 operations per parameter and token, in training 6 (LoRA 4; 2 more with gradient checkpointing)",
        f"CPU: GFLOP/s a core: read {core.read / 1e9:.0f}, write {core.write / 1e9:.0f}, train {core.learn / 1e9:.0f} "
        f"(measured with a model of 3.5 M parameters); engine start {rates.CPU_START_SECONDS:.0f} s",
    ]
    if cluster.gpus:
        lines.append(
            f"GPU: {cluster.gpu_name} at {cluster.gpu.teraflops:.0f} TFLOP/s, of which read {rates.GPU_READ:.0%}, "
            f"write {rates.GPU_WRITE:.0%}, train {rates.GPU_LEARN:.0%} (assumed); engine start {rates.GPU_START_SECONDS:.0f} s "
            f"and its weights at {rates.GPU_LOAD:g} GB/s"
        )
    return lines


def _notes(basis: Basis, sources: list[SourceRows], stages: list[Stage], policy_folder: Path | None) -> list[str]:
    settings = basis.settings
    model, folder = settings.policy.model, settings.run_folder
    notes = [source.hint for source in sources if source.hint] + fewer_workers(stages, basis.cluster)
    if policy_folder is None and not looks_local(model):
        notes.append(f"{model} is not on this machine: its chat template and digits are checked when the run starts")
    tested = times(basis.instructions, settings.collect.test_fraction)
    if tested is not None and tested < FEW_TEST_INSTRUCTIONS:
        notes.append(f"only about {tested:.0f} test instructions: intervals will be wide")
    if Path(folder).is_dir():
        notes.append(f"{folder} exists: its finished parts are kept if the settings are the same (selfj status {folder})")
    return notes
