"""What the pages of agents show: what each may do, what it used of its limits, whether anything holds it. Reads only."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from accounts.clock import database_now
from accounts.models import Agent, AgentCredential, Workspace
from actions.switches import Scope, open_switches
from policies.catalog import tools_of
from policies.engine.checks import mode_for
from policies.engine.document import Document, Role
from policies.engine.limits import text as limit_text
from policies.engine.limits import window_text
from policies.engine.parts import Limit
from policies.engine.problems import PolicyError
from policies.limits import held_since
from policies.models import BreakerTrip, DecisionRecord, PolicyVersion
from policies.pages.sentences import PER
from policies.services import PolicyMissing, live_document

DAYS = 14
# From what asks a person most to what asks nobody.
_RANK = ("off", "draft", "approval", "auto")
ASKED = Q(effect__in=("approval", "draft"))


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an agent does not run freely: `tone` is a status of the vocabulary."""

    tone: str
    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One line of a list of agents. `mode` is the widest its role gives any tool; counts are of the last 14 days."""

    agent: Agent
    policy: str
    mode: str
    actions: int
    asked: int
    denied: int
    spend: str
    hold: Hold

    @property
    def asked_share(self) -> str:
        """`8.0 %` of its actions waited for a person; empty where it did nothing."""
        return f"{100 * self.asked / self.actions:.1f} %" if self.actions else ""


@dataclass(frozen=True, slots=True)
class ToolLine:
    name: str
    title: str
    effect_class: str
    reversibility: str
    mode: str
    route: str

    @property
    def kind(self) -> str:
        """`side effect` of `side_effect`."""
        return self.effect_class.replace("_", " ")


@dataclass(frozen=True, slots=True)
class LimitLine:
    """What counts against one limit now; `used` is None where it is counted for each action or person alone."""

    id: str
    name: str
    used: int | None
    used_text: str
    most_text: str
    most: int
    per: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The live document of an agent's policy as far as it speaks of the agent; None where there is none."""

    document: Document | None
    version: PolicyVersion | None
    role: Role | None
    problem: str = ""


def agent_rows(workspace: Workspace, agents: list[Agent]) -> list[AgentRow]:
    """Lines for a list of agents of one workspace."""
    since = database_now() - timedelta(days=DAYS)
    done = DecisionRecord.objects.filter(workspace=workspace, at__gt=since).order_by()
    counts: Any = done.values("agent_id").annotate(
        all=Count("pk"), asked=Count("pk", filter=ASKED), denied=Count("pk", filter=Q(effect="deny"))
    )
    by_agent = {row["agent_id"]: row for row in counts}
    holds = holds_of(workspace, agents)
    tools, at = tools_of(workspace.pk), database_now()
    rows = []
    for agent in agents:
        row, standing = by_agent.get(agent.pk, {}), standing_of(agent)
        named = f"{standing.version.policy.name} v{standing.version.number}" if standing.version else agent.policy
        lines = tool_lines(standing, tools, at)
        rows.append(
            AgentRow(
                agent=agent,
                policy=named,
                mode=widest(lines),
                actions=row.get("all", 0),
                asked=row.get("asked", 0),
                denied=row.get("denied", 0),
                spend=_spend(agent, standing, at),
                hold=holds[agent.pk],
            )
        )
    return rows


def widest(lines: list[ToolLine]) -> str:
    """The mode that asks least among those of its tools that change something; of all, where it only reads."""
    changing = [line.mode for line in lines if line.effect_class != "read"] or [line.mode for line in lines]
    return max(changing, key=_RANK.index, default="off")


def standing_of(agent: Agent) -> Standing:
    """What is in force for an agent now."""
    try:
        document, version = live_document(workspace_id=agent.workspace_id, slug=agent.policy)
    except (PolicyMissing, PolicyError):
        return Standing(None, None, None, f"There is no live policy {agent.policy}, so every call is denied.")
    role = document.roles.get(agent.role)
    missing = f"{version.policy.name} has no role {agent.role}, so every call is denied."
    return Standing(document, version, role, "" if role else missing)


def tool_lines(standing: Standing, tools: Mapping[str, Any], at: datetime) -> list[ToolLine]:
    """Every tool of the workspace that the role may use, and how."""
    role = standing.role
    if role is None:
        return []
    found = []
    for name, entry in tools.items():
        mode = mode_for(role, name, entry.facts.effect_class, at)
        if mode != "off":
            rule = role.tools.get(name)
            route = str(rule.route or "") if rule else ""
            facts = entry.facts
            found.append(ToolLine(name, entry.title, facts.effect_class, facts.reversibility, mode, route))
    return found


def limit_lines(agent: Agent, standing: Standing) -> list[LimitLine]:
    """Every limit that can speak of the agent, with what counts against it now."""
    if standing.document is None or standing.role is None:
        return []
    return [_line(agent, limit) for limit in _limits(standing)]


def _limits(standing: Standing) -> list[Limit]:
    assert standing.document is not None and standing.role is not None
    name, tools = standing.role.name, set(standing.role.tools)
    return [
        limit
        for limit in standing.document.limits
        if (not limit.when.roles or name in limit.when.roles) and (not limit.when.tools or limit.when.tools & tools)
    ]


def _line(agent: Agent, limit: Limit) -> LimitLine:
    used = _used(agent, limit, database_now())
    shown = "" if used is None else limit_text(limit, used)
    window = "" if limit.per == "action" else f" in the last {window_text(limit.window_s)}"
    return LimitLine(
        limit.id, limit.name, used, shown, limit_text(limit, limit.max), limit.max, PER[limit.per] + window
    )


def _used(agent: Agent, limit: Limit, at: datetime) -> int | None:
    whose = {"agent": agent.pk, "role": agent.role, "workspace": "all"}.get(limit.per)
    if whose is None:
        return None
    key = f"{limit.id}:{limit.per}:{whose}"
    return held_since(agent.workspace_id, agent.policy, key, at - timedelta(seconds=limit.window_s))


def _spend(agent: Agent, standing: Standing, at: datetime) -> str:
    """`$240.00 of $5,000.00` of the first money limit over a window; empty where no limit counts its spending."""
    limits = _limits(standing) if standing.document and standing.role else []
    for limit in limits:
        used = _used(agent, limit, at) if limit.kind == "money" else None
        if used is not None:
            return f"{limit_text(limit, used)} of {limit_text(limit, limit.max)}"
    return ""


def trips_on(agent: Agent) -> list[BreakerTrip]:
    """Breakers that hold calls of this agent now: its own, and wider ones of its policy."""
    held = BreakerTrip.objects.filter(workspace=agent.workspace_id, policy=agent.policy, reset_at=None)
    return [trip for trip in held if _concerns(trip, agent.pk)]


def _concerns(trip: BreakerTrip, agent_id: str) -> bool:
    return ":agent:" not in trip.key or trip.key.endswith(f":agent:{agent_id}")


def holds_of(workspace: Workspace, agents: list[Agent]) -> dict[str, Hold]:
    """Agent id -> what holds it. A pause comes before a breaker."""
    inside = Q(workspace=workspace, scope__in=(Scope.WORKSPACE, Scope.AGENT)) | Q(scope=Scope.EVERYTHING)
    switches = list(open_switches().filter(inside))
    by_policy: dict[str, list[BreakerTrip]] = defaultdict(list)
    for trip in BreakerTrip.objects.filter(workspace=workspace, reset_at=None):
        by_policy[trip.policy].append(trip)
    found = {}
    for agent in agents:
        paused = [one for one in switches if one.scope != Scope.AGENT or one.target == agent.pk]
        tripped = [trip for trip in by_policy[agent.policy] if _concerns(trip, agent.pk)]
        found[agent.pk] = _hold(agent, paused[0].reason if paused else "", tripped)
    return found


def _hold(agent: Agent, paused: str, tripped: list[BreakerTrip]) -> Hold:
    if agent.state == Agent.State.DISABLED:
        return Hold(
            "stopped", "Shut out", "A person shut it out: its calls are refused, and nothing that it asked for is sent."
        )
    if agent.state != Agent.State.ACTIVE:
        return Hold("stopped", agent.get_state_display(), "Set by a person.")
    if agent.shut_out_at is not None:
        return Hold(
            "stopped", "Shut out", "Its last token or client was revoked, so nothing that it asked for is sent."
        )
    if paused:
        return Hold("waiting", "Paused", paused)
    if tripped:
        return Hold("stopped", "Tripped", tripped[0].reason)
    return Hold("allowed", "Ready", "")


@dataclass(frozen=True, slots=True)
class TokenLine:
    credential: AgentCredential
    status: str
    word: str

    @property
    def living(self) -> bool:
        return self.status != "expired"


def token_lines(agent: Agent) -> list[TokenLine]:
    """Its tokens by their public prefix, the newest first."""
    now = database_now()
    return [_token(one, now) for one in agent.credentials.order_by("-created_at", "pk")]


def _token(one: AgentCredential, now: datetime) -> TokenLine:
    if one.revoked_at is not None:
        return TokenLine(one, "expired", "Revoked")
    if now >= one.expires_at:
        return TokenLine(one, "expired", "Expired")
    soon = one.expires_at - now < timedelta(days=14)
    return TokenLine(one, "due" if soon else "allowed", "Expires soon" if soon else "Good")


def agent_page(agent: Agent) -> dict[str, Any]:
    """Everything the page of one agent shows beside what its reader may do."""
    standing, at = standing_of(agent), database_now()
    return {
        "agent": agent,
        "standing": standing,
        "tools": tool_lines(standing, tools_of(agent.workspace_id), at),
        "scopes": sorted((kind, found.source) for kind, found in standing.role.scopes.items()) if standing.role else [],
        "fields": sorted((kind, sorted(rule.write)) for kind, rule in standing.role.fields.items() if rule.write)
        if standing.role
        else [],
        "limits": limit_lines(agent, standing),
        "trips": trips_on(agent),
        "hold": holds_of(agent.workspace, [agent])[agent.pk],
        "tokens": token_lines(agent),
    }
