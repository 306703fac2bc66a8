"""Whose numbers: a whole workspace's, or one agent's."""

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.models import Agent, Workspace


@dataclass(frozen=True, slots=True)
class Whose:
    """All agents of a workspace, or the one that is named."""

    workspace: Workspace
    agent: Agent | None = None

    def by(self, column: str) -> Mapping[str, Agent]:
        """As a filter on a column that names an agent."""
        return {column: self.agent} if self.agent else {}

    @property
    def policies(self) -> Mapping[str, str]:
        """As a filter on versions: those of the agent's policy."""
        return {"policy__slug": self.agent.policy} if self.agent else {}
