"""Two currencies over the same calls are refused where they surely meet, and left alone where they may not."""

import time

import pytest

from policies.engine.document import load
from policies.engine.problems import PolicyError

HEAD = """policy: {slug: a, name: A}
roles:
  eu: {tier: autonomous, tools: {}}
  us: {tier: autonomous, tools: {}}
limits:
"""


def limit(name: str, when: str, currency: str, kind: str = "money") -> str:
    said = f"currency: {currency}, " if kind == "money" else ""
    return f"- {{id: {name}, when: {{{when}}}, kind: {kind}, per: agent, window: 1d, max: 1, {said}over: deny}}\n"


def said(one: str, two: str) -> list[tuple[int, str, str]]:
    try:
        load(HEAD + limit("l", one, "USD") + limit("m", two, "EUR"))
    except PolicyError as error:
        return [(problem.line, problem.path, problem.message) for problem in error.problems]
    return []


SAME = "The same calls are limited in USD by l, here in EUR: every call breaks one. Use one currency."
MEET = [
    ("", ""), ("", "tools: [a.b]"), ("tools: [a.b]", ""), ("roles: [eu]", ""), ("roles: [eu], tools: [a.b]", ""),
    ("effect_classes: [write]", "effect_classes: [write, side_effect]"), ("resource_types: [a]", "roles: [us]"),
    ("tools: [a.b], effect_classes: [write]", "effect_classes: [write]"),
]  # fmt: skip
APART = [
    ("roles: [eu], tools: [a.b]", "roles: [us], tools: [a.b]"), ("tools: [a.b]", "tools: [a.c]"), ("roles: [eu]", "roles: [us]"),
    ("tools: [a.b]", "effect_classes: [write]"), ("resource_types: [a]", "effect_classes: [write]"),
    ("effect_classes: [write]", "effect_classes: [side_effect]"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), MEET)
def test_every_call_that_both_cover_would_break_one(one, two):
    assert (7, "limits.1", SAME) in said(one, two)


def test_the_tool_both_name_is_told():
    assert said("tools: [a.b, a.c]", "roles: [eu], tools: [a.b]")[0][2].startswith(
        "a.b is limited in USD by l, here in EUR:"
    )


@pytest.mark.parametrize(("one", "two"), APART)
def test_limits_that_need_not_meet_are_left_alone(one, two):
    """Each region has its own currency; what a tool does is known in a workspace only."""
    assert said(one, two) == []


def test_only_money_has_a_currency_and_one_currency_never_clashes():
    assert load(HEAD + limit("l", "", "USD") + limit("m", "tools: [a.b]", "USD") + limit("n", "", "", kind="count"))


def test_as_many_limits_as_a_document_holds_are_compared_in_seconds():
    rules = [limit(f"l{n}", f"tools: [t{n}]", ("USD", "EUR")[n % 2]) for n in range(1900)]
    start = time.process_time()
    assert len(load(HEAD + "".join(rules)).limits) == 1900
    assert time.process_time() - start < 30
