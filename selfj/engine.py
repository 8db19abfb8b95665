"""vLLM inside a Ray worker. It does two things: sample text, and read label probabilities."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.config import EngineSettings, ModelSettings
from selfj.errors import ModelError
from selfj.parts import Pool
from selfj.prompts import load_tokenizer
from selfj.store import content_hash


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter that one request uses on top of the engine's base weights."""

    name: str
    path: str
    rank: int
    number: int = 1
    """Tells it from the engine's earlier ones: vLLM keeps weights, and prefixes, by it."""


@dataclass(frozen=True)
class Sample:
    """One sampled answer."""

    text: str
    tokens: int
    """Generated tokens, the end-of-sequence token included."""
    sum_logprob: float | None
    """Natural-log probability of those tokens under the raw distribution."""
    finish_reason: str
    ids: tuple[int, ...] = ()
    """The tokens themselves."""


@dataclass(frozen=True)
class SamplingRequest:
    """A prompt to answer once, with its own seed."""

    prompt: list[int]
    seed: int


class Engine:
    """One vLLM engine with base weights and, optionally, one LoRA adapter.

    Args:
        model: what to load. `model.dtype` auto takes the checkpoint's.
        settings: resources and vLLM options.
        adapter: served beside the base weights without a second copy of them; another of at most this rank, with another
            number, may be put in its place at any time.

    Raises ModelError, in one line, if vLLM cannot load the model.
    """

    def __init__(self, model: ModelSettings, settings: EngineSettings, adapter: Adapter | None = None, seed: int = 0) -> None:
        check_model_folder(model.model)
        self.model = model
        self.adapter = adapter
        self.tokenizer = load_tokenizer(model.model, model.chat_template, model.revision)
        self._llm = _load_llm(model, settings, adapter, seed)
        self.context = int(self._llm.model_config.max_model_len)
        """Longest sequence in tokens."""

    def sample(
        self, requests: Sequence[SamplingRequest], *, temperature: float, top_p: float, max_tokens: int, adapted: bool = False
    ) -> list[Sample]:
        """One answer per request; an answer ends at the latest where the context does.

        Requests whose prompts share a beginning should stand together: it is computed once.
        """
        parameters = [
            answer_parameters(
                request.seed, temperature=temperature, top_p=top_p, max_tokens=min(max_tokens, self.context - len(request.prompt))
            )
            for request in requests
        ]
        outputs = self._generate([request.prompt for request in requests], parameters, adapted)
        return [sample_of(output.outputs[0]) for output in outputs]

    def label_logprobs(
        self, prompts: Sequence[list[int]], labels: Sequence[int], *, adapted: bool = False
    ) -> NDArray[np.float32]:
        """Log-probabilities of exactly these next tokens, over the full vocabulary: (prompts, labels). One prefill each."""
        return label_rows(self._generate(prompts, label_parameters(labels), adapted), labels)

    def forget_prefixes(self) -> None:
        """Compute everything anew from here on: with the same requests, the same results to the last bit."""
        self._llm.reset_prefix_cache()

    @property
    def core(self) -> Any:
        """The `LLMEngine` of vLLM below, for who steps it (selfj/serve/engine.py)."""
        return self._llm.llm_engine

    @property
    def lora(self) -> Any:
        """What adapted requests carry. Raises ValueError if there is no adapter."""
        return _lora_request(self.adapter)

    def _generate(self, prompts: Sequence[list[int]], parameters: Any, adapted: bool) -> list[Any]:
        if not prompts:
            return []
        request = self.lora if adapted else None
        texts = [{"prompt_token_ids": prompt} for prompt in prompts]
        return list(self._llm.generate(texts, parameters, use_tqdm=False, lora_request=request))


def answer_parameters(seed: int | None, *, temperature: float, top_p: float, max_tokens: int, **further: Any) -> Any:
    """Parameters of one sampled answer that comes whole. `further`: `stop`, another `output_kind` …"""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    fixed = {"logprobs": 0, "output_kind": RequestOutputKind.FINAL_ONLY, "skip_clone": True}
    return SamplingParams(temperature=temperature, top_p=top_p, seed=seed, max_tokens=max_tokens, **{**fixed, **further})


def label_parameters(labels: Sequence[int]) -> Any:
    """Parameters of a request for exactly these next tokens' log-probabilities."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=1,
        temperature=0,
        logprob_token_ids=list(labels),
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,  # nobody changes them; vLLM would copy all of them, deeply, for every request
    )


def label_rows(outputs: Sequence[Any], labels: Sequence[int]) -> NDArray[np.float32]:
    """Log-probabilities of labels in the outputs of such requests: (outputs, labels), NaN where vLLM gave none."""
    result = np.full((len(outputs), len(labels)), np.nan, dtype=np.float32)
    for row, output in enumerate(outputs):
        found = output.outputs[0].logprobs[0]
        for column, label in enumerate(labels):
            if label in found:
                result[row, column] = found[label].logprob
    return result


def sample_of(output: Any) -> Sample:
    """A finished answer of vLLM."""
    return Sample(
        text=output.text,
        tokens=len(output.token_ids),
        sum_logprob=None if output.cumulative_logprob is None else float(output.cumulative_logprob),
        finish_reason=str(output.finish_reason),
        ids=tuple(output.token_ids),
    )


def _lora_request(adapter: Adapter | None) -> Any:
    from vllm.lora.request import LoRARequest

    if adapter is None:
        raise ValueError("this engine has no adapter")
    return LoRARequest(adapter.name, adapter.number, adapter.path)


def _load_llm(model: ModelSettings, settings: EngineSettings, adapter: Adapter | None, seed: int) -> Any:
    import vllm

    arguments: dict[str, Any] = {
        "model": model.model,
        "revision": model.revision,
        "tokenizer_revision": model.revision,
        "dtype": model.dtype,
        "max_model_len": model.context,
        "seed": seed,
        "enable_prefix_caching": True,
        "max_num_seqs": settings.max_sequences,
        "max_num_batched_tokens": settings.max_batched_tokens,
        "tensor_parallel_size": settings.tensor_parallel,
        "max_logprobs": 20,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        **_lora_arguments(adapter),
        **_device_arguments(model, settings),
        **settings.options,
    }
    try:
        return vllm.LLM(**arguments)
    except Exception as problem:  # vLLM raises many kinds; all mean that this model cannot be served so
        raise ModelError(f"{model.model}: vLLM could not load it: {_first_cause(problem)}") from problem


_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks that vLLM makes room for; a smaller adapter fits in the next one."""


def _lora_arguments(adapter: Adapter | None) -> dict[str, Any]:
    if adapter is None:
        return {}
    room = [rank for rank in _LORA_RANKS if rank >= adapter.rank]
    if not room:
        raise ModelError(f"{adapter.path}: vLLM serves adapters up to rank {_LORA_RANKS[-1]}, this one has {adapter.rank}")
    return {"enable_lora": True, "max_lora_rank": room[0], "max_loras": 1}


def _first_cause(problem: BaseException) -> str:
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:400]}"


def _device_arguments(model: ModelSettings, settings: EngineSettings) -> dict[str, Any]:
    if on_gpu(settings):
        return {"gpu_memory_utilization": settings.gpu_memory_utilization}
    # A prompt cut over two engine steps breaks vLLM's seeded sampling on CPUs ("CPU Generator does not use offset", 0.32).
    whole = {"enable_chunked_prefill": False, "max_num_batched_tokens": max(settings.max_batched_tokens, _context(model))}
    return {"enforce_eager": True, **whole}


def _context(model: ModelSettings) -> int:
    if model.context is not None:
        return model.context
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model.model, revision=model.revision).get_text_config()
    return int(getattr(config, "max_position_embeddings", 0) or 0)


def check_model_folder(model: str) -> None:
    """Refuse early what cannot be a model: a local path that is not there, or a folder without a config.

    A name like `OWNER/NAME` is left to Hugging Face.
    """
    folder = Path(model)
    looks_local = model.startswith(("/", ".", "~")) or model.count("/") > 1 or folder.exists()
    if looks_local and not (folder / "config.json").is_file():
        raise ModelError(f"{model}: no model folder with a config.json is there; check policy.model")


def content_of_model(model: ModelSettings) -> dict[str, str]:
    """What stands in a fingerprint for a policy, beside its settings: hashes of its files and of its chat template's."""
    files = {"policy": model.model, **({"chat_template": model.chat_template} if model.chat_template else {})}
    return {name: content_hash(file) for name, file in files.items()}


def on_gpu(settings: EngineSettings) -> bool:
    """Whether engines run on GPUs: as set, or if the Ray cluster (inside a worker: this machine) has any."""
    if settings.device != "auto":
        return settings.device == "gpu"
    import ray

    return bool(ray.is_initialized() and ray.cluster_resources().get("GPU", 0) > 0)


KEPT_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}
"""For glibc: a step's tensors come from memory that the last step left. Else it goes back to the system after every step, which
costs a thread that steps an engine 10 to 30 % in page faults.
"""


def engine_pool(settings: EngineSettings) -> Pool:
    """Workers that each hold one engine: whole GPUs, or CPUs."""
    # torch warns that there is no Triton (which CPUs do not need), and vLLM's C++ of how it binds memory.
    torch_logs = os.environ.get("TORCH_LOGS", "-torch._library")
    common = {
        "TOKENIZERS_PARALLELISM": "false", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1", "TORCH_LOGS": torch_logs
    }  # fmt: skip
    if on_gpu(settings):
        return Pool(settings.workers, cpus=1, gpus=settings.tensor_parallel, environment=common)
    threads = settings.threads or os.cpu_count() or 1
    cpu = {
        "VLLM_CPU_KVCACHE_SPACE": str(settings.kv_cache_gigabytes),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "TORCH_COMPILE_DISABLE": "1",
        "TORCH_CPP_LOG_LEVEL": os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"),
        "OMP_NUM_THREADS": str(threads),
        **KEPT_MEMORY,
    }
    return Pool(settings.workers, cpus=settings.cpus_per_worker, environment={**common, **cpu})
