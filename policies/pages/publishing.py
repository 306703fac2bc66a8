"""The page before a draft goes live: what changes, what it takes, who may agree, and what runs meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.access import has_permission
from accounts.humans import accounts_of
from accounts.models import User
from accounts.permissions import Permission
from policies.edits import fingerprint, value_at
from policies.engine.diff import Change
from policies.gates import Gate, gates
from policies.models import DecisionRecord, PolicyDraft
from policies.pages.frame import TABS, Verdict, tab_of, verdict_of
from policies.pages.place import Place
from policies.pages.sentences import amount_of, waiver
from policies.publishing import ONE_PERSON, why_not_second
from policies.waivers import granted_in

OTHER = "Other parts"


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change of a comparison: the sentence, its direction and why, old and new as text."""

    label: str
    effect: str
    why: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes of one part of the policy."""

    label: str
    lines: tuple[ChangeLine, ...]


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """A waiver of the draft: which control, for whom, until when, by whom and why."""

    id: str
    words: str
    reason: str
    seen: str


@dataclass(frozen=True, slots=True)
class Publishing:
    """Everything the publish page shows."""

    groups: tuple[ChangeGroup, ...]
    verdict: Verdict
    takes_two: bool
    gates: tuple[Gate, ...]
    waivers: tuple[WaiverLine, ...]
    unmet: int
    running: int
    state: str
    may_propose: bool
    may_agree: bool
    why_not: str
    agreeing: tuple[str, ...]


def publishing_of(place: Place, draft: PolicyDraft, user: User) -> Publishing:
    """The publish page of a draft, for one person."""
    assert place.diff is not None  # noqa: S101 - a place with a draft has one
    takes_two = place.diff.verdict not in ONE_PERSON
    found = gates(place.policy, draft.source, granted=granted_in(draft, draft.proposed_by or user))
    others = people_who_may_agree(place, draft)
    why_not = _why_not(place, draft, user)
    return Publishing(
        groups=change_groups(place.diff.changes, place.base, place.plain),
        verdict=verdict_of(place.diff),
        takes_two=takes_two,
        gates=found,
        waivers=tuple(WaiverLine(w["id"], waiver(w), w["reason"], fingerprint(w)) for w in place.plain.get("waivers") or ()),
        unmet=sum(not gate.met for gate in found),
        running=DecisionRecord.objects.filter(
            workspace_id=place.policy.workspace_id, policy=place.policy.slug, outcome=DecisionRecord.Outcome.OPEN
        ).exclude(effect="deny").count(),
        state=draft.state,
        may_propose=place.may_publish and draft.state == PolicyDraft.State.OPEN,
        may_agree=draft.state == PolicyDraft.State.PROPOSED and not why_not,
        why_not=why_not if draft.state == PolicyDraft.State.PROPOSED else "",
        agreeing=tuple(person.name for person in others),
    )  # fmt: skip


def people_who_may_agree(place: Place, draft: PolicyDraft) -> list[User]:
    """Policy admins of the workspace other than the humans who asked and who edited last."""
    workspace = place.policy.workspace
    taken = _accounts(draft.proposed_by) | _accounts(draft.updated_by)
    members = User.objects.filter(memberships__workspace=workspace, is_active=True).distinct().order_by("name")
    return [
        user for user in members if user.pk not in taken and has_permission(user, Permission.POLICY_PUBLISH, workspace)
    ]


def _accounts(user: User | None) -> frozenset[str]:
    return accounts_of(user) if user else frozenset()


def _why_not(place: Place, draft: PolicyDraft, user: User) -> str:
    """Why this person does not agree, where they do not."""
    return why_not_second(draft, user) or ("" if place.may_publish else "Only policy admins may agree.")


def change_groups(
    changes: tuple[Change, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[ChangeGroup, ...]:
    """Changes from one document to another, under the tab they belong to."""
    found: dict[str, list[ChangeLine]] = {}
    for change in changes:
        label = TABS[tab_of(change.path)][0] if tab_of(change.path) in TABS else OTHER
        before, after = (_in_unit(change.path, value, plain) for value, plain in ((change.old, old), (change.new, new)))
        found.setdefault(label, []).append(ChangeLine(change.label, change.effect, change.why, before, after))
    return tuple(ChangeGroup(label, tuple(lines)) for label, lines in found.items())


def _in_unit(path: tuple[str, ...], value: Any, plain: Mapping[str, Any]) -> str:
    """A value as text; the number of a limit or breaker in its unit."""
    rule = value_at(plain, path[:2]) if path[-1] == "max" and path[0] in {"limits", "breakers"} else None
    return shown(value) if rule is None or value is None else amount_of({**rule, "max": value})


def shown(value: Any) -> str:
    """A value of a document as text people read."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) or "nothing of its own"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)
