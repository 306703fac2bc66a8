"""The ship gate: every control met, missing, waived and waived too long ago."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from policies.engine.shipgate import CAPABILITIES, assess, blocking, unexpired
from policies.engine.types import EFFECT_CLASSES, ToolFacts

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS = {
    facts.name: facts
    for facts in (
        ToolFacts("order.get", "order", "read", "reversible"),
        ToolFacts("letter.sketch", "letter", "draft", "reversible"),
        ToolFacts("account.update", "account", "write", "irreversible"),
        ToolFacts("refund.create", "refund", "side_effect", "compensable", moves_money=True),
        ToolFacts("mail.send", "mail", "side_effect", "irreversible"),
        ToolFacts("queue.watch", "queue", "continuous", "reversible"),
    )
}
TWO = {"steps": [{"name": "Lead", "group": "leads"}, {"name": "Finance", "group": "finance"}]}
LIMIT = {"id": "each", "when": {"tools": ["refund.create"]}, "kind": "money", "per": "action", "max": 100, "currency": "USD",
         "over": "approval", "route": "two"}  # fmt: skip
RATE = {"id": "rate", "when": {}, "kind": "rate", "per": "agent", "max": 5, "window": "1h", "over": "deny"}
BREAKER = {
    "id": "failing",
    "when": {"tools": ["queue.watch"]},
    "on": "failures",
    "per": "agent",
    "max": 5,
    "window": "1h",
}
INVARIANT = {"id": "polite", "when": {"effect_classes": ["draft"]}, "require": "true", "reason": "No."}


def document(tools, **parts):
    """A role with tools; `role` are its other parts, the rest are sections."""
    role = {"tier": "autonomous", "tools": tools, **parts.pop("role", {})}
    return {"policy": {"slug": "p", "name": "P"}, "roles": {"helper": role}, "routes": {"two": TWO}, **parts}


def control(plain, key, at=AT):
    (gate,) = assess(plain, FACTS, at=at)
    return next(found for row in gate.rows for found in row.controls if found.key == key)


def approval(route="two"):
    return {"mode": "approval", "route": route}


def routes(**terms):
    return {"two": {**TWO, **terms}}


UPDATE, REFUND, MAIL, WATCH = "account.update", "refund.create", "mail.send", "queue.watch"
ON_REFUND = "roles.helper.tools.refund.create"
QUORUM = {"two": {"steps": [{"name": "Lead", "group": "leads", "quorum": 2}], "separation": []}}
LONE = {"two": {"steps": [{"name": "Lead", "group": "leads"}]}}

LONE_TOO = {"one": {"steps": [{"name": "Lead", "group": "leads"}]}}
MET = [
    ("read.data_access_logging", document({"order.get": {}}), "built in: the ledger"),
    ("read.tenant_isolation", document({"order.get": {}}), "built in: workspaces"),
    ("read.source_citations", document({"order.get": {}}), "built in: traces"),
    ("draft.human_review", document({"letter.sketch": {}}),
     "built in: a draft changes nothing outside until a person sends it"),
    ("draft.human_review", document({"letter.sketch": {"mode": "draft"}}), "roles.helper.tools.letter.sketch"),
    ("draft.context_shown", document({"letter.sketch": {}}), "built in: traces"),
    ("draft.content_filters", document({"letter.sketch": {}}), ""),
    ("draft.content_filters", document({"letter.sketch": {}}, invariants=[INVARIANT]), "invariants.polite"),
    ("write.field_allowlist", document({UPDATE: {}}, role={"fields": {"account": {"write": ["note"]}}}),
     "roles.helper.fields.account.write"),
    ("write.diffs", document({UPDATE: {}}), "built in: traces"),
    ("write.rollback", document({UPDATE: approval()}), "roles.helper.tools.account.update"),
    ("write.rollback", document({UPDATE: {"mode": "draft"}}), "roles.helper.tools.account.update"),
    ("write.per_object_scope", document({UPDATE: {}}, role={"scopes": {"account": "true"}}), "roles.helper.scopes.account"),
    ("side_effect.multi_step_approvals", document({REFUND: {"mode": "draft"}}), ON_REFUND),
    ("side_effect.multi_step_approvals", document({REFUND: approval()}), ON_REFUND),
    ("side_effect.multi_step_approvals", document({REFUND: approval()}, routes=QUORUM), ON_REFUND),
    # Nobody has two places on a route, also where its separation does not say so.
    ("side_effect.multi_step_approvals", document({REFUND: approval()}, routes=routes(separation=["requester"])), ON_REFUND),
    ("side_effect.multi_step_approvals", document({REFUND: {}}, role={"tier": "execute-with-approval"}), ON_REFUND),
    ("side_effect.multi_step_approvals", document({REFUND: {"mode": "draft"}}, limits=[LIMIT]), "limits.each"),
    # Beside a mode whose own route is asked every time, a laxer route decides nothing.
    ("side_effect.multi_step_approvals",
     document({REFUND: approval()}, routes={**LONE_TOO, "two": TWO}, limits=[LIMIT | {"route": "one"}]), ON_REFUND),
    ("side_effect.multi_step_approvals",
     document({REFUND: {}}, limits=[LIMIT | {"kind": "count", "max": 0}]), "limits.each"),
    ("side_effect.limits", document({REFUND: {}}, limits=[RATE]), "limits.rate"),
    ("side_effect.limits", document({REFUND: {}, MAIL: {}}, limits=[LIMIT, RATE]), "limits.rate, limits.each"),
    ("side_effect.break_glass", document({REFUND: {"mode": "draft"}}), ON_REFUND),
    ("side_effect.break_glass", document({REFUND: approval()}, routes=routes(break_glass={"group": "g", "review_group": "h"})), "routes.two.break_glass"),
    ("side_effect.trace_ids", document({REFUND: {}}), "built in: traces"),
    ("continuous.runbooks", document({WATCH: {}}, role={"runbook": "https://wiki.example/r"}), "roles.helper.runbook"),
    ("continuous.bounded_action_space", document({WATCH: {}}, limits=[RATE]), "limits.rate"),
    ("continuous.bounded_action_space",
     document({WATCH: {}}, limits=[RATE | {"kind": "count", "per": "role"}]), "limits.rate"),
    ("continuous.circuit_breakers", document({WATCH: {}}, breakers=[BREAKER]), "breakers.failing"),
    ("continuous.on_call", document({WATCH: {}}, role={"on_call": "leads"}), "roles.helper.on_call"),
]  # fmt: skip

EVERY = LIMIT | {"kind": "count", "max": 0}
MISSING = [
    ("write.field_allowlist", document({UPDATE: {}}), "no field of it is listed"),
    (
        "write.field_allowlist",
        document({UPDATE: {}}, role={"fields": {"account": {"write": [], "read": ["a"]}}}),
        "no field",
    ),
    ("write.rollback", document({UPDATE: {}}), "cannot be undone"),
    ("write.per_object_scope", document({UPDATE: {}}, role={"scopes": {"order": "true"}}), "any account"),
    ("side_effect.multi_step_approvals", document({REFUND: {}}), "runs by itself"),
    ("side_effect.multi_step_approvals", document({REFUND: approval()}, routes=LONE), "One person can approve"),
    # One call is never more than one call, so nobody is ever asked.
    (
        "side_effect.multi_step_approvals",
        document({REFUND: {}}, limits=[LIMIT | {"kind": "count", "max": 1}]),
        "by itself",
    ),
    (
        "side_effect.multi_step_approvals",
        document({REFUND: {}}, limits=[LIMIT | {"when": {"roles": ["other"]}}]),
        "by itself",
    ),
    ("side_effect.multi_step_approvals", document({REFUND: {}, MAIL: {}}, limits=[EVERY]), "mail.send runs by itself"),
    (
        "side_effect.multi_step_approvals",
        document({REFUND: {}}, role={"tier": "execute-with-approval"}, routes={}),
        "asks for approval by no route",
    ),
    # What is let through below a limit was let through by nobody, or by one person, however many are asked above it.
    ("side_effect.multi_step_approvals", document({REFUND: {}}, limits=[LIMIT]), "by itself"),
    ("side_effect.multi_step_approvals", document({REFUND: {}}, limits=[LIMIT | {"max": 0}]), "by itself"),
    (
        "side_effect.multi_step_approvals",
        document({REFUND: approval("one")}, routes={**LONE_TOO, "two": TWO}, limits=[LIMIT | {"max": 10**15}]),
        "alone by route one",
    ),
    (
        "side_effect.multi_step_approvals",
        document({REFUND: {"mode": "draft"}}, routes={**LONE_TOO, "two": TWO}, limits=[LIMIT | {"route": "one"}]),
        "(limits.each)",
    ),
    ("side_effect.limits", document({REFUND: {}, MAIL: {}}, limits=[LIMIT]), "No limit covers mail.send"),
    ("side_effect.break_glass", document({REFUND: approval()}), "Add break_glass to every route"),
    ("side_effect.break_glass", document({REFUND: {}}), "Add break_glass to every route"),
    ("continuous.runbooks", document({WATCH: {}}), "no runbook"),
    ("continuous.bounded_action_space", document({WATCH: {}}), "Nothing bounds"),
    ("continuous.bounded_action_space", document({WATCH: {}}, limits=[RATE | {"per": "requester"}]), "Nothing bounds"),
    ("continuous.bounded_action_space", document({WATCH: {}}, limits=[LIMIT | {"when": {}}]), "Nothing bounds"),
    (
        "continuous.circuit_breakers",
        document({WATCH: {}}, breakers=[BREAKER | {"when": {"roles": ["x"]}}]),
        "No breaker",
    ),
    ("continuous.on_call", document({WATCH: {}}), "nobody on call"),
]


@pytest.mark.parametrize(("key", "plain", "by"), MET)
def test_a_control_is_met_by_a_rule(key, plain, by):
    found = control(plain, key)
    assert (found.met, found.by) == (True, by) and found.sentence.endswith(".") and found.stands
    assert not any(key in sentence for _, sentence in blocking(assess(plain, FACTS, at=AT)))


@pytest.mark.parametrize(("key", "plain", "says"), MISSING)
def test_a_control_is_missing_waived_or_waived_too_long_ago(key, plain, says):
    found = control(plain, key)
    assert not found.met and found.by == "" and says in found.sentence and not found.stands
    (blocked,) = [sentence for _, sentence in blocking(assess(plain, FACTS, at=AT)) if f"({key})" in sentence]
    assert blocked.startswith("Helper, ") and says in blocked

    waiver = {"id": "w", "control": key, "reason": "Soon.", "by": "Dana", "expires": "2026-11-21T12:01Z"}
    waived = control({**plain, "waivers": [waiver]}, key)
    assert not waived.met and waived.stands and waived.waived_by == waiver and waived.expired == ()
    gates = assess({**plain, "waivers": [waiver]}, FACTS, at=AT)
    assert not any(f"({key})" in sentence for _, sentence in blocking(gates))

    over = waiver | {"expires": "2026-11-21T12:00Z"}
    late = control({**plain, "waivers": [over]}, key)
    assert not late.stands and late.expired == (over,)
    (blocked,) = [
        sentence for _, sentence in blocking(assess({**plain, "waivers": [over]}, FACTS, at=AT)) if key in sentence
    ]
    assert "Waiver w expired 2026-11-21T12:00Z." in blocked


WAIVER = {"id": "w", "control": "continuous.runbooks", "reason": "Soon.", "by": "Dana", "expires": "2027-01-01T00:00Z"}


@pytest.mark.parametrize(
    ("waiver", "stands"),
    [
        (WAIVER, True),
        (WAIVER | {"role": "helper"}, True),
        (WAIVER | {"role": "other"}, False),
        (WAIVER | {"control": "continuous.on_call"}, False),
        (WAIVER | {"expires": "2027-02-31T00:00Z"}, False),
    ],
)
def test_a_waiver_is_for_one_control_and_for_one_role_or_all(waiver, stands):
    found = control(document({WATCH: {}}, waivers=[waiver]), "continuous.runbooks")
    assert found.stands is stands and not found.met


def test_a_met_control_needs_no_waiver():
    plain = document({WATCH: {}}, role={"runbook": "https://wiki.example/r"}, waivers=[WAIVER])
    found = control(plain, "continuous.runbooks")
    assert found.met and found.waived_by is None and found.expired == ()


def test_waivers_in_force():
    old = WAIVER | {"id": "old", "expires": "2026-11-21T12:00Z"}
    odd = WAIVER | {"id": "odd", "expires": "2026-99-21T12:00Z"}
    plain = document({}, waivers=[WAIVER, old, odd])
    assert unexpired(plain, at=AT) == (WAIVER,) and unexpired(document({}), at=AT) == ()


def test_a_row_is_in_use_when_a_tool_of_its_class_is_on():
    tools = {"order.get": {}, UPDATE: {"mode": "off"}, REFUND: {}, "nobody.knows": {"mode": "auto"}}
    (gate,) = assess(document(tools), FACTS, at=AT)
    assert {row.effect_class: row.tools for row in gate.rows if row.in_use} == {
        "read": ("order.get",), "side_effect": (REFUND,),
    }  # fmt: skip
    assert gate.unknown_tools == ("nobody.knows",) and (gate.role, gate.tier) == ("helper", "autonomous")


def test_a_row_out_of_use_never_blocks():
    (gate,) = assess(document({"order.get": {}}), FACTS, at=AT)
    continuous = next(row for row in gate.rows if row.effect_class == "continuous")
    assert not next(found for found in continuous.controls if found.key == "continuous.runbooks").met
    assert continuous.missing == () and blocking((gate,)) == ()


def test_the_tier_decides_where_the_tool_says_nothing():
    lists = document({REFUND: {}}, role={"tier": "draft-only"})
    assert blocking(assess(lists, FACTS, at=AT)) == ()
    by_tier = document({REFUND: {}}, role={"tier": "execute-with-approval"}, routes={})
    assert not control(by_tier, "side_effect.multi_step_approvals").met


def test_every_role_has_its_own_table():
    plain = document({WATCH: {}}, waivers=[WAIVER | {"role": "helper"}])
    plain["roles"]["second"] = deepcopy(plain["roles"]["helper"])
    gates = assess(plain, FACTS, at=AT)
    assert [gate.role for gate in gates] == ["helper", "second"]
    runbooks = [sentence for _, sentence in blocking(gates) if "continuous.runbooks" in sentence]
    assert len(runbooks) == 1 and runbooks[0].startswith("Second, Runbooks")


def test_the_table_is_that_of_the_five_effect_classes():
    assert [row.effect_class for row in CAPABILITIES] == list(EFFECT_CLASSES)
    assert [len(row.controls) for row in CAPABILITIES] == [3, 3, 4, 4, 4]
    keys = [kind.key for row in CAPABILITIES for kind in row.controls]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(f"{row.effect_class}.") for row in CAPABILITIES for key in [c.key for c in row.controls])
    assert {key for key, _, _ in MET} == set(keys)
    assert {key for key, _, _ in MISSING} == set(keys) - {
        "read.data_access_logging", "read.tenant_isolation", "read.source_citations", "draft.human_review",
        "draft.context_shown", "draft.content_filters", "write.diffs", "side_effect.trace_ids",
    }  # fmt: skip


@pytest.mark.parametrize("key", ["side_effect.multi_step_approvals", "side_effect.limits"])
def test_a_money_limit_holds_nothing_where_no_money_moves(key):
    limit = {**LIMIT, "when": {"tools": [MAIL]}, "max": 10**15}
    assert not control(document({MAIL: {"mode": "auto"}}, limits=[limit]), key).met
