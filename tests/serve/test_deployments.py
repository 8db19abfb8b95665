"""What Ray Serve is told about the deployments."""

import shutil
from pathlib import Path

import pytest

from selfj.config import EngineSettings
from selfj.errors import ModelError, SettingsError
from selfj.run import RunFolder
from selfj.serve.deployments import NO_BOUND, application, engine_replicas, replica_options, room
from selfj.serve.policy_client import USUALLY_TOGETHER
from selfj.serve.served import ServedRun
from selfj.serve.settings import AccessSettings, ReplicaSettings, ServeSettings
from selfj.store import content_hash
from tests.serve.folders import POLICY, make_comparing, make_run


def settings_for(run: Path, **changes) -> ServeSettings:
    return ServeSettings(run=str(run), engine=EngineSettings(device="cpu"), access=AccessSettings(open=True), **changes)


def deployments_of(app) -> dict[str, object]:
    """Name → deployment of a bound application and everything that it was bound to."""
    from ray.serve._private.build_app import build_app

    built = build_app(app, name="selfj", default_runtime_env={})
    return {deployment.name: deployment for deployment in built.deployments}


def test_a_judge_with_its_own_weights_gets_an_engine_of_its_own(tmp_path: Path) -> None:
    found = deployments_of(application(settings_for(make_run(tmp_path / "run"))))
    assert set(found) == {"Ingress", "Policy", "Judge"}


def test_a_judge_that_is_an_adapter_shares_the_policys_engine(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", adapter=True)
    assert set(deployments_of(application(settings_for(run)))) == {"Ingress", "Engine"}
    assert set(deployments_of(application(settings_for(run, shared_engine=False)))) == {"Ingress", "Policy", "Judge"}


def test_a_model_that_compares_gets_an_engine_of_its_own_unless_it_is_the_policy(tmp_path: Path) -> None:
    comparing = make_comparing(tmp_path / "jsft")
    plain = make_run(tmp_path / "run")
    assert "PairJudge" not in deployments_of(application(settings_for(plain)))
    assert set(deployments_of(application(settings_for(plain, comparing=str(comparing))))) == {
        "Ingress", "Policy", "Judge", "PairJudge",
    }  # fmt: skip
    its_own = make_run(tmp_path / "other", policy=comparing)
    found = deployments_of(application(settings_for(its_own)))
    assert set(found) == {"Ingress", "Policy", "Judge"}
    assert "PairJudge" in found["Policy"].init_args[1] and len(found["Ingress"].init_args) == 6


def test_a_tournament_that_nothing_can_judge_is_told_before_anything_starts(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(SettingsError, match="a tournament needs a model that compares answers"):
        application(settings_for(run, pick="tournament"))
    with pytest.raises(ModelError, match="no JSFT model is there"):
        application(settings_for(run, comparing=str(tmp_path)))


def test_autoscaling_is_what_the_settings_say(tmp_path: Path) -> None:
    scaled = ReplicaSettings(min_replicas=1, max_replicas=5, target_ongoing_requests=8, upscale_delay_s=3, downscale_delay_s=60)
    found = deployments_of(application(settings_for(make_run(tmp_path / "run"), policy_replicas=scaled)))
    policy = found["Policy"]._deployment_config.autoscaling_config
    assert (policy.min_replicas, policy.max_replicas, policy.target_ongoing_requests) == (1, 5, 8 / USUALLY_TOGETHER)
    assert (policy.upscale_delay_s, policy.downscale_delay_s) == (3, 60)
    assert found["Judge"]._deployment_config.autoscaling_config is None


def test_queues_are_bounded_and_stopping_is_patient(tmp_path: Path) -> None:
    bounds = ReplicaSettings(max_ongoing_requests=7, max_queued_requests=9)
    found = deployments_of(application(settings_for(make_run(tmp_path / "run"), policy_replicas=bounds, drain_s=12)))
    policy = found["Policy"]._deployment_config
    assert (policy.max_ongoing_requests, policy.max_queued_requests, policy.graceful_shutdown_timeout_s) == (7, 9, 12)


def test_an_engine_lives_in_its_replicas_process(tmp_path: Path) -> None:
    found = deployments_of(application(settings_for(make_run(tmp_path / "run"))))
    environment = found["Judge"].ray_actor_options["runtime_env"]["env_vars"]
    assert environment["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"


def test_requests_that_share_calls_count_for_autoscaling_as_requests() -> None:
    options = replica_options(ReplicaSettings(max_replicas=2, target_ongoing_requests=64), 1, requests_per_call=32)
    assert options["autoscaling_config"]["target_ongoing_requests"] == 2


def test_the_ingress_bounds_its_work_itself_and_ray_does_not(tmp_path: Path) -> None:
    bounds = ReplicaSettings(max_ongoing_requests=7, max_queued_requests=9)
    found = deployments_of(application(settings_for(make_run(tmp_path / "run"), ingress_replicas=bounds)))
    ingress = found["Ingress"]._deployment_config
    assert (ingress.max_ongoing_requests, ingress.max_queued_requests) == (NO_BOUND, -1)


def test_there_is_room_for_what_replicas_work_on_and_what_may_wait() -> None:
    assert room(ReplicaSettings(max_replicas=2, max_ongoing_requests=10, max_queued_requests=5)) == 25
    assert room(ReplicaSettings(max_queued_requests=-1)) == -1


def test_only_one_engine_is_counted_where_it_is_shared() -> None:
    assert len(engine_replicas(ServeSettings(), shared=True)) == 1
    assert len(engine_replicas(ServeSettings(), shared=False)) == 2


def test_the_policy_is_served_as_the_run_has_sampled_it(tmp_path: Path) -> None:
    run = ServedRun.of(settings_for(make_run(tmp_path / "run", max_tokens=17)))
    assert (run.name, run.seed, run.sampling.max_tokens, run.policy.context, run.context()) == ("pocket", 1, 17, 512, 512)
    assert run.engine.options == {"load_format": "safetensors", "trust_remote_code": False}


def test_settings_may_say_where_the_policy_lies_now(tmp_path: Path) -> None:
    settings = settings_for(make_run(tmp_path / "run"), name="mine")
    settings.policy.context = 256
    run = ServedRun.of(settings)
    assert (run.name, run.policy.context, run.policy.name) == ("mine", 256, "pocket")


def test_a_policy_that_is_not_the_calibrations_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_for(make_run(tmp_path / "run"))
    application(settings)
    assert "warning" not in capsys.readouterr().out
    settings.policy.system_prompt = "Be brief."
    application(settings)
    assert "warning: policy.system_prompt: not as when the run's answers were drawn" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["model", "chat_template"])
def test_files_of_the_policy_are_told_apart_by_what_is_in_them(tmp_path: Path, name: str) -> None:
    policy, template = shutil.copytree(POLICY, tmp_path / "policy"), tmp_path / "chat.jinja"
    template.write_text("{{ messages[0].content }}")
    table = RunFolder(str(make_run(tmp_path / "run"))).table("responses")
    manifest = table.manifest()
    manifest.fingerprint.inputs |= {"policy": content_hash(str(POLICY)), "chat_template": content_hash(str(template))}
    table.write_manifest(manifest)
    settings = settings_for(tmp_path / "run")
    settings.policy.model, settings.policy.chat_template = str(policy), str(template)
    assert ServedRun.of(settings).departures == ()
    changed = {"model": policy / "generation_config.json", "chat_template": template}[name]
    changed.write_text(changed.read_text() + "\n")
    assert ServedRun.of(settings).departures == (f"policy.{name}",)
