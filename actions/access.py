"""Which actions and plans an agent may see: its own, and not a person's rollback of them."""

from accounts.access import NotVisible
from accounts.ids import is_id
from accounts.models import Agent
from actions.models import Action, Plan


def get_action_for_agent(agent: Agent, action_id: str) -> Action:
    """Raises NotVisible."""
    found = Action.objects.filter(agent=agent, acting_user=None)
    action = found.filter(pk=action_id).first() if is_id("act", action_id) else None
    if action is None:
        raise NotVisible("action")
    return action


def get_plan_for_agent(agent: Agent, plan_id: str) -> Plan:
    """Raises NotVisible."""
    plan = Plan.objects.filter(pk=plan_id, trace__agent=agent).first()
    if plan is None:
        raise NotVisible("plan")
    return plan
