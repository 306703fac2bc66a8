"""Policy documents made by Hypothesis: small, over few names, so that rules meet."""

from hypothesis import strategies as st

from policies.engine.builder import Builder
from policies.engine.problems import PolicyError
from policies.engine.yaml_source import Source
from tests.policies.generated_calls import FACTS, ROLES

PATHS = ("name", "address", "address.city", "address.city.code", "address.zip", "lines.amount", "lines")
ATOMS = (
    'record.region == "EU"', "args.amount <= 50", '"vip" in requester.groups', "size(recipients) < 2",
    "record.missing.deep == 1", 'agent.id == "agt_1"', "has(fields.name)",
)  # fmt: skip
SPANS = (
    {"from": "2026-03-02T00:00Z", "until": "2026-03-04T00:00Z"},
    {"from": "2026-03-01T00:00Z", "until": "2026-03-09T00:00Z"},
    {"days": ["mon"], "start": "08:00", "end": "18:00"},
    {"days": ["mon", "tue"], "start": "08:00", "end": "20:00"},
    {"days": ["sun"], "start": "20:00", "end": "10:00"},
)

one_of = st.sampled_from
roles, tools, kinds = one_of(ROLES), one_of(sorted(FACTS)), one_of(("acct", "pay"))
some = lambda values: st.lists(values, unique=True, max_size=2)  # noqa: E731


_JOINED = [
    shape.format(left, sign, right)
    for shape in ("({}) {} ({})", "{} {} {}", "( {} ){}{}", "{}  {}  ({})")
    for sign in ("&&", "||")
    for left, right in zip(ATOMS, (*ATOMS[3:], *ATOMS[:3]), strict=True)
]
expressions = one_of(
    (*ATOMS, *_JOINED, *(f"{left} && {right}" for left, right in zip(_JOINED, ATOMS * 8, strict=True)))
)
whens = st.fixed_dictionaries(
    {},
    optional={
        "roles": some(roles), "tools": some(tools), "resource_types": some(kinds),
        "effect_classes": some(one_of(("read", "write", "side_effect"))),
    },
)  # fmt: skip
ENDS = ("2026-03-02T10:00Z", "2026-03-03T00:00Z", "2026-03-03T12:30Z")
modes = one_of(
    ({}, {}, {"mode": "off"}, {"mode": "auto"}, {"mode": "draft"}, {"mode": "approval", "route": "one"},
     {"mode": "approval", "route": "two"}, {"route": "one"}, {"mode": "auto", "until": ENDS[0]},
     {"mode": "auto", "route": "one", "until": ENDS[1]}, {"mode": "draft", "until": ENDS[2], "then": "approval", "route": "two"},
     {"mode": "auto", "route": "two", "until": ENDS[2], "then": "draft"}, {"mode": "approval", "route": "one", "until": ENDS[0]})
)  # fmt: skip
fields = st.fixed_dictionaries(
    {},
    optional={
        "read": some(one_of(PATHS)), "write": some(one_of(PATHS)), "unlisted": one_of(("refuse_field", "refuse_action")),
        "mask": st.dictionaries(one_of(PATHS), one_of(("email", "secret")), max_size=2),
    },
)  # fmt: skip
tiers = one_of(("read-only", "draft-only", "execute-with-approval", "autonomous"))
role_parts = st.fixed_dictionaries(
    {"tier": tiers, "tools": st.dictionaries(tools, modes, max_size=5)},
    optional={
        "fields": st.dictionaries(kinds, fields, max_size=2),
        "scopes": st.dictionaries(kinds, expressions, max_size=1),
    },
)
maxima = one_of((0, 1, 2, 3, 5, 8, 40, 100))
ids = one_of(("r1", "r2"))


@st.composite
def invariants(draw):
    key = draw(one_of(("require", "forbid")))
    return {"id": draw(ids), "when": draw(whens), "reason": "No.", key: draw(expressions)}


@st.composite
def limits(draw):
    limit = {"id": draw(ids), "when": draw(whens), "max": draw(maxima)}
    kind = draw(one_of(("money", "count", "rate")))
    per = draw(one_of(("action", "agent", "role", "requester", "workspace")))
    per = "agent" if kind == "rate" and per == "action" else per
    limit |= {"kind": kind, "per": per, "over": "deny"}
    limit |= {"currency": draw(one_of(("USD", "EUR")))} if kind == "money" else {}
    if per != "action":
        return limit | {"window": draw(one_of(("1h", "60min", "2h", "1d")))}
    return limit | draw(
        one_of(({"over": "deny"}, {"over": "approval", "route": "one"}, {"over": "approval", "route": "two"}))
    )


@st.composite
def breakers(draw):
    on = draw(one_of(("failures", "denials")))
    return {"id": draw(ids), "when": draw(whens), "on": on, "per": draw(one_of(("agent", "tool", "connection", "workspace"))), "max": 3,
            "window": "1h"}  # fmt: skip


freezes = st.builds(
    lambda name, when, span: {"id": name, "when": when, "reason": "Shut."} | span, ids, whens, one_of(SPANS)
)
steps = st.builds(
    lambda group, quorum, more: {"name": "Step", "group": group, "quorum": quorum} | more,
    one_of(("g", "h")), one_of((1, 2)), one_of(
        ({}, {}, {}, {"people": ["a@x.y"]}, {"with": "previous"}, {"attributes": {"title": "cfo"}},
         {"attributes": {"title": "cfo", "region": "emea"}})
    ),
)  # fmt: skip
escalations = st.lists(
    st.builds(lambda after, to: {"after": after, "to": to}, one_of(("5min", "10min")), one_of(("m", "n"))),
    unique_by=lambda item: item["to"], min_size=1, max_size=2,
)  # fmt: skip
glass = st.builds(
    lambda group, more: {"group": group, "review_group": "g"} | more, one_of(("m", "n")),
    one_of(({}, {"review_within": "1d"}, {"review_within": "1h"}, {"reason_min": 40}, {"notify": ["g"]})),
)  # fmt: skip


def in_order(route):
    """The first step has none before it."""
    first, *rest = route["steps"]
    return {**route, "steps": [{key: first[key] for key in first if key != "with"}, *rest]}


routes = st.fixed_dictionaries(
    {"steps": st.lists(steps, min_size=1, max_size=3)},
    optional={
        "expires": one_of(("30min", "1h", "2h")), "separation": some(one_of(("requester", "same_person"))),
        "escalation": escalations, "break_glass": glass, "remind": one_of(("10min", "20min")),
    },
).map(in_order)  # fmt: skip
# A role that may do everything, so that what holds a call back is what was drawn beside it.
OPEN = {
    "tier": "autonomous",
    "tools": {name: {} for name in FACTS},
    "fields": {
        kind: {"read": ["name", "address", "lines"], "write": ["name", "address", "lines"]} for kind in ("acct", "pay")
    },
}
SECTIONS = {"invariants": invariants(), "limits": limits(), "breakers": breakers(), "freezes": freezes}


@st.composite
def documents(draw):
    """A document that may or may not load."""
    plain = {
        "policy": {"slug": "generated", "name": "Generated"},
        "roles": draw(st.dictionaries(roles, role_parts, min_size=1, max_size=2)),
        "routes": {"one": draw(routes), "two": draw(routes)},
        "redact": draw(st.dictionaries(kinds, st.just({"address.city": "secret"}), max_size=1)),
    }
    for section, items in SECTIONS.items():
        plain[section] = [draw(items) | {"id": name} for name in ("r1", "r2")[: draw(st.integers(0, 2))]]
    return plain


def loads(plain):
    """The document, or None where it is not one. Reading its text is left out: that is held by the YAML tests."""
    try:
        return Builder(Source(plain)).build()
    except PolicyError:
        return None
