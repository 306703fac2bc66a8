"""Edits of a policy document as plain data: each takes a document and gives a new one. Pure; saving is not its business.

An edit refuses what can never be meant (a route that is still used, a role that does not exist) with the field to mend
and what to do. Whether the result is a valid policy is decided where it is saved: `policies.engine.document.load`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import rfc8785

from policies.engine.endings import then_of
from policies.engine.plain import default_route, routes_of
from policies.engine.types import MODES, STRENGTH, TIERS

Plain = dict[str, Any]
LISTS = ("invariants", "limits", "freezes", "breakers", "demotions", "waivers", "tests")


class EditRefused(Exception):
    """An edit that is not made. `field` names the input to mend, `remedy` says what to do instead."""

    def __init__(self, field: str, sentence: str, remedy: str) -> None:
        self.field, self.sentence, self.remedy = field, sentence, remedy
        super().__init__(f"{sentence} {remedy}")


def value_at(plain: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What stands at a path; a rule in a list is found by its id, a test by its name. None where nothing stands."""
    value: Any = plain
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list):
            value = next((item for item in value if isinstance(item, Mapping) and _name_of(item) == part), None)
        else:
            return None
    return value


def fingerprint(value: Any) -> str:
    """A short digest of a value, for a form to carry: equal values have equal digests."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()[:16]


def rename(plain: Mapping[str, Any], *, name: str) -> Plain:
    """The policy under another name; its slug stays."""
    return _changed(plain, lambda new: new["policy"].__setitem__("name", name))


def add_role(plain: Mapping[str, Any], *, role: str, tier: str) -> Plain:
    """A role without tools. Raises EditRefused when it exists or the tier is unknown."""
    if role in plain["roles"]:
        raise EditRefused("role", f"There is a role {role} already.", "Choose another name, or change that role.")
    _check_tier(tier)
    return _changed(plain, lambda new: new["roles"].__setitem__(role, {"tier": tier, "tools": {}}))


def remove_role(plain: Mapping[str, Any], *, role: str) -> Plain:
    """The document without a role and without mentions of it in what a rule covers. Raises EditRefused."""
    _role(plain, role)
    only = [item["id"] for item in _rules(plain) if (item.get("when") or {}).get("roles") == [role]]
    if only:
        raise EditRefused("role", f"Only {role} is covered by {', '.join(only)}.", "Remove or change that rule first.")
    named = [
        item["id"] for part in ("demotions", "waivers") for item in plain.get(part) or () if item.get("role") == role
    ]
    if named:
        raise EditRefused("role", f"{role} is named by {', '.join(named)}.", "Remove or change that rule first.")

    def change(new: Plain) -> None:
        del new["roles"][role]
        for item in _rules(new):
            covered = (item.get("when") or {}).get("roles", [])
            if role in covered:
                covered.remove(role)

    return _changed(plain, change)


def set_tier(plain: Mapping[str, Any], *, role: str, tier: str, classes: Mapping[str, str]) -> Plain:
    """Another tier for a role. Raises EditRefused.

    A lower tier holds for every tool: one that asks less by its own mode asks from now on what the tier does, and keeps
    that when the role is promoted again. A higher tier leaves what tools say themselves. `classes` is tool -> effect class;
    a tool that is not there is held to what the tier asks of the class it asks most of.
    """
    _check_tier(tier)

    def change(new: Plain) -> None:
        data, ranks = _role(new, role), list(TIERS)
        lower, data["tier"] = ranks.index(tier) < ranks.index(data["tier"]), tier
        if lower:
            held = {tool: _held(new, rule, _asked(tier, classes.get(tool))) for tool, rule in data["tools"].items()}
            data["tools"] = {tool: rule for tool, rule in held.items() if rule is not None}

    return _changed(plain, change)


def _asked(tier: str, effect_class: str | None) -> str:
    """The mode a tier gives an effect class; the one that asks most where the class is not known."""
    modes = TIERS[tier]
    return max(modes.values(), key=STRENGTH.__getitem__) if effect_class is None else modes.get(effect_class, "off")


def _held(plain: Plain, rule: Plain, least: str) -> Plain | None:
    """A tool's rule that asks at least so much, now and after its end; None where that leaves it off."""
    if "mode" not in rule or STRENGTH[rule["mode"]] >= STRENGTH[least]:
        return rule
    mode = max((least, then_of(rule) or least), key=STRENGTH.__getitem__)
    by_default = default_route(routes_of(plain))
    route = rule.get("route") or (by_default.name if by_default else None)
    if mode == "off" or (mode == "approval" and route is None):
        return None
    return {"mode": mode, **({"route": route} if mode == "approval" else {})}


def set_role_terms(plain: Mapping[str, Any], *, role: str, runbook: str, on_call: str) -> Plain:
    """Where a role's runbook is and which group is on call; an empty text removes it. Raises EditRefused."""

    def change(new: Plain) -> None:
        for name, value in (("runbook", runbook), ("on_call", on_call)):
            _put(_role(new, role), name, value or None)

    return _changed(plain, change)


def set_mode(
    plain: Mapping[str, Any], *, role: str, tool: str, mode: str | None, route: str | None = None,
    until: str | None = None, then: str | None = None,
) -> Plain:  # fmt: skip
    """What a role may do with a tool. `off` takes it off the list; None leaves it to the tier. Raises EditRefused.

    With `until` the mode lasts up to that instant, and then it is `then`.
    """
    if mode is not None and mode not in MODES:
        raise EditRefused("mode", f"{mode} is not a mode.", f"Use one of: {', '.join(MODES)}.")
    if until and mode in (None, "off"):
        raise EditRefused(
            "until", "Only Auto, Draft and Approval can end.", "Choose one of them, or leave the end empty."
        )
    if then and not until:
        raise EditRefused("then", "There is no end to follow.", "Say until when, or choose nothing here.")
    if "approval" in (mode, then) and not route:
        raise EditRefused(
            "route", "Approval needs a route.", "Choose who decides, or add a route under Approval steps."
        )
    if route and route not in (plain.get("routes") or {}):
        raise EditRefused("route", f"There is no route {route}.", "Choose another, or add it under Approval steps.")

    def change(new: Plain) -> None:
        tools = _role(new, role)["tools"]
        if mode == "off":
            tools.pop(tool, None)
            return
        asks = mode in (None, "approval") or (until and then in (None, "", "approval"))
        terms = {"mode": mode, "route": route if asks else None, "until": until, "then": then}
        tools[tool] = {name: value for name, value in terms.items() if value}

    return _changed(plain, change)


def allow_field(plain: Mapping[str, Any], *, role: str, resource_type: str, path: str, kind: str) -> Plain:
    """One more field a role may `read` or `write`; `*` is refused, fields are allowed one by one. Raises EditRefused."""
    if "*" in path:
        raise EditRefused("path", "There is no sign for every field.", "Allow the fields one by one.")

    def change(new: Plain) -> None:
        listed = _field_rule(new, role, resource_type).setdefault(kind, [])
        if path not in listed:
            listed.append(path)

    return _changed(plain, change)


def refuse_field(plain: Mapping[str, Any], *, role: str, resource_type: str, path: str, kind: str) -> Plain:
    """One field fewer. An empty list stays: it says that nothing is allowed. Raises EditRefused."""

    def change(new: Plain) -> None:
        rule = _field_rule(new, role, resource_type)
        rule[kind] = [name for name in rule.get(kind, []) if name != path]
        if kind == "read":
            _put(rule, "mask", {k: v for k, v in rule.get("mask", {}).items() if k != path} or None)

    return _changed(plain, change)


def set_mask(plain: Mapping[str, Any], *, role: str, resource_type: str, path: str, kind: str | None) -> Plain:
    """Readable, but only as `[kind]`; None shows the value again. Raises EditRefused."""

    def change(new: Plain) -> None:
        rule = _field_rule(new, role, resource_type)
        masks = {name: word for name, word in rule.get("mask", {}).items() if name != path}
        _put(rule, "mask", (masks | {path: kind} if kind else masks) or None)

    return _changed(plain, change)


def set_unlisted(plain: Mapping[str, Any], *, role: str, resource_type: str, unlisted: str) -> Plain:
    """Whether an unlisted field is left out (`refuse_field`) or stops the action (`refuse_action`). Raises EditRefused."""
    if unlisted not in {"refuse_field", "refuse_action"}:
        raise EditRefused("unlisted", f"{unlisted} is not a rule.", "Use refuse_field or refuse_action.")
    return _changed(plain, lambda new: _field_rule(new, role, resource_type).__setitem__("unlisted", unlisted))


def set_scope(plain: Mapping[str, Any], *, role: str, resource_type: str, expression: str | None) -> Plain:
    """Which records a role may touch, as CEL; None lifts the scope. Raises EditRefused."""

    def change(new: Plain) -> None:
        scopes = _role(new, role).setdefault("scopes", {})
        _put(scopes, resource_type, expression)
        if not scopes:
            del _role(new, role)["scopes"]

    return _changed(plain, change)


def set_redact(plain: Mapping[str, Any], *, resource_type: str, path: str, kind: str | None) -> Plain:
    """A field that people see as `[kind]` in ledger, review and export; None lifts it. Raises EditRefused."""
    if kind is None and value_at(plain, ("redact", resource_type, path)) is None:
        remedy = "Name the kind of value to redact it, such as card number."
        raise EditRefused("kind", f"{path} of {resource_type} is not redacted.", remedy)

    def change(new: Plain) -> None:
        types = new.setdefault("redact", {})
        _put(types.setdefault(resource_type, {}), path, kind)
        new["redact"] = {name: fields for name, fields in types.items() if fields}
        if not new["redact"]:
            del new["redact"]

    return _changed(plain, change)


def put_route(plain: Mapping[str, Any], *, name: str, route: Mapping[str, Any]) -> Plain:
    """Add or replace a route."""
    return _changed(plain, lambda new: new.setdefault("routes", {}).__setitem__(name, _copy(route)))


def remove_route(plain: Mapping[str, Any], *, name: str) -> Plain:
    """The document without a route. Raises EditRefused while a tool or a limit names it."""
    users = routes_used(plain).get(name, [])
    if users:
        raise EditRefused("name", f"Route {name} is used by {', '.join(users)}.", "Give those another route first.")

    def change(new: Plain) -> None:
        new.get("routes", {}).pop(name, None)
        if not new.get("routes"):
            new.pop("routes", None)

    return _changed(plain, change)


def rename_route(plain: Mapping[str, Any], *, name: str, to: str) -> Plain:
    """A route under another name, wherever it is named. Raises EditRefused when it is not there."""
    if name not in (plain.get("routes") or {}):
        raise EditRefused("name", f"There is no route {name}.", "It may have been removed meanwhile.")

    def change(new: Plain) -> None:
        new["routes"] = {to if key == name else key: value for key, value in new["routes"].items()}
        users = [rule for role in new["roles"].values() for rule in role["tools"].values()]
        for user in [*users, *(new.get("limits") or ())]:
            if user.get("route") == name:
                user["route"] = to

    return _changed(plain, change)


def routes_used(plain: Mapping[str, Any]) -> dict[str, list[str]]:
    """Route name -> who names it, in words."""
    found: dict[str, list[str]] = {}
    for role, data in plain["roles"].items():
        for tool, rule in data["tools"].items():
            if rule.get("route"):
                found.setdefault(rule["route"], []).append(f"{role}, {tool}")
    for limit in plain.get("limits") or ():
        if limit.get("route"):
            found.setdefault(limit["route"], []).append(f"limit {limit['id']}")
    return found


def put_rule(plain: Mapping[str, Any], *, section: str, rule: Mapping[str, Any], replaces: str | None = None) -> Plain:
    """Add a rule to a list section, or replace the one with id `replaces` in its place. Raises EditRefused."""
    _check_section(section)
    name = _name_of(rule)
    if name != replaces and value_at(plain, (section, name)) is not None:
        raise EditRefused("id", f"{name} is used already.", "Give each rule its own id.")

    def change(new: Plain) -> None:
        items = new.setdefault(section, [])
        places = [n for n, item in enumerate(items) if _name_of(item) == replaces]
        if places:
            items[places[0]] = _copy(rule)
        else:
            items.append(_copy(rule))

    return _changed(plain, change)


def remove_rule(plain: Mapping[str, Any], *, section: str, id: str) -> Plain:
    """The document without one rule of a list section. Raises EditRefused when it is not there."""
    _check_section(section)
    if value_at(plain, (section, id)) is None:
        raise EditRefused("id", f"There is no {id} under {section}.", "It may have been removed meanwhile.")

    def change(new: Plain) -> None:
        new[section] = [item for item in new[section] if _name_of(item) != id]
        if not new[section]:
            del new[section]

    return _changed(plain, change)


def _changed(plain: Mapping[str, Any], change: Callable[[Plain], Any]) -> Plain:
    new: Plain = _copy(plain)
    change(new)
    return new


def _copy(value: Any) -> Any:
    """Of what YAML holds: records, lists and plain values. A tenth of the time that copying anything at all takes."""
    if isinstance(value, Mapping):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _name_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("id") or rule.get("name"))


def _put(target: Plain, name: str, value: Any) -> None:
    if value is None:
        target.pop(name, None)
    else:
        target[name] = value


def _rules(plain: Mapping[str, Any]) -> Iterator[Any]:
    for section in ("invariants", "limits", "freezes", "breakers"):
        yield from plain.get(section) or ()


def _role(plain: Mapping[str, Any], role: str) -> Plain:
    if role not in plain["roles"]:
        raise EditRefused("role", f"There is no role {role}.", "It may have been removed meanwhile.")
    return plain["roles"][role]  # type: ignore[no-any-return]


def _field_rule(plain: Plain, role: str, resource_type: str) -> Plain:
    return _role(plain, role).setdefault("fields", {}).setdefault(resource_type, {})  # type: ignore[no-any-return]


def _check_tier(tier: str) -> None:
    if tier not in TIERS:
        raise EditRefused("tier", f"{tier} is not a tier.", f"Use one of: {', '.join(TIERS)}.")


def _check_section(section: str) -> None:
    if section not in LISTS:
        raise EditRefused("section", f"{section} is not a list of rules.", f"Use one of: {', '.join(LISTS)}.")
