"""The engine against Cedar and against plain Python, over generated documents and calls (T7).

`REMIT_CASES` says how many calls (`make differential` asks 20,000), `REMIT_SEED` which ones.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import cedarpy

from policies.engine.builder import Builder
from policies.engine.decide import decide
from policies.engine.selftest import request_from
from policies.engine.yaml_source import Source
from tests.policies import oracle

CASES = int(os.environ.get("REMIT_CASES", "4000"))
SEED = int(os.environ.get("REMIT_SEED", "1"))
CALLS = 50  # Of one document.
Pick = random.Random
# CEL, Cedar, Python. Some of them fail where an argument is missing or of another kind.
EXPRESSIONS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("args.a > 5", "context.args.a > 5", lambda call: _number(call, "a") > 5),
    ("args.a <= args.b", "context.args.a <= context.args.b", lambda call: _number(call, "a") <= _number(call, "b")),
    ('args.s == "x"', 'context.args.s == "x"', lambda call: call["arguments"]["s"] == "x"),
    (
        "args.a + args.b > 8",
        "context.args.a + context.args.b > 8",
        lambda call: _number(call, "a") + _number(call, "b") > 8,
    ),
    ("args.a in [1, 2, 3]", "[1, 2, 3].contains(context.args.a)", lambda call: call["arguments"]["a"] in (1, 2, 3)),
    (
        'has(args.s) && args.s == "y"',
        'context.args has s && context.args.s == "y"',
        lambda call: call["arguments"].get("s") == "y",
    ),
    ("!has(args.b)", "!(context.args has b)", lambda call: "b" not in call["arguments"]),
    (
        "args.a == args.b",
        "context.args.a == context.args.b",
        lambda call: call["arguments"]["a"] == call["arguments"]["b"],
    ),
    ("true", "true", lambda call: True),
    ("false", "false", lambda call: False),
)
PLAIN = {cel: python for cel, _, python in EXPRESSIONS}
CEDAR = {cel: cedar for cel, cedar, _ in EXPRESSIONS}


def _number(call: Any, name: str) -> int:
    """An argument that an expression counts with; a text there is an error, as in CEL."""
    return 0 + call["arguments"][name]


def some(pick: Pick, values: Any, most: int | None = None) -> list[Any]:
    return pick.sample(list(values), pick.randint(0, len(values) if most is None else most))


def arguments(pick: Pick) -> dict[str, Any]:
    values = {"a": pick.choice((0, 1, 5, 6, 9, "x")), "b": pick.choice((0, 1, 5, 6)), "s": pick.choice(("x", "y", 3))}
    return {name: value for name, value in values.items() if pick.random() < 0.85}


def pairs(make: Callable[[Pick], dict[str, Any]], call: Callable[[Pick], dict[str, Any]]) -> Iterator[tuple[Any, Any]]:
    """A document and its loaded form, and the calls to ask of it."""
    for number in range(CASES // CALLS):
        pick = Pick(f"{SEED}:{number}")
        plain = make(pick)
        yield plain, [call(pick) for _ in range(CALLS)]


# The core that Cedar can say.


def core_document(pick: Pick) -> dict[str, Any]:
    names = ["x.a", "x.b", "x.c", "x.d"]
    roles = {
        f"r{number}": {
            "tier": "autonomous",
            "tools": {name: {} for name in names if pick.random() < 0.8},
            "fields": {"x.y": {"write": [name for name in "fghi" if pick.random() < 0.8], "unlisted": "refuse_action"}},
        }
        for number in range(3)
    }
    rules = [
        {
            "id": f"i{number}",
            "when": {"tools": some(pick, names) or ["x.a"]},
            "forbid": pick.choice(EXPRESSIONS)[0],
            "reason": "No.",
        }
        for number in range(pick.choice((0, 1, 1, 2)))
    ]
    limit = {"id": "l", "when": {"tools": some(pick, names) or ["x.b"]}, "kind": "money", "per": "action", "max": pick.choice((0, 5, 10, 11)),
             "currency": "USD", "over": "deny"}  # fmt: skip
    return {
        "policy": {"slug": "core", "name": "Core"},
        "roles": roles,
        "invariants": rules,
        "limits": some(pick, [limit]),
    }


def core_call(pick: Pick) -> dict[str, Any]:
    tool = {"name": pick.choice(["x.a", "x.b", "x.c", "x.d", "x.e"]), "resource_type": "x.y", "effect_class": "write"}
    return {
        "role": pick.choice(["r0", "r1", "r2", "r3"]), "tool": tool | {"reversibility": "reversible"}, "arguments": arguments(pick),
        "fields": dict.fromkeys(some(pick, "ffggghhhiiij", 2), 1), "money": {"amount": pick.randint(0, 11), "currency": "USD"},
    }  # fmt: skip


def asked_of_cedar(call: dict[str, Any], policies: cedarpy.PolicySet) -> Any:
    role = {"type": "Role", "id": call["role"]}
    context = {"args": call["arguments"], "fields": list(call["fields"]), "amount": call["money"]["amount"]}
    request = {
        "principal": 'User::"u"',
        "action": f'Action::"{call["tool"]["name"]}"',
        "resource": 'Thing::"t"',
        "context": context,
    }
    people = [
        {"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": [role]},
        {"uid": role, "attrs": {}, "parents": []},
    ]
    return cedarpy.is_authorized(request, policies, cedarpy.Entities.from_json_str(json.dumps(people)))


def test_cedar_decides_the_same_but_skips_a_forbid_that_fails():
    compared = skipped = allowed = 0
    for plain, calls in pairs(core_document, core_call):
        document = Builder(Source(plain)).build()
        policies = cedarpy.PolicySet.from_str(oracle.cedar_policies(plain, CEDAR))
        for call in calls:
            ours, theirs = decide(document, request_from(call)), asked_of_cedar(call, policies)
            compared, allowed = compared + 1, allowed + theirs.allowed
            if (ours.effect == "allow") != theirs.allowed:
                skipped += 1
                failed = [check for check in ours.checks if check.outcome == "denied"]
                assert (ours.effect, theirs.allowed) == ("deny", True), (plain, call)
                assert theirs.diagnostics.errors, (plain, call)
                assert {check.value for check in failed} == {"error"}, (plain, call, failed)
                assert len(failed) <= len(theirs.diagnostics.errors), (plain, call)
    assert compared == CASES // CALLS * CALLS
    assert skipped > compared / 200, "No forbid failed: the difference was never seen."
    assert compared / 20 < allowed < compared * 3 / 4, "The cases are lopsided."


# Everything that structured rules say.

TOOLS = {
    name: {"name": name, "resource_type": kind, "effect_class": effect_class, "reversibility": "reversible"}
    for name, kind, effect_class in (
        ("a.read", "a", "read"), ("a.write", "a", "write"), ("b.pay", "b", "side_effect"), ("b.watch", "b", "continuous"),
        ("a.draft", "a", "draft"),
    )
}  # fmt: skip
PATHS = ("name", "address", "address.city", "lines.amount", "lines", "meta.a.b")
VALUES = (
    {"name": "N"}, {"address": {"city": "R"}}, {"address": {"city": "R", "zip": 1}}, {"address.city": "R"},
    {"lines": [{"amount": 1}, {"amount": 2}]}, {"lines": [{"amount": 1, "tax": 2}]}, {"lines": [3, {"amount": 1}]}, {"lines": []},
    {"meta": {"a": {"b": [1, 2], "c": {}}}}, {"meta": {"a": {"b": {"x": 1}}}}, {"other": {}}, {"address": {}},
)  # fmt: skip
SPANS = (
    {"from": "2026-03-02T00:00Z", "until": "2026-03-04T00:00Z"}, {"days": ["mon", "wed"], "start": "08:00", "end": "18:00"},
    {"days": ["sun", "tue"], "start": "20:00", "end": "10:00"}, {"days": ["sat"], "start": "06:00", "end": "06:00"},
)  # fmt: skip
TIMES = [
    f"2026-03-{day:02}T{clock}Z"
    for day in range(1, 9)
    for clock in ("06:00", "08:00", "10:00", "18:00", "20:00", "23:59")
]


def when(pick: Pick) -> dict[str, Any]:
    found = {"roles": some(pick, ("r0", "r1"), 1), "tools": some(pick, TOOLS, 2), "resource_types": some(pick, "ab", 1)}
    found |= {"effect_classes": some(pick, ("read", "write", "side_effect"), 2)}
    return {name: value for name, value in found.items() if pick.random() < 0.4}


def whole_role(pick: Pick) -> dict[str, Any]:
    modes = (
        {},
        {},
        {},
        {"mode": "off"},
        {"mode": "auto"},
        {"mode": "draft"},
        {"mode": "approval", "route": "one"},
        {"route": "pair"},
        {"mode": "auto", "until": "2026-03-03T10:00Z"},
        {"mode": "auto", "until": "2026-03-05T18:00Z", "route": "one"},
        {"mode": "draft", "until": "2026-03-05T18:00Z", "then": "approval", "route": "pair"},
    )
    fields = {
        kind: {"write": some(pick, PATHS, 4), "unlisted": pick.choice(("refuse_field", "refuse_action"))}
        for kind in some(pick, "ab")
    }
    scopes = {kind: pick.choice(EXPRESSIONS)[0] for kind in some(pick, "ab", pick.choice((0, 0, 1)))}
    tools = {name: pick.choice(modes) for name in TOOLS if pick.random() < 0.85}
    return {"tier": pick.choice(list(oracle.DEFAULTS)), "tools": tools, "fields": fields, "scopes": scopes}


def whole_limit(pick: Pick, number: int) -> dict[str, Any]:
    counted = pick.choice((("count", "requester"), ("rate", "role"), ("count", "workspace")))
    kind, per = (("money", "action"), ("money", "agent"), counted)[number]
    limit = {
        "id": f"l{number}",
        "when": when(pick),
        "kind": kind,
        "per": per,
        "max": pick.choice((0, 1, 2, 40, 100)),
        "over": "deny",
    }
    limit |= {"currency": "USD"} if kind == "money" else {}
    if per != "action":
        return limit | {"window": f"{number + 1}h"}
    return limit | pick.choice(({}, {"over": "approval", "route": "pair"}, {"over": "approval", "route": "two"}))


def whole_document(pick: Pick) -> dict[str, Any]:
    many = lambda make, most=2: [make(number) for number in range(pick.randint(0, most))]  # noqa: E731
    step = {"name": "S", "group": "g"}
    return {
        "policy": {"slug": "whole", "name": "Whole"},
        "roles": {"r0": whole_role(pick), "r1": whole_role(pick)},
        "routes": {"one": {"steps": [step]}, "pair": {"steps": [step | {"quorum": 2}]}, "two": {"steps": [step, step]}},
        "limits": some(pick, [whole_limit(pick, number) for number in range(3)]),
        "invariants": many(lambda number: {"id": f"i{number}", "when": when(pick), "reason": "No.",
                                           pick.choice(("require", "forbid")): pick.choice(EXPRESSIONS)[0]}, 1),
        "freezes": many(lambda number: {"id": f"f{number}", "when": when(pick), "reason": "No.", **SPANS[(number + pick.randint(0, 1) * 2) % 4]}, 1),
        "breakers": many(lambda number: {"id": f"b{number}", "when": when(pick), "on": "failures", "max": 1, "window": "1h",
                                         "per": pick.choice(("agent", "tool", "workspace"))}, 1),
    }  # fmt: skip


def whole_call(pick: Pick) -> dict[str, Any]:
    keys = [
        f"l{number}:{whose}" for number in (1, 2) for whose in ("agent:g1", "requester:p1", "role:r0", "workspace:all")
    ]
    return {
        "role": pick.choice(["r0", "r0", "r1", "r1", "r9"]), "tool": TOOLS[pick.choice(list(TOOLS))], "agent": {"id": pick.choice(("g1", "g2"))},
        "requester": {"id": pick.choice(("p1", "p2"))}, "arguments": arguments(pick), "record": pick.choice(({}, {}, {}, None)),
        "fields": {name: value for item in some(pick, VALUES, 2) for name, value in item.items()},
        "money": pick.choice((None, *({"amount": amount, "currency": "USD"} for amount in (0, 1, 2, 40, 41)), {"amount": 1, "currency": "EUR"},
                              {"amount": -1, "currency": "USD"})),
        "usage": {key: pick.choice((0, 1, 2, 39, 60, 99, 100)) for key in some(pick, keys, 3)}, "at": pick.choice(TIMES),
        "tripped": some(pick, ("b0:agent:g1", "b0:tool:a.write", "b0:workspace:all"), 1) if pick.random() < 0.3 else [],
    }  # fmt: skip


def test_the_engine_decides_what_the_language_says():
    seen: dict[str, int] = {}
    for plain, calls in pairs(whole_document, whole_call):
        document = Builder(Source(plain)).build()
        for call in calls:
            ours, plainly = decide(document, request_from(call)), oracle.decide(plain, call, PLAIN)
            said = oracle.Answer(
                ours.effect,
                list(ours.refused_fields),
                ours.route.name if ours.route else None,
                {h.key: h.amount for h in ours.holds},
            )
            assert said == plainly, (plain, call, ours)
            seen[ours.effect] = seen.get(ours.effect, 0) + 1
    assert min(seen.get(effect, 0) for effect in ("allow", "draft", "approval", "deny")) > CASES / 500, seen
