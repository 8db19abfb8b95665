"""A plan as text."""

from selfj.columns import NONE, UNKNOWN, aligned, count_text, short_count, size_text
from selfj.plan.basis import Count, Stage, Workers, added, times
from selfj.plan.cost import Prices, Storage, price
from selfj.plan.plan import Plan
from selfj.plan.rates import Cluster
from selfj.plan.sources import SourceRows
from selfj.progress import duration

_HEAD = ("step", "table", "rows in", "rows out", "workers", "starts", "tokens read", "written", "time", "GPU hours", "disk")

UNPRICED = Prices()


def plan_text(plan: Plan, prices: Prices = UNPRICED) -> str:
    """The whole plan, ready to print."""
    settings = plan.settings
    lines = [
        f"plan of {settings.name} → {settings.run_folder}",
        f"on {cluster_text(plan.cluster)}",
        "",
        *aligned([_HEAD, *map(_cells, plan.stages), _total(plan)], left=2),
        "",
        *_storage(plan.storage),
        *_cost(plan, prices),
        "sources:",
        *(f"  {_source(source)}" for source in plan.sources),
        "assumptions:",
        *(f"  {line}" for line in plan.assumptions),
        *(f"note: {line}" for line in plan.notes),
        *(f"will fail: {line}" for line in plan.problems),
    ]
    return "\n".join(lines)


def cluster_text(cluster: Cluster) -> str:
    """`16 CPUs, 8 × h100 (as given)`, or so much of each node."""
    cpus, count = cluster.cpus / cluster.nodes, cluster.gpus // cluster.nodes
    words = f"{cpus:g} CPU{'' if cpus == 1 else 's'}, " + (f"{count} × {cluster.gpu_name}" if count else "no GPU")
    nodes = f"{cluster.nodes} nodes with {words} each" if cluster.nodes > 1 else words
    return f"{nodes} ({cluster.described})"


def _storage(storage: Storage) -> list[str]:
    return [f"storage: {_disk(storage.run)} in the run folder; {_disk(storage.weights)} of weights on each node that reads them"]


def _cost(plan: Plan, prices: Prices) -> list[str]:
    """Node hours, and what they cost where there is a price; nothing for one machine without a price."""
    if plan.cluster.nodes == 1 and not prices.known:
        return []
    hours, every = plan.node_hours, plan.cluster.nodes
    stay = "if the node stays" if every == 1 else f"if all {every} nodes stay"
    return [
        f"cost: {_priced(hours.scaled, prices)} if nodes come and go with the steps",
        f"      {_priced(hours.kept, prices)} {stay}",
    ]


def _priced(hours: Count, prices: Prices) -> str:
    """`12.5 node hours = 1,229 (spot 405)`."""
    ordinary, spot = price(hours, prices)
    words = f"{UNKNOWN if hours is None else f'{hours:,.1f}'} node hours"
    words += "" if prices.node is None else f" = {count_text(ordinary)}"
    return words if prices.spot is None else f"{words} (spot {count_text(spot)})"


def _source(source: SourceRows) -> str:
    rows = f"{UNKNOWN} rows" if source.rows is None else f"{count_text(source.rows)} rows"
    return f"{source.name}: {rows} ({source.how})"


def _cells(stage: Stage) -> tuple[str, ...]:
    return (
        stage.step,
        stage.table,
        count_text(stage.rows_in),
        count_text(stage.rows_out),
        _workers(stage.workers),
        str(stage.engine_starts or NONE),
        short_count(stage.read),
        short_count(stage.written),
        _time(stage.seconds),
        _hours(stage.gpu_hours),
        _disk(stage.gigabytes),
    )


def _total(plan: Plan) -> tuple[str, ...]:
    stages = plan.stages
    starts = sum(stage.engine_starts for stage in stages)
    columns = zip(*((stage.read, stage.written, stage.gpu_hours, stage.gigabytes) for stage in stages), strict=True)
    read, written, hours, gigabytes = (added(*column) for column in columns)
    sums = (str(starts), short_count(read), short_count(written), _time(plan.seconds), _hours(hours), _disk(gigabytes))
    return ("total", "", "", "", "", *sums)


def _workers(workers: Workers) -> str:
    return f"{workers.count} × {workers.each:g} {workers.device}"


def _time(seconds: Count) -> str:
    return UNKNOWN if seconds is None else duration(seconds)


def _hours(value: Count) -> str:
    if value is None:
        return UNKNOWN
    return NONE if not value else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _disk(gigabytes: Count) -> str:
    return size_text(times(gigabytes, 1e9))
