"""Where a trace leads a person who may act on it: empty where they may not, or where there is nothing to do."""

from django.urls import reverse

from accounts.access import has_permission
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.models import Trace
from traces.story import Story


def rollback_url(user: User, workspace: Workspace, trace: Trace, story: Story) -> str:
    """Where this person rolls its changes back."""
    may = story.can_roll_back and has_permission(user, Permission.TRACE_ROLLBACK, workspace)
    return reverse("actions:rollback", args=[trace.pk]) if may else ""


def reveal_url(user: User, workspace: Workspace, trace: Trace, story: Story) -> str:
    """Where this person sees what is withheld and not erased."""
    may = story.hidden.count > story.hidden.erased and has_permission(user, Permission.REVEAL, workspace)
    return reverse("traces:reveal", args=[trace.pk]) if may else ""


def pause_url(user: User, workspace: Workspace, trace: Trace) -> str:
    """Where this person pauses the agent that acted; empty also where a person acted."""
    may = trace.agent and has_permission(user, Permission.AGENT_PAUSE, workspace)
    return f"{reverse('actions:pause')}?what=agent:{trace.agent_id}" if may else ""
