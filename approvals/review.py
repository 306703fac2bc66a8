"""The review panel's data, rendered from the stored payload that the request's digest covers (P3)."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.clock import database_now
from accounts.models import User
from approvals.access import group_names
from approvals.eligibility import eligibility
from approvals.fatigue import pace
from approvals.models import ApprovalRequest
from approvals.queue import QueuePage, time_left
from approvals.services import still_needed
from traces.canonical import parse_instant

Segments = list[tuple[str, str]]
# A word keeps the white space behind it, so that spaces alone never split a changed phrase.
WORDS = re.compile(r"\A\s+|\S+\s*")
VERDICT_STEP: dict[str, Callable[[str, str], tuple[str, str, str]]] = {
    "approve": lambda step, person: ("done", step, f"{person} approved"),
    "reject": lambda step, person: ("bad", step, f"{person} rejected"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the approval steps rail. `state` is done, current, waiting or bad."""

    state: str
    title: str
    detail: str
    at: datetime | None = None
    quote: str = ""


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
    steps: Sequence[Step]
    context_used: Sequence[Mapping[str, Any]]
    can_decide: bool
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
    # For a person who approves fast: how many and how fast, else nothing.
    pace_text: str = ""


def review_page(
    user: User, request: ApprovalRequest, *, page: QueuePage, raw: bool = False, conflict: str = ""
) -> Review:
    """Everything the panel shows to this person."""
    shown, may = request.displayed, eligibility(user, request)
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
        payload=_payload(shown["payload"]),
        checks=[check for check in _worst_first(shown["checks"]) if check["outcome"] != "passed"],
        passed_checks=[check for check in shown["checks"] if check["outcome"] == "passed"],
        policy=_policy(shown["policy"]),
        steps=_steps(request),
        context_used=shown["sources"],
        can_decide=may.may_decide,
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
        pace_text=pace(user, request.workspace_id).sentence if may.may_decide else "",
    )


def _worst_first(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    order = {"escalated": 0, "denied": 1}
    return sorted(checks, key=lambda check: order.get(check["outcome"], 2))


def _policy(policy: Mapping[str, Any]) -> str:
    return f"{policy.get('name') or policy['slug']} v{policy['version']}"


def _payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    if payload["kind"] != "email":
        return {**payload, "read_at": parse_instant(payload["read_at"]) if payload["read_at"] else None}
    edits = payload["edits"]
    subject = edits.get("subject") or [payload["subject"], payload["subject"]]
    body = edits.get("body") or [payload["body"], payload["body"]]
    return {**payload, "subject_segments": segments(*subject), "body_segments": segments(*body)}


def segments(old: str, new: str) -> Segments:
    """Word-level difference: `[(kind, text)]` with kind same, removed or added; white space stays as written."""
    before, after = re.findall(WORDS, old), re.findall(WORDS, new)
    found: Segments = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(before[i1:i2])))
        else:
            found += _replaced("".join(before[i1:i2]), "".join(after[j1:j2]))
    return found


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
    return f"Send to {reach}" if request.displayed["payload"]["kind"] == "email" else request.title


def _steps(request: ApprovalRequest) -> list[Step]:
    checks = len(request.displayed["checks"])
    rail = [Step("done", "Plan checked", f"{checks} checks", request.created_at)]
    for number, step in enumerate(request.steps, start=1):
        rail.extend(_step(request, number, step))
    if request.is_open:
        rail.append(Step("waiting", "Sends" if request.kind == "draft" else "Runs", "Once, by Remit"))
    else:
        rail.append(
            Step("done" if request.state == "approved" else "bad", request.state.capitalize(), "", request.settled_at)
        )
    return rail


def _step(request: ApprovalRequest, number: int, step: Mapping[str, Any]) -> list[Step]:
    name = f"Step {number} · {step['name']}"
    given = [v for v in request.verdicts.all() if v.step == number and not v.void]
    done = [Step(*VERDICT_STEP[v.choice](name, v.user.name), v.at, v.reason) for v in given]
    left = still_needed(request, number)
    if left <= 0 or not request.is_open:
        return done
    who = _who(request, step)
    state = "current" if number == request.step else "waiting"
    return [*done, Step(state, name, who if left == 1 else f"{left} of: {who}")]


def _who(request: ApprovalRequest, step: Mapping[str, Any]) -> str:
    if not step["group"]:
        return f"{request.requester.name}, or a reviewer"
    taken = {verdict.user.name for verdict in request.verdicts.all() if not verdict.void}
    names = [name for name in group_names(request, step["group"]) if name not in taken]
    return ", or ".join(names) or "Nobody is in this group yet"


def _settled(request: ApprovalRequest) -> str:
    if request.is_open or request.settled_at is None:
        return ""
    last = request.verdicts.filter(void=False).last()
    by = f" by {last.user.name}" if last and request.state in {"approved", "rejected"} else ""
    return f"{request.state.capitalize()}{by} at {request.settled_at:%H:%M:%S} UTC."
