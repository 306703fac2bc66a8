"""Who changed a field after we wrote it: from our own actions where it was one of them, else as the system tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actions.execution import Told
from actions.models import Action
from actions.states import SUCCESS

OUTSIDE = "changed outside Remit"


@dataclass(frozen=True, slots=True)
class Later:
    """A later edit: by whom and when, and the action it was where it was one of ours."""

    who: str
    at: datetime | None = None
    told_at: str = ""
    action: Action | None = None

    @property
    def sentence(self) -> str:
        """`changed by refunds-agent for Maya Chen, 2026-11-21 10:11:12 UTC`."""
        when = f"{self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else self.told_at
        return f"{self.who}{f', {when}' if when else ', it does not say when'}"


def later_edits(action: Action) -> list[Action]:
    """Our own later changes of the same record, the newest first."""
    assert action.tool is not None and action.before is not None  # Only what changed a record is undone.
    found = Action.objects.filter(
        workspace_id=action.workspace_id, tool__connection_id=action.tool.connection_id, state__in=SUCCESS,
        before__path=action.before["path"], finished_at__gt=action.finished_at,
    ).exclude(pk=action.pk)  # fmt: skip
    return list(found.select_related("agent", "requester", "acting_user", "trace").order_by("-finished_at", "-pk"))


def later_edit(field: str, now: Any, ours: Iterable[Action], told: Iterable[Told]) -> Later:
    """Who made `field` what it is now."""
    for action in ours:
        row = next((row for row in action.changes if row["field"] == field and row["kind"] != "kept_denied"), None)
        if row is not None:
            if row["new"] == now:
                return Later(f"changed by {_who(action)}", action.finished_at, action=action)
            break  # Somebody else changed it after the last of ours.
    last = next((item for item in reversed(list(told)) if item.field == field and item.new == now), None)
    if last is None:
        return Later(OUTSIDE)
    return Later(f"{OUTSIDE}{f' by {last.who}' if last.who else ''}", told_at=last.when)


def _who(action: Action) -> str:
    if action.acting_user is not None:
        return action.acting_user.name
    return f"{action.agent.name} for {action.requester.name}"
