"""RFC 8785's form of a value is the same whichever of the two writers gives it."""

import enum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from traces.canonical import canonical_bytes

MOST = 2**53 - 1


class Kind(enum.StrEnum):
    READ = "read"


leaves = st.none() | st.booleans() | st.integers(-MOST, MOST) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    leaves | texts | st.just(Kind.READ),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(texts, parts, max_size=4) | st.tuples(parts),
    max_leaves=20,
)


@given(values)
def test_it_is_that_of_the_slow_writer(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_every_sign_is_written_alike_as_a_value_and_as_a_name():
    for number in (*range(0xD800), *range(0xE000, 0x11000), 0x1F600, 0x10FFFF):
        value = {chr(number): chr(number), "a": [chr(number)]}
        assert canonical_bytes(value) == rfc8785.dumps(value), hex(number)


def test_names_beyond_ascii_are_in_the_order_of_utf_16():
    """U+FB33 comes before U+1F600 by code point, and behind its surrogates."""
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value", [MOST + 1, -MOST - 1, float("nan"), float("inf"), "\ud800", {"\udfff": 1}, {1: 2}, {1}]
)
def test_what_has_no_form_is_refused(value):
    with pytest.raises(ValueError, match="has no RFC 8785 form"):
        canonical_bytes({"in": [value]})
