"""Demotion: when an agent's record breaks a rule of the policy, what its role may still do. Pure: counts are given.

INVARIANT: a demoted document never asks less than before, for any tool. Held by tests/policies/test_demotions.py.
"""

from collections.abc import Mapping
from typing import Any

from policies.engine.limits import window_text
from policies.engine.parts import Demotion
from policies.engine.plain import Plain, default_route, effective_mode, routes_of
from policies.engine.types import STRENGTH, TIERS, ToolFacts


def breached(rule: Demotion, bad: int, all_: int) -> bool:
    """Whether so many bad ones of so many actions are more than the rule allows; too few actions say nothing."""
    return all_ >= rule.at_least and 100 * bad > rule.above * all_


def sentence(rule: Demotion, agent: str, bad: int, all_: int) -> str:
    """`Refunds agent: 4 of 40 changes rolled back in the last 30 days, more than 5 %. Role refunds is demoted to draft-only.`"""
    found = f"{agent}: {bad:,} of {all_:,} changes {_ENDED[rule.on]} in the last {window_text(rule.window_s)}"
    return f"{found}, more than {rule.above} %. {verdict_on(rule)}"


def verdict_on(rule: Demotion) -> str:
    """The last sentence of what a demotion says of itself, by which it is known again."""
    return f"Role {rule.role} is demoted to {rule.to}."


def standing(rule: Demotion, bad: int, all_: int) -> str:
    """What would demote the role and how far it is: `To draft-only when more than 5 % … are rolled back. Now 1 of 12.`"""
    terms = f"more than {rule.above} % of its changes in {window_text(rule.window_s)}, of at least {rule.at_least:,},"
    return f"To {rule.to} when {terms} {_WOULD_END[rule.on]}. Now {bad:,} of {all_:,}."


_ENDED = {"rollbacks": "rolled back", "failures": "failed or are in doubt", "rejections": "rejected by people"}
_WOULD_END = {
    "rollbacks": "are rolled back",
    "failures": "fail or are in doubt",
    "rejections": "are rejected by people",
}


def demoted(plain: Plain, role: str, to: str, tools: Mapping[str, ToolFacts]) -> dict[str, Any]:
    """The document with every tool of a role held to a tier's modes, where those ask more; the rest is as it was."""
    was = plain["roles"][role]
    route = default_route(routes_of(plain))
    listed = {name: _held(was, name, to, tools.get(name), route.name if route else "") for name in was["tools"]}
    return {**plain, "roles": {**plain["roles"], role: {**was, "tier": to, "tools": listed}}}


def _held(role: Plain, name: str, to: str, facts: ToolFacts | None, route: str) -> dict[str, Any]:
    """The rule on one tool. A tool that is not known is off; approval takes a route, without one it is off too."""
    rule = dict(role["tools"][name])
    if facts is None:
        return {"mode": "off"}
    before, cap = effective_mode(role, name, facts.effect_class), TIERS[to][facts.effect_class]
    if STRENGTH[cap] <= STRENGTH[before]:
        # What its tier said so far the rule says itself from now on; of an approval, with whom it asked.
        return rule if "mode" in rule else _capped(rule, before, rule.get("route") or route)
    return _capped(rule, cap, rule.get("route") or route)


def _capped(rule: Plain, cap: str, route: str) -> dict[str, Any]:
    if cap == "approval" and not route:
        return {"mode": "off"}
    ends = (
        {"until": rule["until"], "then": rule["then"]} if STRENGTH.get(rule.get("then", ""), 0) > STRENGTH[cap] else {}
    )
    return {"mode": cap, **({"route": route} if cap == "approval" or "route" in rule else {}), **ends}
