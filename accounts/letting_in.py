"""Shutting an agent out, and letting it in again: two acts of a person or an operator, each with a reason."""

from accounts.actors import Actor
from accounts.models import Agent
from accounts.services import AccountRefused, set_agent_state

REASON_LEAST, REASON_MOST = 10, 500


def shut_out_agent(*, actor: Actor, agent: Agent, reason: str) -> None:
    """From now on every call of the agent is refused, and nothing that it asked for is sent. Its tokens and clients stay; what
    people allowed it by signing in ends.

    An agent that is shut out stays so, and no second entry is written. Raises AccountRefused.
    """
    set_agent_state(actor=actor, agent=agent, state=Agent.State.DISABLED, reason=_checked(reason))


def let_in_agent(*, actor: Actor, agent: Agent, reason: str) -> None:
    """An agent that was shut out may call again by what it still has; what was revoked stays revoked.

    One that is not shut out stays as it is: a pause is not ended by this. Raises AccountRefused.
    """
    told = _checked(reason)
    if agent.state == Agent.State.DISABLED:
        set_agent_state(actor=actor, agent=agent, state=Agent.State.ACTIVE, reason=told)


def _checked(reason: str) -> str:
    told = reason.strip()
    if not REASON_LEAST <= len(told) <= REASON_MOST:
        raise AccountRefused(
            "reason", f"Write why, in {REASON_LEAST} to {REASON_MOST} characters. It stands in the ledger."
        )
    return told
