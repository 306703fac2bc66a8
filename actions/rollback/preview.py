"""What rolling back would do, from the records as they stand now: one item a change, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F

from actions.definition import Definition
from actions.execution import PreviewFailed, Told, read_target, told_by_system
from actions.inverse import Inverse, inverse_of
from actions.models import Action, Plan, Rollback, Tool
from actions.record import said
from actions.reversal import elsewhere
from actions.rollback.conflicts import Later, later_edit, later_edits
from actions.states import FINAL, SUCCESS
from actions.switches import Place, why_held
from traces.models import Trace


@dataclass(frozen=True, slots=True)
class Restore:
    """One field: what we wrote, what stands there now, what would stand there again; who changed it since, if anybody."""

    field: str
    wrote: Any
    now: Any
    back: Any
    later: Later | None = None

    @property
    def conflict(self) -> bool:
        return bool(self.now != self.wrote)


@dataclass(frozen=True, slots=True)
class Item:
    """One change and how it would be undone: `restore` its fields, by another `call`, or not (`none`, with `why`)."""

    action: Action
    definition: Definition
    how: str
    record: str = ""
    rows: Sequence[Restore] = ()
    stays: Sequence[str] = ()
    call: Inverse = field(default_factory=dict)
    why: str = ""

    @property
    def restorable(self) -> list[Restore]:
        return [row for row in self.rows if not row.conflict]

    @property
    def conflicts(self) -> list[Restore]:
        return [row for row in self.rows if row.conflict]

    @property
    def possible(self) -> bool:
        """Whether anything of it can be undone now."""
        return self.how == "call" or bool(self.restorable)


ALREADY = "It was already rolled back."


class Records:
    """Every record read once, and what earlier steps of this rollback would leave in it."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str], dict[str, Any]] = {}

    def of(self, action: Action) -> dict[str, Any]:
        """The fields as they would stand when the action's turn comes. Raises PreviewFailed."""
        assert action.tool is not None and action.before is not None
        key = (action.tool.connection_id, action.before["path"])
        if key not in self._images:
            found = read_target(action.tool, action.arguments, reference=action.pk)
            self._images[key] = dict((found or {}).get("fields", {}))
        return self._images[key]


def changes_of(trace: Trace, plan: Plan | None = None) -> list[Action]:
    """What a trace (or one plan of it) changed, what left last first: a call that waited for people leaves after later ones."""
    found = Action.objects.filter(trace=trace, state__in=SUCCESS).select_related("tool__connection", "trace", "agent")
    found = found.filter(plan=plan) if plan is not None else found
    ordered = found.order_by(F("dispatched_at").desc(nulls_last=True), "-step")
    definitions = [(action, action.definition) for action in ordered]
    return [action for action, definition in definitions if definition is not None and not definition.reads_only]


def preview_trace(
    trace: Trace, plan: Plan | None = None, *, wanted: Mapping[str, Sequence[str]] | None = None
) -> list[Item]:
    """Every change of a trace, in the order in which they would be undone. With `wanted`, only those fields are put back.

    An earlier change of a record that a later one of the same trace changed again is judged as if that were undone before.
    """
    records = Records()
    return [_item(action, records, wanted) for action in changes_of(trace, plan)]


def preview(action: Action) -> Item:
    """One change alone."""
    return _item(action, Records(), None)


def recorded_inverse(action: Action) -> Inverse:
    """As it was recorded when the action succeeded; worked out now for an action that is older than that record.

    INVARIANT: a rollback is not rolled back: what it undid would stand again and still be told as undone (P10). Held by
    tests/actions/test_undone_once.py.
    """
    definition = action.definition
    assert definition is not None  # It ran, so it has a tool.
    remote = str((action.result or {}).get("remote_id", ""))
    undoes = action.rollback_of_id is not None  # Older records of rollbacks have an inverse.
    recorded = None if undoes else action.inverse
    found = recorded or inverse_of(definition, action.changes, action.arguments, remote, undoes=undoes)
    assert found is not None  # Only reads have none.
    return found


def restored(action: Action) -> frozenset[str]:
    """Fields that a rollback of this action put back, and that read back as they were."""
    done = action.rollbacks.filter(state__in=SUCCESS).values_list("changes", flat=True)
    rows = [row for changes in done for row in changes]
    return frozenset(row["field"] for row in rows if row["kind"] != "kept_denied" and row.get("verified") is not False)


def waiting(action: Action) -> str:
    """Why this action can't be rolled back now, whatever the record holds; "" when it can."""
    if action.rollback_state == Action.RollbackState.ROLLED_BACK:
        return ALREADY
    # The column above follows the undoing actions and may lag behind them; these are what happened.
    inverse = recorded_inverse(action)
    if inverse["how"] == "call" and action.rollbacks.filter(state__in=SUCCESS).exists():
        return ALREADY
    running = Rollback.objects.filter(state=Rollback.State.RUNNING, todo__contains=[{"action": action.pk}])
    if action.rollbacks.exclude(state__in=FINAL).exists() or running.exists():
        return "A rollback of it is waiting."
    return elsewhere(action, inverse)


def _item(action: Action, records: Records, wanted: Mapping[str, Sequence[str]] | None) -> Item:
    definition, inverse = action.definition, recorded_inverse(action)
    assert definition is not None
    why = waiting(action) or _held(action)
    if why or inverse["how"] == "none":
        return Item(action, definition, "none", why=why or str(inverse["why"]))
    if inverse["how"] == "call":
        return Item(action, definition, "call", call=inverse)
    try:
        image = records.of(action)
    except PreviewFailed as error:
        return Item(action, definition, "none", why=f"{said(action, str(error))} Try again when the system answers.")
    rows = _rows(action, inverse, image)
    if not rows:
        return Item(action, definition, "none", why="Nothing of it is left to restore.")
    for row in rows:
        if not row.conflict and (wanted is None or row.field in wanted.get(action.pk, ())):
            image[row.field] = row.back
    assert action.before is not None
    return Item(action, definition, "restore", str(action.before["record_id"]), rows, tuple(inverse["stays"]))


def _held(action: Action) -> str:
    """The sentence of a pause that lets nothing out, not even a look (decision 4); one of the agent holds no person."""
    return why_held(replace(Place.of(action), agent_id=""))


def _rows(action: Action, inverse: Inverse, image: Mapping[str, Any]) -> list[Restore]:
    gone = restored(action)
    rows = [
        Restore(row["field"], row["old"], image.get(row["field"]), row["new"])
        for row in inverse["rows"]
        if row["field"] not in gone
    ]
    if not any(row.conflict for row in rows):
        return rows
    ours, told = later_edits(action), _told(action.tool, action)
    return [
        Restore(row.field, row.wrote, row.now, row.back, later_edit(row.field, row.now, ours, told))
        if row.conflict
        else row
        for row in rows
    ]


def _told(tool: Tool | None, action: Action) -> tuple[Told, ...]:
    return told_by_system(tool, action.arguments, reference=action.pk) if tool else ()
