"""What the numbers do not see: tools no policy speaks of, standing secrets, shadows, and who asked for less."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import Agent, Workspace
from accounts.single import mode_now
from actions.connections import is_standing
from actions.models import Connection, Tool
from console.trust.spans import Span
from policies.engine.problems import PolicyError
from policies.models import Policy, PolicyVersion, ShadowVersion
from policies.services import PolicyMissing, live_document
from traces.models import Entry, Trace


@dataclass(frozen=True, slots=True)
class Gap:
    """One finding; `url` leads to where it is mended."""

    what: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Lowered:
    """Somebody asked for less than before: when, who, what."""

    at: datetime
    who: str
    what: str
    url: str


def without_policy(workspace: Workspace) -> list[Gap]:
    """Tools that no role of a live policy names: every call of them is denied, and nobody has thought about them."""
    named: set[str] = set()
    for policy in Policy.objects.filter(workspace=workspace):
        try:
            document, _ = live_document(workspace_id=workspace.pk, slug=policy.slug)
        except (PolicyMissing, PolicyError):
            continue  # It allows nothing, so it speaks of no tool.
        named |= {tool for role in document.roles.values() for tool in role.tools}
    tools = Tool.objects.filter(workspace=workspace).exclude(name__in=named)
    return [
        Gap(tool.name, "No role names it, so it is denied.", reverse("actions:tool", args=[tool.name]))
        for tool in tools
    ]


def raw_credentials(workspace: Workspace) -> list[Gap]:
    """Connections whose own long-lived secret signs each attempt in, with the agents that reach through them."""
    agents = list(Agent.objects.filter(workspace=workspace))
    reached: dict[str, set[str]] = {}
    tools = dict(Tool.objects.filter(workspace=workspace).values_list("name", "connection_id"))
    for agent in agents:
        try:
            document, _ = live_document(workspace_id=workspace.pk, slug=agent.policy)
        except (PolicyMissing, PolicyError):
            continue
        role = document.roles.get(agent.role)
        for name in role.tools if role else ():
            if name in tools:
                reached.setdefault(tools[name], set()).add(agent.name)
    return [
        Gap(one.name, f"A standing secret, used for {', '.join(sorted(reached.get(one.pk, ()))) or 'no agent'}.",
            reverse("actions:connection", args=[one.slug]))
        for one in Connection.objects.filter(workspace=workspace).order_by("name")
        if is_standing(one)
    ]  # fmt: skip


def shadows(workspace: Workspace) -> list[Gap]:
    """Versions that run beside the live one and decide nothing."""
    running = ShadowVersion.objects.filter(policy__workspace=workspace, ended_at=None).select_related("policy")
    return [
        Gap(one.name, f"Beside {one.policy.name}, started by {one.started_by.get('name', 'Remit')}.",
            reverse("policies:shadow", args=[one.policy.slug]))
        for one in running
    ]  # fmt: skip


def lowered(workspace: Workspace, span: Span) -> list[Lowered]:
    """Versions that loosen, waivers of the ship gate in force, and settings that ask less of people."""
    versions = PolicyVersion.objects.filter(policy__workspace=workspace).select_related("policy")
    found = [
        Lowered(one.published_at, _people(one), f"{one.policy.name} v{one.number}: {one.verdict}",
                reverse("policies:compare", args=[one.policy.slug, str(one.number)]))
        for one in versions.filter(verdict__in=("loosens", "mixed"), **span.on("published_at"))
    ]  # fmt: skip
    found += [
        Lowered(one.published_at, str(waiver.get("by", "")), f"Waiver {waiver.get('id', '')}: {waiver.get('reason', '')}",
                reverse("policies:gate", args=[one.policy.slug]))
        for one in versions.filter(is_live=True).exclude(waived=[])
        for waiver in one.waived
    ]  # fmt: skip
    found += [*_settings(workspace, span), *_alone(workspace)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _alone(workspace: Workspace) -> list[Lowered]:
    """Single-operator mode while it holds, however long it has."""
    mode = mode_now(workspace)
    url = reverse("console:single_operator")
    return [Lowered(mode.started_at, mode.user.name, "Single-operator mode is on", url)] if mode else []


def _people(version: PolicyVersion) -> str:
    names = [str(one.get("name", "")) for one in (version.published_by, version.approved_by) if one]
    return " and ".join(names)


# What people may do to be asked less, and where the audit log has it.
_ASKS_LESS = {
    "approval_settings.changed": "How approvals are given asks less",
    "single_operator.on": "Single-operator mode turned on",
}


def _settings(workspace: Workspace, span: Span) -> list[Lowered]:
    entries = Entry.objects.filter(
        trace__workspace=workspace, trace__kind=Trace.Kind.GOVERNANCE, type__in=_ASKS_LESS, **span.within
    )
    records = [(entry.at, entry.type, entry.record) for entry in entries]
    return [
        Lowered(
            at, record["actor"]["name"], _ASKS_LESS[type_], f"{reverse('console:audit')}?did={type_.partition('.')[0]}"
        )
        for at, type_, record in records
        if record["body"].get("loosens", type_ == "single_operator.on")
    ]
