"""The train step: scored answers → examples → a judge."""

import dataclasses
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from selfj.config import Settings, absolute_path, as_dict
from selfj.engine import check_model_folder
from selfj.errors import RunFolderError
from selfj.judge.encode import TARGET_TOKENS, Choice, ExampleMaker, Wording, choose, end_id, label_ids, model_context
from selfj.judge.judge import JudgeFolder
from selfj.judge.objective import SelfDistillation
from selfj.labels import DIGITS
from selfj.parts import Pool, Table, make_table
from selfj.prompts import PromptEncoder
from selfj.run import RunFolder
from selfj.score.step import score
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest, TableFolder, timed
from selfj.training.job import Outcome, TrainingJob
from selfj.variants import variant_folder, variant_settings


def train_judges(run: RunFolder, settings: Settings) -> list[Manifest]:
    """The train step: the run's judge (`train_judge`), then that of each variant, with labels of its own where it needs them."""
    return [train_judge(run, settings), *(_train_variant(run, settings, name) for name in settings.variants)]


def _train_variant(run: RunFolder, settings: Settings, name: str) -> Manifest:
    print(f"train: variant {name}", flush=True)
    variant, changed = variant_folder(run, settings, name), variant_settings(settings, name)
    if variant.owns("scored"):
        score(variant, changed)
    return train_judge(variant, changed)


def train_judge(run: RunFolder, settings: Settings) -> Manifest:
    """Make the table `training` and the folder `judge`; a finished judge is left alone.

    The manifest of `judge` counts answers of the train split: considered, used, and left out, with the reasons.

    Raises SelfJError for what the user can mend: no labelled answers, a model that cannot be loaded or has no single-token
    digits, other settings than the judge that is there was made with.
    """
    scored = run.upstream("scored", "train").fingerprint.digest
    folder = run.table("judge")
    fingerprint = _fingerprint(settings, scored)
    finished = folder.finished(fingerprint)
    if finished is not None:
        print(f"train: the judge is finished ({finished.rows_out:,} examples)", flush=True)
        return finished
    manifest = folder.begin(fingerprint, "train")
    with timed(folder, manifest):
        _make_judge(run, settings, scored, manifest)
    return _finish(folder, manifest)


def _make_judge(run: RunFolder, settings: Settings, scored: str, manifest: Manifest) -> None:
    from selfj.training.launch import train

    wording = _wording(settings)
    encoder = wording.encoder()
    objective = _objective(settings, encoder)
    choice = choose(run, settings.train)
    examples = _encode(run, settings, wording, choice, scored)
    outcome = train(_job(run, settings, wording, objective))
    _count(manifest, choice, outcome, examples)
    _write_tokenizer(run, encoder)
    _card(run, settings, wording, encoder, manifest, outcome).write()


def base_model(settings: Settings) -> str:
    """The model that training starts from."""
    return settings.train.base_model or settings.policy.model


def trained_with(settings: Settings) -> dict[str, Any]:
    """The settings that decide what a judge learns from its examples."""
    return {
        "train": as_dict(settings.train, resources=False),
        "seed": settings.seed,
        "prompts": settings.prompts,
        "policy": as_dict(settings.policy, resources=False),
    }


def _fingerprint(settings: Settings, scored: str) -> Fingerprint:
    return Fingerprint(trained_with(settings), _inputs(settings, scored))


def _inputs(settings: Settings, scored: str) -> dict[str, str]:
    template = settings.policy.chat_template
    files = {"base_model": base_model(settings), **({"chat_template": template} if template else {})}
    return {"scored": scored, **{name: content_hash(path) for name, path in files.items()}}


def _wording(settings: Settings) -> Wording:
    own = settings.train.base_model is None
    model = absolute_path(base_model(settings))
    check_model_folder(model)
    revision = settings.policy.revision if own else None
    limits = (settings.train.max_tokens, settings.policy.context, model_context(model, revision))
    return Wording(
        base_model=model,
        revision=revision,
        chat_template=absolute_path(settings.policy.chat_template) if own and settings.policy.chat_template else None,
        prompts=settings.prompts,
        max_tokens=min(limit for limit in limits if limit),
        with_teacher=settings.train.teacher_weight > 0 or settings.train.distillation_weight > 0,
    )


def _objective(settings: Settings, encoder: PromptEncoder) -> SelfDistillation:
    how = settings.train
    end_id(encoder)
    return SelfDistillation(tuple(label_ids(encoder)), how.teacher_weight, how.student_weight, how.distillation_weight)


def _encode(run: RunFolder, settings: Settings, wording: Wording, choice: Choice, scored: str) -> Manifest:
    keep = {name: getattr(wording, name) for name in ("prompts", "max_tokens", "with_teacher")}
    keep |= {"max_examples": settings.train.max_examples, "validation_examples": settings.train.validation_examples}
    if settings.train.exclude_categories:
        keep["exclude_categories"] = settings.train.exclude_categories
    fingerprint = Fingerprint(keep, _inputs(settings, scored))
    table = Table("training", "train", fingerprint, run.table("scored").parts())
    pool = Pool(settings.train.workers, cpus=1, environment={"TOKENIZERS_PARALLELISM": "false"})
    return make_table(run, table, partial(ExampleMaker, wording, choice), pool)


def _job(run: RunFolder, settings: Settings, wording: Wording, objective: SelfDistillation) -> TrainingJob:
    return TrainingJob(
        name="train",
        run=run.store.root if run.store.is_local else run.address,
        examples="training",
        output="judge",
        base_model=base_model(settings),
        base_path=wording.base_model,
        revision=wording.revision,
        settings=settings.train,
        objective=objective,
        seed=settings.seed,
    )


def _count(manifest: Manifest, choice: Choice, outcome: Outcome, examples: Manifest) -> None:
    chosen = sum(choice.chosen.values())
    if examples.rows_in != chosen:
        raise RunFolderError(
            f"training: {chosen} answers were chosen, but {examples.rows_in} encoded; this is a fault, please report it"
        )
    manifest.rows_in, manifest.rows_out = choice.considered, outcome.examples
    manifest.rejected = choice.considered - outcome.examples
    manifest.details = {
        "left_out": {
            "unlabelled": choice.unlabelled,
            "beyond_max_examples": choice.beyond,
            "too_long": choice.chosen["train"] - outcome.examples,
            **({"excluded": choice.excluded} if choice.categories else {}),
        },
        "validation_examples": outcome.validation_examples,
        "steps": outcome.steps,
        "precision": outcome.precision,
        "tokens": outcome.tokens,
        "training_seconds": outcome.seconds,
        "validation": outcome.validation,
    }


def _write_tokenizer(run: RunFolder, encoder: PromptEncoder) -> None:
    with tempfile.TemporaryDirectory() as folder:
        encoder.tokenizer.save_pretrained(folder)
        for file in sorted(Path(folder).iterdir()):
            run.store.write(f"judge/{file.name}", file.read_bytes())


def _card(
    run: RunFolder, settings: Settings, wording: Wording, encoder: PromptEncoder, manifest: Manifest, outcome: Outcome
) -> JudgeFolder:
    lora = settings.train.lora
    return JudgeFolder(
        path=run.path("judge"),
        base_model=base_model(settings),
        base_path=wording.base_model,
        revision=wording.revision,
        adapter=lora is not None,
        adapter_rank=lora.rank if lora else None,
        labels=list(DIGITS),
        label_token_ids=label_ids(encoder),
        end_token_id=end_id(encoder),
        prompts=settings.prompts,
        prompt_texts=dataclasses.asdict(encoder.rating),
        max_prompt_tokens=wording.max_tokens - TARGET_TOKENS,
        policy=settings.policy_name,
        data=manifest.fingerprint.inputs["scored"],
        settings={**as_dict(settings.train), "precision": outcome.precision},
        examples=outcome.examples,
        counts={"considered": manifest.rows_in, **manifest.details["left_out"]},
        validation=outcome.validation,
        history=[dataclasses.asdict(point) for point in outcome.history],
    )


def _finish(folder: TableFolder, manifest: Manifest) -> Manifest:
    manifest.finished = True
    folder.write_manifest(manifest)
    return manifest
