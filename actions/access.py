"""Who may see which actions and plans: people those of traces they see; an agent its own, not a person's rollback of them."""

from django.db.models import QuerySet

from accounts.access import NotVisible
from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from actions.models import Action, Plan
from traces.access import get_trace_for, traces_visible_to


def actions_visible_to(user: User, workspace: Workspace) -> QuerySet[Action]:
    """Actions of the traces this person may open."""
    return Action.objects.filter(workspace=workspace, trace__in=traces_visible_to(user, workspace).order_by())


def get_action_for(user: User, action_id: str) -> Action:
    """One action of a trace this person may open. Raises NotVisible."""
    people = ("workspace", "trace", "agent", "requester", "tool__connection")
    found = Action.objects.select_related(*people).filter(pk=action_id).first() if is_id("act", action_id) else None
    if found is None:
        raise NotVisible("action")
    get_trace_for(user, found.trace_id)
    return found


def get_action_for_agent(agent: Agent, action_id: str, *, person: User | None) -> Action:
    """With a person's token (`person`) one that was asked for them. Raises NotVisible."""
    found = Action.objects.select_related("tool__connection").filter(agent=agent, acting_user=None)
    found = found.filter(requester=person) if person else found
    action = found.filter(pk=action_id).first() if is_id("act", action_id) else None
    if action is None:
        raise NotVisible("action")
    return action


def get_plan_for(user: User, plan_id: str) -> Plan:
    """One plan of a trace this person may open. Raises NotVisible."""
    found = Plan.objects.select_related("trace__workspace", "trace__on_behalf_of")
    plan = found.filter(pk=plan_id).first() if is_id("pln", plan_id) else None
    if plan is None:
        raise NotVisible("plan")
    get_trace_for(user, plan.trace_id)
    return plan


def get_plan_for_agent(agent: Agent, plan_id: str, *, person: User | None) -> Plan:
    """With a person's token (`person`) one that was submitted for them. Raises NotVisible."""
    found = Plan.objects.select_related("trace").filter(trace__agent=agent)
    found = found.filter(trace__on_behalf_of=person) if person else found
    plan = found.filter(pk=plan_id).first() if is_id("pln", plan_id) else None
    if plan is None:
        raise NotVisible("plan")
    return plan
