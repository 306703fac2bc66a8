"""Tells the ledger what is done to people, workspaces, agents and their credentials, in the transaction that does it.

This app knows no ledger, because imports point down: the ledger names its recorder here when it starts, as tools do in
`policies.catalog`. INVARIANT: without a recorder nothing is changed. Held by tests/accounts/test_acts.py.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from django.db import transaction

from accounts.access import workspaces_visible_to
from accounts.actors import Actor
from accounts.models import Agent, User


class Recorder(Protocol):
    """Writes one entry to a workspace's chain, inside the caller's transaction."""

    def __call__(self, *, actor: Actor, workspace_id: str, type: str, body: Mapping[str, Any]) -> object:
        """Raises for a type that is not registered, and outside a transaction."""
        ...


class NoRecorder(RuntimeError):
    """The ledger has not started, so nothing may be changed."""


_recorder: list[Recorder] = []


def set_recorder(recorder: Recorder) -> None:
    """Called once by the ledger's app."""
    _recorder[:] = [recorder]


def record_act(*, actor: Actor, workspace_id: str, type: str, body: Mapping[str, Any]) -> None:
    """One entry in the workspace's chain. Raises NoRecorder; then the caller's transaction goes back."""
    if not _recorder:
        raise NoRecorder("No ledger records what is done to people and agents. Nothing was changed.")
    _recorder[0](actor=actor, workspace_id=workspace_id, type=type, body=body)


def record_everywhere(*, actor: Actor, user: User, type: str, body: Mapping[str, Any]) -> None:
    """One entry in every workspace this person belongs to: their access counts in each of them."""
    with transaction.atomic():
        for workspace in workspaces_visible_to(user).order_by("pk"):
            record_act(actor=actor, workspace_id=workspace.pk, type=type, body=body)


def told_person(user: User) -> dict[str, str]:
    """A person as entries name them."""
    return {"id": user.pk, "name": user.name}


def compared(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says of that which changed: `was` and `now`, of those names alone that differ; nothing where none does."""
    moved = [name for name in was if was[name] != now[name]]
    return {"was": {one: was[one] for one in moved}, "now": {one: now[one] for one in moved}} if moved else {}


def told_agent(agent: Agent) -> dict[str, str]:
    """An agent as entries name it."""
    return {"id": agent.pk, "name": agent.name}
