"""Suggestions to loosen: what people always approved may run by itself, within what they approved, until an instant.

Such a rule is scoped (one role, one tool, a limit) and it ends: then people decide again. What spoils it earlier is
`policies.suggestions.tighten.spoiled`.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from policies import edits
from policies.engine.currencies import money_text
from policies.engine.document import load_plain
from policies.engine.limits import strictness
from policies.engine.problems import PolicyError
from policies.engine.types import Money
from policies.suggestions.ground import SPAN, Ground, Suggestion, logger
from policies.usage_stats import DAYS, ToolUsage

MIN_APPROVED = 20


def always_approved(ground: Ground) -> Iterator[Suggestion]:
    """One whose document would not load is logged and left out."""
    made = [_auto(ground, role, tool, used, limit) for role, tool, used, limit in _earned(ground)]
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


def _earned(ground: Ground) -> Iterator[tuple[str, str, ToolUsage, Mapping[str, Any]]]:
    for role, tool in ground.listed():
        used = ground.usage.get((role, tool))
        if used and used.approved >= MIN_APPROVED and _clean(used) and ground.mode(role, tool) == "approval":
            limit = _guard(ground, role, tool)
            if limit is not None:
                yield role, tool, used, limit


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


def _auto(ground: Ground, role: str, tool: str, used: ToolUsage, limit: Mapping[str, Any]) -> Suggestion:
    route = _route(ground, role, tool)
    ends = (ground.now + SPAN).astimezone(UTC)

    def change(plain: Mapping[str, Any]) -> edits.Plain:
        rule = {"mode": "auto", "route": route, "until": f"{ends:%Y-%m-%dT%H:%MZ}", "then": "approval"}
        return edits.put_rule(
            edits.set_mode(plain, role=role, tool=tool, **rule), section="limits", rule=limit, replaces=limit["id"]
        )

    return Suggestion(
        "loosen",
        f"People approved {tool} for {role} {used.approved:,} times and never refused. "
        f"Let it run by itself, limited, for {DAYS} days.",
        (
            f"{used.approved:,} approved, 0 rejected, 0 failed, 0 rolled back in the last {DAYS} days.",
            f"{_bound(limit)} 95 % of what was approved is within that.",
            f"It ends by itself on {ends:%Y-%m-%d %H:%M} UTC, and the route {route} decides again. "
            "One rejection or rollback before that suggests ending it at once.",
        ),
        # Without the instant, which is another one every minute: the suggestion is the same one.
        {"op": "guard_auto", "role": role, "tool": tool, "mode": "auto", "days": DAYS, "limit": dict(limit)},
        ground.document.plain,
        change,
    )


def _bound(limit: Mapping[str, Any]) -> str:
    if limit["kind"] == "money":
        most = money_text(limit["max"], limit["currency"])
        return f"Up to {most} an action it runs by itself; above that {limit['route']} decides as now."
    return f"Up to {limit['max']:,} in a day it runs by itself; beyond that it is denied until the window has room."


def _guard(ground: Ground, role: str, tool: str) -> dict[str, Any] | None:
    """The limit that keeps what would run by itself to what people approved. None where there is no measure for it."""
    moved = ground.asked.approved.get((role, tool), [])
    common = {
        "id": f"auto.{role}.{tool}"[:80], "name": f"Automatic {tool}"[:500], "when": {"roles": [role], "tools": [tool]}
    }  # fmt: skip
    sums = [money for _, money in moved if money is not None]
    if len(moved) < MIN_APPROVED or 0 < len(sums) < len(moved) or len({money.currency for money in sums}) > 1:
        return None
    if not sums:
        # Only a limit per action can lead to approval, so one on how often denies.
        a_day = Counter(at.date() for at, _ in moved)
        most = percentile(list(a_day.values()))
        return {**common, "kind": "count", "per": "role", "max": most, "window": "1d", "over": "deny"}
    return {**common, **_money_guard(sums), "route": _route(ground, role, tool)}


def _money_guard(sums: list[Money]) -> dict[str, Any]:
    most = percentile([money.amount_minor for money in sums])
    return {"kind": "money", "per": "action", "max": most, "currency": sums[0].currency, "over": "approval"}


def _route(ground: Ground, role: str, tool: str) -> str:
    """Who decides now: the tool's own route, else the document's strictest, as the engine has it."""
    named = ground.document.roles[role].tools[tool].route
    return named or max(ground.document.routes.values(), key=strictness).name


def percentile(values: list[int], share: float = 0.95) -> int:
    """The smallest value that at least this share of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
