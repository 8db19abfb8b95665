"""What an instruction asks for, by a rule: verb and object."""

import pytest

from selfj.card.verbs import Request, request_of


@pytest.mark.parametrize(
    ("instruction", "verb", "noun"),
    [
        ("Write a short story about a dragon.", "write", "story"),
        ("Please generate three catchy slogans", "generate", "slogan"),
        ("Can you create a Bash script that lists files?", "create", "script"),
        ("Your task is to summarize the following article.", "summarize", "article"),
        ("In JavaScript, create a function to sort an array.", "create", "function"),
        ("Using a creative approach, explain the given phenomenon.", "explain", "phenomenon"),
        ("There is a list of numbers. Sort the list.", "sort", "list"),
        ("Tell me a number of ways to relax.", "tell", "number"),
        ("Name one machine learning technique used for forecasting.", "name", "technique"),
        ("Write a story describing dragons", "write", "story"),
        ("Rewrite the sentences", "rewrite", "sentence"),
        ("Explain what a pointer is.", "explain", ""),
        ("Compare and contrast cats with dogs", "compare", ""),
        ("List:", "list", ""),
    ],
)
def test_a_request_has_a_verb_and_the_first_object(instruction: str, verb: str, noun: str) -> None:
    expected = Request("request", verb, noun) if instruction != "List:" else Request("other")
    assert request_of(instruction) == expected


@pytest.mark.parametrize(
    "instruction",
    ["What is the capital of France?", "Given the input, what is the output?", "is it so", "How would you sort it?"],
)
def test_questions_are_no_requests(instruction: str) -> None:
    assert request_of(instruction) == Request("question")


@pytest.mark.parametrize(
    "instruction", ["Jack has 5 apples.", "Tricia sold 3 cakes.", "", "  \n", "42", "你好", "Dean, Mark and I."]
)
def test_what_begins_with_no_verb_is_neither(instruction: str) -> None:
    assert request_of(instruction) == Request("other")


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert request_of("The cat sat there. " * 1000 + "Write a poem.") == Request("other")
