"""Asking on the page: answer or refusal, score, candidates."""

import pytest
from playwright.sync_api import expect

from selfj.serve.services import Overloaded, Unavailable
from tests.serve.fakes import FakeJudge, FakePolicy, fake_endpoint
from tests.serve.page.driver import ask, promises, verdict

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script> [click](javascript:alert(3))"


def test_an_answer_at_its_threshold_is_given_with_its_score(visit):
    page = visit(fake_endpoint(FakePolicy(["Paris."]), FakeJudge(default=5.0)))
    ask(page, "What is the capital of France?")
    assert verdict(page) == "Answered"
    expect(page.locator("#answer")).to_have_text("Paris.")
    expect(page.locator("#score-value")).to_have_text("5.0")
    expect(page.locator("#asked")).to_have_text("What is the capital of France?")


def test_an_answer_below_its_threshold_is_withheld_and_the_endpoints_refusal_stands_there(visit):
    def change(settings):
        settings.refusal = "No: {score} of 9 is below {threshold} for {promise}."

    page = visit(fake_endpoint(FakePolicy(["Lyon."]), FakeJudge(default=4.9), change))
    ask(page)
    assert verdict(page) == "Declined"
    expect(page.locator("#answer")).to_have_text("No: 4.9 of 9 is below 5.0 for quality=0.7.")
    expect(page.locator("#withheld-text")).not_to_be_visible()
    page.get_by_text("Show the answer it would have given").click()
    expect(page.locator("#withheld-text")).to_have_text("Lyon.")


def test_the_distribution_has_ten_bars_as_high_as_their_probabilities(visit):
    page = visit(fake_endpoint(judge=FakeJudge(default=6.25)))
    ask(page)
    bars = page.locator("#distribution .stem").all()
    heights = [round(bar.bounding_box()["height"]) for bar in bars]
    assert len(bars) == 10 and 2.9 < heights[6] / heights[7] < 3.1 and max(heights[:6] + heights[8:]) <= 1
    expect(page.get_by_role("img", name="Probability of each score from 0 to 9: 6: 75 %, 7: 25 %")).to_be_visible()


@pytest.mark.parametrize("score", [1.0, 2.0, 4.5, 7.0, None])
def test_the_page_says_of_every_promise_what_the_endpoint_does(visit, score):
    endpoint = fake_endpoint(judge=FakeJudge(default=score))
    page = visit(endpoint)
    ask(page)
    said = promises(page)
    assert list(said) == ["pocket@coverage=0.8", "pocket@quality=0.7", "pocket@always"]
    for model, words in said.items():
        body = {"model": model, "messages": [{"role": "user", "content": "What is this?"}]}
        (choice,) = page.request.post(f"{page.url}v1/chat/completions", data=body).json()["choices"]
        assert words == ("answered" if choice["selfj"]["answered"] else "declined")


def test_an_answer_that_cannot_be_judged_is_declined_with_the_reason(visit):
    page = visit(fake_endpoint(judge=FakeJudge(default=None)))
    ask(page)
    assert verdict(page) == "Declined"
    expect(page.locator("#because")).to_have_text("The answer could not be judged: instruction alone takes 900 of 512 tokens.")
    expect(page.locator("#score")).not_to_be_visible()


def test_the_best_of_all_candidates_is_the_answer_and_all_are_ranked(visit):
    scores = {"bad": 1.0, "good": 8.0, "fair": 5.5, "unjudged": None}
    page = visit(fake_endpoint(FakePolicy(list(scores)), FakeJudge(scores)))
    ask(page, best_of=4)
    expect(page.locator("#answer")).to_have_text("good")
    rows = page.locator("#candidate-list li")
    assert rows.locator("summary b").filter(visible=True).all_inner_texts()[0] == "8.0"
    assert rows.locator(".preview").all_inner_texts() == ["good", "fair", "bad", "unjudged"]
    assert rows.locator(".decision").all_inner_texts() == ["answered", "answered", "declined", "declined"]
    expect(page.locator("#candidates-note")).to_contain_text("2 of 4 would be answered")
    rows.nth(1).locator("summary").click()
    expect(rows.nth(1).get_by_role("img", name="5: 50 %, 6: 50 %")).to_be_visible()


def test_of_many_candidates_the_first_are_shown_and_the_others_on_demand(visit):
    page = visit(fake_endpoint(FakePolicy([f"answer {number}" for number in range(16)])))
    ask(page, best_of=16)
    expect(page.locator("#candidate-list li:visible")).to_have_count(8)
    page.get_by_role("button", name="Show the other 8").click()
    expect(page.locator("#candidate-list li:visible")).to_have_count(16)


def test_no_more_candidates_are_offered_than_may_be_asked_for(visit):
    page = visit(fake_endpoint(change=lambda settings: setattr(settings.limits, "best_of", 6)))
    options = page.get_by_label("Candidates").locator("option")
    assert options.all_inner_texts() == ["one answer", "best of 2", "best of 4"]


def test_texts_of_models_and_users_are_never_markup(visit):
    page = visit(fake_endpoint(FakePolicy([EVIL])))
    ask(page, EVIL, best_of=2)
    expect(page.locator("#answer")).to_have_text(EVIL)
    expect(page.locator("#asked")).to_have_text(EVIL)
    assert page.locator("#result img, #candidates img, #result a").count() == 0


def test_only_settings_that_were_changed_are_sent(visit):
    policy = FakePolicy()
    page = visit(fake_endpoint(policy))
    page.get_by_text("Sampling").click()
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Seed").fill("7")
    with page.expect_request("**/v1/chat/completions") as sent:
        ask(page)
    body = sent.value.post_data_json
    assert (body["temperature"], body["seed"]) == (0.5, 7) and "max_tokens" not in body
    assert policy.calls[0].temperature == 0.5 and policy.calls[0].max_tokens == 64


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Overloaded("too many requests wait"), "too many requests wait. Try again in 1 s."),
        (Unavailable("the policy is being replaced"), "the policy is being replaced. Try again in 2 s."),
    ],
)
def test_a_problem_is_said_in_one_sentence_and_the_next_question_may_succeed(visit, problem, words):
    policy = FakePolicy()
    page = visit(fake_endpoint(policy))
    policy.problem = problem
    ask_and_fail(page)
    expect(page.get_by_role("alert")).to_contain_text(words.split(" Try")[0].rstrip("."))
    expect(page.get_by_role("alert")).to_contain_text(words.partition(". ")[2])
    policy.problem = None
    ask(page)
    expect(page.locator("#problem")).not_to_be_visible()
    assert verdict(page) == "Answered"


def ask_and_fail(page):
    page.get_by_label("Instruction", exact=True).fill("What is this?")
    page.get_by_role("button", name="Ask").click()
    page.locator("#problem").wait_for()


def test_a_refused_request_names_its_field(visit):
    page = visit(fake_endpoint())
    page.get_by_text("Sampling").click()
    page.get_by_label("Temperature").evaluate("field => { field.max = 9; field.value = 3; }")
    ask_and_fail(page)
    expect(page.get_by_role("alert")).to_contain_text("temperature")


def test_a_setting_out_of_range_is_shown_where_it_was_folded_away(visit):
    policy = FakePolicy()
    page = visit(fake_endpoint(policy))
    page.get_by_text("Sampling").click()
    page.get_by_label("Temperature").fill("5")
    page.get_by_text("Sampling").click()
    page.get_by_label("Instruction", exact=True).fill("What is this?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_label("Temperature")).to_be_focused()
    assert policy.calls == []


def test_nothing_is_asked_without_an_instruction(visit):
    policy = FakePolicy()
    page = visit(fake_endpoint(policy))
    page.get_by_label("Instruction", exact=True).fill("  \n ")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_have_text("Type an instruction first.")
    assert policy.calls == []


def test_a_question_can_be_stopped(visit):
    page = visit(fake_endpoint())
    page.route("**/v1/chat/completions", lambda route: None)  # it never comes back
    page.get_by_label("Instruction", exact=True).fill("What is this?")
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_have_text("Stopped.")
    expect(page.get_by_role("button", name="Ask")).to_be_enabled()
    expect(page.locator("#result")).not_to_be_visible()


def test_an_endpoint_that_is_not_ready_can_be_tried_again(visit):
    page = visit(fake_endpoint())
    page.route("**/v1/calibration", lambda route: route.abort(), times=1)
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("The endpoint could not be reached.")
    page.get_by_role("button", name="Try again").click()
    ask(page)
    assert verdict(page) == "Answered"


def test_a_score_just_below_the_threshold_is_shown_as_below(visit):
    page = visit(fake_endpoint(judge=FakeJudge(default=4.996)))
    ask(page)
    assert verdict(page) == "Declined"
    expect(page.locator("#because")).to_have_text("The judge gives it 4.996 of 9; “quality at least 0.7” answers from 5.000.")


@pytest.mark.parametrize("score", [0.0, 3.3, 4.9996, None])
def test_the_refusal_is_word_for_word_the_endpoints(visit, score):
    page = visit(fake_endpoint(judge=FakeJudge(default=score)))
    ask(page)
    body = {"model": "pocket@quality=0.7", "messages": [{"role": "user", "content": "What is this?"}]}
    (choice,) = page.request.post(f"{page.url}v1/chat/completions", data=body).json()["choices"]
    expect(page.locator("#answer")).to_have_text(choice["message"]["refusal"])
