from selfj.rating import Question
from selfj.serve.judging import side_by_side


def test_distinct_questions_of_one_instruction_lie_side_by_side_in_order_of_appearance():
    asked = [Question("a", "1"), Question("b", "2"), Question("a", "3"), Question("a", "1"), Question("b", "2", "r")]
    assert side_by_side(asked) == [Question("a", "1"), Question("a", "3"), Question("b", "2"), Question("b", "2", "r")]
