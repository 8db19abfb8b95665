"""The engine's actor: what it writes, which adapter it uses, and what it says when it cannot."""

import pytest
import ray

from selfj.config import EngineSettings, ModelSettings
from selfj.errors import ModelError
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.self_training.host import EngineHost, Hosts, RemoteJudge, answer_of, start_engine
from selfj.selfjudge.self_training.results import PAIRS, PROBES
from selfj.selfjudge.self_training.step import task_of
from tests.selfjudge.self_training.test_makers import ByNumber, FakeEngine
from tests.selfjudge.self_training.worlds import settings, write_run
from tests.tiny_models import make_model


@pytest.fixture
def hosted(run_folder, tmp_path):
    """An engine host with a fake engine, in this process, and its task."""
    from selfj.engine import Adapter

    write_run(run_folder)
    host = EngineHost(ModelSettings(), EngineSettings(), 4, 0)
    host._engine = FakeEngine()  # type: ignore[assignment]
    host._engine.adapter = Adapter("policy", "", 4)  # type: ignore[union-attr]
    return host, task_of(run_folder, settings(str(make_model(tmp_path / "model", "llama"))))


def test_a_part_is_written_once(hosted):
    host, task = hosted
    host.pairs(task, None, 0, None)
    asked = len(host._engine.seeds)
    host.pairs(task, None, 0, None)
    assert len(host._engine.seeds) == asked
    assert task.table(PAIRS).counts(0).rows_out == 4


def test_every_adapter_has_a_number_of_its_own_and_keeps_it(hosted):
    host, task = hosted
    host.probe(task, None, 0, None, 3)
    seen = []
    for part, adapter in enumerate(("/a/0", "/a/1", "/a/1", "/b/0")):
        host.pairs(task, None, part, adapter)
        seen.append((host._engine.adapter.path, host._engine.adapter.number))
    assert seen == [("/a/0", 1), ("/a/1", 2), ("/a/1", 2), ("/b/0", 3)]
    assert host._engine.adapter.rank == 4


def test_probes_of_the_policy_stand_beside_those_of_the_start(hosted):
    host, task = hosted
    host.probe(task, None, 0, None, 3)
    host.probe(task, None, 2, "/a/2", 2)
    assert [task.table(PROBES).counts(part).rows_out for part in (0, 2)] == [3, 2]


@pytest.mark.ray
def test_an_engine_that_cannot_be_loaded_says_so_in_one_line(ray_local):
    host = start_engine(ModelSettings(model="/nowhere/model"), EngineSettings(), 8, 0)
    with pytest.raises(ModelError, match=r"^/nowhere/model: no model folder"):
        answer_of(host.ready.remote())
    ray.kill(host)


@pytest.mark.ray
def test_a_judge_may_live_in_an_actor_of_its_own(ray_local):
    judge = ray.remote(ByNumber).options(num_cpus=0).remote()
    (verdict,) = RemoteJudge(judge).compare([Pair("which?", "1", "2")])
    assert verdict.preferred == "b"
    ray.kill(judge)


def test_arms_share_an_engine_as_long_as_they_start_from_the_same(hosted, monkeypatch):
    import dataclasses

    _, task = hosted
    started, ended = [], []
    monkeypatch.setattr(
        "selfj.selfjudge.self_training.host.start_engine", lambda *wanted: started.append(wanted) or f"engine {len(started)}"
    )
    monkeypatch.setattr(ray, "kill", ended.append)
    with Hosts() as hosts:
        assert hosts.engine(task) == "engine 1"
        assert hosts.engine(dataclasses.replace(task, folder="/elsewhere")) == "engine 1"
        assert hosts.engine(dataclasses.replace(task, model=ModelSettings(model="other"))) == "engine 2"
        assert ended == ["engine 1"]
        assert hosts.judge(task) is None
    assert ended == ["engine 1", "engine 2"]
