"""The list of actions: rows under the filters of the trace list, in pages of 50, and the same as a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.clock import DatabaseNow
from accounts.models import Agent, User, Workspace
from accounts.questions import Question, among
from actions.access import actions_visible_to
from actions.definition import Definition
from actions.finding import walks, ways
from actions.models import Action
from actions.reading import Named, named_in
from actions.record import secrets_in, told
from actions.redaction import mask_name, worded
from approvals.models import ApprovalRequest
from traces.access import own_alone, traces_visible_to
from traces.canonical import instant
from traces.filters import Filters
from traces.listing import Listing, framed
from traces.paging import Walk, counted, page_of
from traces.reading import reading
from traces.story.steps import stands

COLUMNS = [
    "action", "trace", "step", "proposed at", "what", "tool", "agent", "acted as themselves", "asked by", "state",
    "rolled back", "policy", "record", "waited s",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One action."""

    id: str
    at: datetime
    what: str
    url: str
    tool: str
    who: str
    person: str
    status: str
    status_text: str
    waited_s: float


# What a row of the list is told from: to read all of each action costs more than to find it.
SHOWN = (
    "trace_id", "step", "created_at", "state", "rollback_state", "redact", "before", "arguments_text", "tool_name",
    "agent_id", "requester_id", "acting_user_id", "tool_id",
)  # fmt: skip


def matching(user: User, workspace: Workspace, filters: Filters) -> list[Walk[Action]]:
    """The actions this person may see that match, with what a row names."""
    related = ("agent", "requester", "acting_user", "tool__connection")
    return walks(actions_visible_to(user, workspace).select_related(*related), workspace, filters)


def _shown(user: User, workspace: Workspace) -> QuerySet[Action]:
    return actions_visible_to(user, workspace).only(*SHOWN)


def listing(user: User, workspace: Workspace, query: Mapping[str, Any]) -> Listing[Row]:
    """One page of the actions that match the filters in a query string, newest first."""
    filters = Filters.from_query(query)
    shown, traces = _shown(user, workspace), traces_visible_to(user, workspace)
    with reading():
        page = page_of(ways(shown, traces, workspace, filters, own_alone(user, workspace)), query)
        count = counted(page)
    asked = filters.url() if filters.active else ""
    return framed(user, workspace, filters, page, _rows(page.rows), query=asked, count=count)


def latest_of(user: User, agent: Agent, most: int) -> list[Row]:
    """The newest things an agent did, or asked for, in the traces this person may open. Rollbacks by people are not its own."""
    shown = _shown(user, agent.workspace).filter(agent=agent, acting_user=None)
    return _rows(list(shown.order_by("-created_at", "-pk")[:most]))


def waited(actions: Sequence[Action]) -> dict[str, float]:
    """Seconds people were waited for, action by action; until now where they still are."""
    asked = _WAITED.all([action.pk for action in actions])
    return {action_id: (until - created_at).total_seconds() for action_id, created_at, until in asked}


_WAITED = Question(
    lambda actions: ApprovalRequest.objects.filter(among("action_id", actions)).values_list(
        "action_id", "created_at", Coalesce("settled_at", DatabaseNow())
    )
)


def url_of(action: Action) -> str:
    """Where an action stands on the page of its trace."""
    return f"{reverse('traces:detail', args=[action.trace_id])}?show=all#step-{action.step}"


def _rows(actions: Sequence[Action]) -> list[Row]:
    if not actions:
        return []
    waits, named = waited(actions), named_in(actions)
    return [_row(action, waits, named) for action in actions]


def _row(action: Action, waits: Mapping[str, float], named: Named) -> Row:
    status, text = _stands(action)
    return Row(
        id=action.pk,
        at=action.created_at,
        what=_what(action, named.definition(action)),
        url=url_of(action),
        tool=action.tool_name,
        who=named.who(action),
        person=named.names[action.requester_id],
        status=status,
        status_text=text,
        waited_s=waits.get(action.pk, 0.0),
    )


def _what(action: Action, definition: Definition | None) -> str:
    """What it does, or did, from our own words, without sensitive values."""
    words = told(action, definition, action.arguments)
    sentence = words["past"] if action.state in {"succeeded", "succeeded_attested"} else words["imperative"]
    return sentence[:1].upper() + sentence[1:]


def _stands(action: Action) -> tuple[str, str]:
    if action.rollback_state == Action.RollbackState.ROLLED_BACK:
        return "rolled_back", "Rolled back"
    return stands(action.state)


def export_rows(actions: Sequence[Action]) -> Iterable[list[Any]]:
    """In the order of COLUMNS; neither sentences nor names of records hold a sensitive value."""
    waits = waited(actions)
    for action in actions:
        policy = action.decision.get("policy") or {}
        record = (action.before or {}).get("record_id") or (action.result or {}).get("remote_id") or ""
        record = worded(mask_name(record, secrets_in(action, (action.result or {}).get("record") or {}), "id"))
        yield [
            action.pk, action.trace_id, action.step, instant(action.created_at), _what(action, action.definition),
            action.tool_name,
            action.agent.name if action.agent else "", action.acting_user.name if action.acting_user else "",
            action.requester.name, action.state, action.rollback_state,
            f"{policy['slug']}@{policy['version']}" if policy else "", record, round(waits.get(action.pk, 0.0)),
        ]  # fmt: skip
