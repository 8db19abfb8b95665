"""Answers to held-out prompts, and how they compete."""

import json
from dataclasses import replace

import pytest

from selfj.config import EngineSettings, ModelSettings
from selfj.contests.reading import contests_of_run
from selfj.contests.rows import Contest
from selfj.contests.settings import TournamentSettings
from selfj.errors import DataError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.measured import answers
from selfj.selfjudge.measured.answers import Answering, AnswerMaker
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.self_training.sources import probe_prompts
from selfj.tables import Fingerprint
from tests.selfjudge.self_training.worlds import write_run
from tests.tiny_models import make_model
from tests.torch_engine import TorchEngine


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_model(tmp_path_factory.mktemp("model"), "qwen"))


def answering(model, **changes):
    how = SelfTrainingSettings(answer_tokens=4, temperature=1.0, top_p=1.0)
    return replace(Answering.like(how, ModelSettings(model=model), prompts=3, answers=2, seed=5), **changes)


@pytest.fixture
def made(run_folder, model, monkeypatch):
    write_run(run_folder, tests=4)
    monkeypatch.setattr(answers, "Engine", lambda settings, engine, adapter, seed: TorchEngine(settings.model))
    return AnswerMaker(answering(model), EngineSettings()).make(run_folder, 0)


def test_every_prompt_gets_its_answers_side_by_side_as_a_contest(run_folder, made):
    rows = from_table(Contest, made.rows)
    prompts = probe_prompts(run_folder, 3)
    assert [row.contest_id for row in rows] == [prompt.instruction_id for prompt in prompts]
    assert all(len(row.responses) == 2 and len(set(row.response_ids)) == 2 for row in rows)
    assert json.loads(rows[0].metadata) == json.loads(prompts[0].metadata), "what its grade needs"
    assert made.rows_in == 3 and not made.rejects


def test_answers_depend_on_the_seed_the_prompt_and_the_number_alone(run_folder, model, made):
    rows = {row.contest_id: row.responses for row in from_table(Contest, made.rows)}
    fewer = AnswerMaker(answering(model, prompts=2, answers=1), EngineSettings()).make(run_folder, 0)
    for row in from_table(Contest, fewer.rows):
        assert row.responses == rows[row.contest_id][:1]
    other = AnswerMaker(answering(model, seed=6), EngineSettings()).make(run_folder, 0)
    assert [row.responses for row in from_table(Contest, other.rows)] != list(rows.values())


def test_a_prompt_that_leaves_no_room_is_rejected(run_folder, model, made, monkeypatch):
    monkeypatch.setattr(TorchEngine, "context", 12)
    short = AnswerMaker(answering(model), EngineSettings()).make(run_folder, 0)
    assert short.rows.num_rows + len(short.rejects) == short.rows_in == 3 and short.rejects
    assert "the model's context is 12" in short.rejects[0].reason


def test_the_answers_compete_as_they_are(run_folder, made):
    table = run_folder.table("answers_start")
    manifest = table.begin(Fingerprint({}, {}), "measured")
    table.write(0, made.rows, [], made.rows_in)
    table.finish(manifest)
    settings = TournamentSettings(run=run_folder.address, tables=["answers_start"], most=1)
    (part,) = contests_of_run(RunFolder(run_folder.address), settings)
    assert [contest.responses for contest in part.contests] == [row.responses[:1] for row in from_table(Contest, made.rows)]


def test_a_run_without_held_out_prompts_is_an_error_that_says_what_to_raise(run_folder):
    write_run(run_folder, tests=0)
    with pytest.raises(DataError, match="test_fraction"):
        probe_prompts(run_folder, 3)
