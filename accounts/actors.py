"""Who does something: every service takes an Actor, and it is never optional."""

from dataclasses import dataclass
from typing import Literal

from accounts.models import Agent, User, Workspace


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal as the ledger writes it."""

    kind: Literal["user", "agent", "system"]
    id: str
    name: str
    workspace_id: str


def actor_for_user(user: User, workspace: Workspace) -> Actor:
    """A person acting in a workspace."""
    return Actor("user", user.pk, user.name, workspace.pk)


def actor_for_agent(agent: Agent) -> Actor:
    """An agent acting in its workspace."""
    return Actor("agent", agent.pk, agent.name, agent.workspace_id)


def system_actor(name: str, workspace_id: str) -> Actor:
    """A named part of Remit itself: `worker`, `sweeper`, `setup`."""
    return Actor("system", f"system:{name}", f"Remit {name}", workspace_id)
