"""The files for `ray up`, checked by Ray's own schema and its own command line; no machine is started."""

from typing import Any

import jsonschema
import pytest
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start

from tests.cluster.manifests import manifest, ray_start, values

AWS, ON_PREMISE = "ray_up/aws.yaml", "ray_up/on_premise.yaml"
CLUSTERS = (AWS, ON_PREMISE)


def checked(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with its defaults, after Ray's own check of it, as `ray up` makes it."""
    prepared: dict[str, Any] = prepare_config(config)
    validate_config(prepared)
    return prepared


def environment(config: dict[str, Any]) -> dict[str, str]:
    """Environment variables of the containers on all nodes."""
    options = [option.removeprefix("--env=") for option in config["docker"]["run_options"] if option.startswith("--env=")]
    return dict(option.split("=", 1) for option in options)


@pytest.mark.parametrize("file", CLUSTERS)
def test_ray_accepts_the_file(file: str) -> None:
    prepared = checked(manifest(file))
    assert prepared["head_node_type"] in prepared["available_node_types"]


def test_ray_would_refuse_a_misspelt_field() -> None:
    config = manifest(AWS)
    config["available_node_types"]["gpu"]["min_worker"] = 0
    with pytest.raises(jsonschema.ValidationError, match="min_worker"):
        checked(config)


@pytest.mark.parametrize("file", CLUSTERS)
def test_the_cluster_grows_from_no_workers_at_all(file: str) -> None:
    prepared = checked(manifest(file))
    workers = {name: kind for name, kind in prepared["available_node_types"].items() if name != "head"}
    assert all(kind["min_workers"] == 0 < kind["max_workers"] for kind in workers.values())
    assert sum(kind["max_workers"] for kind in workers.values()) == prepared["max_workers"]


def test_workers_on_aws_are_spot_machines_and_the_head_is_not() -> None:
    kinds = manifest(AWS)["available_node_types"]
    spot = {name: kind["node_config"].get("InstanceMarketOptions", {}).get("MarketType") for name, kind in kinds.items()}
    assert spot == {"head": None, "cpu": "spot", "gpu": "spot"}
    assert [name for name, kind in kinds.items() if kind["resources"].get("GPU")] == ["gpu"]


def test_a_worker_on_aws_differs_from_the_head_only_where_it_says_so() -> None:
    kinds = manifest(AWS)["available_node_types"]
    head, gpu = kinds["head"]["node_config"], kinds["gpu"]["node_config"]
    assert {name for name in gpu if gpu[name] != head.get(name)} == {"InstanceType", "InstanceMarketOptions"}


@pytest.mark.parametrize("file", CLUSTERS)
def test_every_node_asks_for_the_token_that_is_mounted(file: str) -> None:
    config = manifest(file)
    variables, (mounted,) = environment(config), config["file_mounts"]
    assert variables["RAY_AUTH_MODE"] == "token" and variables["RAY_AUTH_TOKEN_PATH"] == f"{mounted}/auth_token"
    assert variables["HF_TOKEN_PATH"].startswith(f"{mounted}/")
    home = next(rest for rest in values("gpu.Dockerfile", "RUN") if "useradd --create-home" in rest)
    assert mounted.startswith("/home/ray/") and home.split("useradd", 1)[1].split("&&")[0].split()[-1] == "ray"


@pytest.mark.parametrize("file", CLUSTERS)
def test_no_secret_stands_in_the_file(file: str) -> None:
    assert all(value.startswith("/") or value == "token" for value in environment(manifest(file)).values())


@pytest.mark.parametrize("file", CLUSTERS)
@pytest.mark.parametrize("commands", ["head_start_ray_commands", "worker_start_ray_commands"])
def test_ray_start_knows_every_option(file: str, commands: str) -> None:
    lines = manifest(file)[commands]
    context = start.make_context("start", ray_start(lines))
    assert context.params["head"] == (commands == "head_start_ray_commands")
    assert f"cd {values('gpu.Dockerfile', 'WORKDIR')[0]} &&" in lines[-1], "so that a job finds the scripts"


@pytest.mark.parametrize("file", CLUSTERS)
def test_the_head_computes_nothing_and_shows_its_dashboard_to_itself_alone(file: str) -> None:
    params = start.make_context("start", ray_start(manifest(file)["head_start_ray_commands"])).params
    assert params["num_cpus"] == 0 and params["dashboard_host"] == "127.0.0.1"


def test_machines_of_ones_own_share_their_storage() -> None:
    config = manifest(ON_PREMISE)
    assert "--volume=/shared:/shared" in config["docker"]["run_options"]
    assert environment(config)["HF_HOME"].startswith("/shared/")
    assert len(config["provider"]["worker_ips"]) == config["max_workers"]
