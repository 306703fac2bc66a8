"""What an agent does about a request of its own: answer the question of a reviewer, or take it back (the same as in REST)."""

from collections.abc import Collection, Mapping
from typing import Any

from accounts.actors import Actor
from accounts.models import Agent
from actions.again import call_or_join
from actions.models import Action
from actions.withdraw import WithdrawRefused, withdraw
from approvals.questions import NothingAsked
from gateway.mcp import answers, own_tools
from gateway.mcp.toolbox import Result, unknown_tool


class NoReply(Exception):
    """Nothing was recorded; `told` is what the agent reads."""

    def __init__(self, told: Result) -> None:
        self.told = told
        super().__init__(str(told))


def answer(
    *, actor: Actor, agent: Agent, asked: Action, arguments: Mapping[str, Any], granted: Collection[str], call_id: str
) -> Action:
    """The call that takes the place of the one in question; sent again after a lost answer it is the same one (M-05).

    Raises NoReply, BadArguments, or Fault for a tool that is not granted (B-06).
    """
    tool = arguments.get("tool", asked.tool_name)
    if tool not in granted:
        raise unknown_tool(tool)
    try:
        return call_or_join(
            actor=actor, agent=agent, person=asked.requester, tool=tool, arguments=arguments["arguments"], call_id=call_id,
            trace=lambda: asked.trace, answers=asked,
        )  # fmt: skip
    except NothingAsked as error:
        raise NoReply(own_tools.refused(f"{error} Nothing was executed.", asked.trace_id)) from error


def take_back(*, actor: Actor, action: Action, reason: str) -> Result:
    """End a call that has not started. What has begun or ended stays, and the answer says how it stands."""
    try:
        taken = withdraw(actor=actor, action=action, reason=reason)
    except WithdrawRefused as error:
        return own_tools.refused(str(error), action.trace_id)
    return answers.result(answers.facts_of(taken), is_error=False)
