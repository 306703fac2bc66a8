"""Plain functions that bring an action into doubt on the real desk and let its time come."""

from datetime import timedelta

import yaml

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.models import Action, AttemptCredential
from actions.services import call_tool, run_and_advance
from actions.tools import load_tools
from tests.builders import opened
from tests.cast import WORLD

REFUND = {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 6000, "currency": "USD", "reason": "duplicate"}
TICKET = {"ticket_id": "88213", "fields": {"status": "closed"}}
CALLS = {"desk.refund.create": REFUND, "desk.ticket.update": TICKET}
LONG_AGO = timedelta(hours=1)


def in_doubt(cast, desk, fault: str, tool: str = "desk.refund.create") -> Action:
    desk.fault(fault)
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=tool, arguments=CALLS[tool])
    assert found.state == "unknown"
    return found


def its_time_comes(action: Action, *, settled: bool = True) -> None:
    """The pause is over; with `settled`, everything that was sent was sent long ago."""
    then = database_now() - LONG_AGO
    Action.objects.filter(pk=action.pk).update(reconcile_at=then)
    if settled:
        Action.objects.filter(pk=action.pk).update(dispatched_at=then, resent_at=None, lease_until=then)
        AttemptCredential.objects.filter(action=action).update(minted_at=then, expires_at=then, ended_at=then)


def find_out(action: Action) -> Action:
    run_and_advance(actor=system_actor("worker", action.workspace_id), action_id=action.pk)
    return Action.objects.get(pk=action.pk)


def reload_as(cast, name: str, change) -> None:
    """Load the sample tools with one operation changed."""
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    change(next(tool for tool in data["tools"] if tool["name"] == name)["operation"])
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump(data), approve=True)


def as_class_c(operation: dict) -> None:
    operation["class"] = "C"
    del operation["look_up"]
