"""What a notice says of a ledger entry: facts our code puts into words, and the page that shows them (R-21, R-23).

Only what entries hold in clear is read, so a redacted value cannot be said. No sentence of an agent stands in a notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.display.plain import plain
from traces.canonical import parse_instant
from traces.entry_types import label
from traces.models import Entry

MOST_TITLE = 300
_WORDED = ("action.proposed", "action.decided", "action.edited")


@dataclass(frozen=True, slots=True)
class Said:
    """`facts` are label and value; `path` is a page of the console, opened by GET and deciding nothing.

    INVARIANT: whoever says it, title and facts are plain text (R-23). Held by tests/notices/test_hostile_values.py.
    """

    title: str
    path: str
    facts: tuple[tuple[str, str], ...] = ()
    due: datetime | None = None
    approval: str = ""

    def __post_init__(self) -> None:
        facts = tuple((name, plain(value)) for name, value in self.facts if value)
        object.__setattr__(self, "title", plain(self.title, MOST_TITLE))
        object.__setattr__(self, "facts", facts)


@dataclass(slots=True)
class Scene:
    """One entry with what its trace says around it."""

    entry: Entry
    record: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.record = self.entry.record

    @property
    def body(self) -> Mapping[str, Any]:
        return self.record["body"]  # type: ignore[no-any-return]

    @property
    def who(self) -> str:
        return str(self.record["actor"]["name"])

    @property
    def trace_path(self) -> str:
        return reverse("traces:detail", args=[self.entry.trace_id])

    def before(self, *types: str) -> list[Mapping[str, Any]]:
        """Records of these types up to this one, in order."""
        found = Entry.objects.filter(trace_id=self.entry.trace_id, seq__lte=self.entry.seq, type__in=types)
        return [one.record for one in found.order_by("seq")]

    def asked(self) -> Mapping[str, Any]:
        """The `approval.requested` record that this entry's approval began with. Raises LookupError for none."""
        mine = self.body["approval"]
        found = [record for record in self.before("approval.requested") if record["body"]["approval"] == mine]
        if not found:
            raise LookupError(f"{self.entry} is about an approval its trace does not ask for.")
        return found[-1]

    def effect(self) -> str:
        """The action in the imperative, in the words last recorded for it. Raises LookupError for none."""
        action = self.body["action"]
        told = [record["body"] for record in self.before(*_WORDED) if record["body"].get("action") == action]
        if not told:
            raise LookupError(f"{self.entry} is about an action its trace does not propose.")
        return str(told[-1]["words"]["imperative"])

    def parties(self) -> tuple[tuple[str, str], ...]:
        """Who asked and which agent acts."""
        opened = self.before("trace.opened")[0]["body"]
        agent = opened["agent"]
        acts = (("Agent", str(agent["name"])),) if agent else ()
        return (("Asked by", str(opened["on_behalf_of"]["name"])), *acts)


def say(entry: Entry) -> Said:
    """The notice of an entry. Raises LookupError or KeyError for an entry that lacks what its type has."""
    return _SAYERS[entry.type](Scene(entry))


def _requested(scene: Scene) -> Said:
    return asking(scene, scene.body, stages(scene.body["route"]["steps"])[0])


def stages(steps: Sequence[Mapping[str, Any]]) -> list[tuple[int, ...]]:
    """Numbers of the steps that are decided at the same time, in order: a step that joins stands with the one before."""
    found: list[tuple[int, ...]] = []
    for number, step in enumerate(steps, start=1):
        joined = found.pop() if found and step.get("joins") else ()
        found.append((*joined, number))
    return found


def asking(scene: Scene, asked: Mapping[str, Any], numbers: Sequence[int]) -> Said:
    """That steps of a request wait for people; `asked` is the body of its `approval.requested`."""
    steps, due = asked["route"]["steps"], parse_instant(asked["expires_at"])
    draft = asked["kind"] == "draft"
    verb = "Draft to look at" if draft else "Approval needed"
    place = f" (step {' and '.join(map(str, numbers))} of {len(steps)})" if len(steps) > 1 else ""
    names = " and ".join(steps[number - 1]["name"] for number in numbers)
    end = "it is not sent" if draft else "it is denied"
    facts = (
        ("Waits for", f"{names}{place}"),
        *scene.parties(),
        ("Due", f"{due:%-d %b %Y %H:%M} UTC. If nobody decides by then, {end}."),
    )
    path = reverse("approvals:review", args=[asked["approval"]])
    return Said(f"{verb}: {scene.effect()}", path, facts, due, asked["approval"])


def _still(words: str) -> Callable[[Scene], Said]:
    """That a request waits on; `waiting` are the names of its steps."""

    def sayer(scene: Scene) -> Said:
        body, due = scene.body, parse_instant(scene.asked()["body"]["expires_at"])
        facts = (
            ("Waits for", " and ".join(body["waiting"])),
            ("Asked now as well", str(body.get("to") or "")),
            *scene.parties(),
            ("Due", f"{due:%-d %b %Y %H:%M} UTC"),
        )
        path = reverse("approvals:review", args=[body["approval"]])
        return Said(f"{words}: {scene.effect()}", path, facts, due, body["approval"])

    return sayer


def _emergency(words: str) -> Callable[[Scene], Said]:
    def sayer(scene: Scene) -> Said:
        body = scene.body
        skipped, due = " and ".join(body.get("skipped", ())), body.get("review_due_at")
        facts = (
            ("By", scene.who),
            ("Without", skipped),
            ("Why", str(body.get("reason", ""))),
            ("Review due", f"{parse_instant(due):%-d %b %Y %H:%M} UTC" if due else ""),
            *scene.parties(),
        )
        return Said(f"{words}: {scene.effect()}", reverse("approvals:glass_review", args=[body["approval"]]), facts)

    return sayer


def _changes_asked(scene: Scene) -> Said:
    facts = (("By", scene.who), ("Asked", str(scene.body["text"])), *scene.parties())
    return Said(
        f"Sent back to the agent: {scene.effect()}", reverse("approvals:review", args=[scene.body["approval"]]), facts
    )


_SETTLED = {"approved": "Approved", "rejected": "Rejected", "expired": "Expired, so denied",
            "withdrawn": "Withdrawn", "stale": "Out of date", "break_glass": "Run in an emergency"}  # fmt: skip


def _settled(scene: Scene) -> Said:
    state = scene.body["state"]
    by = (("By", scene.who),) if scene.record["actor"]["kind"] == "user" else ()
    path = reverse("approvals:review", args=[scene.body["approval"]])
    return Said(f"{_SETTLED.get(state, state)}: {scene.effect()}", path, (*by, *scene.parties()))


def _of_action(words: str) -> Callable[[Scene], Said]:
    def sayer(scene: Scene) -> Said:
        return Said(f"{words}: {scene.effect()}", scene.trace_path, scene.parties())

    return sayer


_ROLLED_BACK = {
    "rolled_back": "Rolled back", "partly_rolled_back": "Rolled back in part",
    "rollback_conflict": "Not rolled back, the record moved", "rollback_unknown": "Outcome of a rollback unknown",
}  # fmt: skip


def _rolled_back(scene: Scene) -> Said:
    how = _ROLLED_BACK.get(scene.body["rollback_state"], "Rollback ended")
    return Said(f"{how}: {scene.effect()}", scene.trace_path, (("By", scene.who), *scene.parties()))


def _tripped(scene: Scene) -> Said:
    body = scene.body
    path = reverse("policies:breakers", args=[body["policy"]])
    return Said(f"Circuit breaker {body['breaker']} of policy {body['policy']} tripped: what it covers is held", path,
                (("Why", body["reason"]),))  # fmt: skip


def _reset(scene: Scene) -> Said:
    body = scene.body
    path = reverse("policies:breakers", args=[body["policy"]])
    return Said(f"Circuit breaker {body['breaker']} of policy {body['policy']} was reset", path,
                (("By", scene.who), ("Why", body["reason"])))  # fmt: skip


def _paused(scene: Scene) -> Said:
    facts = (("By", scene.who), ("Why", scene.body["reason"]))
    return Said(f"Paused: {scene.body['name']}", reverse("actions:pause"), facts)


def _released(scene: Scene) -> Said:
    facts = (("By", scene.who), ("Why", scene.body["reason"]))
    return Said(f"Released: {scene.body['name']} may go on", reverse("actions:pause"), facts)


def _published(scene: Scene) -> Said:
    body = scene.body
    facts = (("By", scene.who), ("Compared with the one before", _verdict(body)))
    path = reverse("policies:versions", args=[body["policy"]])
    return Said(f"Policy {body['policy']} v{body['version']} was published", path, facts)


def _verdict(body: Mapping[str, Any]) -> str:
    return str(body.get("verdict") or "").replace("_", " ").capitalize()


def _proposed(scene: Scene) -> Said:
    facts = (("By", scene.who), ("Compared with the live version", _verdict(scene.body)))
    path = reverse("policies:publish", args=[scene.body["policy"]])
    return Said(f"Policy {scene.body['policy']}: a publication waits for a second policy admin", path, facts)


def _not_published(scene: Scene) -> Said:
    path = reverse("policies:detail", args=[scene.body["policy"]])
    facts = (("Why", str(scene.body.get("why", ""))),)
    what = "a demotion" if "rule" in scene.body else "a scheduled publication"
    return Said(f"Policy {scene.body['policy']}: {what} did not happen", path, facts)


_SAYERS: dict[str, Callable[[Scene], Said]] = {
    "approval.requested": _requested,
    "approval.reminded": _still("Nobody has decided yet"),
    "approval.escalated": _still("Escalated, because nobody decided"),
    "approval.break_glass": _emergency("Run in an emergency"),
    "approval.glass_reviewed": _emergency("The review of an emergency was written"),
    "approval.glass_confirmed": _emergency("The review of an emergency was confirmed"),
    "approval.changes_asked": _changes_asked,
    "approval.settled": _settled,
    "action.unknown": _of_action(label("action.unknown")),
    "action.needs_human": _of_action(label("action.needs_human")),
    "action.blocked": _of_action(label("action.blocked")),
    "rollback.finished": _rolled_back,
    "breaker.tripped": _tripped,
    "breaker.reset": _reset,
    "pause.set": _paused,
    "pause.released": _released,
    "policy.proposed": _proposed,
    "policy.published": _published,
    "policy.not_published": _not_published,
}
