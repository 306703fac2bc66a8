"""Suggestions to loosen: what people always approved may run by itself, within what they approved, until an instant.

Counted together is what one role does of one effect class to one record type, apart by whether it can be undone and whether it
moves money. The rule is scoped (that role, those of the tools that people approved, a limit; the role's row scope stays), and it
ends: then people decide again. What spoils it earlier is `policies.suggestions.tighten.spoiled`.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policies import edits
from policies.engine.currencies import money_text
from policies.engine.diff.words import join
from policies.engine.document import load_plain
from policies.engine.limits import strictness
from policies.engine.problems import PolicyError
from policies.engine.types import Money, Route
from policies.suggestions.ground import SPAN, Ground, Suggestion, logger
from policies.usage_stats import DAYS, ToolUsage

MIN_APPROVED = 20


@dataclass(frozen=True, slots=True)
class _Earned:
    """The tools of one role that people approved, alike in what they do, with how often each; and the limit on them."""

    role: str
    effect_class: str
    resource_type: str
    tools: Mapping[str, int]
    limit: Mapping[str, Any]

    @property
    def approved(self) -> int:
        return sum(self.tools.values())


def always_approved(ground: Ground) -> Iterator[Suggestion]:
    """One whose document would not load is logged and left out."""
    made = [_auto(ground, earned) for earned in _earned(ground)]
    # What loads with all of them loads with any one of them: rules and limits only ever add to what is wrong.
    if made and _problem(ground.document.plain, made) is None:
        yield from made
        return
    for suggestion in made:
        problem = _problem(ground.document.plain, [suggestion])
        if problem is None:
            yield suggestion
        else:
            logger.warning("A suggestion was left out, because its document does not load: %s", problem)


def _earned(ground: Ground) -> Iterator[_Earned]:
    for (role, *alike), used in _alike(ground).items():
        tools = {tool: counts.approved for tool, counts in used.items() if counts.approved}
        if sum(tools.values()) >= MIN_APPROVED and all(map(_clean, used.values())):
            limit = _guard(ground, role, list(tools))
            if limit is not None:
                yield _Earned(role, alike[0], alike[1], tools, limit)


def _alike(ground: Ground) -> dict[tuple[str, ...], dict[str, ToolUsage]]:
    """What was used of the tools that people decide now: by role, effect class, record type, and what it costs."""
    found: dict[tuple[str, ...], dict[str, ToolUsage]] = {}
    for role, tool in ground.listed():
        used, facts = ground.usage.get((role, tool)), ground.tools[tool]
        if used and ground.mode(role, tool) == "approval":
            costs = (facts.reversibility, "money" if facts.moves_money else "")
            found.setdefault((role, facts.effect_class, facts.resource_type, *costs), {})[tool] = used
    return found


def _clean(used: ToolUsage) -> bool:
    """Nothing was rejected, failed, left in doubt or taken back."""
    return not (used.rejected or used.rolled_back or used.failed or used.unknown)


def _problem(plain: Mapping[str, Any], made: list[Suggestion]) -> PolicyError | None:
    """Why a document with these would not load. The live one does, so only what meets the new rules and limits is looked at."""
    kept = {name: plain[name] for name in ("policy", "routes", "limits") if name in plain}
    bare = {name: {"tier": data["tier"], "tools": {}} for name, data in plain["roles"].items()}
    after: Mapping[str, Any] = {**kept, "roles": bare}
    for suggestion in made:
        after = suggestion.change(after)
    try:
        load_plain(after)
    except PolicyError as error:
        return error
    return None


def _auto(ground: Ground, earned: _Earned) -> Suggestion:
    ends = (ground.now + SPAN).astimezone(UTC)
    routes = {tool: _route(ground, earned.role, tool).name for tool in earned.tools}

    def change(plain: Mapping[str, Any]) -> edits.Plain:
        rule = {"mode": "auto", "until": f"{ends:%Y-%m-%dT%H:%MZ}", "then": "approval"}
        for tool, route in routes.items():
            plain = edits.set_mode(plain, role=earned.role, tool=tool, route=route, **rule)
        return edits.put_rule(plain, section="limits", rule=earned.limit, replaces=earned.limit["id"])

    about = {"role": earned.role, "effect_class": earned.effect_class, "resource_type": earned.resource_type}
    return Suggestion(
        "loosen",
        f"People approved what {earned.role} does to {earned.resource_type} ({_words(earned.effect_class)}) "
        f"{earned.approved:,} times and never refused. Let it run by itself, limited, for {DAYS} days.",
        (*_evidence(ground, earned), _ending(ends, sorted(set(routes.values())))),
        # Without the instant, which is another one every minute: the suggestion is the same one.
        {
            "op": "guard_auto", **about, "tools": sorted(earned.tools), "mode": "auto", "days": DAYS,
            "limit": dict(earned.limit),
        },
        ground.document.plain,
        change,
    )  # fmt: skip


def _evidence(ground: Ground, earned: _Earned) -> Iterator[str]:
    scope = (ground.document.plain["roles"][earned.role].get("scopes") or {}).get(earned.resource_type)
    each = ", ".join(f"{tool} {count:,}" for tool, count in sorted(earned.tools.items()))
    yield f"{earned.approved:,} approved, 0 rejected, 0 failed, 0 rolled back in the last {DAYS} days: {each}."
    yield f"Only records in the role's row scope: {scope}" if scope else "No row scope says which records it may reach."
    yield f"{_bound(earned.limit)} 95 % of what was approved is within that."


def _ending(ends: datetime, routes: list[str]) -> str:
    who = f"the route {routes[0]} decides" if len(routes) == 1 else f"the routes {join(routes)} decide"
    return (
        f"It ends by itself on {ends:%Y-%m-%d %H:%M} UTC, and {who} again. "
        "One rejection or rollback before that suggests ending it at once."
    )


def _words(effect_class: str) -> str:
    return effect_class.replace("_", " ")


def _bound(limit: Mapping[str, Any]) -> str:
    if limit["kind"] == "money":
        most = money_text(limit["max"], limit["currency"])
        return f"Up to {most} an action it runs by itself; above that {limit['route']} decides as now."
    return f"Up to {limit['max']:,} in a day it runs by itself; beyond that it is denied until the window has room."


def _guard(ground: Ground, role: str, tools: list[str]) -> dict[str, Any] | None:
    """The limit that keeps what would run by itself to what people approved. None where there is no measure for it."""
    moved = [one for tool in tools for one in ground.asked.approved.get((role, tool), ())]
    named = tools[0] if len(tools) == 1 else f"{tools[0]} and {len(tools) - 1} more"
    common = {
        "id": f"auto.{role}.{tools[0]}"[:80], "name": f"Automatic {named}"[:500],
        "when": {"roles": [role], "tools": sorted(tools)},
    }  # fmt: skip
    sums = [money for _, money in moved if money is not None]
    if len(moved) < MIN_APPROVED or 0 < len(sums) < len(moved) or len({money.currency for money in sums}) > 1:
        return None
    if not sums:
        # Only a limit per action can lead to approval, so one on how often denies.
        a_day = Counter(at.date() for at, _ in moved)
        most = percentile(list(a_day.values()))
        return {**common, "kind": "count", "per": "role", "max": most, "window": "1d", "over": "deny"}
    strictest = max((_route(ground, role, tool) for tool in tools), key=strictness)
    return {**common, **_money_guard(sums), "route": strictest.name}


def _money_guard(sums: list[Money]) -> dict[str, Any]:
    most = percentile([money.amount_minor for money in sums])
    return {"kind": "money", "per": "action", "max": most, "currency": sums[0].currency, "over": "approval"}


def _route(ground: Ground, role: str, tool: str) -> Route:
    """Who decides now: the tool's own route, else the document's strictest, as the engine has it."""
    routes, named = ground.document.routes, ground.document.roles[role].tools[tool].route
    return routes[named] if named else max(routes.values(), key=strictness)


def percentile(values: list[int], share: float = 0.95) -> int:
    """The smallest value that at least this share of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
