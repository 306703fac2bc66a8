"""Who may see which trace. Absent and forbidden look alike."""

from django.db.models import QuerySet

from accounts.access import NotVisible, has_permission
from accounts.actors import Caller
from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from traces.models import Trace
from traces.services import BY_TOKEN, opening


class PersonNotProven(Exception):
    """A call without a person's token in a trace that is theirs by token."""


def traces_visible_to(user: User, workspace: Workspace) -> QuerySet[Trace]:
    """Traces of a workspace this person may open: all of them, or those they asked for."""
    mine = Trace.objects.filter(workspace=workspace).exclude(kind=Trace.Kind.GOVERNANCE)
    mine = mine.select_related("agent", "on_behalf_of")
    if has_permission(user, Permission.TRACE_VIEW, workspace):
        return mine
    if has_permission(user, Permission.TRACE_VIEW_OWN, workspace):
        return mine.filter(on_behalf_of=user)
    return mine.none()


def own_alone(user: User, workspace: Workspace) -> User | None:
    """The person themself, where of a workspace's traces they may open none but their own."""
    return None if has_permission(user, Permission.TRACE_VIEW, workspace) else user


def get_trace_for(user: User, trace_id: str) -> Trace:
    """One trace in any workspace this person belongs to. Raises NotVisible."""
    found = Trace.objects.select_related("workspace", "agent", "on_behalf_of")
    trace = found.filter(pk=trace_id).first() if is_id("trc", trace_id) else None
    if trace is None or not traces_visible_to(user, trace.workspace).filter(pk=trace.pk).exists():
        raise NotVisible("trace")
    return trace


def get_trace_for_agent(agent: Agent, trace_id: str, *, person: User | None) -> Trace:
    """One trace this agent opened itself; with a person's token (`person`) one of theirs. Raises NotVisible."""
    found = Trace.objects.select_related("workspace", "on_behalf_of").filter(agent=agent)
    found = found.filter(on_behalf_of=person) if person else found
    trace = found.filter(pk=trace_id).first() if is_id("trc", trace_id) else None
    if trace is None:
        raise NotVisible("trace")
    return trace


def require_proven(caller: Caller, trace: Trace) -> None:
    """Raises PersonNotProven, so that all that is asked for in a trace known by token came with one (A-03)."""
    if caller.token is None and opening(trace).get("known_by") == BY_TOKEN:
        raise PersonNotProven(
            "This trace's person is known by token, and the call came without one. Exchange the person's token again, or "
            "open a trace that names them."
        )
