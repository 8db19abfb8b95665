"""A fixed labelled set, and further instructions whose category a person would not doubt."""

import json
from pathlib import Path

LABELLED = {
    "coding": [
        "Write a Python function that reverses a list without using slicing.",
        "Explain what this SQL query does: SELECT name FROM users WHERE age > 30;",
        "Fix the bug in the following JavaScript loop that never terminates.",
        "Implement a binary search tree in C++ with insert and delete.",
        "How do I merge two branches in git without losing my commits?",
        "Create a regular expression that matches an IPv4 address.",
        "Convert this for loop into a list comprehension in Python.",
        "Write a shell script that deletes all log files older than a week.",
        "What does a NullPointerException mean in Java and how can I avoid it?",
        "Design a REST API endpoint in Flask that returns a list of orders.",
        "Write unit tests for a function that parses dates.",
        "Use CSS to centre a div inside its parent element.",
    ],
    "academic": [
        "A train travels 60 miles in 1.5 hours. What is its average speed in miles per hour?",
        "Tom has 12 apples and gives away a third of them. How many apples are left?",
        "Solve for x: 3x + 7 = 22.",
        "A rectangle is 4 cm wide and 9 cm long. What is its area?",
        "Differentiate f(x) = x^3 - 5x with respect to x.",
        "A shop sells pens at 3 dollars each. How much do 14 pens and 2 notebooks at 5 dollars cost?",
        "If 5 workers build a wall in 8 days, how long do 10 workers need?",
        "What is the probability of rolling two sixes with two fair dice?",
        "A bag holds 3 red and 5 blue marbles. What fraction of the marbles is red?",
        "Sarah is twice as old as Ben. Together they are 36. How old is Ben?",
        "Calculate the sum of the first 20 positive integers.",
        "A tank fills at 5 litres per minute and leaks 2 litres per minute. How long until it holds 90 litres?",
    ],
    "common": [
        "Suggest a name for a small bakery by the sea.",
        "Write a short birthday message for my grandmother.",
        "What are some good places to visit in Portugal in spring?",
        "Give me three tips for falling asleep faster.",
        "Rewrite this sentence so that it sounds more polite.",
        "Describe the taste of a ripe mango to somebody who has never eaten one.",
        "Write a story about a dog that gets lost in the woods.",
        "Who painted the Mona Lisa?",
        "How can I remove a red wine stain from a carpet?",
        "Summarise the plot of Romeo and Juliet in two sentences.",
        "List five healthy snacks for children.",
        "Compose a poem about autumn leaves.",
    ],
}
OTHERS = {
    "coding": ["Write a Java method that sorts an array of integers.", "Debug this Python code, which raises a KeyError."],
    "academic": ["A box has 24 chocolates. Ann eats a quarter of them. How many are left?", "Solve the equation 2x - 4 = 10."],
    "common": ["Write a thank-you note to my neighbour.", "Suggest five names for a cat."],
}


def write_labelled(path: Path) -> Path:
    """The labelled set as a file."""
    rows = [{"instruction": text, "category": category} for category, texts in LABELLED.items() for text in texts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
