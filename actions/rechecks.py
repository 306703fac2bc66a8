"""Automatic actions that people look at again: chosen by a lot nobody outside can foresee, answered once, ledgered (T25)."""

import hmac
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts.access import NotVisible, has_permission, require
from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.models import User, Workspace
from accounts.permissions import Permission
from actions.doubts import DoubtRow
from actions.models import Action, Recheck
from actions.record import safe, told
from approvals.requirement import settings_of
from traces.ledger import append

MIN_REASON = 10
# How long a finding that something was not fine stands on Home.
SHOWN_FOR = timedelta(days=7)
OUT_OF = 1 << 64


class RecheckRefused(Exception):
    """Nothing was recorded; the message says why."""


def is_chosen(workspace_id: str, action_id: str, per_mille: int) -> bool:
    """The lot: the same answer for the same action always, and no telling without this installation's secret.

    INVARIANT: an agent that knows every id and every earlier draw cannot foresee the next. Held by
    tests/stepup/test_rechecks.py.
    """
    secret = f"remit recheck {settings.SECRET_KEY} {workspace_id}".encode()
    drawn = int.from_bytes(hmac.digest(secret, action_id.encode("utf-8"), "sha256")[:8], "big")
    return drawn * 1000 < per_mille * OUT_OF


def draw(action: Action) -> None:
    """Put an automatic action that changed something on the list, if the lot says so. Runs inside its outcome's transaction."""
    definition = action.definition
    automatic = action.decision.get("effect") == "allow" and action.acting_user_id is None
    if not automatic or definition is None or definition.reads_only:
        return
    if not is_chosen(action.workspace_id, action.pk, settings_of(action.workspace_id).recheck_per_mille):
        return
    made, created = Recheck.objects.get_or_create(action=action, defaults={"selected_at": database_now()})
    if created:
        body = {"action": action.pk, "step": action.step, "recheck": made.pk}
        actor = system_actor("lot", action.workspace_id)
        append(actor=actor, trace_id=action.trace_id, type="action.recheck_selected", body=body)


def rechecks_visible_to(user: User, workspace: Workspace) -> QuerySet[Recheck]:
    """The workspace's list for those who see approvals; nothing for others."""
    found = Recheck.objects.filter(action__workspace=workspace)
    seen = has_permission(user, Permission.APPROVAL_VIEW, workspace)
    people = ("action__tool__connection", "action__agent", "action__requester", "action__trace", "by")
    return found.select_related(*people) if seen else found.none()


def why_not(user: User, found: Recheck) -> str:
    """Why this person may not answer; empty when they may (R-24: not on one's own)."""
    if not has_permission(user, Permission.APPROVAL_DECIDE, found.action.workspace):
        return "Looking again needs the Reviewer role."
    action = found.action
    if {action.requester_id, action.acting_user_id, action.agent.owner_id} & accounts_of(user):
        return "You asked for this or own the agent, so someone else looks at it."
    return ""


def answer_recheck(
    *, actor: Actor, user: User, workspace: Workspace, recheck_id: str, fine: bool, reason: str
) -> Recheck:
    """Say once whether an automatic action was fine. Raises NotVisible, Forbidden or RecheckRefused."""
    seen = rechecks_visible_to(user, workspace).filter(pk=recheck_id).first() if recheck_id.isprintable() else None
    if seen is None:
        raise NotVisible("recheck")
    require(user, Permission.APPROVAL_DECIDE, workspace)
    refusal = why_not(user, seen)
    if refusal:
        raise RecheckRefused(refusal)
    said = reason.strip()[:2000]
    if not fine and len(said) < MIN_REASON:
        raise RecheckRefused(f"Say in at least {MIN_REASON} characters what was not fine.")
    with transaction.atomic():
        return _record(actor, user, seen, Recheck.State.FINE if fine else Recheck.State.NOT_FINE, said)


def _record(actor: Actor, user: User, seen: Recheck, state: Recheck.State, reason: str) -> Recheck:
    open_ = Recheck.objects.filter(pk=seen.pk, state=Recheck.State.OPEN)
    if open_.update(state=state.value, by=user, at=database_now(), reason=reason) != 1:
        raise RecheckRefused("Somebody looked at this already.")
    body = {
        "action": seen.action_id, "step": seen.action.step, "recheck": seen.pk,
        "fine": state is Recheck.State.FINE, "reason": safe(seen.action, reason),
    }  # fmt: skip
    append(actor=actor, trace_id=seen.action.trace_id, type="action.rechecked", body=body)
    seen.refresh_from_db()
    return seen


def not_fine(user: User, workspace: Workspace) -> list[DoubtRow]:
    """Findings of the last days that something automatic was not fine, for Home."""
    since = database_now() - SHOWN_FOR
    found = rechecks_visible_to(user, workspace).filter(state=Recheck.State.NOT_FINE, at__gte=since)
    return [_row(one) for one in found.order_by("-at")]


def title_of(action: Action) -> str:
    """What it did, without sensitive values."""
    return told(action, action.definition, action.arguments)["past"]


def _row(found: Recheck) -> DoubtRow:
    by = found.by.name if found.by else ""
    return DoubtRow(
        title=f"Not fine: {title_of(found.action)}",
        agent=found.action.agent.name,
        step_text=f"{by}: {found.reason[:120]}",
        time_left="ran by itself",
        urgency="overdue",
        expires_at=None,
        url=reverse("traces:detail", args=[found.action.trace_id]),
        verb="Show work",
    )
