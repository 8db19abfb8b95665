from hypothesis import given
from hypothesis import strategies as st

from selfj.rewards.answers import Answer, batches, request_of

answers = st.lists(st.builds(Answer, st.sampled_from(["a", "bb", "c" * 30]), st.text(max_size=20)), max_size=40)


@given(answers, st.integers(1, 10), st.integers(1, 200))
def test_every_answer_is_in_one_request_within_both_limits(answers, most, characters):
    made = list(batches(answers, most, characters))
    assert sorted(place for batch in made for place in batch) == list(range(len(answers)))
    assert all(len(batch) <= most for batch in made)
    for batch in made:
        groups = {answers[place].group for place in batch}
        size = sum(map(len, groups)) + sum(len(answers[place].response) for place in batch)
        assert size <= characters or len(batch) == 1 or size - min(len(answers[place].response) for place in batch) <= characters


@given(answers, st.integers(1, 10))
def test_a_group_that_fits_into_a_request_is_not_cut(answers, most):
    made = list(batches(answers, most, 10_000))
    for group in {answer.group for answer in answers}:
        of_group = [sum(answers[place].group == group for place in batch) for batch in made]
        assert sum(of_group) > most or sum(count > 0 for count in of_group) == 1


def test_an_instruction_is_sent_once_for_all_its_answers():
    turns = [{"role": "user", "content": "b"}]
    asked = [Answer("a", "1"), Answer("a", "2"), Answer(turns, "3")]
    items = [{"instruction": "a", "responses": ["1", "2"]}, {"messages": turns, "responses": ["3"]}]
    assert request_of(asked, "") == {"items": items}
    assert request_of(asked, "pocket@always") == {"items": items, "model": "pocket@always"}
