# syntax=docker/dockerfile:1
# The GPU image: the pinned set of requirements/gpu.txt (vLLM's own build, CUDA 13: driver 580 or newer), the project in /opt/selfj, and a
# user that is not root. CUDA comes with the packages, so that the base needs none.
#   docker build -f cluster/docker/gpu.Dockerfile -t selfj:gpu .
ARG BASE=python:3.11.14-slim-bookworm
FROM ${BASE}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# wget: KubeRay's probes; rsync and ssh: `ray up`; g++: Triton and nvcc compile kernels when they are first used
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates g++ libnuma1 openssh-client procps rsync wget \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 ray \
    && useradd --create-home --uid 1000 --gid 1000 --shell /bin/bash ray \
    && install -d -o ray -g ray /shared

WORKDIR /opt/selfj

# The packages change seldom: their layer stays when the code below changes.
COPY requirements/gpu.txt requirements/cluster.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps -r requirements/gpu.txt \
    && pip install --no-deps -r requirements/cluster.txt

COPY LICENSE README.md pyproject.toml ./
COPY configs configs
COPY cluster/local.py cluster/
COPY ray_jobs ray_jobs
COPY selfj selfj
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m selfj.environment

# RAY_AUTH_MODE is no secret: no cluster of this image starts without a token
# hadolint ignore=DL3064
ENV CUDA_HOME=/usr/local/lib/python3.11/site-packages/nvidia/cu13 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_VISIBLE_DEVICES=all \
    PYTHONUNBUFFERED=1 \
    RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0 \
    TOKENIZERS_PARALLELISM=false

USER 1000:1000
EXPOSE 8000
HEALTHCHECK --start-period=15m --interval=30s --timeout=5s \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8000/health/live"]
CMD ["selfj", "serve", "/shared/runs/qwen", "--host", "0.0.0.0"]
