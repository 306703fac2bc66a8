"""Who does something: every service takes an Actor, and it is never optional."""

from dataclasses import dataclass
from typing import Literal

from accounts.models import Agent, PersonToken, User, Workspace
from accounts.scopes import AGENT


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal as the ledger writes it."""

    kind: Literal["user", "agent", "system"]
    id: str
    name: str
    workspace_id: str
    # How far the token reaches that an agent asks with, and the person's token it is, where it is one.
    scopes: str = AGENT
    person_token: PersonToken | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes an agent's request: the agent, how far its token reaches, and the person it acts for by that token."""

    agent: Agent
    scopes: str = AGENT
    token: PersonToken | None = None

    @property
    def person(self) -> User | None:
        """Whom the token names; None for the agent's own, which leaves it to the agent to say."""
        return self.token.person if self.token else None

    @property
    def actor(self) -> Actor:
        """As services take it."""
        agent = self.agent
        return Actor("agent", agent.pk, agent.name, agent.workspace_id, self.scopes, self.token)


def actor_for_user(user: User, workspace: Workspace) -> Actor:
    """A person acting in a workspace."""
    return Actor("user", user.pk, user.name, workspace.pk)


def actor_for_agent(agent: Agent) -> Actor:
    """An agent acting in its workspace, with all its own rights."""
    return Caller(agent).actor


def system_actor(name: str, workspace_id: str) -> Actor:
    """A named part of Remit itself: `worker`, `sweeper`, `setup`."""
    return Actor("system", f"system:{name}", f"Remit {name}", workspace_id)


STRANGER = "system:stranger"


def stranger() -> Actor:
    """Somebody who is not signed in, as far as Remit knows; only what is done to an account is recorded of them."""
    return Actor("system", STRANGER, "Somebody not signed in", "")
