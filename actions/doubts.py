"""Outcomes that are not known: who is needed, for how long already. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.models import User, Workspace
from accounts.permissions import Permission
from actions.models import Action, Attestation
from actions.record import told
from actions.states import IN_DOUBT, State


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """One line of Home: what may have happened, whose turn it is, since when."""

    title: str
    agent: str
    step_text: str
    time_left: str
    urgency: str
    expires_at: datetime | None
    url: str
    verb: str


def in_doubt(workspace: Workspace) -> QuerySet[Action]:
    """Actions of a workspace whose outcome is not known, the oldest first."""
    found = Action.objects.filter(workspace=workspace, state__in=IN_DOUBT)
    return found.select_related("agent", "tool__connection").order_by("unknown_at", "pk")


def needing(user: User, workspace: Workspace) -> list[DoubtRow]:
    """What this person can settle: nobody has said yet what happened, or somebody else has."""
    if not has_permission(user, Permission.TRACE_ROLLBACK, workspace):
        return []
    actions = list(in_doubt(workspace).filter(state=State.NEEDS_HUMAN))
    said = {a.action_id: a for a in Attestation.objects.filter(action__in=actions, state=Attestation.State.OPEN)}
    themselves = accounts_of(user)
    mine = [action for action in actions if action.pk not in said or said[action.pk].by_id not in themselves]
    return [_row(action, attested=action.pk in said) for action in mine]


def _row(action: Action, *, attested: bool) -> DoubtRow:
    since = action.unknown_at or action.created_at
    return DoubtRow(
        title=f"Did it happen? {told(action, action.definition, action.arguments)['imperative']}",
        agent=action.agent.name,
        step_text="a second person confirms" if attested else "nobody has looked yet",
        time_left=f"{age_text(since)} unknown",
        urgency="overdue",
        expires_at=None,
        url=reverse("actions:attest", args=[action.pk]),
        verb="Confirm" if attested else "Look",
    )


def age_text(since: datetime) -> str:
    """`4 min`, `2 h`, `3 d`."""
    minutes = int((database_now() - since).total_seconds() // 60)
    if minutes < 120:
        return f"{max(minutes, 1)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def finding_out(actions: Sequence[Action]) -> str:
    """One sentence on what Remit itself is still finding out; "" when it is nothing."""
    unknown = [action for action in actions if action.state == State.UNKNOWN]
    if not unknown:
        return ""
    since = min(action.unknown_at or action.created_at for action in unknown)
    plural = "outcome is" if len(unknown) == 1 else "outcomes are"
    return f"{len(unknown)} {plural} unknown, the oldest for {age_text(since)}. Remit is finding out."
