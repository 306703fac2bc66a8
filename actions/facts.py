"""Builds what the policy engine sees: authenticated principals, stored state and parsed arguments only (A-01)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Value

from accounts.models import Agent, GroupMembership, Membership, User
from accounts.questions import Question
from actions.definition import Definition
from policies.engine.types import Request, ToolFacts


def _of_held(user_id: str, workspace_id: str) -> QuerySet[GroupMembership, tuple[str, str]]:
    """One question for both: every decision asks it several times."""
    groups = GroupMembership.objects.filter(user_id=user_id, group__workspace_id=workspace_id)
    roles = Membership.objects.filter(user_id=user_id, workspace_id=workspace_id).values_list(Value("role"), "role")
    return groups.values_list(Value("group"), "group__slug").union(roles, all=True)


_HELD = Question(_of_held)


def requester_facts(user: User, workspace_id: str) -> dict[str, Any]:
    """The person the agent acts for, as this workspace knows them."""
    held = _HELD.all(user.pk, workspace_id)
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "groups": sorted(name for kind, name in held if kind == "group"),
        "roles": sorted(name for kind, name in held if kind == "role"),
    }


def agent_facts(agent: Agent) -> dict[str, Any]:
    """The acting principal."""
    return {"id": agent.pk, "slug": agent.slug, "name": agent.name}


def engine_request(
    *,
    agent: Agent,
    requester: User,
    tool: str,
    definition: Definition | None,
    arguments: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    at: datetime,
    tripped: frozenset[str],
) -> Request:
    """The engine's input for one tool call, before the usage of its limits is counted.

    A tool that is not known has no facts: it is denied before the engine is asked.
    """
    return Request(
        role=agent.role,
        agent=agent_facts(agent),
        requester=requester_facts(requester, agent.workspace_id),
        tool=definition.facts if definition else ToolFacts(tool, "", "", "irreversible"),
        arguments=arguments,
        fields=definition.fields(arguments) if definition else {},
        record=record,
        money=definition.counted_money(arguments) if definition else None,
        recipients=definition.recipients(arguments) if definition else (),
        usage={},
        at=at,
        tripped=tripped,
    )
