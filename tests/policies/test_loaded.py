"""A document is loaded as exactly what it says, and what it leaves out is filled in."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from policies.engine import parts
from policies.engine.document import _PATTERNS, load
from policies.engine.limits import strictness
from policies.engine.parts import When
from policies.engine.problems import PolicyError
from policies.engine.routes import route_of
from policies.engine.schema import SCHEMA
from policies.engine.selftest import request_from
from policies.engine.windows import Once, Weekly

HEAD = "policy: {slug: a, name: The policy}\n"
ROLES = "roles:\n  r:\n    tier: autonomous\n    tools: {a.b: {}}\n"
WHEN = "{roles: [r], tools: [a.b], resource_types: [a], effect_classes: [read]}"
ALL = When(frozenset(), frozenset(), frozenset(), frozenset())
SOME = When(frozenset({"r"}), frozenset({"a.b"}), frozenset({"a"}), frozenset({"read"}))


def test_a_document_without_its_parts_has_none():
    document = load(HEAD + ROLES)
    assert (document.slug, document.name) == ("a", "The policy")
    assert (document.invariants, document.limits, document.freezes, document.breakers, document.tests) == ((),) * 5
    assert (document.redact, document.routes) == ({}, {})
    assert document.roles == {"r": parts.Role("r", "autonomous", {"a.b": parts.ToolRule(None, None)}, {}, {})}


def test_breakers():
    found = load(HEAD + ROLES + (
        "breakers:\n- {id: b, when: {}, on: failures, per: agent, max: 3, window: 2h}\n"
        f"- {{id: c, name: Spent, when: {WHEN}, on: spend, per: tool, max: 4, currency: USD, window: 30s}}\n"
    )).breakers  # fmt: skip
    assert found == (
        parts.Breaker("b", "b", ALL, "failures", "agent", 3, None, 7200),
        parts.Breaker("c", "Spent", SOME, "spend", "tool", 4, "USD", 30),
    )


def test_freezes():
    found = load(HEAD + ROLES + (
        "freezes:\n- {id: f, when: {}, reason: Shut., from: 2026-01-01T00:00Z, until: 2026-01-02T00:00Z}\n"
        f"- {{id: g, name: Nights, when: {WHEN}, reason: Dark., days: [sun], start: '22:00', end: '06:00'}}\n"
    )).freezes  # fmt: skip
    once = Once(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert found == (
        parts.Freeze("f", "f", ALL, "Shut.", once),
        parts.Freeze("g", "Nights", SOME, "Dark.", Weekly((6,), time(22), 480)),
    )


def test_limits_and_invariants():
    found = load(HEAD + ROLES + (
        "limits:\n- {id: l, when: {}, kind: count, per: agent, max: 5, window: 1d, over: deny}\n"
        f"- {{id: m, name: Spend, when: {WHEN}, kind: money, per: action, max: 6, currency: USD, over: approval, route: x}}\n"
        "invariants:\n- {id: i, when: {}, require: 'true', reason: No.}\n"
        f"- {{id: j, name: Never, when: {WHEN}, forbid: 'false', reason: Not so., remedy: Ask.}}\n"
        "routes: {x: {steps: [{name: N, group: g}]}}\n"
    ))  # fmt: skip
    assert found.limits == (
        parts.Limit("l", "l", ALL, "count", "agent", 5, None, 86400, "deny", None),
        parts.Limit("m", "Spend", SOME, "money", "action", 6, "USD", 0, "approval", "x"),
    )
    said = [(i.id, i.name, i.when, i.expression.source, i.forbid, i.reason, i.remedy) for i in found.invariants]
    assert said == [("i", "i", ALL, "true", False, "No.", ""), ("j", "Never", SOME, "false", True, "Not so.", "Ask.")]


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        load(HEAD + text)
    return [(problem.path, problem.message) for problem in caught.value.problems]


LIMIT = "limits: [{id: l, when: {}, kind: count, per: agent, max: %s, window: 1h, over: deny}]\n"
KNOWN = "breakers, demotions, freezes, invariants, limits, policy, redact, roles, routes, tests, waivers"
TOOL = "{name: t, resource_type: a, effect_class: read, reversibility: reversible}"
GIVEN = f"tests: [{{name: T, given: {{role: r, tool: {TOOL}, record: %s}}, expect: {{effect: allow}}}}]\n"
ROWS = GIVEN.replace(", record: %s", "").replace("reversible}", "reversible, returns_rows: 1}")
# What follows the roles, where it is wrong, and the whole sentence.
SAID = [
    ("bogus: 1\n", "bogus", f"bogus is not known here. Use one of: {KNOWN}."),
    ("'': 1\n", "", f"An empty name is not known here. Use one of: {KNOWN}."),
    (LIMIT % "1.5", "limits.0.max", "This is a number. Write a whole number."),
    (LIMIT % "true", "limits.0.max", "This is true or false. Write a whole number."),
    (LIMIT % "[1]", "limits.0.max", "This is a list. Write a whole number."),
    (LIMIT % "{}", "limits.0.max", "This is a record. Write a whole number."),
    (LIMIT.replace("id: l", "id: 1") % 1, "limits.0.id", "This is a number. Write a text."),
    ("redact: ~\n", "redact", "This is nothing. Write a record."),
    ("limits: x\n", "limits", "This is a text. Write a list."),
    (GIVEN % "1", "tests.0.given.record", "This is a number. Write a record."),
    (ROWS, "tests.0.given.tool.returns_rows", "This is a number. Write true or false."),
    ("invariants: [{id: i, when: {}, reason: R.}]\n", "invariants.0", "An invariant has either require or forbid."),
    (
        "freezes: [{id: f, when: {}, reason: R.}]\n",
        "freezes.0",
        "A freeze has either from and until, or days, start and end.",
    ),
    (
        "routes: {x: {steps: [{name: N}]}}\n",
        "routes.x.steps.0",
        "A step names a group, people, or attributes of people. Add at least one of them.",
    ),
    (
        "breakers: [{id: b, when: {}, on: failures, per: agent, max: 1, currency: USD, window: 1h}]\n",
        "breakers.0",
        "A breaker on spend names its currency; every other has none.",
    ),
    (LIMIT % -1, "limits.0.max", "-1 is less than the minimum of 0."),
    ("limits: [{id: l}]\n", "limits.0", "'when' is a required property. Add it."),
    (
        "invariants: [{id: i, when: {}, require: 'true', reason: %s}]\n" % ("x" * 501),
        "invariants.0.reason",
        "This is longer than 500 characters. Make it shorter.",
    ),
    ("redact: {a: {b: Email}}\n", "redact.a.b", f"'Email' is not {_PATTERNS['^[a-z][a-z ]']}"),
    ("redact: {%s: {}}\n" % ("X" * 61), "redact." + "X" * 61, f"'{'X' * 60}' is not {_PATTERNS['^[a-z][a-z0-9']}"),
]


@pytest.mark.parametrize(("text", "path", "sentence"), SAID, ids=[path or "top" for _, path, _ in SAID])
def test_a_mistake_is_told_in_one_whole_sentence_and_what_to_write(text, path, sentence):
    assert (path, sentence) in problems(ROLES + text)


ROUTE = "routes: {x: {steps: [{name: N, group: g}]}}\n"
ITEMS = {
    "invariants": "id: i, when: {}, require: 'true', reason: R.",
    "limits": "id: i, when: {tools: [TWICE]}, kind: count, per: agent, max: 1, window: 1h, over: deny",
    "freezes": "id: i, when: {tools: [TWICE]}, reason: R., days: [mon], start: '01:00', end: '02:00'",
    "breakers": "id: i, when: {}, on: failures, per: agent, max: 1, window: 1h",
    "waivers": "id: i, control: write.diffs, reason: R., by: B, expires: 2026-01-01T00:00Z",
    "tests": f"name: i, given: {{role: r, tool: {TOOL}}}, expect: {{effect: allow}}",
}


@pytest.mark.parametrize("section", ITEMS)
def test_a_name_is_used_once_in_a_section_and_may_stand_in_another(section):
    key, item = "name" if section == "tests" else "id", "- {" + ITEMS[section] + "}\n"
    once = f"{section}:\n" + item.replace("TWICE", "a.b")
    said = (f"{section}.1.{key}", f"i is used twice. Give each its own {key}.")
    assert problems(ROLES + once + item.replace("TWICE", "c.d")) == [said]
    others = "".join(f"{name}:\n- {{{ITEMS[name]}}}\n" for name in ITEMS).replace("TWICE", "a.b")
    assert load(HEAD + ROLES + others)


def limit(**terms: object) -> str:
    given = {"id": "l", "when": "{}", "kind": "count", "per": "agent", "max": 1, "window": "1h", "over": "deny"} | terms
    return "{" + ", ".join(f"{name}: {value}" for name, value in given.items() if value is not None) + "}"


APPROVES = {"per": "action", "window": None, "over": "approval"}
RATE = "A rate is calls in a window: say per agent, role or workspace."
WINDOW = "A limit per action has no window; every other limit needs one."
LIMITS = [
    ({"kind": "money"}, ["A money limit needs a currency."]),
    ({"currency": "USD"}, ["Only a money limit has a currency. Remove it."]),
    ({"kind": "rate", "currency": "USD"}, ["Only a money limit has a currency. Remove it."]),
    ({"kind": "rate", "per": "action", "window": None}, [RATE]),
    ({"kind": "rate", "per": "action"}, [RATE, WINDOW]),
    ({"window": None}, [WINDOW]),
    ({"per": "action"}, [WINDOW]),
    (APPROVES, ["A limit with over: approval names its route; one with over: deny has none."]),
    ({"route": "x"}, ["A limit with over: approval names its route; one with over: deny has none."]),
    ({"over": "approval", "route": "x"}, ["Only a limit per action can lead to approval. Use over: deny."]),
    ({**APPROVES, "route": "y"}, ["There is no route y. Add it under routes, or name another."]),
    ({**APPROVES, "route": "x"}, []),
    ({"kind": "rate"}, []),
    ({"kind": "money", "currency": "USD"}, []),
]


@pytest.mark.parametrize(("terms", "said"), LIMITS, ids=[str(terms) for terms, _ in LIMITS])
def test_what_a_limit_cannot_say(terms, said):
    text = ROLES + ROUTE + f"limits: [{limit(**terms)}]\n"
    if not said:
        assert load(HEAD + text).limits
        return
    at = "limits.0.route" if "no route" in said[0] else "limits.0"
    assert problems(text) == [(at, sentence) for sentence in said]


WRONG = [
    ("invariants: [{id: i, when: {roles: [q]}, require: 'true', reason: R.}]\n", "invariants.0.when.roles.0", "There is no role q. Use one of: r."),
    ("waivers: [{id: w, control: write.diffs, role: q, reason: R., by: B, expires: 2026-01-01T00:00Z}]\n", "waivers.0.role", "There is no role q. Use one of: r."),
    (f"tests: [{{name: T, given: {{role: q, tool: {TOOL}}}, expect: {{effect: allow}}}}]\n", "tests.0.given.role", "There is no role q. Use one of: r."),
    (f"tests: [{{name: T, given: {{role: r, tool: {TOOL}}}, expect: {{effect: allow, route: x}}}}]\n", "tests.0.expect.route", "There is no route x. Add it under routes, or name another."),
    (f"tests: [{{name: T, given: {{role: r, at: 2026-02-30T00:00Z, tool: {TOOL}}}, expect: {{effect: allow}}}}]\n", "tests.0.given.at", "This is no time: day is out of range for month. Write UTC as 2026-11-21T08:00Z."),
    ("freezes: [{id: f, when: {}, reason: R., from: 2026-01-02T00:00Z, until: 2026-01-01T00:00Z}]\n", "freezes.0", "It ends before it starts. Swap from and until."),
    (f"limits: [{limit()}, {limit(id='m', window='60min')}]\n", "limits.1", "l limits the same calls in the same window. Keep one of them."),
    (
        f"limits: [{limit(kind='money', currency='USD', when='{tools: [a]}')}, {limit(id='m', kind='money', currency='EUR', per='role', when='{tools: [a]}')}]\n",
        "limits.1", "a is limited in USD by l, here in EUR: every call breaks one. Use one currency.",
    ),
    (
        "freezes:\n- {id: f, when: {}, reason: R., days: [mon], start: '01:00', end: '03:00'}\n- {id: g, when: {}, reason: R., days: [mon], start: '02:00', end: '04:00'}\n",
        "freezes.1", "Its window overlaps that of f for the same calls. Join the two.",
    ),
    ("routes: {x: {steps: [{name: N, group: g}], remind: 90min}}\n", "routes.x.remind", "The request expires before anybody is reminded. Make remind shorter than expires."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "sentence"), WRONG, ids=[path for _, path, _ in WRONG])
def test_what_only_shows_beside_the_rest(text, path, sentence):
    assert problems(ROLES + text) == [(path, sentence)]


def test_a_test_may_name_a_role_that_is_not_there_to_show_that_it_is_denied():
    assert load(
        HEAD + ROLES + f"tests: [{{name: T, given: {{role: q, tool: {TOOL}}}, expect: {{effect: deny}}}}]\n"
    ).tests


def test_a_long_sentence_of_the_schemas_own_is_cut():
    ((path, sentence), *_) = problems(ROLES.replace("autonomous", "a" * 300))
    assert (path, sentence) == ("roles.r.tier", f"'{'a' * 199}.")
    ((_, sentence),) = problems(ROLES + "routes: {x: {steps: [{name: N, group: g}], break_glass: {group: h}}}\n")
    assert sentence == "'review_group' is a required property. Add it."


def test_terms_that_stand_only_beside_another():
    tools = "roles: {r: {tier: autonomous, tools: {a.b: %s}}}\n"
    then = ("roles.r.tools.a.b", "then stands only beside until. Add until, or remove then.")
    assert problems(tools % "{mode: auto, then: 'off'}") == problems(tools % "{then: 'off'}") == [then]


def patterns(schema) -> set[str]:
    if isinstance(schema, list):
        return {found for item in schema for found in patterns(item)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own.union(*map(patterns, schema.values())) if schema else own


def test_every_pattern_of_the_schema_has_words():
    for pattern in patterns(SCHEMA):
        assert sum(pattern.startswith(start) for start in _PATTERNS) == 1, pattern


def test_all_instants_that_no_calendar_has_are_found_at_once():
    waivers = "waivers:\n" + "".join(
        f"- {{id: {name}, control: write.diffs, reason: R., by: B, expires: 2026-02-3{name[1]}T00:00Z}}\n"
        for name in ("w0", "w1")
    )
    found = problems(ROLES + waivers)
    assert [path for path, _ in found] == ["waivers.0.expires", "waivers.1.expires"]
    assert found[0][1] == "This is no time: day is out of range for month. Write UTC as 2026-11-21T08:00Z."
    both = "roles: {r: {tier: autonomous, tools: {a: {mode: auto, until: 2026-02-30T00:00Z}}}}\n"
    assert [path for path, _ in problems(both + LIMIT.replace("per: agent", "per: action") % 1)] == [
        "roles.r.tools.a.until", "limits.0",
    ]  # fmt: skip


CALL = request_from(
    {"role": "r", "tool": {"name": "a.b", "resource_type": "a", "effect_class": "read", "reversibility": "reversible"}}
)


def test_a_when_covers_a_call_that_every_part_of_it_names():
    """What breakers and histories count; decisions look it up (`policies.engine.parts.About`)."""
    assert (
        ALL.covers(CALL)
        and SOME.covers(CALL)
        and When(frozenset({"q", "r"}), ALL.tools, ALL.tools, ALL.tools).covers(CALL)
    )
    other = frozenset({"other"})
    for part in ("roles", "tools", "resource_types", "effect_classes"):
        assert not replace(SOME, **{part: other}).covers(CALL) and not replace(ALL, **{part: other}).covers(CALL), part
        assert replace(SOME, **{part: frozenset()}).covers(CALL), part


ONE, TWO = {"name": "A", "group": "g"}, {"name": "B", "group": "h"}
GLASS = {"group": "g", "review_group": "h"}
LATER = {"after": "5min", "to": "k"}
# From the least that is asked to the most.
ROUTES = [
    {"steps": [ONE], "break_glass": GLASS},
    {"steps": [ONE], "escalation": [LATER, {**LATER, "to": "m"}]},
    {"steps": [ONE], "escalation": [LATER]},
    {"steps": [ONE]},
    {"steps": [{**ONE, "quorum": 2}]},
    {"steps": [ONE, {**TWO, "with": "previous"}], "break_glass": GLASS},
    {"steps": [ONE, {**TWO, "with": "previous"}]},
    {"steps": [ONE, TWO], "break_glass": GLASS},
    {"steps": [ONE, TWO]},
    {"steps": [ONE, {**TWO, "quorum": 2}]},
]


def test_routes_are_ordered_by_how_much_they_ask_whatever_their_names():
    for names in ("abcdefghij", "jihgfedcba"):
        routes = [route_of(name, data) for name, data in zip(names, ROUTES, strict=True)]
        assert sorted(routes, key=strictness) == routes
    assert strictness(route_of("a", ROUTES[3])) < strictness(route_of("b", ROUTES[3])), "A name settles the rest."
