"""What judges and self-training need of an engine, as plain forward passes: base weights, and an adapter from its folder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from selfj.engine import Adapter, Sample, SamplingRequest


class TorchEngine:
    """Slow and written out: no batches, no cache."""

    context = 400

    def __init__(self, folder: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.adapter: Adapter | None = Adapter("policy", "", 4)
        self.forgotten = 0
        self.calls = 0
        """Of `label_logprobs`."""
        self._folder = folder
        self._loaded: dict[str, Any] = {}

    def forget_prefixes(self) -> None:
        """There are none."""
        self.forgotten += 1

    def sample(
        self, requests: Sequence[SamplingRequest], *, temperature: float, top_p: float, max_tokens: int, adapted: bool = False
    ) -> list[Sample]:
        """One answer per request (`top_p` is left at 1)."""
        model = self._model(adapted)
        return [self._answer(model, request, temperature, max_tokens) for request in requests]

    def label_logprobs(self, prompts: Sequence[list[int]], labels: Sequence[int], *, adapted: bool = False) -> Any:
        """(prompts, labels)."""
        self.calls += 1
        model = self._model(adapted)
        rows = [_next(model, prompt)[list(labels)].numpy() for prompt in prompts]
        return np.array(rows, dtype=np.float32).reshape(-1, len(labels))

    def _answer(self, model: Any, request: SamplingRequest, temperature: float, max_tokens: int) -> Sample:
        generator = torch.Generator().manual_seed(request.seed % 2**62)
        ids: list[int] = []
        while len(ids) < max_tokens and (not ids or ids[-1] != self.tokenizer.eos_token_id):
            chances = torch.softmax(_next(model, [*request.prompt, *ids]).double() / temperature, dim=-1)
            ids.append(int(torch.multinomial(chances, 1, generator=generator)))
        ended = ids[-1] == self.tokenizer.eos_token_id
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return Sample(text, len(ids), None, "stop" if ended else "length", tuple(ids))

    def _model(self, adapted: bool) -> Any:
        if not adapted:
            return self.base
        assert self.adapter is not None
        if self.adapter.path not in self._loaded:
            self._loaded = {self.adapter.path: _with_adapter(self._folder, self.adapter.path)}
        return self._loaded[self.adapter.path]


@torch.no_grad()
def _next(model: Any, prompt: list[int]) -> torch.Tensor:
    return torch.log_softmax(model(torch.tensor([prompt])).logits[0, -1].float(), dim=-1)


def _with_adapter(folder: str, adapter: str) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return PeftModel.from_pretrained(base, adapter).eval()
