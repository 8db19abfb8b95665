"""What each step of a run makes: rows, tokens, workers, time and storage of every table."""

from collections.abc import Callable
from dataclasses import replace

from selfj.plan import rates
from selfj.plan.basis import (
    ROW_BYTES,
    ZSTD,
    Basis,
    Count,
    Stage,
    Workers,
    added,
    at_most,
    compute,
    engine_stage,
    gpu_hours,
    held_out,
    narrow,
    speed_of,
    times,
)
from selfj.plan.comparisons import planned_comparisons
from selfj.plan.rates import Speed
from selfj.run import variant_table
from selfj.training.batches import steps_of
from selfj.variants import variant_settings

_BAND_BYTES = 11
"""Of one band of one instruction, and its share of the pairs, in the tables that find near duplicates (benchmarks/collect.py)."""
_ADAM_BYTES = 12
"""Of each trained parameter in a checkpoint: its float32 copy and two moments."""
_ADAPTER_SHARE = 0.003
"""Parameters of rank-16 adapters on q, k, v and o, as a share of a model of 7 B."""
_CHECKPOINTS = 2
"""Checkpoints that training keeps."""


def planned_stages(basis: Basis) -> list[Stage]:
    """All tables of a run, in order."""
    before: list[Callable[[Basis], Stage]] = [_collect, _sample, _self_evaluate, _compare, _train]
    variants = [(name, replace(basis, settings=variant_settings(basis.settings, name))) for name in basis.settings.variants]
    return [
        *(maker(basis) for maker in before),
        *(replace(_train(variant), table=variant_table(name, "judge")) for name, variant in variants),
        _judge(basis),
        _ask_policy(basis),
        *(replace(_judge_variant(variant), table=variant_table(name, "judged")) for name, variant in variants),
        *planned_comparisons(basis),
        _report(basis),
    ]


def _collect(basis: Basis) -> Stage:
    workers = Workers(basis.settings.collect.workers, 1)
    rate = rates.ROWS_PER_CORE * max(1, workers.at_once(basis.cluster))
    kept = times(added(basis.instructions, basis.source_rows), (ROW_BYTES + ZSTD * basis.lengths.characters) / 1e9)
    near = basis.settings.collect.near_duplicates
    if near.enabled:
        row_bytes = ROW_BYTES + ZSTD * basis.lengths.characters + near.bands * _BAND_BYTES
        kept = added(kept, times(basis.source_rows, row_bytes / 1e9))
    seconds = added(2 * rates.POOL_START_SECONDS, times(basis.source_rows, 1 / rate))
    return Stage("collect", "instructions", basis.source_rows, basis.instructions, workers, seconds=seconds, gigabytes=kept)


def _sample(basis: Basis) -> Stage:
    """The answers to one instruction share its prompt, which is read once."""
    lengths = basis.lengths
    read, written = times(basis.instructions, lengths.answer_prompt), times(basis.responses, lengths.response)
    size = times(basis.responses, (ROW_BYTES + ZSTD * lengths.response_characters) / 1e9)
    return engine_stage(basis, "sample", "responses", basis.responses, read, written, basis.policy, size)


def _self_evaluate(basis: Basis) -> Stage:
    """The answers to one instruction share all that stands before the answer."""
    lengths = basis.lengths
    shared = times(basis.instructions, lengths.rating_reference - lengths.response)
    read = added(shared, times(basis.responses, lengths.response))
    return engine_stage(basis, "score", "self_evaluations", basis.responses, read, 0, basis.policy, narrow(basis.responses))


def _compare(basis: Basis) -> Stage:
    """Embeddings of answers and references."""
    how = basis.settings.score
    workers = (
        Workers(how.embedding_workers, how.embedding_gpus, "GPU") if how.embedding_gpus else Workers(how.embedding_workers, 1)
    )
    texts = added(basis.instructions, basis.responses)
    read = times(texts, basis.lengths.embedded)
    starts = rates.CPU_START_SECONDS + rates.POOL_START_SECONDS
    seconds = added(starts, compute(read, 0, basis.embedding, speed_of(workers, basis.cluster)))
    return Stage(
        "score", "similarities, scored", basis.responses, basis.responses, workers, 0, read, 0,
        seconds, gpu_hours(seconds, workers, basis.cluster), times(narrow(basis.responses), 2),
    )  # fmt: skip


def _train(basis: Basis) -> Stage:
    how = basis.settings.train
    examples = at_most(basis.in_split("train"), how.max_examples)
    with_teacher = how.teacher_weight > 0 or how.distillation_weight > 0
    prompts = (basis.lengths.rating, basis.lengths.rating_reference) if with_teacher else (basis.lengths.rating,)
    pair = sum(min(length, how.max_tokens) for length in prompts)
    tokens = times(examples, how.epochs, pair)
    workers = Workers(how.workers, how.gpus_per_worker, "GPU") if how.gpus_per_worker else Workers(how.workers, how.threads)
    speed = speed_of(workers, basis.cluster)
    seconds = _training_seconds(basis, examples, tokens, pair, speed) if speed else None
    steps = "" if examples is None else f"{steps_of(int(examples), how.batch_size, how.epochs):,} steps"
    return Stage(
        "train", "judge", basis.in_split("train"), examples, workers, 0, tokens, 0, seconds,
        gpu_hours(seconds, workers, basis.cluster), _judge_gigabytes(basis, examples, pair), steps,
    )  # fmt: skip


def _per_token(basis: Basis) -> Count:
    """Operations of one trained token: 6 a parameter, without gradients of frozen weights 4, with recomputation 2 more."""
    how = basis.settings.train
    factor = (4 if how.lora else 6) + (2 if how.gradient_checkpointing else 0)
    return None if basis.judge is None else factor * basis.judge.computing


def _training_seconds(basis: Basis, examples: Count, tokens: Count, pair: float, speed: Speed) -> Count:
    steps = times(tokens, _per_token(basis), 1 / speed.learn)
    return added(rates.CPU_START_SECONDS + rates.POOL_START_SECONDS, steps, _validation_seconds(basis, examples, pair, speed))


def _validation_seconds(basis: Basis, examples: Count, pair: float, speed: Speed) -> Count:
    how = basis.settings.train
    looked_at = at_most(basis.in_split("calibration"), how.validation_examples)
    if examples is None or looked_at is None:
        return None
    rounds = max(1, steps_of(int(examples), how.batch_size, how.epochs) // how.validate_every)
    return compute(rounds * looked_at * pair, 0, basis.judge, speed)


def _judge_gigabytes(basis: Basis, examples: Count, pair: float) -> Count:
    """Token ids of the examples, the judge, and the checkpoints."""
    how = basis.settings.train
    if basis.judge is None:
        return None
    trained = _ADAPTER_SHARE * basis.judge.parameters if how.lora else basis.judge.parameters
    weights = 2 if how.precision == "bfloat16" else 4
    model = trained * (weights + _CHECKPOINTS * (weights + _ADAM_BYTES)) / 1e9
    return added(times(examples, pair * 4 * ZSTD / 1e9), model)


def _judge(basis: Basis) -> Stage:
    rows = times(held_out(basis), 2)
    read = times(held_out(basis), basis.lengths.rating + basis.lengths.rating_reference)
    return engine_stage(basis, "evaluate", "judged", rows, read, 0, basis.judge, narrow(rows))


def _judge_variant(basis: Basis) -> Stage:
    """A variant's judge is asked without the reference only."""
    rows = held_out(basis)
    read = times(rows, basis.lengths.rating)
    return engine_stage(basis, "evaluate", "judged", rows, read, 0, basis.judge, narrow(rows))


def _ask_policy(basis: Basis) -> Stage:
    rows = held_out(basis)
    return engine_stage(
        basis, "evaluate", "judged_by_policy", rows, times(rows, basis.lengths.rating), 0, basis.policy, narrow(rows)
    )


def _report(basis: Basis) -> Stage:
    rows = basis.in_split("test")
    seconds = added(5, times(rows, basis.settings.evaluate.bootstrap / rates.RESAMPLED_ROWS))
    return Stage("report", "report", rows, rows, Workers(1, 1), seconds=seconds, gigabytes=0.002)
