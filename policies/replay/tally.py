"""Counts what a candidate document would have changed, one past action after the other. Pure."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import fmean, median
from typing import Any

import orjson

from policies.engine.document import Document
from policies.judging.verdict import Verdict
from policies.replay.labels import label, names_of
from policies.replay.rows import Row

MOST_ACTIONS = 50
MOST_GROUPS = 200
_NEWLY = {"allow": "newly_allowed", "draft": "newly_draft", "approval": "newly_waiting", "deny": "newly_denied"}
DAY_S = 86400


@dataclass(slots=True)
class _Group:
    """Actions that would change alike; only the first ids are kept."""

    count: int = 0
    actions: list[str] = field(default_factory=list)

    def add(self, action_id: str) -> None:
        self.count += 1
        if len(self.actions) < MOST_ACTIONS:
            self.actions.append(action_id)


@dataclass(slots=True)
class _Break(_Group):
    """Good past actions that would be refused, of one agent, tool and field."""

    agent: str = ""
    rule: str = ""
    days: set[date] = field(default_factory=set)


@dataclass(slots=True)
class _Queue:
    """Approvals of one route, as they were and as they would be."""

    was: int = 0
    would_be: int = 0
    waits: list[int] = field(default_factory=list)


class Tally:
    """Feed it rows in time order, then take `result`. `live` is the number of the version in force, 0 before the first."""

    def __init__(self, document: Document, live: int) -> None:
        self.names, self.live = names_of(document), live
        self.total = self.changed = self.earlier = 0
        self.unreadable: Counter[str] = Counter()
        # By tool, what it would be if the target passed, and the rules that would have to look at it.
        self.untested: dict[tuple[str, str, tuple[str, ...]], _Group] = defaultdict(_Group)
        self.counts: Counter[str] = Counter()
        self.groups: dict[tuple[str, ...], _Group] = defaultdict(_Group)
        self.breaks: dict[tuple[str, str, str], _Break] = defaultdict(_Break)
        self.queues: dict[str, _Queue] = defaultdict(_Queue)
        self.spoke: Counter[str] = Counter()
        self.spoke_before: Counter[str] = Counter()

    def unread(self, row: Row) -> None:
        """A record that cannot be read is denied, as any error is."""
        self.unreadable[row.tool] += 1
        self._count(row)
        self._effect(row, "deny", "engine", "Unreadable record")

    def same(self, row: Row) -> None:
        """An action that no document decides: it was refused before policy was asked."""
        self._count(row)

    def add(self, row: Row, verdict: Verdict) -> None:
        """One past action with what the candidate says of it."""
        self._count(row)
        self.spoke.update(verdict.spoken)
        if verdict.hangs_on:
            rules = tuple(label(rule, row.tool, self.names, "") for rule in verdict.hangs_on)
            self.untested[row.tool, verdict.effect, tuple(dict.fromkeys(rules))].add(row.action_id)
            return
        to = verdict.effect
        if to == "approval" and verdict.route:
            self.queues[verdict.route].would_be += 1
        if to == row.effect and row.refused == "[]" and not verdict.refused and to != "approval":
            return  # The common case: nothing changed, and nothing to compare.
        self._compare(row, verdict)

    def _count(self, row: Row) -> None:
        self.total += 1
        if row.spoke != "[]":
            self.spoke_before.update({rule for rule, _ in orjson.loads(row.spoke)})
        if row.effect == "approval":
            queue = self.queues[row.route]
            queue.was += 1
            if row.waited_s is not None:
                queue.waits.append(row.waited_s)

    def _compare(self, row: Row, verdict: Verdict) -> None:
        to, route = verdict.effect, verdict.route
        changed = to != row.effect
        if changed:
            rule = verdict.rule if to != "allow" else row.rule
            self._effect(row, to, rule, label(rule, row.tool, self.names, verdict.field), counted=False)
        elif to == "approval" and route != row.route:
            changed = True
            self.counts["rerouted"] += 1
            self.groups[row.effect, to, "route", f"routes.{route}", route, row.tool].add(row.action_id)
        if to != "deny" and row.effect != "deny":
            changed = self._fields(row, verdict) or changed
        self._changes(row, changed)
        if to == "deny" and row.effect != "deny" and row.outcome == "succeeded":
            self._breaks(row, verdict, verdict.stopped or ("",), verdict.rule)

    def _changes(self, row: Row, changed: bool) -> None:
        """What an earlier version decided may differ by what was published since, not by the candidate."""
        self.changed += changed
        self.earlier += changed and row.version < self.live

    def _effect(self, row: Row, to: str, rule: str, text: str, *, counted: bool = True) -> None:
        if to == row.effect:
            return
        self.counts[_NEWLY[to]] += 1
        self._changes(row, counted)
        self.groups[row.effect, to, "effect", rule, text, row.tool].add(row.action_id)

    def _fields(self, row: Row, verdict: Verdict) -> bool:
        """Fields of a write that would be left out, or would be written, where the write itself goes on."""
        before, after = set(orjson.loads(row.refused)), set(verdict.refused)
        lost, won = sorted(after - before), sorted(before - after)
        rule = f"fields.{verdict.resource_type}"
        for name in lost:
            self.groups[row.effect, "deny", "refused_field", rule, f"Write {name}", row.tool].add(row.action_id)
        for name in won:
            self.groups["deny", verdict.effect, "written_field", rule, f"Write {name}", row.tool].add(row.action_id)
        self.counts["newly_refused_fields"] += bool(lost)
        self.counts["newly_written_fields"] += bool(won)
        if lost and row.outcome == "succeeded":
            self._breaks(row, verdict, lost, rule)
        return bool(lost or won)

    def _breaks(self, row: Row, verdict: Verdict, fields: Iterable[str], rule: str) -> None:
        for name in fields:
            found = self.breaks[row.agent_id, row.tool, name]
            found.agent, found.rule = verdict.agent or row.agent_id, rule
            found.days.add(row.at.date())
            found.add(row.action_id)

    def result(self, *, since: datetime, until: datetime, first: datetime | None) -> dict[str, Any]:
        """Everything as JSON. Rates are a day of the history there is, when it is shorter than the window."""
        window = max(1, round((until - since).total_seconds() / DAY_S))
        lived = math.ceil((until - first).total_seconds() / DAY_S) if first else window
        days = max(1, min(window, lived))
        counts = {name: self.counts[name] for name in _COUNTS}
        untested = sum(group.count for group in self.untested.values())
        return {
            "total": self.total, "changed": self.changed, "same": self.total - self.changed - untested, **counts,
            "earlier": self.earlier, "live": self.live, "days": days, "window_days": window,
            "unreadable": self.unreadable.total(), "unreadable_by_tool": dict(sorted(self.unreadable.items())),
            "untested": untested, "untested_by_tool": self._untested_list(),
            "groups": self._group_list(), "breaks": self._break_list(window),
            "approvals": {name: _approvals(queue, days) for name, queue in sorted(self.queues.items())},
            "rules_spoken": dict(sorted(self.spoke.items())),
            "rules_spoken_before": dict(sorted(self.spoke_before.items())),
        }  # fmt: skip

    def _group_list(self) -> list[dict[str, Any]]:
        names = ("from", "to", "kind", "rule", "label", "tool")
        found = sorted(self.groups.items(), key=lambda item: (-item[1].count, item[0]))
        return [
            {**dict(zip(names, key, strict=True)), "count": group.count, "actions": group.actions}
            for key, group in found[:MOST_GROUPS]
        ]

    def _untested_list(self) -> list[dict[str, Any]]:
        found = sorted(self.untested.items(), key=lambda item: (-item[1].count, item[0]))
        return [
            {"tool": tool, "to": to, "rules": list(rules), "count": group.count, "actions": group.actions}
            for (tool, to, rules), group in found[:MOST_GROUPS]
        ]

    def _break_list(self, window: int) -> list[dict[str, Any]]:
        found = sorted(self.breaks.items(), key=lambda item: (-len(item[1].days), -item[1].count, item[0]))
        return [
            {
                "agent_id": agent_id, "agent": item.agent, "tool": tool, "field": name, "rule": item.rule,
                "count": item.count, "days": len(item.days), "of_days": window, "actions": item.actions,
                "sentence": _sentence(item, tool, name, window),
            }
            for (agent_id, tool, name), item in found[:MOST_GROUPS]
        ]  # fmt: skip


_COUNTS = (*_NEWLY.values(), "newly_refused_fields", "newly_written_fields", "rerouted")


def _sentence(item: _Break, tool: str, name: str, window: int) -> str:
    did = f"wrote {name} with {tool}" if name else f"used {tool}"
    # A window of 30 times 24 hours touches 31 dates.
    return f"{item.agent} {did} on {min(len(item.days), window)} of the last {window} days."


def _approvals(queue: _Queue, days: int) -> Mapping[str, Any]:
    """How many people decide of one route. The queue is what Little's law says: arrivals a day times mean days waited."""
    waits = sorted(queue.waits)
    mean_days = fmean(waits) / DAY_S if waits else None
    return {
        "a_day": round(queue.would_be / days, 1),
        "a_day_before": round(queue.was / days, 1),
        "added_a_day": round((queue.would_be - queue.was) / days, 1),
        "median_wait_s": round(median(waits)) if waits else None,
        "p90_wait_s": waits[math.ceil(0.9 * len(waits)) - 1] if waits else None,
        "queue": None if mean_days is None else round(queue.would_be / days * mean_days, 2),
        "queue_before": None if mean_days is None else round(queue.was / days * mean_days, 2),
    }
