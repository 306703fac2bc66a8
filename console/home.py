"""Home: what needs this person, most urgent kind first. Reads only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.urls import reverse

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from actions.doubts import age_text, needing
from actions.models import ToolVersion
from actions.rechecks import not_fine
from actions.watch import broken_servers
from approvals.access import decidable_by
from approvals.glass_review import unresolved_for
from approvals.queue import row_of
from policies.access import proposals_for
from policies.demotions import PUBLISHER
from policies.engine.windows import instant
from policies.lapses import lapses
from policies.models import BreakerTrip, PolicyVersion
from traces.checkpoints.health import NOTHING_SENT, workspace_health
from traces.models import Log


class NeedRow(Protocol):
    """One line: what, of which agent, how long, and the one button."""

    @property
    def title(self) -> str:
        """What needs somebody."""
        ...

    @property
    def urgency(self) -> str:
        """`overdue` is red."""
        ...


@dataclass(frozen=True, slots=True)
class Need:
    """A line of Home's own."""

    title: str
    agent: str
    step_text: str
    time_left: str
    url: str
    verb: str
    icon: str
    urgency: str = "overdue"
    expires_at: datetime | None = None


def needs(user: User, workspace: Workspace) -> Sequence[NeedRow]:
    """Everything, in order: emergencies, which nothing may push away, overdue, broken ledgers, unknown outcomes, tripped
    breakers, changed tools, policies, actions that were looked at again and not fine, then approvals."""
    now = database_now()
    waiting = [row_of(found, now) for found in decidable_by(user, workspace)]
    overdue = [row for row in waiting if row.urgency == "overdue"]
    return [
        *unresolved_for(user, workspace),
        *overdue,
        *broken_ledgers(user, workspace),
        *needing(user, workspace),
        *tripped(user, workspace),
        *changed_tools(user, workspace),
        *silent_servers(user, workspace),
        *agreements(user, workspace),
        *demoted_roles(user, workspace),
        *ended_waivers(user, workspace),
        *not_fine(user, workspace),
        *(row for row in waiting if row.urgency != "overdue"),
    ]


# Where what is wrong with a workspace's ledger names the trace.
BROKEN = re.compile(r"Trace (trc_[0-9A-Z]{26}): ")


def broken_ledgers(user: User, workspace: Workspace) -> list[Need]:
    """A ledger that the checkpoint clock found not to hold, for everybody who reads its traces."""
    may = has_permission(user, Permission.TRACE_VIEW, workspace)
    log = Log.objects.filter(workspace=workspace).exclude(problem="").first() if may else None
    found = BROKEN.match(log.problem) if log else None
    if log is None or found is None:
        return []
    held = "" if workspace_health(workspace.pk).ok else f" {NOTHING_SENT}"
    return [
        Need(
            title=f"The ledger of a trace does not hold. {log.problem[found.end() :]}{held}",
            agent=found[1],
            step_text="no checkpoint is signed over it",
            time_left=f"found {age_text(log.problem_at)} ago" if log.problem_at else "",
            url=reverse("traces:detail", args=[found[1]]),
            verb="Show work",
            icon="shield-alert",
        )
    ]


def tripped(user: User, workspace: Workspace) -> list[Need]:
    """Breakers that hold calls until somebody resets them, for those who may."""
    if not has_permission(user, Permission.AGENT_PAUSE, workspace):
        return []
    names = dict(Agent.objects.filter(workspace=workspace).values_list("pk", "name"))
    held = BreakerTrip.objects.filter(workspace=workspace, reset_at=None).order_by("tripped_at")
    return [
        Need(
            title=f"Circuit breaker {trip.breaker} tripped: {trip.reason}",
            agent=names.get(trip.key.rpartition(":")[2], f"policy {trip.policy}"),
            step_text=f"{len(trip.evidence)} actions behind it",
            time_left=f"{age_text(trip.tripped_at)} ago",
            url=reverse("policies:breakers", args=[trip.policy]),
            verb="Look",
            icon="siren",
        )
        for trip in held
    ]


def changed_tools(user: User, workspace: Workspace) -> list[Need]:
    """Tools that are blocked because their definition changed, for those who decide on it."""
    if not has_permission(user, Permission.POLICY_PUBLISH, workspace):
        return []
    waiting = ToolVersion.objects.filter(tool__workspace=workspace, state=ToolVersion.State.WAITING)
    return [
        Need(
            title=f"The definition of {one.tool.name} changed",
            agent="blocked for every agent",
            step_text=f"loaded by {one.loaded_by.get('name', 'Remit')}",
            time_left=f"{age_text(one.loaded_at)} ago",
            url=reverse("actions:tool", args=[one.tool.name]),
            verb="Review",
            icon="shield-alert",
        )
        for one in waiting.select_related("tool").order_by("loaded_at")
    ]


def silent_servers(user: User, workspace: Workspace) -> list[Need]:
    """MCP servers that do not answer, or list no more what was approved: for those who see to it."""
    may = [has_permission(user, found, workspace) for found in (Permission.POLICY_PUBLISH, Permission.AGENT_PAUSE)]
    if not any(may):
        return []
    return [
        Need(
            title=f"{one.name} does not work as approved: {one.check_detail}",
            agent=f"connection {one.slug}",
            step_text="its tools do not run like this",
            time_left=f"found {age_text(one.checked_at)} ago" if one.checked_at else "",
            url=reverse("actions:connection", args=[one.slug]),
            verb="Look",
            icon="shield-alert",
        )
        for one in broken_servers(workspace)
    ]


def agreements(user: User, workspace: Workspace) -> list[Need]:
    """Policies that loosen and wait for this person as the second policy admin."""
    return [
        Need(
            title=f"Publishing {draft.policy.name} waits for your agreement: {draft.message}",
            agent=f"policy {draft.policy.slug}",
            step_text=f"asked by {draft.proposed_by.name if draft.proposed_by else 'Remit'}",
            time_left=f"{age_text(draft.updated_at)} ago",
            url=reverse("policies:publish", args=[draft.policy.slug]),
            verb="Review",
            icon="lock-open",
            urgency="",
        )
        for draft in proposals_for(user, workspace).order_by("updated_at")
    ]


def demoted_roles(user: User, workspace: Workspace) -> list[Need]:
    """Roles that a rule of their policy demoted, until people publish again: for those who publish, and owners of agents."""
    found = PolicyVersion.objects.filter(policy__workspace=workspace, is_live=True, published_by__id=PUBLISHER)
    if not has_permission(user, Permission.POLICY_PUBLISH, workspace):
        mine = Agent.objects.filter(workspace=workspace, owner=user).values("policy")
        found = found.filter(policy__slug__in=mine)
    return [
        Need(
            title=version.message,
            agent=f"policy {version.policy.slug}",
            step_text="only people promote it again",
            time_left=f"{age_text(version.published_at)} ago",
            url=reverse("policies:compare", args=[version.policy.slug, str(version.number)]),
            verb="Look",
            icon="shield-alert",
            urgency="",
        )
        for version in found.select_related("policy").order_by("published_at")
    ]


def ended_waivers(user: User, workspace: Workspace) -> list[Need]:
    """Controls that live policies lack since a waiver ended, for those who publish policies."""
    if not has_permission(user, Permission.POLICY_PUBLISH, workspace):
        return []
    return [
        Need(
            title=lapse.sentence,
            agent=f"policy {lapse.policy.slug}",
            step_text="no version is published without it",
            time_left=f"{age_text(instant(lapse.ended))} ago",
            url=reverse("policies:gate", args=[lapse.policy.slug]),
            verb="Look",
            icon="shield-alert",
            urgency="",
        )
        for lapse in lapses(workspace, at=database_now())
    ]
