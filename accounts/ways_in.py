"""An agent's ways in: its tokens and OAuth clients. With the last of them its word is gone: what it had asked for is not sent.

While one is left, the others come and go: that is how a key is rotated without stopping anything.
"""

from accounts.clock import database_now
from accounts.models import Agent


def why_nothing_is_sent(agent: Agent) -> str:
    """Why nothing that this agent asked for is sent, approved or not, as a sentence; "" while it may be."""
    if agent.state != Agent.State.ACTIVE:
        return f"{agent.name} is {'shut out' if agent.state == Agent.State.DISABLED else agent.state}."
    return f"Every token and client of {agent.name} was revoked." if agent.shut_out_at is not None else ""


def lock_ways_in(agent: Agent) -> None:
    """Of two that go at once, the second sees that it is the last; of one that goes and an intent that rests on the agent,
    one is first (`accounts.held`). In the caller's transaction."""
    Agent.objects.select_for_update(of=("self",), no_key=True).get(pk=agent.pk)


def note_one_gone(agent: Agent) -> bool:
    """After a way in was revoked: whether none is left, so that the agent is shut out from now on.

    One that only ran out shuts nobody out: nobody said that the agent should stop.
    """
    now = database_now()
    if agent.credentials.filter(revoked_at=None, expires_at__gt=now).exists() or agent.clients.exists():
        return False
    Agent.objects.filter(pk=agent.pk).update(shut_out_at=now)
    return True


def note_one_given(agent: Agent) -> None:
    """An agent that has a way in is not shut out."""
    Agent.objects.filter(pk=agent.pk, shut_out_at__isnull=False).update(shut_out_at=None)
