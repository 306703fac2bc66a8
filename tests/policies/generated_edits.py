"""Edits of generated documents, made by Hypothesis: of anything, or of one part beside roles that may do everything."""

from copy import deepcopy

from hypothesis import strategies as st

from tests.policies import generated as made
from tests.policies.generated import SECTIONS, expressions, kinds, one_of, some, steps, tiers, tools, whens


def _role(draw, new):
    return new["roles"][draw(one_of(sorted(new["roles"])))]


def edit_tool(draw, new):
    _role(draw, new)["tools"][draw(tools)] = draw(made.modes)


def edit_end(draw, new):
    """An end more, less or other, and another mode after it."""
    tools = _role(draw, new)["tools"]
    moded = sorted(name for name, rule in tools.items() if "mode" in rule)
    if moded:
        name = draw(one_of(moded))
        terms = {term: value for term, value in tools[name].items() if term not in ("until", "then")}
        end, then = draw(one_of((None, *made.ENDS))), draw(one_of((None, "draft", "approval", "off")))
        tools[name] = terms | ({"until": end} if end else {}) | ({"then": then} if end and then else {})


def edit_tier(draw, new):
    _role(draw, new)["tier"] = draw(tiers)


def edit_fields(draw, new):
    rule = _role(draw, new).setdefault("fields", {}).setdefault(draw(kinds), {})
    rule |= draw(made.fields)


def edit_scope(draw, new):
    scopes, kind, atom = _role(draw, new).setdefault("scopes", {}), draw(kinds), draw(one_of(made.ATOMS))
    if kind not in scopes:
        scopes[kind] = draw(expressions)
    elif draw(one_of((True, True, True, False))):
        scopes[kind] = draw(one_of((f"({scopes[kind]}) && {atom}", f"{scopes[kind]} || {atom}", atom)))
    else:
        del scopes[kind]


def remove(draw, new):
    section = draw(one_of(("roles", *SECTIONS)))
    if len(new[section]) > (section == "roles"):
        new[section].pop(draw(one_of(sorted(new[section]))) if section == "roles" else 0)


def add_rule(draw, new):
    section = draw(one_of(sorted(SECTIONS)))
    rule = draw(SECTIONS[section])
    new[section] = [*(item for item in new[section] if item["id"] != rule["id"]), rule]


def edit_rule(draw, new):
    """One aspect of one rule, so that it may become stricter in just that."""
    items = [item for section in SECTIONS for item in new[section]]
    if items:
        item = draw(one_of(items))
        key = draw(one_of(sorted(set(item) & set(_ASPECTS))))
        whose = one_of(("agent", "tool", "connection", "workspace"))
        item[key] = draw(whose if key == "per" and "on" in item else _ASPECTS[key])
        if item.get("over") == "deny":
            item.pop("route", None)


def edit_expression(draw, new):
    """A part joined rightly or wrongly, other blanks, another expression, or the opposite rule."""
    for item in new["invariants"][:1]:
        key = "forbid" if "forbid" in item else "require"
        old, atom = item.pop(key), draw(one_of(made.ATOMS))
        edits = (
            f"({old}) && {atom}",
            f"({old}) || {atom}",
            f"{old} && {atom}",
            f"{atom} || {old}",
            old.replace(" ", "  "),
            atom,
        )
        key = draw(one_of((key, key, "forbid", "require")))
        item[key] = draw(one_of((old, *edits)))


def edit_route(draw, new):
    """A step more, less or other, another time, or other people kept out."""
    route = new["routes"][draw(one_of(("one", "two")))]
    change = draw(one_of(("steps", "insert", "expires", "separation", "escalation", "break_glass")))
    if change == "insert":
        route["steps"].insert(draw(one_of((0, len(route["steps"])))), draw(steps))
    elif change == "steps":
        place = draw(one_of(range(len(route["steps"]))))
        route["steps"][place : place + 1] = draw(st.lists(steps, min_size=len(route["steps"]) == 1, max_size=1))
    else:
        other = {"expires": one_of(("30min", "3600s", "2h")), "separation": some(one_of(("requester", "editor")))}
        other |= {"escalation": made.escalations, "break_glass": made.glass}
        route[change] = draw(other[change])
        if draw(st.booleans()):
            del route[change]
    route.update(made.in_order(route))


def edit_redact(draw, new):
    new["redact"] = draw(
        st.dictionaries(kinds, st.dictionaries(one_of(made.PATHS), one_of(("email", "secret")), max_size=2))
    )


def reorder(draw, new):
    for section in SECTIONS:
        new[section].reverse()


_ASPECTS = {
    "when": whens,
    "on": one_of(("failures", "denials")),
    "max": made.maxima,
    "window": one_of(("1h", "2h", "7200s", "1d")),
    "per": one_of(("agent", "role", "requester", "workspace")),
    "over": st.just("deny"),
    "reason": st.just("Other words."),
    "currency": one_of(("USD", "EUR")),
}
EDITS = (
    edit_tool, edit_end, edit_tier, edit_fields, edit_scope, remove, add_rule, edit_rule, edit_rule, edit_expression, edit_route,
    edit_redact, reorder,
)  # fmt: skip


@st.composite
def edited(draw, plain):
    """The same document after a few edits, many of which tighten."""
    new = deepcopy(plain)
    for _ in range(draw(st.integers(1, 3))):
        draw(one_of(EDITS))(draw, new)
    return new


def _beside_open_roles(draw, section, **rule):
    return {
        "policy": {"slug": "generated", "name": "Generated"},
        "roles": {"helper": deepcopy(made.OPEN), "lead": deepcopy(made.OPEN)},
        "routes": {"one": draw(made.routes), "two": draw(made.routes)},
        **{name: [] for name in SECTIONS},
        section: [draw(SECTIONS[section]) | rule],
    }


def _refusing(draw):
    """Rules that refuse every call they cover."""
    plain = _beside_open_roles(draw, "invariants")
    when = draw(whens)
    never = {"id": "r1", "when": when, "reason": "No.", "require": "1 == 2"}
    full = {"id": "r2", "when": when, "kind": "count", "per": "action", "max": 0, "over": "deny"}
    held = {"id": "r1", "when": when, "on": "denials", "per": "workspace", "max": 1, "window": "1h"}
    shut = {"id": "r1", "when": when, "reason": "Shut."} | made.SPANS[1]
    rules = {"invariants": never, "limits": full, "breakers": held, "freezes": shut}
    section = draw(one_of(sorted(rules)))
    return {**plain, **{name: [] for name in SECTIONS}, section: [rules[section]]}


def _asking(draw):
    """A role whose tools ask by several routes, beside limits that ask too."""
    plain = _beside_open_roles(draw, "limits")
    plain["roles"]["helper"] |= {
        "tier": "execute-with-approval",
        "tools": {name: draw(made.modes) for name in made.FACTS},
    }
    plain["limits"] = [_asks(name, draw(one_of((0, 1)))) for name in draw(some(one_of(("one", "two"))))]
    return plain


def _asks(route, most):
    """Asks for every call, or for none: one call is never more than one."""
    return {"id": route, "when": {}, "kind": "count", "per": "action", "max": most, "over": "approval", "route": route}


def _unlike(draw):
    """Two roles of any tools, fields and scopes."""
    roles = {"helper": draw(made.role_parts), "lead": deepcopy(made.OPEN) | {"fields": {"acct": draw(made.fields)}}}
    return {**_beside_open_roles(draw, "invariants"), "invariants": [], "roles": roles}


def edit_when(draw, new):
    for section in SECTIONS:
        for item in new[section]:
            item["when"] = draw(whens)


def edit_span(draw, new):
    for item in new["freezes"]:
        for key in ("from", "until", "days", "start", "end"):
            item.pop(key, None)
        item |= draw(one_of(made.SPANS))


def edit_window(draw, new):
    for item in new["limits"]:
        if "window" in item:
            item["window"] = draw(_ASPECTS["window"])


def edit_over(draw, new):
    """From denying to asking, or to asking others."""
    for item in new["limits"]:
        if item["per"] == "action":
            item |= {"over": "approval", "route": draw(one_of(("one", "two")))}


def edit_asking(draw, new):
    """One route more that every call is asked for."""
    name = draw(one_of(("one", "two")))
    new["limits"] = [*(item for item in new["limits"] if item["id"] != name), _asks(name, 0)]


FOCUS = {
    "invariants": (lambda draw: _beside_open_roles(draw, "invariants", when={}), (edit_expression,)),
    "limits": (
        lambda draw: _beside_open_roles(draw, "limits", when={}),
        (edit_rule, edit_rule, edit_over, edit_window),
    ),
    "freezes": (lambda draw: _beside_open_roles(draw, "freezes", when={}), (edit_span,)),
    "breakers": (lambda draw: _beside_open_roles(draw, "breakers", when={}), (edit_rule,)),
    "when": (_refusing, (edit_when,)),
    "routes": (_asking, (edit_asking, edit_asking, edit_route, edit_tool, edit_over)),
    "ends": (_asking, (edit_end, edit_end, edit_tool, edit_asking)),
    "roles": (_unlike, (edit_tool, edit_tier, edit_fields, edit_fields, edit_scope)),
}


@st.composite
def focused(draw, part):
    """A document and the same one after one or two edits of one part."""
    base, edits = FOCUS[part]
    old = base(draw)
    new = deepcopy(old)
    for _ in range(draw(st.integers(1, 2))):
        draw(one_of(edits))(draw, new)
    return old, new
