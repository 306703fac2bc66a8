"""The review panel's data, rendered from the stored payload that the request's digest covers (P3)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.clock import database_now
from accounts.display.compare import Steps, compared, replaced
from accounts.display.plain import plain
from accounts.display.structure import as_words
from accounts.models import User
from approvals.algebra import Step
from approvals.break_glass import why_not
from approvals.eligibility import Eligibility, eligibility
from approvals.fatigue import pace
from approvals.longtext import folded_row, folded_segments, folded_value, long_values, must_open
from approvals.models import ApprovalRequest, BreakGlass
from approvals.moved import moved_since
from approvals.people import person_in
from approvals.queue import QueuePage, time_left, unsent
from approvals.rail import Line, rail
from approvals.snoozes import offered, snoozed_until
from traces.canonical import parse_instant

Segments = list[tuple[str, str]]
# A word keeps the white space behind it, so that spaces alone never split a changed phrase.
WORDS = re.compile(r"\A\s+|\S+\s*")
LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Review:
    """One request as a person reads it before deciding."""

    id: str
    title: str
    kind: str
    state: str
    asked_by: str
    agent: str
    trace_id: str
    trace_url: str
    position: int | None
    total: int
    prev_url: str
    next_url: str
    time_left: str
    urgency: str
    due_at: datetime
    blast: Sequence[Mapping[str, str]]
    payload: Mapping[str, Any]
    checks: Sequence[Mapping[str, Any]]
    passed_checks: Sequence[Mapping[str, Any]]
    policy: str
    steps: Sequence[Line]
    context_used: Sequence[Mapping[str, Any]]
    can_decide: bool
    my_steps: Sequence[Step]
    why_not: str
    decide_url: str
    edit_url: str
    can_edit: bool
    digest: str
    irreversible: bool
    approve_label: str
    confirm_text: str
    default_text: str
    conflict: str
    raw: str
    raw_url: str
    plain_url: str
    edits_count: int
    settled_text: str
    locked: Sequence[Mapping[str, str]]
    long_values: Sequence[tuple[str, int]]
    opened: bool
    all_url: str
    must_open: Sequence[str]
    glass_url: str
    glass_review_url: str
    # Where a reviewer may send it back to its agent, and where whoever asked may take it back; empty for others.
    ask_url: str = ""
    withdraw_url: str = ""
    # Where this person may put it aside and for how long; or since they did, until when.
    snooze_url: str = ""
    snooze_choices: Sequence[tuple[int, str]] = ()
    snoozed_until: datetime | None = None
    # Whom this person would decide it for, or that they decide alone.
    stands_in_text: str = ""
    # What edits changed since this person looked.
    moved: Sequence[Mapping[str, Any]] = ()
    # For a person who approves fast: how many and how fast, else nothing.
    pace_text: str = ""
    # Why nothing is sent even when it is approved.
    unsent: str = ""


def review_page(
    user: User,
    request: ApprovalRequest,
    *,
    page: QueuePage,
    raw: bool = False,
    conflict: str = "",
    seen: str = "",
    opened: bool = False,
) -> Review:
    """Everything the panel shows to this person; `opened` shows long values whole. `seen` is the digest they looked at."""
    who = person_in(user, request.workspace)
    shown, may = request.displayed, eligibility(user, request, who)
    position, before, after = page.neighbours(request.pk)
    words, urgency = time_left(request.expires_at, database_now())
    url = reverse("approvals:review", args=[request.pk])
    edits = shown["payload"].get("edits") or {}
    return Review(
        id=request.pk,
        title=request.title,
        kind=request.kind,
        state=request.state,
        asked_by=request.requester.name,
        agent=request.agent.name if request.agent else request.requester.name,
        trace_id=request.trace_id,
        trace_url=reverse("traces:detail", args=[request.trace_id]),
        position=position,
        total=len(page.requests),
        prev_url=before,
        next_url=after,
        time_left=words,
        urgency=urgency,
        due_at=request.expires_at,
        blast=shown["blast"],
        payload=_payload(shown["payload"], opened=opened),
        checks=[check for check in _worst_first(shown["checks"]) if check["outcome"] != "passed"],
        passed_checks=[check for check in shown["checks"] if check["outcome"] == "passed"],
        policy=_policy(shown["policy"]),
        steps=rail(request),
        context_used=shown["sources"],
        can_decide=may.may_decide,
        my_steps=may.steps,
        why_not=may.reason,
        decide_url=reverse("approvals:decide", args=[request.pk]),
        edit_url=reverse("actions:edit", args=[request.pk]),
        can_edit=may.may_decide and bool(shown["editable"]),
        digest=request.digest,
        irreversible=shown["reversibility"] == "irreversible",
        approve_label=_approve_label(request, len(edits)),
        confirm_text=_confirm_text(request),
        default_text=f"If nobody decides by {request.expires_at:%H:%M} UTC, it is denied.",
        conflict=conflict,
        raw=json.dumps(shown["raw"], indent=2, ensure_ascii=True, sort_keys=True) if raw else "",
        raw_url=f"{url}?view=raw",
        plain_url=url,
        edits_count=len(edits),
        settled_text=_settled(request),
        locked=shown.get("locked", []),
        long_values=long_values(shown["payload"]),
        opened=opened,
        all_url=f"{url}?all=1",
        must_open=[] if opened else must_open(request),
        glass_url=reverse("approvals:break_glass", args=[request.pk])
        if request.is_open and not why_not(request, who)
        else "",
        glass_review_url=reverse("approvals:glass_review", args=[request.pk])
        if request.state == ApprovalRequest.State.BREAK_GLASS
        else "",
        ask_url=reverse("approvals:ask_changes", args=[request.pk]) if may.may_decide and request.agent_id else "",
        withdraw_url=_withdraw_url(user, request),
        snooze_url=reverse("approvals:snooze", args=[request.pk]) if may.may_decide else "",
        snooze_choices=offered(request, database_now()) if may.may_decide else (),
        snoozed_until=snoozed_until(user, [request.pk]).get(request.pk) if may.may_decide else None,
        stands_in_text=_stands_in(may),
        moved=moved_since(request, seen) if seen and may.may_decide else (),
        unsent=unsent(request),
        pace_text=pace(user, request.workspace_id).sentence if may.may_decide else "",
    )


def _stands_in(may: Eligibility) -> str:
    if may.single is not None:
        return "You approve what you have a hand in yourself: single-operator mode is on. Your verdict says so."
    if may.delegation is None:
        return ""
    away = may.delegation
    return f"You decide this for {away.person.name}, away until {away.ends_at:%-d %b %H:%M} UTC. Your name stands beside theirs."


def _withdraw_url(user: User, request: ApprovalRequest) -> str:
    mine = request.is_open and request.requester_id == user.pk
    return reverse("actions:withdraw", args=[request.pk]) if mine else ""


def _worst_first(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    order = {"escalated": 0, "denied": 1}
    return sorted(checks, key=lambda check: order.get(check["outcome"], 2))


def _policy(policy: Mapping[str, Any]) -> str:
    return f"{policy.get('name') or policy['slug']} v{policy['version']}"


def _payload(payload: Mapping[str, Any], *, opened: bool) -> dict[str, Any]:
    edits, beside = payload.get("edits") or {}, payload.get("beside", {})
    mail = payload["kind"] == "email"
    rows = _edited_beside(edits, beside) if mail else payload["rows"]
    rest = {name: value for name, value in beside.items() if not (mail and name in edits)}
    if not opened:
        rows, rest = [folded_row(row) for row in rows], {name: folded_value(value) for name, value in rest.items()}
    told = {**payload, "rows": rows, "beside": rest}
    if not mail:
        return {**told, "read_at": parse_instant(payload["read_at"]) if payload["read_at"] else None}
    given = {part: edits.get(part, [payload.get(part, "")] * 2) for part in ("to", "subject", "body")}
    parts = {part: segments(*map(as_words, pair)) for part, pair in given.items()}
    shown = parts if opened else {part: folded_segments(found) for part, found in parts.items()}
    return {**told, **{f"{part}_segments": found for part, found in shown.items()}}


def _edited_beside(edits: Mapping[str, Sequence[Any]], beside: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a person changed of a message besides its address, subject and text, with what the agent had put there."""
    return [
        {"field": name, "kind": "added", "old": None, "new": beside[name], "agents": edits[name][0]}
        for name in beside
        if name in edits
    ]


def segments(old: str, new: str) -> Segments:
    """The difference by words, or by lines where that would take too long: `[(kind, text)]` with kind same, removed or added;
    white space stays as written.
    """
    before, after, steps = _compared(old, new)
    found: Segments = []
    for tag, i1, i2, j1, j2 in steps:
        if tag == "equal":
            found.append(("same", "".join(before[i1:i2])))
        else:
            found += _replaced("".join(before[i1:i2]), "".join(after[j1:j2]))
    return found


def _compared(old: str, new: str) -> tuple[list[str], list[str], Steps]:
    for parts in (WORDS, LINES):
        before, after = re.findall(parts, old), re.findall(parts, new)
        steps = compared(before, after)
        if steps is not None:
            return before, after, steps
    return before, after, replaced(before, after)


def _replaced(removed: str, added: str) -> Segments:
    """Both sides of a change; the white space that ends both alike stands behind them, unmarked."""
    tail = removed[len(removed.rstrip()) :]
    shared = tail if removed.rstrip() and added.rstrip() and added[len(added.rstrip()) :] == tail else ""
    cut = -len(shared) or None
    parts = [("removed", removed[:cut]), ("added", added[:cut]), ("same", shared)]
    return [(kind, text) for kind, text in parts if text]


def _approve_label(request: ApprovalRequest, edits: int) -> str:
    verb = "Send" if request.kind == ApprovalRequest.Kind.DRAFT else "Approve"
    return f"{verb} with {edits} {'edit' if edits == 1 else 'edits'}" if edits else verb


def _confirm_text(request: ApprovalRequest) -> str:
    """The second press of an irreversible approval names the effect."""
    reach = request.displayed["blast"][0]["value"]
    text = f"Send to {reach}" if request.displayed["payload"]["kind"] == "email" else request.title
    return plain(text)  # It becomes a button's label, where no markup can stand.


def _settled(request: ApprovalRequest) -> str:
    if request.is_open or request.settled_at is None:
        return ""
    at = f"at {request.settled_at:%H:%M:%S} UTC."
    if request.state == ApprovalRequest.State.BREAK_GLASS:
        broken = BreakGlass.objects.select_related("user").filter(request=request).first()
        if broken is None:
            return f"Said to be run in an emergency {at} Nobody is recorded to have run it."
        return f"Run without {' and '.join(broken.skipped)} by {broken.user.name} {at}"
    if request.withdrawn_why:
        return f"{request.withdrawn_why} {request.settled_at:%H:%M:%S} UTC."
    last = request.verdicts.filter(void=False).last()
    by = f" by {last.who}" if last and request.state in {"approved", "rejected"} else ""
    return f"{request.state_words.capitalize()}{by} {at}"
