"""Patterns of `matches`: written out in the policy, and so small that no text holds a decision up (P7)."""

import time

import pytest

from policies.engine.expressions import BadExpression, Context, compile_expression
from policies.engine.patterns import MOST, size

SIZES = [
    ("abc", 3), ("", 0), ("a+b*c?", 6), ("a{5}", 5), ("a{1,5}", 5), ("a{5,}", 5), ("a{0}", 1), ("ab{3}", 4), ("(ab){3}", 6),
    ("(a{10}){10}", 100), ("((a{2}b){3}c){4}", 40), ("[a-z]{7}", 7), ("[(){}]{7}", 7), (r"\({4}", 4), (r"\d{4}", 4), ("a{2}{3}", 6),
    ("(?:a|b){3}", 15), ("()", 1), ("a)b(", 3), ("a{,5}", 5), (r"[\]]{3}", 3),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "signs"), SIZES, ids=[pattern for pattern, _ in SIZES])
def test_a_pattern_is_as_large_as_with_its_repeats_written_out(pattern, signs):
    assert size(pattern) == signs


GOOD = (
    "args.x.matches('^[a-z]{1,63}([.][a-z]{1,63}){1,5}$')", 'args.x.matches("a+@b[.]example")', r"args.x.matches(r'\d{4}')",
    "args.l.all(x, x.matches('^a'))", f"args.x.matches('a{{{MOST - 2}}}')",
)  # fmt: skip
BAD = [
    ("args.x.matches(args.p)", "written out in the policy"),
    ("record.x.matches(requester.email)", "written out in the policy"),
    ("args.x.matches('a' + args.p)", "written out in the policy"),
    ("args.l.all(p, args.x.matches(p))", "written out in the policy"),
    ("matches(args.x, args.p)", "written out in the policy"),
    ("args.x.matches()", "written out in the policy"),
    ("args.x.matches(1)", "written out in the policy"),
    ("args.x.matches('(?:a{1,200}){1,200}b')", "more than 1,000 signs"),
    ("args.x.matches('a{999999}')", "more than 1,000 signs"),
    ("args.x.matches(r'((a{9}){99}){9}')", "more than 1,000 signs"),
    (r"args.x.matches('a\x7b9999\x7d')", "themselves, not by their numbers"),
    (r"args.x.matches('a\u007b9999\u007d')", "themselves, not by their numbers"),
    (r"args.x.matches('a\1739999\175')", "themselves, not by their numbers"),
]


@pytest.mark.parametrize("source", GOOD)
def test_a_pattern_that_is_written_out_and_small_is_taken(source):
    assert compile_expression(source).source == source


@pytest.mark.parametrize(("source", "words"), BAD, ids=[source for source, _ in BAD])
def test_a_pattern_that_a_call_brings_or_that_repeats_too_much_does_not_load(source, words):
    with pytest.raises(BadExpression, match=words):
        compile_expression(source)


@pytest.mark.parametrize("pattern", ["(?:a{1,30}){1,30}[bc]", "a{1,990}[bc]", "(a?){400}[bc]", "(?:[ab]{1,9}){1,80}c"])
def test_the_longest_text_of_a_call_is_held_against_it_in_seconds(pattern):
    expression = compile_expression(f"args.x.matches('{pattern}')")
    started = time.process_time()
    assert not expression.holds(Context({"args": {"x": "a" * 60_000}}, expression.reads))
    assert time.process_time() - started < 5
