"""On a real Ray: what the endpoint counts stands on the metrics port, under the names that the dashboard uses."""

import time
from collections.abc import Iterator

import httpx
import pytest

from selfj.serve.observe.catalogue import INSTRUMENTS, RAY_SERIES
from tests.serve.ports import free_port

pytestmark = pytest.mark.ray


def counted(body: str, series: str, **tags: str) -> float:
    """Sum of a series' samples that carry these tags."""
    lines = [line for line in body.splitlines() if line.startswith(series + "{")]
    chosen = [line for line in lines if all(f'{name}="{value}"' in line for name, value in tags.items())]
    return sum(float(line.rpartition(" ")[2]) for line in chosen)


@pytest.fixture(scope="module")
def scraped(ray_local) -> Iterator[str]:
    """The metrics page after one request to a replica that counts."""
    import ray
    from ray import serve

    @serve.deployment(name="ingress")
    class Counting:
        def __init__(self):
            from selfj.serve.observe.ray_metrics import RayMetrics

            self.metrics = RayMetrics("pocket")

        async def __call__(self, request):
            self.metrics.request("/v1/judge", 200, 0.03)
            for score in (2.5, 7.5, None):
                self.metrics.decision("quality=0.7", score == 7.5, score)
            self.metrics.tokens("judge", prompt=300, generated=0, cached=120)
            return "counted"

    web, page = free_port(), ray.nodes()[0]["MetricsExportPort"]
    try:
        serve.start(http_options={"port": web})
        serve.run(Counting.bind(), name="counting", route_prefix="/")
        httpx.get(f"http://127.0.0.1:{web}/", timeout=60).raise_for_status()
        yield _complete(f"http://127.0.0.1:{page}/metrics")
    finally:
        serve.shutdown()


def _complete(address: str) -> str:
    """The page, once all series are there: Ray reports every ten seconds."""
    wanted = [series for instrument in INSTRUMENTS for series in instrument.series] + list(RAY_SERIES)
    for _ in range(60):
        body = httpx.get(address, timeout=60).text
        if all(f"\n{series}{{" in body for series in wanted):
            return body
        time.sleep(1)
    raise AssertionError([series for series in wanted if f"\n{series}{{" not in body])


def test_requests_are_counted_with_route_and_status(scraped):
    tags = {"model": "pocket", "route": "/v1/judge", "status": "200", "deployment": "ingress"}
    assert counted(scraped, "ray_selfj_requests_total", **tags) == 1
    assert counted(scraped, "ray_selfj_request_seconds_bucket", le="0.05") == 1
    assert counted(scraped, "ray_selfj_request_seconds_bucket", le="0.02") == 0


@pytest.mark.parametrize("decision", ["answered", "declined", "unjudged"])
def test_each_decision_is_counted_under_its_promise(scraped, decision):
    assert counted(scraped, "ray_selfj_decisions_total", decision=decision, promise="quality=0.7") == 1


def test_scores_fall_into_their_buckets(scraped):
    buckets = {le: counted(scraped, "ray_selfj_score_bucket", le=le) for le in ("2.0", "3.0", "7.0", "8.0")}
    assert buckets == {"2.0": 0, "3.0": 1, "7.0": 1, "8.0": 2}


def test_tokens_are_counted_by_role_and_kind(scraped):
    assert counted(scraped, "ray_selfj_tokens_total", role="judge", kind="prompt") == 300
    assert counted(scraped, "ray_selfj_tokens_total", role="judge", kind="cached") == 120
    assert counted(scraped, "ray_selfj_tokens_total", kind="generated") == 0
