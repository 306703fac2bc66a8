"""A document as text: nothing is lost, one value has one text, and people can read it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.engine.yaml_source import MAX_INTEGER, UNSEEN, read
from tests.policies import generated as made

WORLD = Path(__file__).parent.parent.parent / "sample" / "world"
TRICKY = (
    "yes", "No", "on", "off", "null", "~", "1e3", "1.5", "0x10", "0o17", "010", "1_000", "12:30:45", "2026-01-01",
    "2026-01-01T00:00:00Z", ".inf", "-.nan", "=", "<<", "true", "", " leading", "trailing ", "\ttab", "a: b", "a #b", "#c",
    "- d", "? e", "key:", "[f", "{g", "*h", "&i", "!j", "|", ">", "%k", "@l", "`m", '"', "'", "\\", "é 漢 🙂", "\u2028",
    "a\nb", "a\n\nb\n", "\n", "\na", " a\n  b\n", "a \nb ", "---", "...", "---\na", "x" * 300,
    "word " * 60, "\u00a0",
)  # fmt: skip


def document(text, **rest):
    """A document that has a text wherever one may be anything."""
    test = {
        "name": text[:500] or "-",
        "given": {
            "role": "r",
            "tool": {"name": "a.b", "resource_type": "a", "effect_class": "read", "reversibility": "reversible"},
            "arguments": {"value": text, text: [text, {text: text}], "deep": {"map": {}, "list": [], "none": None}},
            "recipients": [text],
            **rest,
        },
        "expect": {"effect": "deny"},
    }
    return {"policy": {"slug": "p", "name": text[:500] or "-"}, "roles": {}, "tests": [test]}


def round_trip(plain):
    written = dump(plain)
    assert load(written).plain == plain
    assert dump(load(written).plain) == written
    return written


@pytest.mark.parametrize("text", TRICKY, ids=ascii)
def test_a_text_that_looks_like_something_else_stays_that_text(text):
    round_trip(document(text))


@pytest.mark.parametrize("text", ["\x85", "\ufeff", "\x07", "a\r\nb", "\u200b", "a\x85\nb"], ids=ascii)
def test_a_text_nobody_can_see_is_refused_and_never_becomes_another(text):
    with pytest.raises(PolicyError, match="control character"):
        load(dump(document(text)))


def seen(text):
    return not UNSEEN.search(text)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(seen) | st.sampled_from(TRICKY)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(texts, st.dictionaries(texts, values, max_size=4))
def test_any_value_comes_back_and_is_written_the_same(text, fields):
    plain = document(text, fields=fields)
    written = dump(plain)
    assert read(written).value == plain and dump(read(written).value) == written


@settings(max_examples=200, deadline=None)
@given(made.documents())
def test_any_document_comes_back_and_is_written_the_same(plain):
    written = dump(plain)
    assert read(written).value == plain and dump(read(written).value) == written


@pytest.mark.parametrize("name", ["support", "front-desk"])
def test_the_samples_come_back(name):
    round_trip(load((WORLD / f"{name}.policy.yaml").read_text()).plain)


def test_two_maps_that_differ_in_order_only_give_one_text():
    one = load((WORLD / "support.policy.yaml").read_text()).plain
    other = {name: one[name] for name in reversed(one)}
    other["roles"] = {
        name: {key: role[key] for key in reversed(role)} for name, role in reversed(list(one["roles"].items()))
    }
    assert dump(other) == dump(one)


def test_the_order_of_rules_is_kept():
    plain = load((WORLD / "support.policy.yaml").read_text()).plain
    turned = {**plain, "limits": plain["limits"][::-1]}
    assert [limit["id"] for limit in load(dump(turned)).plain["limits"]] == [limit["id"] for limit in turned["limits"]]


def test_it_reads_as_people_write_it():
    text = """\
policy:
  slug: desk
  name: Desk

roles:
  helper:
    tier: autonomous
    tools:
      desk.account.get: {}
      desk.account.update: {mode: approval, route: lead}
    fields:
      desk.account:
        read: [name, address.city]
        write: [note]
        mask: {ssn: number}
        unlisted: refuse_action
    scopes:
      desk.account: record.region == "EU"

invariants:
  - id: small
    when: {roles: [helper], tools: [desk.account.update]}
    require: |-
      args.amount < 5
      && args.kind == "a"
    reason: 'No: it is too large.'

routes:
  lead:
    steps:
      - {name: Lead, group: leads, quorum: 2}
    expires: 1h
    separation: [requester]

breakers:
  - id: failing
    when: {}
    on: failures
    per: agent
    max: 5
    window: 1h

freezes:
  - id: night
    when: {}
    reason: Nobody is here.
    days: [mon, tue]
    start: '22:00'
    end: 06:00

redact:
  desk.order: {card: card number}

waivers:
  - id: glass
    control: side_effect.break_glass
    reason: Small team.
    by: Dana
    expires: 2027-06-30T00:00Z
"""
    assert dump(load(text).plain) == text


def test_one_value_used_twice_is_written_twice():
    shared = {"tools": ["a.b"]}
    rules = [{"id": name, "when": shared, "require": "true", "reason": "No."} for name in ("one", "two")]
    written = round_trip({"policy": {"slug": "p", "name": "P"}, "roles": {}, "invariants": rules})
    assert written.count("{tools: [a.b]}") == 2


def test_an_unknown_section_is_written_so_that_reading_refuses_it():
    written = dump({"policy": {"slug": "p", "name": "P"}, "roles": {}, "magic": {"a": 1}})
    with pytest.raises(PolicyError, match="magic is not known here"):
        load(written)
