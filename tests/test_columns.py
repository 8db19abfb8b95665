"""Text for a terminal."""

from selfj.columns import aligned, count_text, short_count, size_text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([("step", "rows"), ("collect", "12")]) == ["step     rows", "collect    12"]


def test_numbers_are_short_and_unknown_ones_say_so() -> None:
    assert [short_count(value) for value in (None, 0, 7, 1234, 3.5e6, 7e9)] == ["unknown", "–", "7", "1.23 k", "3.5 M", "7 G"]
    assert [count_text(value) for value in (None, 0, 12345.4)] == ["unknown", "0", "12,345"]
    assert [size_text(value) for value in (None, 0, 2e3, 3.1e6, 1.5e9, 2e12)] == [
        "unknown",
        "–",
        "2 kB",
        "3.1 MB",
        "1.5 GB",
        "2 TB",
    ]
