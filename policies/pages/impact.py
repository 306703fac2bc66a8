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
from policies.replay.unknown import at_least, unknown_text

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
# Counts that are no change, and so no part of the bar.
NO_CHANGE = frozenset({"same", "unknown"})
SHOWN_GROUPS = 8
# Label, field, tool, before, status and after of a group.
Words = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """One line of the legend; `key` chooses its colour and its part of the bar."""

    key: str
    label: str
    count: int
    # Whether there may be more: some past actions could not be decided.
    at_least: bool = False


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
    # What happened since, where it is stale: `Draft changed`, `v3 went live`.
    moved: str = ""
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
    unknown: str = ""
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
    replays, live = Replay.objects.filter(policy=place.policy), place.live.number if place.live else 0
    mine = replays.filter(digest=place.draft.digest, live=live).first()
    done = replays.filter(state=State.DONE).first()
    shown = mine if mine is not None else done
    if shown is None:
        return Impact("none")
    # While the draft is replayed the last finished counts stay, greyed: the page never goes blank.
    behind = shown if shown.state == State.DONE else done
    return _impact(place, shown, behind, moved=_moved(place.draft.digest, live, shown))


def _moved(digest: str, live: int, shown: Replay) -> str:
    """What makes a replay one of another question; empty where it is the same."""
    if shown.digest != digest:
        return "Draft changed"
    return "" if shown.live == live else f"v{live} went live"


def _impact(place: Place, replay: Replay, behind: Replay | None, *, moved: str) -> Impact:
    result: Mapping[str, Any] = behind.result if behind is not None else {}
    counts, groups = _counts(result), groups_of(behind) if behind is not None else ()
    percent = round(100 * replay.done / replay.total) if replay.total else 0
    finished = behind.finished_at if behind is not None else None
    return Impact(
        state={State.QUEUED: "waiting"}.get(State(replay.state), str(replay.state)),
        stale=bool(moved) or (behind is not None and behind.pk != replay.pk),
        moved=moved or "Draft changed",
        replay=replay,
        counted=behind,
        percent=percent,
        ago=ago(finished, database_now()) if finished else "",
        changed=int(result.get("changed", 0)),
        total=int(result.get("total", 0)),
        since=_since(place.policy, behind),
        counts=counts,
        segments=_segments(counts),
        bar_text=", ".join(f"{count.count:,} {count.label.lower()}" for count in counts if count.key not in NO_CHANGE),
        groups=groups[:SHOWN_GROUPS],
        more_groups=max(0, len(groups) - SHOWN_GROUPS),
        untouched=untouched_text(place.diff.changes, result) if place.diff and behind is not None and not moved else "",
        new_approvals=_new_approvals(result),
        added_wait=_added_wait(result),
        loads=tuple(load for load in loads_of(result) if abs(load.after - load.before) >= SMALL),
        earlier=earlier_text(result),
        unknown=unknown_text(result),
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
    bounds = at_least(result)
    found = [
        Count(key, label, number[name], name in bounds)
        for key, name, label in (
            ("waiting", "newly_waiting", "Would wait for approval"),
            ("draft", "newly_draft", "Would wait as a draft"),
            ("rerouted", "rerouted", "Would ask other people"),
            ("denied", "newly_denied", "Would be denied"),
            ("refused", "newly_refused_fields", "Would leave a field out"),
            ("allowed", "newly_allowed", "Would be newly allowed"),
            ("written", "newly_written_fields", "Would write one field more"),
            ("same", "same", "Same outcome"),
        )
    ]
    found.append(Count("unknown", "Could not be decided", number.get("untested", 0)))
    always = {"waiting", "denied", "allowed", "same"}
    return tuple(count for count in found if count.count or count.at_least or count.key in always)


def _segments(counts: Iterable[Count]) -> tuple[Segment, ...]:
    """The changed part as one bar: each kind at least a visible sliver."""
    parts = [count for count in counts if count.key not in NO_CHANGE and count.count]
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
    more = "newly_waiting" in at_least(result)
    if abs(added) < 0.05:
        return "not known" if more else "none"
    words = f"about {added:.1f} a day" if added > 0 else f"about {-added:.1f} a day fewer"
    return f"{words}, or more" if more else words


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
