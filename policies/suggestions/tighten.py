"""Suggestions to tighten: what nobody uses, what people mostly reject, what nobody writes, and trust that was spoiled.

INVARIANT: a document that loads still loads after any of them, so they are not loaded one by one. Held by
tests/policies/test_suggestions_load.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from policies import edits
from policies.documents import parsed
from policies.engine.endings import then_of, told
from policies.engine.problems import PolicyError
from policies.engine.windows import instant
from policies.history import Outcome
from policies.models import DecisionRecord, PolicyVersion
from policies.suggestions.ground import Ground, Suggestion, logger
from policies.usage_stats import DAYS

MIN_USES, MIN_DECIDED, MOSTLY = 10, 5, 0.6
_SPOILS = (Outcome.REJECTED, Outcome.ROLLED_BACK)


def unused(ground: Ground) -> Iterator[Suggestion]:
    """Tools that were on all the time and that nobody called."""
    for role, tool in ground.listed():
        if (role, tool) not in ground.usage and ground.was_on(role, tool):
            sentence = f"{role} has not used {tool} for {DAYS} days. Turn it off."
            yield _off(ground, role, tool, sentence, f"0 calls of {tool} by role {role} in the last {DAYS} days.")


def rejected(ground: Ground) -> Iterator[Suggestion]:
    """Tools whose calls people mostly reject."""
    for role, tool in ground.listed():
        used = ground.usage.get((role, tool))
        decided = used.approved + used.rejected if used else 0
        if used and decided >= MIN_DECIDED and used.rejected >= MOSTLY * decided:
            sentence = f"People mostly reject {tool} when {role} asks for it. Turn it off."
            found = f"{used.rejected:,} of {decided:,} calls that people decided in the last {DAYS} days were rejected."
            yield _off(ground, role, tool, sentence, found)


def _off(ground: Ground, role: str, tool: str, sentence: str, evidence: str) -> Suggestion:
    edit = {"op": "set_mode", "role": role, "tool": tool, "mode": "off"}
    return Suggestion(
        "tighten", sentence, (evidence,), edit, ground.document.plain,
        lambda plain: edits.set_mode(plain, role=role, tool=tool, mode="off"),
    )  # fmt: skip


def unwritten(ground: Ground) -> Iterator[Suggestion]:
    """Writable fields that nobody asked to write, though the tools that could were used."""
    for role in ground.document.roles.values():
        for kind, rule in sorted(role.fields.items()):
            key = role.name, kind
            count, named = ground.asked.writes[key], ground.asked.named.get(key, set())
            for path in sorted(rule.write - named) if count >= MIN_USES else ():
                if ground.was_writable(role.name, kind, path):
                    yield _without_field(ground, role.name, kind, path, count)


def _without_field(ground: Ground, role: str, kind: str, path: str, count: int) -> Suggestion:
    edit = {"op": "refuse_field", "role": role, "resource_type": kind, "path": path, "kind": "write"}
    return Suggestion(
        "tighten",
        f"{role} never wrote {path} of {kind} in {DAYS} days. Take it off the list.",
        (f"0 of {count:,} writes of {kind} by role {role} in the last {DAYS} days named {path}.",),
        edit,
        ground.document.plain,
        lambda plain: edits.refuse_field(plain, role=role, resource_type=kind, path=path, kind="write"),
    )


def spoiled(ground: Ground) -> Iterator[Suggestion]:
    """Rules with an end still to come under which something was rejected or taken back: end them now."""
    lasting = {
        (role.name, tool): ground.document.plain["roles"][role.name]["tools"][tool]
        for role in ground.document.roles.values()
        for tool, rule in sorted(role.tools.items())
        if rule.until is not None and not rule.ended(ground.now)
    }
    since = _since(ground, lasting)
    for (role, tool), counts in _spoils(ground, since).items():
        yield _ended(ground, role, tool, since[role, tool], counts)


Key = tuple[str, str]


def _since(ground: Ground, lasting: Mapping[Key, Mapping[str, Any]]) -> dict[Key, datetime]:
    """When each rule went live: with the first of the newest versions that all have it as it stands."""
    found: dict[Key, datetime] = {}
    wanted = dict(lasting)
    versions = PolicyVersion.objects.filter(policy__workspace_id=ground.workspace_id, policy__slug=ground.slug)
    for version in versions.order_by("-number").iterator() if wanted else ():
        plain = _plain(version)
        wanted = {key: rule for key, rule in wanted.items() if edits.value_at(plain, _path(key)) == rule}
        if not wanted:
            break
        found |= dict.fromkeys(wanted, version.published_at)
    return found


def _path(key: Key) -> tuple[str, ...]:
    return ("roles", key[0], "tools", key[1])


def _plain(version: PolicyVersion) -> Mapping[str, Any]:
    try:
        return parsed(version.digest, version.source).plain
    except PolicyError:
        logger.warning("Version %s of a policy does not load any more, so no rule is followed past it.", version.number)
        return {}


def _spoils(ground: Ground, since: Mapping[Key, datetime]) -> dict[Key, Counter[str]]:
    """What was rejected or taken back since each rule went live, by outcome."""
    found: dict[Key, Counter[str]] = {}
    if not since:
        return found
    rows = DecisionRecord.objects.filter(
        workspace_id=ground.workspace_id, policy=ground.slug, outcome__in=_SPOILS, finished_at__gt=min(since.values()),
        finished_at__lte=ground.now, tool__in={tool for _, tool in since},
    ).order_by("role", "tool")  # fmt: skip
    for role, tool, outcome, ended in rows.values_list("role", "tool", "outcome", "finished_at"):
        if ended is not None and (role, tool) in since and ended > since[role, tool]:
            found.setdefault((role, tool), Counter())[outcome] += 1
    return found


def _ended(ground: Ground, role: str, tool: str, since: datetime, counts: Counter[str]) -> Suggestion:
    rule = ground.document.plain["roles"][role]["tools"][tool]
    then = str(then_of(rule))
    route = rule["route"] if then == "approval" else None
    return Suggestion(
        "tighten",
        f"Not all went well with {tool} for {role} since its rule asks less. End that rule now.",
        (
            f"{counts[Outcome.ROLLED_BACK]:,} rolled back and {counts[Outcome.REJECTED]:,} rejected since {told(since)}, "
            "when the rule went live.",
            f"By itself it ends on {told(instant(rule['until']))}. After it: {then}.",
        ),
        {"op": "end_rule", "role": role, "tool": tool, "mode": then},
        ground.document.plain,
        lambda plain: edits.set_mode(plain, role=role, tool=tool, mode=then, route=route),
    )
