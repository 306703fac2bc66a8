"""Running a request without the people still asked, in an emergency; and the review that is owed for it.

It skips people and nothing else: the action is checked again at dispatch like any other (P1, R-26), and runs only as these
bytes (P4). Whoever has a hand in a request never breaks glass for it (R-24), and whoever does proves who they are as surely
as an approval of it asks, and signs what they ran (R-25, V7.5.3).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from approvals.models import ApprovalRequest, BreakGlass
from approvals.people import Person, person_in
from approvals.refusals import NotEntitled, ReasonNeeded, VerdictRefused
from approvals.services import given_in, refuse_changed, refuse_settled, refuse_unproven, settle, signed_by
from approvals.statement import Proof, glass_state
from traces.canonical import instant
from traces.ledger import append


class NotPromised(VerdictRefused):
    """The review was not promised."""


def why_not(request: ApprovalRequest, who: Person) -> str:
    """Why this person may not break glass for a request; "" where they may. Any doubt is a reason."""
    terms = request.route.get("break_glass")
    if request.kind != ApprovalRequest.Kind.APPROVAL or not terms:
        return "This request has no way past its steps."
    named = who.refused_in({**request.involved, **request.excluded})
    if named:
        return named
    if not who.decides:
        return "Deciding needs the Reviewer role. A workspace owner can grant it."
    since = who.approver.groups.get(terms["group"])
    if since is None or since > request.created_at:
        return "Only people who were in the group for emergencies before this was proposed may run it without the rest."
    return ""


def skipped(request: ApprovalRequest) -> list[str]:
    """Names of the steps that lack people, now or later."""
    first = request.waiting
    return [step.name for step in request.steps if step in first or step.stage > first[0].stage]


def break_glass(
    *,
    actor: Actor,
    user: User,
    request_id: str,
    reason: str,
    digest: str,
    promised: bool,
    proof: Proof | None = None,
) -> ApprovalRequest:
    """Let the action run now, as these bytes, signed (R-25). The review is due as the route says.

    Raises AlreadyDecided, NotEntitled, DigestChanged, ReasonNeeded, NotPromised, StepUpNeeded or NotSigned; then nothing was
    changed.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        now = database_now()
        # INVARIANT: whoever is signed in breaks it, whatever a request says. Held by tests/approvals/test_glass_page.py.
        if (actor.kind, actor.id) != ("user", user.pk):
            raise NotEntitled("Glass is broken by the person who is signed in.")
        refuse_settled(request, now)
        _refuse(request, person_in(user, request.workspace), reason=reason, digest=digest, promised=promised)
        refuse_unproven(request, user, proof, now)
        terms, skips = request.route["break_glass"], skipped(request)
        said = glass_state(request, user, reason=reason.strip(), skipped=skips, **given_in(proof))
        broken = BreakGlass.objects.create(
            request=request, user=user, group=terms["group"], reason=reason.strip(), digest=digest,
            skipped=skips, signed=signed_by(actor, request, said, proof), notified=terms["notify"], at=now,
            due_at=now + timedelta(seconds=terms["review_within_s"]), review_group=terms["review_group"],
        )  # fmt: skip
        append(actor=actor, trace_id=request.trace_id, type="approval.break_glass", body=_body(request, broken))
        settle(actor=actor, request=request, state=ApprovalRequest.State.BREAK_GLASS, now=now)
    return request


def _refuse(request: ApprovalRequest, who: Person, *, reason: str, digest: str, promised: bool) -> None:
    why = why_not(request, who)
    if why:
        raise NotEntitled(why)
    refuse_changed(request, digest)
    least = request.route["break_glass"]["reason_min"]
    if len(reason.strip()) < least:
        raise ReasonNeeded(f"Write why it cannot wait, in {least} characters or more.")
    if not promised:
        raise NotPromised("Say that you will write the review.")


def _body(request: ApprovalRequest, broken: BreakGlass) -> Mapping[str, Any]:
    return {
        "approval": request.pk,
        "action": request.action_id,
        "group": broken.group,
        "reason": broken.reason,
        "saw": broken.digest,
        "skipped": broken.skipped,
        "signed": broken.signed,
        "notified": broken.notified,
        "policy": request.displayed["policy"],
        "review_group": broken.review_group,
        "review_due_at": instant(broken.due_at),
        "waited_ms": int((broken.at - request.created_at).total_seconds() * 1000),
    }
