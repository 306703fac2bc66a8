"""The semantic difference: the direction of every kind of edit, and the sentence that tells it."""

from copy import deepcopy

import pytest

from policies.engine.diff import compare
from policies.engine.document import load
from policies.engine.types import ToolFacts

FACTS = {
    name: ToolFacts(name, kind, effect_class, "reversible")
    for name, kind, effect_class in (
        ("desk.order.get", "desk.order", "read"),
        ("desk.account.update", "desk.account", "write"),
        ("desk.refund.create", "desk.refund", "side_effect"),
        ("desk.mail.send", "desk.mail", "side_effect"),
    )
}
BASE = load(
    """
policy: {slug: support, name: Support}
roles:
  refunds:
    tier: execute-with-approval
    tools:
      desk.order.get: {}
      desk.account.update: {mode: auto}
      desk.refund.create: {mode: approval, route: two}
      desk.mail.send: {mode: draft}
    fields:
      desk.account:
        read: [name, address, ssn]
        write: [note, address.city]
        mask: {ssn: number}
    scopes: {desk.account: record.region == "EU"}
    runbook: https://wiki.example/refunds
invariants:
  - {id: domains, name: Known domains, when: {tools: [desk.mail.send]}, require: size(recipients) == 1, reason: No.}
  - {id: huge, when: {}, forbid: args.amount > 900, reason: No.}
limits:
  - {id: each, when: {}, kind: money, per: action, max: 10000, currency: USD, over: approval, route: two}
  - {id: daily, when: {roles: [refunds]}, kind: rate, per: agent, max: 50, window: 1d, over: deny}
routes:
  one: {steps: [{name: Lead, group: leads}], separation: [requester]}
  two:
    steps: [{name: Lead, group: leads}, {name: Finance, group: finance, quorum: 2}]
    expires: 2h
    separation: [requester, same_person]
freezes:
  - {id: books, when: {}, reason: Books close., from: 2026-12-30T00:00Z, until: 2027-01-02T00:00Z}
  - {id: night, when: {}, reason: Nobody is here., days: [mon, tue], start: "22:00", end: "06:00"}
breakers:
  - {id: failing, when: {}, on: failures, per: agent, max: 5, window: 1h}
demotions:
  - {id: down, role: refunds, on: rollbacks, above: 10, window: 30d, at_least: 20, to: draft-only}
redact: {desk.order: {card: card number}}
waivers:
  - {id: glass, control: side_effect.break_glass, reason: Small team., by: Dana, expires: 2027-06-30T00:00Z}
tests:
  - name: Reads
    given: {role: refunds, tool: {name: desk.order.get, resource_type: desk.order, effect_class: read, reversibility: reversible}}
    expect: {effect: allow}
"""
).plain
GONE = ...  # A value no document holds, with the same name in every process.


def edited(path, value, plain=BASE):
    """The document with one value set; list items are named by their place."""
    new = deepcopy(plain)
    *way, last = path
    at = new
    for part in way:
        at = at[part]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return new


def tool(name):
    return ("roles", "refunds", "tools", name)


def field(key):
    return ("roles", "refunds", "fields", "desk.account", key)


SCOPE = ("roles", "refunds", "scopes", "desk.account")
STEPS = BASE["routes"]["two"]["steps"]
T, L, N, M, S = "tightens", "loosens", "neutral", "mixed", "same"

EDITS = [
    (tool("desk.account.update"), {"mode": "approval", "route": "two"}, T),
    (tool("desk.account.update"), {"mode": "draft"}, T),
    (tool("desk.account.update"), {"mode": "off"}, T),
    (tool("desk.account.update"), GONE, T),
    (tool("desk.account.update"), {"mode": "auto", "route": "one"}, N),
    (tool("desk.mail.send"), {"mode": "approval", "route": "two"}, T),
    (tool("desk.mail.send"), {"mode": "auto"}, L),
    (tool("desk.refund.create"), {"mode": "draft"}, L),
    (tool("desk.refund.create"), {"mode": "approval", "route": "one"}, L),
    (tool("desk.refund.create"), {}, N),
    (tool("desk.order.get"), {"mode": "auto"}, N),
    (tool("desk.ticket.get"), {"mode": "off"}, N),
    (tool("desk.ticket.get"), {"mode": "draft"}, L),
    (("roles", "refunds", "tier"), "autonomous", N),
    (("roles", "refunds", "tier"), "read-only", N),
    (("roles", "refunds", "runbook"), GONE, N),
    (("roles", "refunds", "on_call"), "leads", N),
    (("roles", "refunds", "pledge"), "anything", L),
    (("roles", "reader"), {"tier": "read-only", "tools": {}}, L),
    (("roles", "refunds"), GONE, T),
    (field("write"), ["note"], T),
    (field("write"), ["note", "address"], L),
    (field("write"), ["note", "address.city", "address.city.code"], N),
    (field("write"), ["address.city", "note"], S),
    (field("read"), ["name", "address.city", "ssn"], T),
    (field("read"), ["name", "address", "ssn", "phone"], L),
    (field("read"), ["name", "address", "ssn", "id"], L),
    (field("mask"), {}, L),
    (field("mask"), {"ssn": "number", "name": "name"}, T),
    (field("mask"), {"ssn": "number", "phone": "phone"}, L),
    (field("mask"), {"ssn": "id"}, N),
    (field("mask"), {"ssn": "number", "ssn.last": "digits"}, N),
    (field("unlisted"), "refuse_action", T),
    (field("unlisted"), "refuse_field", S),
    (field("hidden"), ["name"], L),
    (SCOPE, GONE, L),
    (("roles", "refunds", "scopes", "desk.refund"), "record.open", T),
    (SCOPE, 'record.region == "EU" && record.open', T),
    (SCOPE, '(record.region=="EU")&&(record.open)', T),
    (SCOPE, 'record.region == "EU" || record.open', L),
    (SCOPE, 'record.region == "EU" && record.open || true', L),
    (SCOPE, 'record.open ? record.region == "EU" && record.tame : true', L),
    (SCOPE, 'record.region    ==  "EU"', N),
    (SCOPE, 'record.region == "EU "', L),
    (SCOPE, "not CEL at all (", L),
    (("invariants", 0), GONE, L),
    (("invariants", 0, "require"), "size(recipients) == 1 && args.kind == 1", T),
    (("invariants", 0, "require"), "size(recipients) == 2", L),
    (("invariants", 1, "forbid"), "args.amount > 900 || args.kind == 1", T),
    (("invariants", 1, "forbid"), "args.amount > 900 && args.kind == 1", L),
    (("invariants", 0, "when"), {}, T),
    (("invariants", 0, "when"), {"tools": ["desk.mail.send", "desk.order.get"]}, T),
    (("invariants", 0, "when"), {"tools": ["desk.order.get"]}, L),
    (("invariants", 0, "when"), {"tools": ["desk.mail.send"], "roles": ["refunds"]}, L),
    (("invariants", 0, "when"), {"tools": ["desk.mail.send"], "roles": []}, S),
    (("invariants", 1, "when"), {"effect_classes": ["read"]}, L),
    (("invariants", 0, "reason"), "Other words.", N),
    (("invariants", 0, "remedy"), "Other words.", N),
    (("invariants", 0, "name"), "Other words", N),
    (("invariants", 0, "strength"), "soft", L),
    (("limits", 0), GONE, L),
    (("limits", 0, "max"), 9999, T),
    (("limits", 0, "max"), 10001, L),
    (("limits", 0, "currency"), "EUR", L),
    (("limits", 0, "route"), "one", L),
    (("limits", 1, "window"), "24h", N),
    (("limits", 1, "window"), "2d", T),
    (("limits", 1, "window"), "1h", L),
    (("limits", 1, "per"), "workspace", L),
    (("limits", 1, "per"), "role", L),
    (("limits", 1, "kind"), "count", L),
    (("limits", 1, "when"), {}, T),
    (("routes", "two", "steps"), STEPS[:1], L),
    (("routes", "two", "steps"), STEPS[::-1], L),
    (("routes", "two", "steps"), [*STEPS, {"name": "Legal", "group": "legal"}], T),
    (("routes", "two", "steps"), [{"name": "Lead", "group": "leads", "quorum": 2}, STEPS[1]], T),
    (("routes", "two", "steps"), [{"name": "Lead", "group": "others"}, STEPS[1]], L),
    (("routes", "two", "steps"), [{"name": "First", "group": "leads"}, STEPS[1]], N),
    (("routes", "two", "expires"), "1h", T),
    (("routes", "two", "expires"), GONE, T),
    (("routes", "two", "expires"), "120min", N),
    (("routes", "two", "expires"), "3h", L),
    (("routes", "two", "separation"), ["requester"], L),
    (("routes", "two", "separation"), ["same_person", "requester"], S),
    (("routes", "two", "separation"), GONE, T),
    (("routes", "two", "separation"), ["editor"], L),
    (("routes", "two", "mood"), "kind", L),
    (("routes", "one"), GONE, N),
    (("routes", "three"), {"steps": STEPS[:1]}, N),
    (("freezes", 0), GONE, L),
    (("freezes", 0, "until"), "2027-01-03T00:00Z", T),
    (("freezes", 0, "until"), "2027-01-01T00:00Z", L),
    (("freezes", 0, "until"), "2027-13-01T00:00Z", L),
    (("freezes", 0, "until"), "2027-01-02T00:00:00Z", S),
    (("freezes", 1, "end"), "07:00", T),
    (("freezes", 1, "end"), "05:00", L),
    (("freezes", 1, "days"), ["tue", "mon"], S),
    (("freezes", 1, "days"), ["mon", "tue", "wed"], T),
    (("freezes", 1, "days"), ["tue", "wed"], L),
    (("freezes", 1, "reason"), "Other words.", N),
    (("breakers", 0), GONE, L),
    (("breakers", 0, "max"), 4, T),
    (("breakers", 0, "max"), 6, L),
    (("breakers", 0, "window"), "2h", T),
    (("breakers", 0, "window"), "30min", L),
    (("breakers", 0, "per"), "workspace", L),
    (("breakers", 0, "on"), "denials", L),
    (("demotions",), GONE, L),
    (("demotions", 0, "above"), 9, T),
    (("demotions", 0, "above"), 11, L),
    (("demotions", 0, "at_least"), 10, T),
    (("demotions", 0, "at_least"), 30, L),
    (("demotions", 0, "to"), "read-only", T),
    (("demotions", 0, "to"), "execute-with-approval", L),
    (("demotions", 0, "window"), "7d", L),
    (("demotions", 0, "on"), "failures", L),
    (("demotions", 0, "role"), "other", L),
    (("demotions", 0, "name"), "Down", N),
    (("redact",), GONE, L),
    (("redact", "desk.order", "card"), "card", N),
    (("redact", "desk.order"), {"card": "card number", "card.pin": "pin"}, N),
    (("redact", "desk.order", "name"), "name", T),
    (("waivers",), GONE, T),
    (("waivers", 0, "expires"), "2027-06-29T00:00Z", T),
    (("waivers", 0, "expires"), "2027-07-01T00:00Z", L),
    (("waivers", 0, "expires"), "2027-06-30T00:00:00Z", N),
    (("waivers", 0, "expires"), "2027-99-30T00:00Z", L),
    (("waivers", 0, "role"), "refunds", T),
    (("waivers", 0, "control"), "write.rollback", L),
    (("waivers", 0, "by"), "Kim", N),
    (("tests", 0), GONE, L),
    (("tests", 0, "expect"), {"effect": "deny"}, N),
    (("policy", "name"), "Other", N),
    (("policy", "slug"), "other", L),
    (("magic",), {"on": "yes"}, L),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "effect"), EDITS, ids=lambda part: str(part)[:60])
def test_the_direction_of_one_edit(path, value, effect):
    diff = compare(BASE, edited(path, value), FACTS)
    expected = {S: set(), N: {N}}.get(effect, {effect})
    assert {change.effect for change in diff.changes} - {N} == expected - {N}, diff
    assert bool(diff.changes) == (effect != S)
    assert diff.verdict == (S if effect == N else effect)
    for change in diff.changes:
        assert change.label.endswith(".") and change.why.endswith(".") and change.path and change.section


def test_a_label_says_what_was_and_what_it_becomes():
    new = edited(tool("desk.account.update"), {"mode": "approval", "route": "two"})
    (change,) = compare(BASE, new, FACTS).changes
    assert change.label == "desk.account.update for Refunds: Auto becomes Approval by two."
    assert (change.path, change.section) == (tool("desk.account.update"), "tools")
    (change,) = compare(BASE, edited(("limits", 0, "max"), 5000), FACTS).changes
    assert change.label == "Limit each: the most it allows, $100.00 becomes $50.00."
    assert (change.path, change.old, change.new) == (("limits", "each", "max"), 10000, 5000)
    (change,) = compare(BASE, edited(field("write"), ["note"]), FACTS).changes
    assert change.label == "address.city of desk.account for Refunds: written becomes refused."
