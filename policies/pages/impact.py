"""The impact panel: what a replay found, in words and one bar. Reads finished results; nothing is replayed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.clock import database_now
from policies.catalog import tools_of
from policies.engine.diff import Change
from policies.models import DecisionRecord, Policy, Replay
from policies.pages.place import Place
from policies.pages.sentences import plural
from policies.replay.loads import SMALL, Load, earlier_text, loads_of

State = Replay.State
FROM_WORDS = {"allow": "Auto", "draft": "Draft", "approval": "Approval", "deny": "Denied"}
# What an action would become: the status it is drawn with, and its word.
TO_STATUS = {
    "allow": ("allowed", "Allowed"),
    "draft": ("escalated", "Draft"),
    "approval": ("escalated", "Approval"),
    "deny": ("denied", "Denied"),
}
BAR = 300
SHOWN_GROUPS = 8
# Label, field, tool, before, status and after of a group.
Words = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """One line of the legend; `key` chooses its colour and its part of the bar."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Segment:
    key: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class ImpactGroup:
    """Past actions that would change alike. `field` is set where the change is about one field."""

    number: int
    label: str
    field: str
    tool: str
    before: str
    status: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What the panel shows. `state` is none, waiting, running, done, cancelled or failed; `stale` when the draft moved on."""

    state: str
    stale: bool = False
    replay: Replay | None = None
    # The replay the numbers are of: the last one that finished.
    counted: Replay | None = None
    percent: int = 0
    ago: str = ""
    changed: int = 0
    total: int = 0
    since: str = ""
    counts: tuple[Count, ...] = ()
    segments: tuple[Segment, ...] = ()
    bar_text: str = ""
    groups: tuple[ImpactGroup, ...] = ()
    more_groups: int = 0
    untouched: str = ""
    new_approvals: str = ""
    added_wait: int | None = None
    loads: tuple[Load, ...] = ()
    earlier: str = ""
    breaks: tuple[str, ...] = ()
    detail: str = ""

    @property
    def live(self) -> bool:
        """Whether the panel asks again by itself."""
        return self.state in {"waiting", "running"}


def impact_of(place: Place) -> Impact | None:
    """The panel of a policy's draft; None without a draft."""
    if place.draft is None:
        return None
    replays = Replay.objects.filter(policy=place.policy)
    mine = replays.filter(digest=place.draft.digest).first()
    done = replays.filter(state=State.DONE).first()
    shown = mine if mine is not None else done
    if shown is None:
        return Impact("none")
    # While the draft is replayed the last finished counts stay, greyed: the page never goes blank.
    behind = shown if shown.state == State.DONE else done
    return _impact(place, shown, behind, stale=shown.digest != place.draft.digest)


def _impact(place: Place, replay: Replay, behind: Replay | None, *, stale: bool) -> Impact:
    result: Mapping[str, Any] = behind.result if behind is not None else {}
    counts, groups = _counts(result), groups_of(behind) if behind is not None else ()
    percent = round(100 * replay.done / replay.total) if replay.total else 0
    finished = behind.finished_at if behind is not None else None
    return Impact(
        state={State.QUEUED: "waiting"}.get(State(replay.state), str(replay.state)),
        stale=stale or (behind is not None and behind.pk != replay.pk),
        replay=replay,
        counted=behind,
        percent=percent,
        ago=ago(finished, database_now()) if finished else "",
        changed=int(result.get("changed", 0)),
        total=int(result.get("total", 0)),
        since=_since(place.policy, behind),
        counts=counts,
        segments=_segments(counts),
        bar_text=", ".join(f"{count.count:,} {count.label.lower()}" for count in counts if count.key != "same"),
        groups=groups[:SHOWN_GROUPS],
        more_groups=max(0, len(groups) - SHOWN_GROUPS),
        untouched=untouched_text(place.diff.changes, result) if place.diff and behind is not None and not stale else "",
        new_approvals=_new_approvals(result),
        added_wait=_added_wait(result),
        loads=tuple(load for load in loads_of(result) if abs(load.after - load.before) >= SMALL),
        earlier=earlier_text(result),
        breaks=tuple(map(_broken, result.get("breaks", ()))),
        detail=replay.detail,
    )


def ago(at: datetime, now: datetime) -> str:
    """`8 s ago`."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word} ago"
    return f"{seconds} s ago"


def _since(policy: Policy, replay: Replay | None) -> str:
    if replay is None:
        return ""
    past = DecisionRecord.objects.filter(
        workspace_id=policy.workspace_id, policy=policy.slug, at__gt=replay.since, at__lte=replay.until
    )
    agents = past.values("agent_id").order_by().distinct().count()
    return f"Last {replay.result['window_days']} days, {plural(agents, 'agent')}. No tool is called."


def _counts(result: Mapping[str, Any]) -> tuple[Count, ...]:
    """Newly allowed is always there, even at 0."""
    if not result:
        return ()
    number = {name: int(value) for name, value in result.items() if isinstance(value, int)}
    found = [
        Count("waiting", "Would wait for approval", number["newly_waiting"]),
        Count("draft", "Would wait as a draft", number["newly_draft"]),
        Count("rerouted", "Would ask other people", number["rerouted"]),
        Count("denied", "Would be denied", number["newly_denied"]),
        Count("refused", "Would leave a field out", number["newly_refused_fields"]),
        Count("allowed", "Would be newly allowed", number["newly_allowed"]),
        Count("written", "Would write one field more", number["newly_written_fields"]),
        Count("same", "Same outcome", number["same"]),
    ]
    always = {"waiting", "denied", "allowed", "same"}
    return tuple(count for count in found if count.count or count.key in always)


def _segments(counts: Iterable[Count]) -> tuple[Segment, ...]:
    """The changed part as one bar: each kind at least a visible sliver."""
    parts = [count for count in counts if count.key != "same" and count.count]
    total = sum(count.count for count in parts)
    found, x = [], 0
    for number, count in enumerate(parts):
        width = max(4, round((BAR - 2 * (len(parts) - 1)) * count.count / total))
        width = BAR - x if number == len(parts) - 1 else width
        found.append(Segment(count.key, x, max(1, width)))
        x += width + 2
    return tuple(found)


def groups_of(replay: Replay) -> tuple[ImpactGroup, ...]:
    """Every group of a replay that finished, most frequent first."""
    return tuple(group for group, _ in _groups(replay))


def _groups(replay: Replay) -> list[tuple[ImpactGroup, list[str]]]:
    """Groups with their latest actions. Groups that read alike are one: why each is so stands in its trace."""
    titles = {name: entry.title for name, entry in tools_of(replay.policy.workspace_id).items()}
    alike: dict[Words, tuple[int, list[str]]] = {}
    for data in replay.result.get("groups", ()):
        words = _words(data, titles)
        count, actions = alike.get(words, (0, []))
        alike[words] = (count + int(data["count"]), [*actions, *data["actions"]])
    found = sorted(alike.items(), key=lambda item: (-item[1][0], item[0]))
    return [(ImpactGroup(number, *words, count), actions) for number, (words, (count, actions)) in enumerate(found)]


def _words(data: Mapping[str, Any], titles: Mapping[str, str]) -> Words:
    """Label, field, tool, before, status and after: a field by its name, a tool by its title, a rule by its own name."""
    tool, label, kind = str(data["tool"]), str(data["label"]), str(data["kind"])
    status, after = TO_STATUS[data["to"]]
    before = FROM_WORDS[data["from"]]
    field = label.removeprefix("Write ") if label.startswith("Write ") else ""
    if kind == "refused_field":
        status, before, after = "denied", "Written", "Left out"
    elif kind == "written_field":
        status, before, after = "allowed", "Left out", "Written"
    elif kind == "route":
        label, after = tool, f"{after} ({label})"
    elif data["to"] != "deny" and field:
        # Fields that are left out do not decide whether people are asked.
        label, field = tool, ""
    return titles.get(label, label), field, tool, before, status, after


def untouched_text(changes: tuple[Change, ...], result: Mapping[str, Any]) -> str:
    """`2 of 5 changes touch no past action.` A change counts as touching where any group is about its rule."""
    if not changes:
        return ""
    rest = sum(not any(_about(change.path, group) for group in result.get("groups", ())) for change in changes)
    if not rest:
        return ""
    return f"{rest} of {plural(len(changes), 'change')} touch{'es' if rest == 1 else ''} no past action."


def _about(path: tuple[str, ...], group: Mapping[str, Any]) -> bool:
    """Whether a group of changed actions may come from a change of the document."""
    rule = str(group["rule"])
    if path[0] != "roles":
        return rule == ".".join(path[:2]) or (path[0] == "routes" and group["kind"] == "route")
    if len(path) < 4:
        return rule.startswith(f"roles.{path[1]}")
    if path[2] == "fields":
        return rule == f"fields.{path[3]}"
    # A change of what a rule says touches what the rule decided; of a tool, every action of that tool.
    return rule.startswith(".".join(path[:4])) or (path[2] == "tools" and group["tool"] == path[3])


def _broken(item: Mapping[str, Any]) -> str:
    """Who did it lately, and what will become of it."""
    after = "That field will not be written after publish." if item["field"] else "It will be denied after publish."
    return f"{item['sentence']} {after}"


def _new_approvals(result: Mapping[str, Any]) -> str:
    added = sum(float(item["added_a_day"]) for item in result.get("approvals", {}).values())
    if not result:
        return ""
    if abs(added) < 0.05:
        return "none"
    return f"about {added:.1f} a day" if added > 0 else f"about {-added:.1f} a day fewer"


def _added_wait(result: Mapping[str, Any]) -> int | None:
    """The longest median wait in seconds of the routes that get more to do; None where nobody waits more."""
    items = result.get("approvals", {}).values()
    waits = [item["median_wait_s"] for item in items if item["added_a_day"] > 0 and item["median_wait_s"] is not None]
    return max(waits, default=None)


def actions_of(policy: Policy, replay: Replay, number: int) -> tuple[ImpactGroup, list[DecisionRecord]] | None:
    """A group of a replay with its latest actions; None where there is no such group."""
    groups = _groups(replay)
    if not 0 <= number < len(groups):
        return None
    group, ids = groups[number]
    found = DecisionRecord.objects.filter(workspace_id=policy.workspace_id, action_id__in=ids).order_by("-at")
    return group, list(found)
