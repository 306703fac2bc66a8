"""Patterns and equality of JSON Schema: what Python would let through or break on, and the time a mixed list takes."""

import re
import time

import pytest

from policies.engine.ecma import compiled, stands_twice


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("^a$", "a", "a\n"),
        ("^a$|^b$", "b", "a\n"),
        (r"^a\\$", "a\\", "a\\\n"),
        (r"^a\$$", "a$", "a$\n"),
        (r"^\$5$", "$5", "5"),
        ("^[A-Z$]+$", "A$", "A$\n"),
        (r"^[\]$]+$", "]$", "a"),
        (r"^\d+$", "42", "٤٢"),
    ],
)
def test_the_end_is_the_end_and_a_sign_is_itself(pattern, yes, no):
    assert compiled(pattern).search(yes) and not compiled(pattern).search(no)


def test_what_is_no_pattern_says_so():
    with pytest.raises(re.error):
        compiled("(")


@pytest.mark.parametrize(
    ("items", "twice"),
    [
        ([1, 1.0], True), ([1, True], False), ([0, False, "0", None, [], {}], False), ([{"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}], True),
        ([[1], [1]], True), (["a", "A"], False), ([], False), ([1.5, 1.5], True), ([2**53 - 1, 2**53 - 2], False),
    ],
)  # fmt: skip
def test_r05_items_are_equal_as_json_is(items, twice):
    assert stands_twice(items) is twice


def test_a08_a_mixed_list_takes_time_that_grows_with_it():
    def took(count: int) -> float:
        mixed = [number if number % 2 else {"n": number} for number in range(count)]
        began = time.process_time()
        assert not stands_twice(mixed)
        return time.process_time() - began

    # Every pair compared would be sixty-four times as long.
    assert min(took(16_000) for _ in range(3)) < 24 * max(min(took(2_000) for _ in range(3)), 0.001)
