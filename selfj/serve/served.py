"""What a run has to be served: the policy and its sampling as its answers were made, the judge, and whether one engine does."""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from selfj.config import EngineSettings, ModelSettings, SampleSettings, absolute_path
from selfj.engine import Engine, check_model_folder
from selfj.errors import RunFolderError, SettingsError
from selfj.judge.judge import JudgeFolder
from selfj.prompts import PromptEncoder, load_tokenizer
from selfj.raters.trained import judge_adapter, judge_model, judge_rater
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import CARD, JsftFolder
from selfj.selfjudge.pairwise import PairRater
from selfj.serve.decide import Promises
from selfj.serve.engine import ServedEngine
from selfj.serve.guard.weights import check_weights
from selfj.serve.roles import Judge, PairJudge, Policy
from selfj.serve.settings import ServeSettings
from selfj.store import Store, content_hash, local_copy
from selfj.tables import Fingerprint

SAFE = {"load_format": "safetensors", "trust_remote_code": False}
"""Options of every engine that is served: no pickled weights, no code of the model's author."""


@dataclass(frozen=True)
class ServedRun:
    """The models of one run and how they are asked."""

    name: str
    """Name of the model for clients."""
    policy: ModelSettings
    sampling: SampleSettings
    """How the run's answers were sampled, and so what the judge's promises hold for."""
    seed: int
    judge: JudgeFolder
    judge_address: str
    """Where each replica finds the judge's folder; any file system."""
    promises: Promises
    engine: EngineSettings
    """Of each engine. On CPUs they share the cores: two that each take all of them wait for each other's threads."""
    shared: bool
    """One engine for both: the judge is an adapter on the policy's weights."""
    longest_prompt: int = 0
    """Of the policy, in tokens; 0 leaves it to the context."""
    comparing: str = ""
    """Folder of a model that compares two answers; the policy's own where that is one."""
    departures: tuple[str, ...] = ()
    """Settings of the policy that are not those its answers were drawn with when the promises were made."""

    @property
    def policy_compares(self) -> bool:
        """Whether the policy's engine has the weights that compare answers."""
        return bool(self.comparing) and self.comparing == self.policy.model

    @classmethod
    def of(cls, settings: ServeSettings) -> "ServedRun":
        """Read a run.

        Raises SelfJError, in one line, if it has no answers or no judge, if the policy's folder is gone, or if what the settings
        promise was never calibrated.
        """
        run = RunFolder(settings.run)
        answers = _answers_made_with(run)
        made = answers.settings
        policy = _policy(ModelSettings(**made["policy"]), settings.policy)
        judge = JudgeFolder.load(local_copy(run.path("judge")))
        comparing = settings.comparing or (policy.model if Store(policy.model).exists(CARD) else "")
        check_comparing(comparing, settings)
        for folder in (policy.model, judge.path, judge.model, *([comparing] if comparing else [])):
            check_weights(folder)
        name = settings.name or policy.name or policy.model.rstrip("/").rsplit("/", 1)[-1]
        shared = settings.shared_engine and on_same_weights(judge, policy)
        kinds = (1 if shared else 2) + (comparing not in ("", policy.model))
        threads = settings.engine.threads or max(1, (os.cpu_count() or 1) // kinds)
        engine = dataclasses.replace(settings.engine, threads=threads, options={**settings.engine.options, **SAFE})
        return cls(
            name,
            policy,
            SampleSettings(**made["sample"]),
            made["seed"],
            judge,
            run.path("judge"),
            Promises.of(judge, settings.promise),
            engine,
            shared,
            settings.limits.prompt_tokens,
            comparing and absolute_path(comparing),
            _departures(answers, policy),
        )

    def policy_engine(self) -> Engine:
        """The policy's engine, with the judge's adapter beside it where it is shared."""
        return Engine(self.policy, self.engine, self._adapter(), self.seed)

    def judge_engine(self) -> Engine:
        """An engine with the judge alone."""
        judge = self._local_judge()
        model = judge_model(judge, self.policy.dtype, self.policy.context)
        return Engine(model, self.engine, judge_adapter(judge), self.seed)

    def comparing_engine(self) -> Engine:
        """An engine with the model that compares alone."""
        context = JsftFolder.load(self.comparing).max_prompt_tokens + 1
        model = ModelSettings(model=local_copy(self.comparing), dtype=self.policy.dtype, context=context)
        return Engine(model, self.engine, seed=self.seed)

    def pair_judge_role(self, engine: ServedEngine) -> PairJudge:
        """The model that compares on its engine, in the prompts it was trained on."""
        card = JsftFolder.load(self.comparing)
        return PairJudge(engine, PairRater(engine.engine, card.prompts, card.principles, card.max_prompt_tokens))

    def policy_role(self, engine: ServedEngine) -> Policy:
        """The policy on its engine."""
        tokenizer = engine.engine.tokenizer
        encoder = PromptEncoder(tokenizer, self.judge.prompts, engine.engine.context, self.policy.system_prompt)
        return Policy(engine, encoder, self.longest_prompt)

    def judge_role(self, engine: ServedEngine) -> Judge:
        """The judge on its engine: in its own chat template, whatever the engine's other model has."""
        judge = self._local_judge()
        tokenizer = load_tokenizer(judge.model, judge.chat_template, judge.revision) if self.shared else None
        return Judge(engine, judge_rater(judge, engine.engine, tokenizer))

    def context(self) -> int:
        """Longest sequence of the policy in tokens."""
        from transformers import AutoConfig

        if self.policy.context is not None:
            return self.policy.context
        config = AutoConfig.from_pretrained(self.policy.model, revision=self.policy.revision).get_text_config()
        return int(config.max_position_embeddings)

    def _adapter(self) -> Any:
        return judge_adapter(self._local_judge()) if self.shared else None

    def _local_judge(self) -> JudgeFolder:
        return JudgeFolder.load(local_copy(self.judge_address))


def check_comparing(folder: str, settings: ServeSettings) -> None:
    """Raise SelfJError, in one line, if a folder holds nothing that compares, or if a tournament is to pick and nothing does."""
    if folder:
        JsftFolder.load(folder)
    elif settings.pick == "tournament":
        raise SettingsError("pick: a tournament needs a model that compares answers; give its folder as `comparing` (RUN/jsft)")


def on_same_weights(judge: JudgeFolder, policy: ModelSettings) -> bool:
    """Whether a judge is an adapter on the policy's very weights."""
    if not judge.adapter or judge.revision != policy.revision:
        return False
    return judge.model == policy.model or content_hash(judge.model) == content_hash(policy.model)


def _answers_made_with(run: RunFolder) -> Fingerprint:
    manifest = run.table("responses").manifest()
    if manifest is None:
        raise RunFolderError(f"{run.address}: no answers of a policy are there (responses/); give the folder of a finished run")
    return manifest.fingerprint


def _departures(answers: Fingerprint, served: ModelSettings) -> tuple[str, ...]:
    """Settings that make the served policy another one than that of the run's answers; files are compared by their content."""
    made, known = ModelSettings(**answers.settings["policy"]), answers.inputs
    template = served.chat_template and content_hash(served.chat_template)
    changed = {
        "model": "policy" in known and content_hash(served.model) != known["policy"],
        "revision": served.revision != made.revision,
        "chat_template": template != known.get("chat_template", made.chat_template and content_hash(made.chat_template)),
        "system_prompt": served.system_prompt != made.system_prompt,
    }
    return tuple(f"policy.{name}" for name, differs in changed.items() if differs)


def _policy(made: ModelSettings, wanted: ModelSettings) -> ModelSettings:
    """The run's policy with what the settings change of it."""
    default = ModelSettings()
    changes = {
        item.name: getattr(wanted, item.name)
        for item in dataclasses.fields(ModelSettings)
        if getattr(wanted, item.name) != getattr(default, item.name)
    }
    policy = dataclasses.replace(made, **changes)
    template = policy.chat_template and absolute_path(policy.chat_template)
    check_model_folder(policy.model)
    return dataclasses.replace(policy, model=absolute_path(policy.model), chat_template=template)
