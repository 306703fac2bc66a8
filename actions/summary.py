"""Keeps a trace's title and outcome, as lists show them, in step with its actions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from accounts.questions import Question
from actions.definition import Definition
from actions.models import Action, Tool
from actions.record import told
from actions.states import SUCCESS, State
from traces.models import Trace
from traces.sentences import after_rollback, outcome, title
from traces.services import summarise

_later: ContextVar[str] = ContextVar("summarised_once", default="")


@dataclass(frozen=True, slots=True)
class _Told:
    """An action as the sentences need it. Only those that are named are read whole, for their words."""

    id: str
    state: str
    rollback_state: str
    inverse: str | None
    definition: Definition | None
    unnamed: bool = False
    # The action itself, where its caller has it: it need not be read again for its words.
    known: Action | None = None

    @property
    def effect_class(self) -> str:
        return self.definition.effect_class if self.definition else ""

    @property
    def words(self) -> dict[str, str]:
        action = self.known or _WORDED.all(self.id)[0]
        return told(action, action.definition, action.arguments, unnamed=self.unnamed)

    @property
    def undoable(self) -> bool:
        """As the inverse recorded at execution says; an older action has only what its tool declares."""
        if self.definition is None or self.definition.reads_only:
            return False
        return self.inverse != "none" if self.inverse else self.definition.reversibility == "reversible"


# What `told` asks of an action, and no other of its columns.
_WORDED = Question(
    lambda pk: (
        Action.objects.select_related("tool__connection")
        .only("tool_name", "arguments_text", "before", "redact", "tool__definition_text", "tool__connection__slug")
        .filter(pk=pk)
    )
)


def refresh_trace(trace_id: str, moved: Action | None = None) -> None:
    """Runs inside the transaction of the change it follows, under the trace's row lock. `moved`: the action that moved."""
    if _later.get() == trace_id:
        return
    parts = _parts(trace_id, moved=moved)
    undone = [part.rollback_state for part in parts if part.state in SUCCESS and part.undoable]
    stands = after_rollback(outcome([part.state for part in parts]), undone)
    summarise(trace_id=trace_id, title=title(parts, intent=""), outcome=stands)


def waits_for_people(trace_id: str) -> bool:
    """Whether an action of the trace waits for people."""
    return _WAITING.first(trace_id) is not None


_WAITING = Question(
    lambda trace_id: (
        Action.objects.filter(trace_id=trace_id, state=State.PENDING, replanned_as=None)
        .order_by()
        .values_list("pk")[:1]
    )
)


@contextmanager
def summarised_once(trace_id: str) -> Iterator[None]:
    """For many changes of one trace in one transaction: its summary follows the last of them instead of each."""
    token = _later.set(trace_id)
    try:
        yield
    finally:
        _later.reset(token)
    refresh_trace(trace_id)


def title_for_agent(trace: Trace) -> str:
    """What happened, as its agent is told: records by their ids, because policy may keep their names from it."""
    parts = _parts(trace.pk, unnamed=True)
    return title(parts, intent="") if parts else trace.title


def _parts(trace_id: str, *, unnamed: bool = False, moved: Action | None = None) -> list[_Told]:
    """What still stands for itself, in order: not what was asked for again."""
    rows = _STANDING.all(trace_id)
    known = {moved.tool_id: moved.tool} if moved is not None and moved.tool is not None else {}
    definitions = _definitions({tool_id for *_, tool_id in rows if tool_id}, known)
    mine = {moved.pk: moved} if moved is not None else {}
    return [
        _Told(pk, state, undone, how, definitions.get(tool_id), unnamed, mine.get(pk))
        for pk, state, undone, how, tool_id in rows
    ]


def _of_standing(trace_id: str) -> QuerySet[Action, tuple[Any, ...]]:
    found = Action.objects.filter(trace_id=trace_id, replanned_as=None).order_by("step", "id")
    return found.values_list("pk", "state", "rollback_state", KT("inverse__how"), "tool_id")


_STANDING = Question(_of_standing)


def _definitions(wanted: set[str], known: Mapping[str | None, Tool]) -> dict[str, Definition]:
    """By the tool's id; those that nobody knows yet are read."""
    others = wanted - known.keys()
    tools = {pk: known[pk] for pk in wanted & known.keys()} | (Tool.objects.in_bulk(others) if others else {})
    return {pk: Definition(tool.definition) for pk, tool in tools.items()}
