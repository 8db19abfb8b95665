"""The manifests for KubeRay: its schemas, rules that its operator checks, our settings inside. No Kubernetes runs here."""

import copy
import shlex
from typing import Any

import jsonschema
import pytest
import yaml
from ray.scripts.scripts import start
from ray.serve.schema import ServeDeploySchema

from selfj.config import Settings, read_settings
from selfj.plan.plan import make_plan
from selfj.plan.rates import NODE_IDLE_SECONDS, Cluster
from selfj.serve.launch import settings_of
from tests.cluster.manifests import ROOT, manifest, pods, schema, values
from tests.test_requirements import PINS

PIPELINE, ENDPOINT = "kuberay/pipeline.yaml", "kuberay/endpoint.yaml"
MANIFESTS = (PIPELINE, ENDPOINT)


def ray_cluster(file: str) -> dict[str, Any]:
    """The Ray cluster of a job or a service."""
    spec: dict[str, Any] = manifest(file)["spec"]
    cluster: dict[str, Any] = spec.get("rayClusterSpec") or spec["rayClusterConfig"]
    return cluster


def all_pods(file: str) -> dict[str, dict[str, Any]]:
    """Pod specs of a manifest: the groups', and the submitter's of a job."""
    submitter = manifest(file)["spec"].get("submitterPodTemplate")
    return {**pods(ray_cluster(file)), **({"submitter": submitter["spec"]} if submitter else {})}


def gpus(group: dict[str, Any], replicas: str) -> int:
    """GPUs of a worker group at its `minReplicas` or `maxReplicas`."""
    (container,) = group["template"]["spec"]["containers"]
    return int(container["resources"]["limits"].get("nvidia.com/gpu", 0)) * int(group[replicas])


def group(file: str, name: str) -> dict[str, Any]:
    """One worker group."""
    (found,) = [each for each in ray_cluster(file)["workerGroupSpecs"] if each["groupName"] == name]
    return dict(found)


def pipeline_settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the job would read, from the folder it runs in."""
    monkeypatch.chdir(ROOT)
    program, script, *arguments = shlex.split(manifest(PIPELINE)["spec"]["entrypoint"])
    assert program == "python" and (ROOT / script).is_file()
    return read_settings(arguments)


@pytest.mark.parametrize("file", MANIFESTS)
def test_kuberay_knows_every_field(file: str) -> None:
    loaded = manifest(file)
    jsonschema.validate(loaded, schema(loaded["kind"]))


@pytest.mark.parametrize(
    "path",
    [("spec", "rayClusterSpec", "autoscalerOption"), ("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "cpus")],
)
def test_kuberay_would_refuse_a_field_that_it_does_not_know(path: tuple[str, ...]) -> None:
    loaded = copy.deepcopy(manifest(PIPELINE))
    place = loaded
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = {}
    with pytest.raises(jsonschema.ValidationError, match=path[-1]):
        jsonschema.validate(loaded, schema("RayJob"))


@pytest.mark.parametrize("file", MANIFESTS)
def test_every_cluster_asks_for_a_token_from_a_secret(file: str) -> None:
    cluster = ray_cluster(file)
    assert cluster["authOptions"] == {"mode": "token", "secretName": "selfj-ray-token"}
    assert cluster["rayVersion"] == PINS["ray"], "the operator refuses tokens without a version"


@pytest.mark.parametrize("file", MANIFESTS)
def test_no_secret_stands_in_a_manifest(file: str) -> None:
    variables = [one for pod in all_pods(file).values() for box in pod["containers"] for one in box.get("env", [])]
    secret = [one for one in variables if any(word in one["name"] for word in ("TOKEN", "KEY", "PASSWORD"))]
    assert secret and all("secretKeyRef" in one["valueFrom"] for one in secret)


@pytest.mark.parametrize("file", MANIFESTS)
def test_no_container_is_root_or_can_become_it(file: str) -> None:
    user = int(values("gpu.Dockerfile", "USER")[0].partition(":")[0])
    for name, pod in all_pods(file).items():
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, user), name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            confined = container["securityContext"]
            assert confined == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, name
    assert ray_cluster(file)["autoscalerOptions"]["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("file", MANIFESTS)
def test_only_the_head_which_scales_the_cluster_may_ask_kubernetes(file: str) -> None:
    with_account = [name for name, pod in all_pods(file).items() if pod.get("automountServiceAccountToken", True)]
    assert with_account == ["head"]


@pytest.mark.parametrize("file", MANIFESTS)
def test_every_container_says_what_it_needs_and_what_it_may_take(file: str) -> None:
    boxes = [(name, container["resources"]) for name, pod in all_pods(file).items() for container in pod["containers"]]
    boxes.append(("autoscaler", ray_cluster(file)["autoscalerOptions"]["resources"]))
    for name, resources in boxes:
        assert {"cpu", "memory"} <= resources["requests"].keys() == resources["limits"].keys(), name
        if name not in ("submitter", "autoscaler"):
            assert resources["requests"] == resources["limits"], f"{name}: Ray takes the limits for what is there"


@pytest.mark.parametrize("file", MANIFESTS)
def test_the_second_autoscaler_replaces_pods_and_never_restarts_them(file: str) -> None:
    cluster = ray_cluster(file)
    assert cluster["enableInTreeAutoscaling"] and cluster["autoscalerOptions"]["version"] == "v2"
    assert {pod["restartPolicy"] for pod in pods(cluster).values()} == {"Never"}, "the operator refuses others"
    assert cluster["autoscalerOptions"]["idleTimeoutSeconds"] == NODE_IDLE_SECONDS, "as `selfj plan` assumes"


@pytest.mark.parametrize("file", MANIFESTS)
def test_ray_start_knows_every_parameter(file: str) -> None:
    cluster = ray_cluster(file)
    known = {option.lstrip("-") for parameter in start.params for option in parameter.opts}
    for each in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]:
        assert each["rayStartParams"].keys() <= known
        assert all(isinstance(value, str) for value in each["rayStartParams"].values())
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("file", MANIFESTS)
def test_every_pod_sees_the_shared_storage(file: str) -> None:
    claim = manifest("kuberay/storage.yaml")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for name, pod in pods(ray_cluster(file)).items():
        claims = {
            volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "emptyDir" not in volume
        }
        mounted = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert claims == {"shared": claim["metadata"]["name"]} and mounted == {"shared": "/shared", "shm": "/dev/shm"}, name


@pytest.mark.parametrize("file", MANIFESTS)
def test_all_nodes_run_one_image_in_its_folder(file: str) -> None:
    boxes = [container for pod in all_pods(file).values() for container in pod["containers"]]
    assert len({container["image"] for container in boxes}) == 1
    assert {container["workingDir"] for container in boxes} == set(values("gpu.Dockerfile", "WORKDIR"))


def test_workers_of_the_job_come_from_nothing_on_spot_machines() -> None:
    for each in ray_cluster(PIPELINE)["workerGroupSpecs"]:
        assert (each["replicas"], each["minReplicas"]) == (0, 0) and "affinity" in each["template"]["spec"]


def test_a_lost_head_is_followed_by_a_new_cluster_for_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = manifest(PIPELINE)["spec"]
    assert spec["backoffLimit"] >= 1 and spec["shutdownAfterJobFinishes"]
    assert pipeline_settings(monkeypatch).runs.startswith("/shared/")


def test_the_job_finds_room_in_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, nodes = pipeline_settings(monkeypatch), group(PIPELINE, "gpu")
    assert settings.engine.device == "gpu", "`auto` would find no GPU in a cluster that begins empty"
    cpus = float(nodes["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    count = int(nodes["maxReplicas"])
    plan = make_plan(settings, Cluster(cpus * count, gpus(nodes, "maxReplicas"), nodes=count))
    assert plan.problems == [] and not any("find room" in note for note in plan.notes)


def test_seventy_billion_parameters_find_room_in_the_groups_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    settings = read_settings(["--config", "configs/llama_70b.yaml", "--engine.workers", "4"])
    plan = make_plan(settings, Cluster(320, gpus(group(PIPELINE, "gpu"), "maxReplicas"), nodes=4))
    assert plan.problems == []


def test_the_service_deploys_what_serve_deploy_does() -> None:
    text = manifest(ENDPOINT)["spec"]["serveConfigV2"]
    assert yaml.safe_load(text) == manifest("serve.yaml")
    ServeDeploySchema.model_validate(yaml.safe_load(text))


def test_the_endpoint_finds_room_and_half_of_it_stays() -> None:
    (application,) = yaml.safe_load(manifest(ENDPOINT)["spec"]["serveConfigV2"])["applications"]
    settings = settings_of(application["args"])
    fixed, spot = group(ENDPOINT, "gpu"), group(ENDPOINT, "gpu-spot")
    replicas = (settings.policy_replicas, settings.judge_replicas)
    assert gpus(fixed, "minReplicas") >= settings.policy_replicas.min_replicas == 2
    most = gpus(fixed, "maxReplicas") + gpus(spot, "maxReplicas")
    assert most >= sum(each.max_replicas for each in replicas) * settings.engine.tensor_parallel
    assert "affinity" not in fixed["template"]["spec"] and "affinity" in spot["template"]["spec"]


def test_the_endpoint_reads_its_keys_where_the_manifest_puts_them() -> None:
    (application,) = yaml.safe_load(manifest(ENDPOINT)["spec"]["serveConfigV2"])["applications"]
    variable = settings_of(application["args"]).access.keys_variable
    for name, pod in pods(ray_cluster(ENDPOINT)).items():
        assert variable in {one["name"] for one in pod["containers"][0]["env"]}, name
