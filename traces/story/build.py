"""Assembles the Show work page from facts. The attribute names are the contract of templates/traces/."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from traces.canonical import parse_instant
from traces.entry_types import label
from traces.sentences import after_rollback, goes_on, outcome, title
from traces.story import answers, brief, changes, checks, escalations, joins, rollback, steps, todo
from traces.story.facts import ActionFacts, TraceFacts, fold
from traces.story.folded import folded
from traces.story.hidden import NOTHING, Hidden, hidden

EVENTS = 200
TABS = ("ledger", "changes", "checks", "calls", "approvals", "events")


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    count: int | None
    exception: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One raw entry, for the Events tab."""

    seq: int
    at: datetime
    type: str
    label: str
    actor: str
    body: Any
    hash: str

    @property
    def ref(self) -> str:
        """The id of its row, as `open` in the URL names it."""
        return f"entry-{self.seq}"

    @property
    def text(self) -> str:
        """The body as people read it; the hashed text itself is the raw view."""
        return json.dumps(self.body, indent=2, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Story:
    """One trace, told."""

    trace_id: str
    title: str
    outcome: str
    finished: bool
    exceptions: Sequence[dict[str, str]]
    started_at: datetime
    duration_s: float
    waited_s: float
    answers: Sequence[dict[str, str]]
    tabs: Sequence[Tab]
    tab: str
    intent: str
    sources: Sequence[dict[str, Any]]
    steps: Sequence[dict[str, Any]]
    plans: Sequence[dict[str, Any]]
    refused: Sequence[Mapping[str, Any]]
    shown_checks: Sequence[dict[str, Any]]
    passed_checks: Sequence[dict[str, Any]]
    changes: Sequence[dict[str, Any]]
    calls: Sequence[dict[str, Any]]
    escalations: Sequence[dict[str, Any]]
    timeline: Sequence[dict[str, Any]]
    timeline_count: str
    rollback_items: Sequence[dict[str, str]]
    events: Sequence[Event]
    can_roll_back: bool
    rolled_back_by: Sequence[Mapping[str, Any]]
    undo_stopped: str
    answered: str
    brief: Sequence[brief.Line]
    todos: Sequence[todo.Todo]
    runbooks: Sequence[todo.Runbook]
    asked_by: str
    acted_by: str
    # What was asked here and joined an action there was already.
    joins: Sequence[dict[str, Any]] = ()
    # How it is known who asked: by a token of theirs, or because the agent named them.
    known: str = ""
    # Whether long lists stand unfolded.
    whole: bool = False
    first_event: int = 1
    # The rows that the address names: they stand, however long the list.
    opened: frozenset[str] = frozenset()
    # The last record that holds, of a ledger that is broken after it; 0 where all of it holds.
    cut: int = 0
    # What stands here without its value.
    hidden: Hidden = NOTHING

    @property
    def shows_passed(self) -> bool:
        """Whether the address names a check that passed, which else stands behind a link."""
        return bool(self.opened) and any(row["ref"] in self.opened for row in self.passed_checks)

    @property
    def checks_count(self) -> int:
        return len(self.shown_checks) + len(self.passed_checks)

    @property
    def steps_shown(self) -> list[Mapping[str, Any]]:
        return folded(self.steps, name="tool", is_exception=_step_is_odd, whole=self.whole, opened=self.opened)

    @property
    def checks_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.shown_checks,
            name="rule",
            is_exception=lambda row: (row["rule"], row["field"]) if row["outcome"] == "denied" else "",
            whole=self.whole,
            opened=self.opened,
        )

    @property
    def checks_passed_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.passed_checks, name="name", is_exception=lambda _: False, whole=self.whole, opened=self.opened
        )

    @property
    def changes_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.changes,
            name="noun",
            is_exception=lambda record: "" if record["happened"] else record["state_text"],
            whole=self.whole,
            opened=self.opened,
        )

    @property
    def changes_text(self) -> str:
        """How many records stand here, and how many of them certainly were not changed."""
        unchanged = sum(bool(record["unchanged"]) for record in self.changes)
        told = answers.plural(len(self.changes), "record")
        return f"{told}, {unchanged:,} not changed" if unchanged else told

    @property
    def calls_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.calls,
            name="tool",
            is_exception=lambda call: "" if call["status"] == "done" else (call["tool"], call["status"]),
            whole=self.whole,
            opened=self.opened,
        )

    @property
    def escalations_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.escalations,
            name="did_text",
            is_exception=lambda row: row["did_status"] == "rejected",
            whole=self.whole,
            opened=self.opened,
        )

    @property
    def timeline_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.timeline,
            name="text_strong",
            is_exception=lambda item: item["state"] == "bad",
            whole=self.whole,
            opened=self.opened,
        )

    @property
    def undo_shown(self) -> list[Mapping[str, Any]]:
        return folded(
            self.rollback_items, name="label", is_exception=lambda _: False, whole=self.whole, opened=self.opened
        )

    @property
    def events_shown(self) -> Sequence[Event]:
        """A page of entries, from the one that was asked for."""
        return self.events if self.whole else self.events[self.first_event - 1 : self.first_event - 1 + EVENTS]

    @property
    def next_event(self) -> int:
        """The first entry of the next page; 0 where there is none."""
        after = self.first_event + EVENTS
        return after if not self.whole and after <= len(self.events) else 0

    @property
    def brief_text(self) -> str:
        """The brief as plain text, for an incident channel."""
        told = [f"{line.question}: {line.sentence}" for line in self.brief]
        return "\n".join([self.title, *told, f"What to do now: {' '.join(one.sentence for one in self.todos)}"])


def _step_is_odd(step: Mapping[str, Any]) -> object:
    if step["policy_status"] == "allowed" and step["result"]["status"] == "done":
        return ""
    return step["tool"], step["policy_text"], step["result"]["status"]


def build_story(
    *, trace_id: str, rows: Sequence[tuple[dict[str, Any], str]], tab: str, now: datetime, whole: bool = False,
    first_event: int = 1, opened: frozenset[str] = frozenset(),
) -> Story:  # fmt: skip
    """A story from `(record, hash)` rows in order. `tab` is one of TABS; anything else shows the ledger.

    Lists beyond 30 rows fold to exceptions, first, last and what is `opened` unless `whole`; events come EVENTS at a time from
    `first_event`.
    """
    facts = fold(record for record, _ in rows)
    chosen = tab if tab in TABS else "ledger"
    all_checks = checks.rows(facts)
    told = facts.standing
    states = joins.states(facts) if joins.alone(facts) else [action.state for action in told]
    how = outcome(states) if states or not facts.refused else "denied"
    if how in {"running", "waiting", "unknown"}:
        facts.last_at = max(facts.last_at, now)
    changed = changes.records(facts)
    called = [steps.call(action) for action in facts.in_order if action.sent is not None]
    return Story(
        trace_id=trace_id,
        title=_title(facts, told),
        outcome=after_rollback(how, [action.rollback for action in rollback.can_be_undone(facts)]),
        finished=not goes_on(how, states),
        exceptions=answers.exceptions(facts),
        started_at=facts.opened_at,
        duration_s=(facts.last_at - facts.opened_at).total_seconds(),
        waited_s=escalations.waited_s(facts),
        answers=answers.five(facts),
        tabs=_tabs(facts, chosen, len(rows)),
        tab=chosen,
        intent=facts.opened["intent"],
        sources=list(facts.opened["sources"]),
        steps=[steps.row(action, facts) for action in facts.in_order],
        plans=[steps.plan(plan) for plan in facts.plans.values()],
        refused=list(facts.refused),
        shown_checks=[row for row in all_checks if row["outcome"] != "passed"],
        passed_checks=[row for row in all_checks if row["outcome"] == "passed"],
        changes=changed,
        calls=called,
        escalations=escalations.rows(facts),
        timeline=[*escalations.timeline(facts), *joins.timeline(facts)],
        timeline_count=escalations.count(facts),
        rollback_items=rollback.items(facts),
        events=[_event(record, digest) for record, digest in rows] if chosen == "events" else [],
        can_roll_back=rollback.can_begin(facts),
        rolled_back_by=rollback.by_trace(facts),
        undo_stopped=facts.undo_stopped,
        answered=str(facts.answered[-1]["answer"]) if facts.answered else "",
        brief=brief.lines(facts),
        todos=todo.todos(facts),
        runbooks=todo.runbooks(facts),
        asked_by=facts.opened["on_behalf_of"]["name"],
        known=brief.known(facts),
        joins=joins.rows(facts),
        acted_by=(facts.opened.get("agent") or facts.opened_by)["name"],
        whole=whole,
        first_event=max(first_event, 1),
        opened=opened,
        hidden=hidden(facts, changed, called),
    )


def _title(facts: TraceFacts, told: Sequence[ActionFacts]) -> str:
    if not told and facts.refused:
        return f"Refused {len(facts.refused)} {'request' if len(facts.refused) == 1 else 'requests'}"
    if joins.alone(facts):
        return joins.title(facts)
    return title(told, intent=facts.opened["intent"])


def _tabs(facts: TraceFacts, chosen: str, entries: int) -> list[Tab]:
    denied = checks.denied_count(facts)
    counts: dict[str, tuple[str, int | None, str]] = {
        "ledger": ("Ledger", None, ""),
        "changes": ("Changes", len(changes.records(facts)), ""),
        "checks": (
            "Policy checks",
            None if denied else len(checks.rows(facts)),
            f"{denied:,} denied" if denied else "",
        ),
        "calls": ("Tool calls", sum(action.sent is not None for action in facts.in_order), ""),
        "approvals": ("Approvals", sum(len(action.verdicts) for action in facts.in_order), ""),
        "events": ("Events", entries, ""),
    }
    return [
        Tab(key, *counts[key], href="?" if key == "ledger" else f"?tab={key}", current=key == chosen) for key in TABS
    ]


def _event(record: dict[str, Any], digest: str) -> Event:
    at = parse_instant(record["at"])
    return Event(
        record["seq"], at, record["type"], label(record["type"]), record["actor"]["name"], record["body"], digest
    )
