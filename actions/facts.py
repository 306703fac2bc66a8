"""Builds what the policy engine sees: authenticated principals, stored state and parsed arguments only (A-01)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, QuerySet

from accounts.clock import DatabaseNow
from accounts.models import Agent, GroupMembership, Membership, User, Workspace
from accounts.questions import Question
from actions.definition import Definition
from policies.breakers import trips_holding
from policies.engine.types import Request, ToolFacts
from policies.models import PolicyVersion
from policies.services import live_versions
from policies.shadow import shadows_running


@dataclass(frozen=True, slots=True)
class Moment:
    """What the database says at one instant: the time by its clock, what the person is there, and which breakers hold."""

    at: datetime
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    tripped: frozenset[str]


def _lists(user_id: str, workspace_id: str, policy: str) -> tuple[ArraySubquery, ...]:
    """Groups, roles and breakers, inside a statement that asks for more."""
    groups = GroupMembership.objects.filter(user_id=user_id, group__workspace_id=workspace_id).order_by()
    roles = Membership.objects.filter(user_id=user_id, workspace_id=workspace_id).order_by()
    lists = (groups.values("group__slug"), roles.values("role"), trips_holding(workspace_id, policy).values("key"))
    return tuple(map(ArraySubquery, lists))


def _of_moment(user_id: str, workspace_id: str, policy: str) -> QuerySet[Workspace, tuple[Any, ...]]:
    lists = _lists(user_id, workspace_id, policy)
    return Workspace.objects.filter(pk=workspace_id).values_list(DatabaseNow(), *lists)


_MOMENT = Question(_of_moment)


def moment(user_id: str, workspace_id: str, policy: str) -> Moment:
    """Now, for a person in a workspace under a policy. Raises Workspace.DoesNotExist."""
    found = _MOMENT.first(user_id, workspace_id, policy)
    if found is None:
        raise Workspace.DoesNotExist(f"There is no workspace {workspace_id}.")
    return _moment(*found)


def _moment(at: datetime, groups: list[str], roles: list[str], tripped: list[str]) -> Moment:
    return Moment(at, tuple(sorted(groups)), tuple(sorted(roles)), frozenset(tripped))


@dataclass(frozen=True, slots=True)
class Standing:
    """A moment with the live version of the policy then, where there is one, and whether something runs in its shadow."""

    now: Moment
    live: PolicyVersion | None
    shadowed: bool


def _of_standing(user_id: str, workspace_id: str, policy: str) -> QuerySet[PolicyVersion]:
    groups, roles, tripped = _lists(user_id, workspace_id, policy)
    return live_versions(workspace_id, policy).annotate(
        asked_at=DatabaseNow(), in_groups=groups, has_roles=roles, tripped=tripped,
        shadowed=Exists(shadows_running(workspace_id, policy)),
    )  # fmt: skip


_STANDING = Question(_of_standing)


def standing(user_id: str, workspace_id: str, policy: str) -> Standing:
    """What a decision stands on, in one question: every decision asks it several times. Raises Workspace.DoesNotExist."""
    found: Any = _STANDING.first(user_id, workspace_id, policy)
    if found is None:
        return Standing(moment(user_id, workspace_id, policy), None, shadowed=False)
    now = _moment(found.asked_at, found.in_groups, found.has_roles, found.tripped)
    return Standing(now, found, found.shadowed)


def requester_facts(user: User, now: Moment) -> dict[str, Any]:
    """The person the agent acts for, as this workspace knows them."""
    return {
        "id": user.pk, "email": user.email, "name": user.name, "groups": list(now.groups), "roles": list(now.roles),
    }  # fmt: skip


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
    now: Moment,
) -> Request:
    """The engine's input for one tool call, before the usage of its limits is counted.

    A tool that is not known has no facts: it is denied before the engine is asked.
    """
    return Request(
        role=agent.role,
        agent=agent_facts(agent),
        requester=requester_facts(requester, now),
        tool=definition.facts if definition else ToolFacts(tool, "", "", "irreversible"),
        arguments=arguments,
        fields=definition.fields(arguments) if definition else {},
        record=record,
        money=definition.counted_money(arguments) if definition else None,
        recipients=definition.recipients(arguments) if definition else (),
        usage={},
        at=now.at,
        tripped=now.tripped,
    )
