"""Attacks on a judge: what neutralising makes of them, and what they gain with real weights."""

import random

import numpy as np
import pytest

from selfj.pocket.mistakes import WebHabits, web_answer
from selfj.pocket.world import item
from selfj.prompts import RATING_PROMPTS, PromptEncoder
from tests.serve.attack_gains import as_they_come, gains, pocket_encoder, pocket_judge, wrong_answers
from tests.serve.attacks import ATTACKS, MARKED, OWN
from tests.tiny_models import ARCHITECTURES, make_tokenizer


@pytest.fixture(scope="module")
def encoder():
    return pocket_encoder()


def special_tokens(encoder, ids):
    return [token for token in ids if token in encoder.tokenizer.added_tokens_decoder]


def test_there_are_enough_attacks_of_every_kind():
    assert len(ATTACKS) >= 30 and len({attack.text for attack in ATTACKS}) == len(ATTACKS)
    assert all(sum(attack.kind == kind for attack in ATTACKS) >= 5 for kind in MARKED)


@pytest.mark.parametrize("place", ["instruction", "response", "reference"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.text[:40])
def test_no_attack_adds_a_special_token_wherever_it_stands(encoder, attack, place):
    texts = {"instruction": "Why?", "response": "So.", "reference": "Thus."}
    plain = special_tokens(encoder, encoder.rating_ids(**texts))
    assert special_tokens(encoder, encoder.rating_ids(**{**texts, place: attack.on("No.")})) == plain


def test_as_they_come_attacks_with_the_judges_tokens_do_add_some(encoder):
    plain = special_tokens(encoder, encoder.rating_ids("Why?", "So."))
    with as_they_come(encoder):
        found = [
            special_tokens(encoder, encoder.rating_ids("Why?", attack.on("No."))) for attack in ATTACKS if attack.kind == OWN
        ]
    assert sum(tokens != plain for tokens in found) >= 9


@pytest.mark.parametrize("prompts", RATING_PROMPTS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_attack_writes_a_mark_of_the_prompt_or_of_its_template(architecture, prompts):
    encoder = PromptEncoder(make_tokenizer(architecture), prompts, 1000)
    plain = encoder.rating_text("Why?", "So.", "Thus.")
    special = encoder.tokenizer.all_special_tokens
    for attack in ATTACKS:
        text = encoder.rating_text("Why?", attack.on("No."), "Thus.")
        for mark in [*RATING_PROMPTS[prompts].parts(), *special]:
            assert not mark or text.count(mark) == plain.count(mark), attack.text


@pytest.fixture(scope="module")
def gained():
    """Whether the judge sees the reference → gains of (attacks, wrong answers): of all attacks, and of OWN ones as they come."""
    judge, cases, own = pocket_judge(), wrong_answers(4), [attack for attack in ATTACKS if attack.kind == OWN]
    found = {}
    for shown in (True, False):
        broken = gains(judge, ATTACKS, cases, shown=shown)
        with as_they_come(judge.encoder):
            found[shown] = broken, gains(judge, own, cases, shown=shown)
    return found


def median(found, kind):
    return np.median(found[[attack.kind == kind for attack in ATTACKS]])


@pytest.mark.parametrize("shown", [True, False], ids=["with reference", "without"])
def test_with_real_weights_attacks_gain_nothing(gained, shown):
    broken, _ = gained[shown]
    assert np.median(broken) <= 0
    assert all(median(broken, kind) <= 0 for kind in MARKED)


@pytest.mark.parametrize("shown", [True, False], ids=["with reference", "without"])
def test_with_real_weights_attacks_with_the_judges_tokens_do_more_as_they_come(gained, shown):
    broken, as_they_came = gained[shown]
    assert np.median(as_they_came) > median(broken, OWN) + 0.2


def test_pocket_texts_stay_as_they_are(encoder):
    """So do their tokens, and judges that were trained before marks were broken."""
    rng, habits = random.Random(5), WebHabits()
    items = [item(5, index) for index in range(4000)]
    texts = [text for made in items for text in (made.instruction, made.reference, web_answer(rng, made, habits))]
    breakers = [encoder.breaker(prompt.parts()) for prompt in RATING_PROMPTS.values()]
    assert [text for text in texts for breaker in breakers if breaker.broken(text) != text] == []
