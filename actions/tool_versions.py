"""Bringing tool definitions into force: a changed one blocks its tool until an admin decides (R-22, the rug pull).

INVARIANT: while a definition waits, nothing of its tool is allowed or sent, under the old definition or the new one; it is
read from the database each time. Held by tests/actions/test_rug_pull.py.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.held import govern
from accounts.models import User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from actions.models import Connection, Tool, ToolVersion
from traces.services import record_governance

State = ToolVersion.State
MIN_REASON = 10


class DecisionRefused(Exception):
    """Nothing was decided on the definition; the message says why."""


@dataclass(frozen=True, slots=True)
class Given:
    """A definition as it was loaded."""

    connection: Connection
    text: str
    digest: str


def bring_in(*, actor: Actor, workspace: Workspace, name: str, given: Given, approve: bool) -> Tool:
    """A tool's definition, for the first time or again. Runs inside the transaction of the load, which ends with `govern`."""
    values = {
        "connection": given.connection, "definition_text": given.text, "digest": given.digest,
        "loaded_at": database_now(),
    }  # fmt: skip
    tool, is_new = Tool.objects.select_for_update(of=("self",)).get_or_create(
        workspace=workspace, name=name, defaults=values
    )
    if is_new:
        _write(actor, tool, given, State.IN_FORCE)
        _ledger(actor, tool, "tool.loaded", None, given.digest)
        return tool
    waiting = tool.versions.filter(state=State.WAITING).first()
    same = (tool.digest, tool.connection_id) == (given.digest, given.connection.pk)
    if same or (waiting and (approve or not _is(waiting, given))):
        _withdraw(actor, tool, waiting)
        waiting = None
    if not same and waiting is None:
        _changed(actor, tool, given, approve=approve)
    return tool


def _is(version: ToolVersion, given: Given) -> bool:
    return (version.digest, version.connection_id) == (given.digest, given.connection.pk)


def _changed(actor: Actor, tool: Tool, given: Given, *, approve: bool) -> None:
    if not tool.versions.filter(state=State.IN_FORCE).exists():  # Loaded by a release that kept no versions.
        now = Given(tool.connection, tool.definition_text, tool.digest)
        _write(actor, tool, now, State.IN_FORCE, loaded_at=tool.loaded_at, loaded_by={})
    made = _write(actor, tool, given, State.WAITING)
    _ledger(actor, tool, "tool.changed", tool.digest, given.digest)
    if approve:
        _enforce(actor, tool, made, "Loaded by somebody who had read it.")


def _write(actor: Actor, tool: Tool, given: Given, state: State, **known: Any) -> ToolVersion:
    values = {"loaded_at": database_now(), "loaded_by": _by(actor)} | known
    return ToolVersion.objects.create(
        tool=tool, connection=given.connection, definition_text=given.text, digest=given.digest, state=state, **values
    )


def _withdraw(actor: Actor, tool: Tool, waiting: ToolVersion | None) -> None:
    if waiting is not None:
        _settle(actor, waiting, State.WITHDRAWN, "Another definition was loaded since.")
        _ledger(actor, tool, "tool.withdrawn", waiting.digest, tool.digest)


def _enforce(actor: Actor, tool: Tool, version: ToolVersion, reason: str) -> None:
    was = tool.digest
    for old in tool.versions.filter(state=State.IN_FORCE):
        _settle(actor, old, State.REPLACED, "")
    _settle(actor, version, State.IN_FORCE, reason)
    tool.connection, tool.definition_text = version.connection, version.definition_text
    tool.digest, tool.loaded_at = version.digest, database_now()
    tool.save(update_fields=["connection", "definition_text", "digest", "loaded_at"])
    _ledger(actor, tool, "tool.approved", was, version.digest, reason)


def _settle(actor: Actor, version: ToolVersion, state: State, reason: str) -> None:
    version.state, version.decided_at, version.decided_by = state, database_now(), _by(actor)
    version.reason = reason or version.reason
    version.save(update_fields=["state", "decided_at", "decided_by", "reason"])


def decide(
    *, actor: Actor, user: User, workspace: Workspace, name: str, digest: str, approve: bool, reason: str
) -> ToolVersion:
    """An admin's word on the definition that waits, named by the digest they were shown.

    Raises DecisionRefused, Forbidden or NotVisible; then the tool stays blocked.
    """
    require(user, Permission.POLICY_PUBLISH, workspace)
    said = reason.replace("\x00", "").strip()
    if len(said) < MIN_REASON:
        raise DecisionRefused(f"Say why in at least {MIN_REASON} characters. It stands in the ledger.")
    with transaction.atomic():
        tool = Tool.objects.select_for_update(of=("self",)).filter(workspace=workspace, name=name).first()
        if tool is None:
            raise NotVisible("tool")
        version = tool.versions.filter(state=State.WAITING).select_related("connection").first()
        if version is None or version.digest != digest:
            raise DecisionRefused("What you saw no longer waits. Look at what stands there now.")
        if approve:
            _enforce(actor, tool, version, said[:500])
        else:
            _settle(actor, version, State.REFUSED, said[:500])
            _ledger(actor, tool, "tool.refused", version.digest, tool.digest, said[:500])
        govern(workspace.pk)
    return version


def _ledger(actor: Actor, tool: Tool, type_: str, was: str | None, now: str, reason: str = "") -> None:
    body: dict[str, Any] = {"tool": tool.name, "now": {"definition": now}}
    if was is not None:
        body["was"] = {"definition": was}
    if reason:
        body["reason"] = reason
    record_governance(actor=actor, workspace_id=tool.workspace_id, type=type_, body=body)


def _by(actor: Actor) -> dict[str, str]:
    return {"kind": actor.kind, "id": actor.id, "name": actor.name}


def waiting(workspace_id: str, tool: str) -> QuerySet[ToolVersion]:
    """The changed definition of a tool that nobody has decided on."""
    return ToolVersion.objects.filter(tool__workspace_id=workspace_id, tool__name=tool, state=State.WAITING)


def why_blocked(workspace_id: str, tool: str) -> str:
    """The sentence for a tool whose changed definition waits; "" for any other."""
    waits = waiting(workspace_id, tool).exists()
    return f"The definition of {tool} changed, and no admin has decided on it yet." if waits else ""


def of_blocked_tools() -> Q:
    """A condition on actions whose tool is blocked."""
    return Q(Exists(ToolVersion.objects.filter(tool_id=OuterRef("tool_id"), state=State.WAITING)))


def blocked_names(workspace: Workspace) -> frozenset[str]:
    """Tools of a workspace that are blocked now."""
    return frozenset(name for (name,) in _BLOCKED.all(workspace.pk))


_BLOCKED = Question(
    lambda workspace_id: (
        ToolVersion.objects.filter(tool__workspace=workspace_id, state=State.WAITING)
        .order_by()
        .values_list("tool__name")
    )
)


@dataclass(frozen=True, slots=True)
class Line:
    """One place in which two definitions differ; `old` or `new` is "" where it has none."""

    path: str
    old: str
    new: str


def difference(old: dict[str, Any], new: dict[str, Any]) -> list[Line]:
    """Every leaf that differs, by its path."""
    was, now = dict(_leaves(old, "")), dict(_leaves(new, ""))
    return [
        Line(path, was.get(path, ""), now.get(path, ""))
        for path in sorted({*was, *now})
        if was.get(path) != now.get(path)
    ]


def _leaves(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [leaf for key, part in value.items() for leaf in _leaves(part, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        return [leaf for at, part in enumerate(value) for leaf in _leaves(part, f"{path}[{at}]")]
    return [(path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]
