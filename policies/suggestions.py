"""Suggestions to tighten or loosen a policy, each with its evidence and the document it would make. Never applied by itself.

A suggestion opens a draft that people publish like any other. One whose document would not load is logged and left out.
"""

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.display.values import money_text
from policies import edits
from policies.documents import parsed
from policies.engine.document import load
from policies.engine.limits import strictness
from policies.engine.parts import Document
from policies.engine.paths import covering, leaves
from policies.engine.plan import mode_for
from policies.engine.problems import PolicyError
from policies.engine.types import Money, ToolFacts
from policies.engine.yaml_out import dump
from policies.history import Outcome, decoded
from policies.models import PolicyVersion
from policies.usage_stats import DAYS, MOST, ToolUsage, latest, role_tool_usage

logger = logging.getLogger("remit.policies")
MIN_USES, MIN_DECIDED, MOSTLY, MIN_APPROVED = 10, 5, 0.6, 20
_NO_EXPIRY = (
    f"A rule cannot end by itself in this policy language. Look at it again in {DAYS} days, and take it back "
    "if it is not needed."
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`edit` says what would change, `plain_after` is the whole document after it."""

    kind: str
    sentence: str
    evidence: tuple[str, ...]
    edit: Mapping[str, Any]
    plain_after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What suggestions are made from. `then` is the document that was live when the span began, None where none was."""

    workspace_id: str
    slug: str
    now: datetime
    document: Document
    then: Document | None
    tools: Mapping[str, ToolFacts]
    usage: Mapping[tuple[str, str], ToolUsage]


def suggestions(
    workspace_id: str, slug: str, plain: Mapping[str, Any], tools: Mapping[str, ToolFacts], now: datetime
) -> list[Suggestion]:
    """What the 30 days before `now` say about a document, tightening first. Raises PolicyError when it does not load."""
    document = load(dump(plain))
    usage = role_tool_usage(workspace_id, slug, now=now)
    ground = _Ground(workspace_id, slug, now, document, _then(workspace_id, slug, now), tools, usage)
    made = [*_unused(ground), *_rejected(ground), *_fields(ground), *_loosen(ground)]
    return [suggestion for suggestion in made if _loads(suggestion)]


def _then(workspace_id: str, slug: str, now: datetime) -> Document | None:
    """What was listed all the time: only that can be called unused."""
    versions = PolicyVersion.objects.filter(policy__workspace_id=workspace_id, policy__slug=slug)
    version = versions.filter(published_at__lte=now - timedelta(days=DAYS)).order_by("-number").first()
    if version is None:
        return None
    try:
        return parsed(version.digest, version.source)
    except PolicyError:
        logger.warning(
            "Version %s of policy %s does not load any more, so nothing is called unused.", version.number, slug
        )
        return None


def _loads(suggestion: Suggestion) -> bool:
    try:
        load(dump(suggestion.plain_after))
    except PolicyError as error:
        logger.warning("A suggestion was left out, because its document does not load: %s", error)
        return False
    return True


def _listed(ground: _Ground) -> Iterator[tuple[str, str]]:
    """Every role and tool that is not off."""
    for role in ground.document.roles.values():
        for name in sorted(role.tools):
            facts = ground.tools.get(name)
            if facts is not None and mode_for(role, name, facts.effect_class) != "off":
                yield role.name, name


def _was_on(ground: _Ground, role: str, tool: str) -> bool:
    before = ground.then.roles.get(role) if ground.then else None
    return before is not None and mode_for(before, tool, ground.tools[tool].effect_class) != "off"


def _unused(ground: _Ground) -> Iterator[Suggestion]:
    for role, tool in _listed(ground):
        if (role, tool) not in ground.usage and _was_on(ground, role, tool):
            sentence = f"{role} has not used {tool} for {DAYS} days. Turn it off."
            yield _off(ground, role, tool, sentence, (f"0 calls of {tool} by role {role} in the last {DAYS} days.",))


def _rejected(ground: _Ground) -> Iterator[Suggestion]:
    for role, tool in _listed(ground):
        used = ground.usage.get((role, tool))
        decided = used.approved + used.rejected if used else 0
        if used and decided >= MIN_DECIDED and used.rejected >= MOSTLY * decided:
            sentence = f"People mostly reject {tool} when {role} asks for it. Turn it off."
            evidence = f"{used.rejected} of {decided} calls that people decided in the last {DAYS} days were rejected."
            yield _off(ground, role, tool, sentence, (evidence,))


def _off(ground: _Ground, role: str, tool: str, sentence: str, evidence: tuple[str, ...]) -> Suggestion:
    edit = {"op": "set_mode", "role": role, "tool": tool, "mode": "off"}
    after = edits.set_mode(ground.document.plain, role=role, tool=tool, mode="off")
    return Suggestion("tighten", sentence, evidence, edit, after)


def _fields(ground: _Ground) -> Iterator[Suggestion]:
    """Writable fields that nobody asked to write, though the tools that could were used."""
    uses, asked = _asked(ground)
    for role in ground.document.roles.values():
        for kind, rule in sorted(role.fields.items()):
            count = uses[role.name, kind]
            for path in sorted(rule.write) if count >= MIN_USES else ():
                if asked[role.name, kind][path] == 0 and _was_writable(ground, role.name, kind, path):
                    yield _without_field(ground, role.name, kind, path, count)


def _asked(ground: _Ground) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], Counter[str]]]:
    """Per role and resource type: how many writes were asked for, and how many of them named each listed path."""
    uses: Counter[tuple[str, str]] = Counter()
    asked: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    rows = latest(ground.workspace_id, ground.slug, now=ground.now).exclude(effect_class="read")
    for (text,) in rows.values_list("request_text")[:MOST]:
        request = decoded(text, {})
        key = request.role, request.tool.resource_type
        role = ground.document.roles.get(request.role)
        rule = role.fields.get(request.tool.resource_type) if role else None
        if rule is not None and request.fields:
            uses[key] += 1
            named = {covering(path, rule.write) for path in leaves(request.fields)}
            asked[key].update(path for path in named if path is not None)
    return uses, asked


def _was_writable(ground: _Ground, role: str, kind: str, path: str) -> bool:
    before = ground.then.roles.get(role) if ground.then else None
    rule = before.fields.get(kind) if before else None
    return rule is not None and path in rule.write


def _without_field(ground: _Ground, role: str, kind: str, path: str, count: int) -> Suggestion:
    edit = {"op": "refuse_field", "role": role, "resource_type": kind, "path": path, "kind": "write"}
    return Suggestion(
        "tighten",
        f"{role} never wrote {path} of {kind} in {DAYS} days. Take it off the list.",
        (f"0 of {count} writes of {kind} by role {role} in the last {DAYS} days named {path}.",),
        edit,
        edits.refuse_field(ground.document.plain, role=role, resource_type=kind, path=path, kind="write"),
    )


def _loosen(ground: _Ground) -> Iterator[Suggestion]:
    for role, tool in _listed(ground):
        used = ground.usage.get((role, tool))
        mode = mode_for(ground.document.roles[role], tool, ground.tools[tool].effect_class)
        if mode == "approval" and used and used.approved >= MIN_APPROVED and _clean(used):
            limit = _guard(ground, role, tool)
            if limit is not None:
                yield _auto(ground, role, tool, used, limit)


def _clean(used: ToolUsage) -> bool:
    """Nothing was rejected, failed, left in doubt or taken back."""
    return not (used.rejected or used.rolled_back or used.failed or used.unknown)


def _auto(ground: _Ground, role: str, tool: str, used: ToolUsage, limit: Mapping[str, Any]) -> Suggestion:
    plain = edits.set_mode(ground.document.plain, role=role, tool=tool, mode="auto")
    after = edits.put_rule(plain, section="limits", rule=limit, replaces=limit["id"])
    if limit["kind"] == "money":
        most = money_text(limit["max"], limit["currency"])
        bound = f"Up to {most} an action it runs by itself; above that {limit['route']} decides as now."
    else:
        bound = f"Up to {limit['max']} in a day it runs by itself; beyond that it is denied until the window has room."
    evidence = (
        f"{used.approved} approved, 0 rejected, 0 failed, 0 rolled back in the last {DAYS} days.",
        f"{bound} 95 % of what was approved is within that.",
        _NO_EXPIRY,
    )
    sentence = (
        f"People approved {tool} for {role} {used.approved} times and never refused. Let it run by itself, limited."
    )
    edit = {"op": "guard_auto", "role": role, "tool": tool, "mode": "auto", "limit": dict(limit)}
    return Suggestion("loosen", sentence, evidence, edit, after)


def _guard(ground: _Ground, role: str, tool: str) -> dict[str, Any] | None:
    """The limit that keeps what would run by itself to what people approved. None where there is no measure for it."""
    rows = latest(ground.workspace_id, ground.slug, now=ground.now).filter(role=role, tool=tool, effect="approval")
    approved = rows.filter(outcome=Outcome.SUCCEEDED).values_list("at", "request_text")[:MOST]
    moved = [(at, decoded(text, {}).money) for at, text in approved]
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


def _route(ground: _Ground, role: str, tool: str) -> str:
    """Who decides now: the tool's own route, else the document's strictest, as the engine has it."""
    named = ground.document.roles[role].tools[tool].route
    return named or max(ground.document.routes.values(), key=strictness).name


def percentile(values: list[int], share: float = 0.95) -> int:
    """The smallest value that at least this share of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
