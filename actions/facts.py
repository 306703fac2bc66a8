"""Builds what the policy engine sees: authenticated principals, stored state and parsed arguments only (A-01)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import Agent, GroupMembership, Membership, User
from actions.definition import Definition
from policies.engine.types import Money, Request, ToolFacts


def requester_facts(user: User, workspace_id: str) -> dict[str, Any]:
    """The person the agent acts for, as this workspace knows them."""
    groups = GroupMembership.objects.filter(user=user, group__workspace_id=workspace_id)
    roles = Membership.objects.filter(user=user, workspace_id=workspace_id)
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "groups": sorted(groups.values_list("group__slug", flat=True)),
        "roles": sorted(roles.values_list("role", flat=True)),
    }


def agent_facts(agent: Agent) -> dict[str, Any]:
    """The acting principal."""
    return {"id": agent.pk, "slug": agent.slug, "name": agent.name}


def engine_request(
    *,
    agent: Agent,
    requester: User,
    definition: Definition,
    arguments: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    usage: Mapping[str, int],
    at: datetime,
) -> Request:
    """The engine's input for one tool call."""
    money = definition.money(arguments)
    return Request(
        role=agent.role,
        agent=agent_facts(agent),
        requester=requester_facts(requester, agent.workspace_id),
        tool=ToolFacts(definition.name, definition.resource_type, definition.effect_class, definition.reversibility),
        arguments=arguments,
        fields=definition.fields(arguments),
        record=record,
        money=Money(money[0], money[1]) if money else None,
        recipients=definition.recipients(arguments),
        usage=usage,
        at=at,
    )
