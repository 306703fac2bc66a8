"""Plain functions around rollback: a trace that changed things, a compensable tool, undoing what is asked."""

import yaml

from actions.models import Action, Rollback
from actions.rollback import roll_back, roll_back_trace
from actions.services import call_tool
from actions.tools import load_tools
from tests.builders import opened, publish, sample_plain
from tests.cast import WORLD
from traces.models import Trace

UPDATE, TICKET, ESCALATE = "desk.account.update", "desk.ticket.update", "desk.ticket.escalate"


def wrote(cast, tool: str = UPDATE, record: str = "acct_5521", trace: Trace | None = None, **fields: str) -> Action:
    """The agent changed a record."""
    name = "account_id" if record.startswith("acct_") else "ticket_id"
    arguments = {name: record, "fields": fields}
    made = call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=trace or opened(cast), tool=tool, arguments=arguments
    )
    assert made.state == "succeeded", made.detail
    return made


def undo(cast, action: Action, fields: list[str] | None = None, first: str = "priya") -> Action:
    return roll_back(
        actor=cast.actor(first), user=cast.user(first), action=action, reason="Wrong customer.", fields=fields
    )


def undo_all(cast, trace: Trace, wanted: dict[str, list[str]], first: str = "priya") -> Rollback:
    return roll_back_trace(
        actor=cast.actor(first), user=cast.user(first), trace=trace, wanted=wanted, reason="Wrong customer."
    )


def with_compensation(cast) -> None:
    """A tool that cannot be restored, and names the call that makes up for it; the role may use it by itself."""
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    tool = next(tool for tool in data["tools"] if tool["name"] == TICKET)
    tool |= {"name": ESCALATE, "reversibility": "compensable", "cannot_undo": "the mail to whoever is on call."}
    tool["compensate"] = {"tool": TICKET, "arguments": {"ticket_id": "{ticket_id}", "fields": {"status": "open"}}}
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump({**data, "tools": [tool]}))
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][ESCALATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
