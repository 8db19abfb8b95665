"""The step `jsft`: pairs → examples → one model that answers and judges."""

import dataclasses
from functools import partial
from typing import Any

from selfj.config import absolute_path, as_dict
from selfj.engine import check_model_folder, content_of_model
from selfj.errors import SelfJError
from selfj.judge.encode import end_id, model_context
from selfj.parts import Pool, Table, make_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import JsftFolder
from selfj.selfjudge.jsft.encode import EXAMPLES, ExampleCounts, JsftMaker, PairChoice, choose_pairs, count_examples, quotas_of
from selfj.selfjudge.jsft.examples import SFT, Wording
from selfj.selfjudge.jsft.merge import merge_adapter, save_model
from selfj.selfjudge.jsft.objective import JudgeAugmented
from selfj.selfjudge.settings import SelfJudgeSettings
from selfj.selfjudge.wording import PairEncoder
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest, timed
from selfj.training.job import Outcome, TrainingJob

STEP = "jsft"
ADAPTER = "jsft_adapter"


def train_jsft(run: RunFolder, settings: SelfJudgeSettings) -> Manifest:
    """Make the table `jsft_examples` and the model folder `jsft`; a finished model is left alone.

    The manifest of `jsft` counts pairs of the split `train`: considered, used, and left out, with the reasons.

    Raises SelfJError for what the user can mend: no pairs, a model that cannot be loaded or has no single-token labels, other
    settings than the model that is there was made with.
    """
    pairs = run.upstream("preferences", STEP).fingerprint.digest
    folder = run.table(STEP)
    fingerprint = Fingerprint(trained_with(settings), _inputs(settings, pairs))
    finished = folder.finished(fingerprint)
    if finished is not None:
        print(f"{STEP}: the model is finished ({finished.rows_out:,} pairs)", flush=True)
        return finished
    manifest = folder.begin(fingerprint, STEP)
    with timed(folder, manifest):
        _make_model(run, settings, pairs, manifest)
    manifest.finished = True
    folder.write_manifest(manifest)
    return manifest


def _make_model(run: RunFolder, settings: SelfJudgeSettings, pairs: str, manifest: Manifest) -> None:
    from selfj.training.launch import train

    wording = wording_of(settings)
    encoder = wording.pair_encoder()
    choice = choose_pairs(run, settings.jsft)
    _encode(run, settings, wording, choice, pairs)
    counts = count_examples(run)
    quotas = quotas_of(counts, settings.jsft, run.address)
    outcome = train(_job(run, settings, wording, encoder, quotas))
    if settings.jsft.lora is not None:
        _merge(run, wording, outcome)
    _count(manifest, choice, counts, outcome)
    save_model(encoder.encoder.tokenizer, run.path(STEP))
    _card(run, settings, wording, encoder, manifest, outcome, quotas).write()


def make_examples(run: RunFolder, settings: SelfJudgeSettings) -> Manifest:
    """Make the table `jsft_examples` alone: what the pairs come to before anything is trained on them."""
    pairs = run.upstream("preferences", STEP).fingerprint.digest
    return _encode(run, settings, wording_of(settings), choose_pairs(run, settings.jsft), pairs)


def base_model(settings: SelfJudgeSettings) -> str:
    """The model that training starts from."""
    return settings.jsft.base_model or settings.policy.model


def trained_with(settings: SelfJudgeSettings) -> dict[str, Any]:
    """The settings that decide what a model learns from its pairs."""
    return {
        STEP: as_dict(settings.jsft, resources=False),
        "seed": settings.seed,
        "prompts": settings.prompts,
        "principles": list(settings.principles),
        "policy": as_dict(settings.policy, resources=False),
    }


def _inputs(settings: SelfJudgeSettings, pairs: str) -> dict[str, str]:
    own = {"base_model": content_hash(settings.jsft.base_model)} if settings.jsft.base_model else {}
    return {"preferences": pairs, **content_of_model(settings.policy), **own}


def wording_of(settings: SelfJudgeSettings) -> Wording:
    """How pairs become ids. Raises ModelError if there is no such model."""
    how, policy = settings.jsft, settings.policy
    own = how.base_model is None
    model = absolute_path(base_model(settings))
    check_model_folder(model)
    revision = policy.revision if own else None
    limits = (how.max_tokens, policy.context, model_context(model, revision))
    return Wording(
        base_model=model,
        revision=revision,
        chat_template=absolute_path(policy.chat_template) if own and policy.chat_template else None,
        system_prompt=policy.system_prompt,
        prompts=settings.prompts,
        principles=tuple(settings.principles),
        max_tokens=min(limit for limit in limits if limit),
        answers=how.judge_share != 1,
        verdicts=how.judge_share != 0,
        rationales=how.rationale_weight > 0,
    )


def _encode(run: RunFolder, settings: SelfJudgeSettings, wording: Wording, choice: PairChoice, pairs: str) -> Manifest:
    names = ("system_prompt", "prompts", "principles", "max_tokens", "answers", "verdicts", "rationales")
    keep: dict[str, Any] = {name: getattr(wording, name) for name in names}
    keep |= {"max_examples": settings.jsft.max_examples, "validation_examples": settings.jsft.validation_examples}
    keep["principles"] = list(wording.principles)
    fingerprint = Fingerprint(keep, _inputs(settings, pairs))
    table = Table(EXAMPLES, STEP, fingerprint, run.table("preferences").parts())
    pool = Pool(settings.jsft.workers, cpus=1, environment={"TOKENIZERS_PARALLELISM": "false"})
    return make_table(run, table, partial(JsftMaker, wording, choice), pool)


def _job(
    run: RunFolder, settings: SelfJudgeSettings, wording: Wording, encoder: PairEncoder, quotas: tuple[int, int]
) -> TrainingJob:
    how = settings.jsft
    first, second = encoder.labels
    objective = JudgeAugmented((first, second), quotas, how.judge_weight, how.rationale_weight, wording.principles, how.clear_gap)
    return TrainingJob(
        name=STEP,
        run=run.store.root if run.store.is_local else run.address,
        examples=EXAMPLES,
        output=STEP if how.lora is None else ADAPTER,
        base_model=base_model(settings),
        base_path=wording.base_model,
        revision=wording.revision,
        settings=how,
        objective=objective,
        seed=settings.seed,
        quotas=quotas,
    )


def _merge(run: RunFolder, wording: Wording, outcome: Outcome) -> None:
    """In a worker: the driver may have no memory to spare."""
    import ray

    task = ray.remote(merge_adapter).options(num_cpus=1)
    try:
        ray.get(task.remote(wording.base_model, wording.revision, run.path(ADAPTER), run.path(STEP), outcome.precision))
    except ray.exceptions.RayTaskError as problem:
        if isinstance(problem.cause, SelfJError):
            raise problem.cause from None
        raise


def _count(manifest: Manifest, choice: PairChoice, counts: ExampleCounts, outcome: Outcome) -> None:
    manifest.rows_in, manifest.rows_out = choice.considered, counts.pairs
    manifest.rejected = choice.considered - counts.pairs
    manifest.details = {
        "left_out": {
            "beyond_max_examples": choice.considered - choice.chosen["train"],
            "without_examples": choice.chosen["train"] - counts.pairs,
        },
        "examples": {"sft": counts.kinds[SFT], "judge": counts.kinds[1], "rationale": counts.rationales},
        "validation_pairs": choice.chosen["held_out"],
        "steps": outcome.steps,
        "precision": outcome.precision,
        "tokens": outcome.tokens,
        "training_seconds": outcome.seconds,
        "validation": outcome.validation,
    }


def _card(
    run: RunFolder,
    settings: SelfJudgeSettings,
    wording: Wording,
    encoder: PairEncoder,
    manifest: Manifest,
    outcome: Outcome,
    quotas: tuple[int, int],
) -> JsftFolder:
    lora = settings.jsft.lora
    return JsftFolder(
        path=run.path(STEP),
        base_model=base_model(settings),
        base_path=wording.base_model,
        revision=wording.revision,
        adapter_rank=lora.rank if lora else None,
        prompts=settings.prompts,
        prompt_texts=dataclasses.asdict(encoder.prompt),
        principles=list(wording.principles),
        labels=list(encoder.prompt.labels),
        label_token_ids=encoder.labels,
        end_token_id=end_id(encoder.encoder),
        max_prompt_tokens=wording.max_tokens - 1,
        judge_share=quotas[1] / sum(quotas),
        data=manifest.fingerprint.inputs["preferences"],
        settings={**as_dict(settings.jsft), "precision": outcome.precision},
        pairs=manifest.rows_out,
        examples=manifest.details["examples"],
        counts={"considered": manifest.rows_in, **manifest.details["left_out"]},
        validation=outcome.validation,
        history=[dataclasses.asdict(point) for point in outcome.history],
    )
