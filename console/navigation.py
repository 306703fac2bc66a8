"""What every page's frame needs: workspace, person, links this person may open, and how the agents stand."""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import permissions_of, workspaces_of
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from actions.models import KillSwitch
from actions.switches import open_switches
from actions.tool_versions import blocked_names
from approvals.access import open_number_for
from policies.access import draft_number_of

AGENT_VIEWS = frozenset(f"actions:{name}" for name in ("agents", "agent", "agent_access", "issue_token", "runbook"))
TOOL_VIEWS = frozenset({"actions:tools", "actions:tool", "actions:decide_tool"})
OFFER_VIEWS = ("actions:offers", "actions:read_offers", "actions:import_offers")
CONNECTING_VIEWS = ("actions:new_connection", "actions:connect", "actions:rotate_connection")
CONNECTION_VIEWS = frozenset({"actions:connections", "actions:connection", *CONNECTING_VIEWS, *OFFER_VIEWS})
# Pages below Approvals that another part serves.
APPROVAL_VIEWS = frozenset(
    f"actions:{name}" for name in ("load", "set_terms", "rechecks", "answer_recheck", "edit", "withdraw")
) | {"console:single_operator", "console:single_on", "console:single_off"}
# Pages of `actions` that have a place of their own in the bar, or none.
ELSEWHERE = AGENT_VIEWS | TOOL_VIEWS | CONNECTION_VIEWS | APPROVAL_VIEWS | {"actions:pause"}


@dataclass(frozen=True, slots=True)
class Item:
    label: str
    url: str
    icon: str
    count: int | None
    current: bool
    group: str = ""
    # Beside the label, in words: `1 draft`.
    note: str = ""


@dataclass(frozen=True, slots=True)
class AgentsState:
    ok: bool
    text: str
    detail: str
    pause_url: str = ""
    # Whether this person may pause; who may only look reads what is paused at the same address.
    may_pause: bool = False


@dataclass(frozen=True, slots=True)
class Nav:
    workspace: Workspace
    workspaces: list[Workspace]
    user: User
    items: list[Item]
    agents_state: AgentsState


def nav(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Nothing for people who are not signed in or belong to no workspace."""
    workspace = getattr(request, "workspace", None)
    user = getattr(request, "user", None)
    if workspace is None or not isinstance(user, User):
        return {"nav": None}
    held = permissions_of(user, workspace)
    pause_url = reverse("actions:pause") if Permission.AGENT_VIEW in held else ""
    return {
        "nav": Nav(
            workspace=workspace,
            workspaces=workspaces_of(user),
            user=user,
            items=_items(request, user, workspace, held),
            agents_state=replace(
                agents_state(workspace), pause_url=pause_url, may_pause=Permission.AGENT_PAUSE in held
            ),
        )
    }


def _items(request: HttpRequest, user: User, workspace: Workspace, held: frozenset[Permission]) -> list[Item]:
    current = request.resolver_match.namespace if request.resolver_match else ""
    view = request.resolver_match.view_name if request.resolver_match else ""
    waiting = open_number_for(user, workspace)
    deciding = current == "approvals" or view in APPROVAL_VIEWS
    items = [
        Item("Home", reverse("console:home"), "house", None, view == "console:home"),
        Item("Approvals", reverse("approvals:queue"), "inbox", waiting, deciding),
        Item(
            "Traces",
            reverse("traces:list"),
            "list-tree",
            None,
            current in {"traces", "actions", "incident"} and view not in ELSEWHERE,
        ),
    ]
    if Permission.POLICY_VIEW in held:
        drafts = draft_number_of(workspace)
        note = f"{drafts} draft{'s' if drafts > 1 else ''}" if drafts else ""
        items.append(Item("Policies", reverse("policies:list"), "shield", None, current == "policies", "Govern", note))
    if Permission.AGENT_VIEW in held:
        items += _agents_and_tools(workspace, view)
    if Permission.NOTICE_VIEW in held:
        here = current == "notices" and view != "notices:mine"
        items.append(Item("Notices", reverse("notices:list"), "bell", None, here, "Govern"))
    if Permission.AGENT_MANAGE in held:
        items.append(
            Item("Embedding", reverse("embed:settings"), "app-window", None, view == "embed:settings", "Govern")
        )
    if Permission.MEMBER_MANAGE in held:
        here = view in {"console:people", "console:person"}
        items.append(Item("People", reverse("console:people"), "users", None, here, "Govern"))
    if Permission.TRACE_VIEW in held:
        here = view in {"console:trust", "console:trust_rows"}
        items.append(Item("Trust", reverse("console:trust"), "activity", None, here, "Review"))
        here = view == "console:rollbacks"
        items.append(Item("Rollbacks", reverse("console:rollbacks"), "undo-2", None, here, "Review"))
    if Permission.AUDIT_VIEW in held:
        here = view in {"console:audit", "console:audit_export"}
        items.append(Item("Audit log", reverse("console:audit"), "scroll-text", None, here, "Review"))
    return items


def _agents_and_tools(workspace: Workspace, view: str) -> list[Item]:
    blocked = len(blocked_names(workspace))
    note = f"{blocked} blocked" if blocked else ""
    return [
        Item("Agents", reverse("actions:agents"), "bot", None, view in AGENT_VIEWS, "Govern"),
        Item("Tools", reverse("actions:tools"), "wrench", None, view in TOOL_VIEWS, "Govern", note),
        Item("Connections", reverse("actions:connections"), "plug", None, view in CONNECTION_VIEWS, "Govern"),
    ]


_HOLDING = Question(
    lambda workspace_id: open_switches().filter(Q(workspace=workspace_id) | Q(scope=KillSwitch.Scope.EVERYTHING))
)
_STATES = Question(lambda workspace_id: Agent.objects.filter(workspace=workspace_id).order_by().values_list("state"))


def agents_state(workspace: Workspace) -> AgentsState:
    """What a pause holds, or else how many agents of a workspace run."""
    held = _HOLDING.all(workspace.pk)
    if held:
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        by = f"By {held[0].set_by['name']}: {held[0].reason[:120]}"
        return AgentsState(False, f"{held[0].name}{more} paused", by)
    states = _STATES.all(workspace.pk)
    paused = sum(state != "active" for (state,) in states)
    if not states:
        return AgentsState(True, "No agents yet", "Register one with remit_agent")
    if paused:
        return AgentsState(False, f"{paused} of {len(states)} agents stopped", "Paused or disabled by a person")
    return AgentsState(True, "All agents running", f"{len(states)} registered, none paused")
