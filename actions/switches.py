"""Kill switches: an agent, a tool, a connection, a workspace or everything sends nothing until a person lets it (P9).

INVARIANT: whether a switch holds is read from the database each time, never kept. Held by tests/actions/test_switches.py.
An action that a switch covers is not lost: authorized ones wait, new proposals are denied with a sentence.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, Q, QuerySet

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.held import govern
from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from actions.models import Action, Connection, KillSwitch, Tool
from actions.tool_versions import waiting, why_blocked
from traces.services import record_governance

Scope = KillSwitch.Scope
MIN_REASON = 10
MOST_REASON = 500
REMEDY = "A person can release it under Pause agents, or decide on a changed tool under Tools. Nothing was sent."


class SwitchRefused(Exception):
    """Nothing was switched; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands, as far as switches look at it. `agent_id` is "" for what a person does in their own name.

    INVARIANT: whoever stops an agent can undo what it did without letting it go on first. Held by
    tests/actions/test_undo_of_the_stopped.py.
    """

    workspace_id: str
    agent_id: str
    tool: str
    connection_id: str | None

    @classmethod
    def of(cls, action: Action) -> "Place":
        """The place of a recorded call."""
        agent_id = "" if action.acting_user_id else action.agent_id
        connection_id = action.tool.connection_id if action.tool else None
        return cls(action.workspace_id, agent_id, action.tool_name, connection_id)


def open_switches() -> QuerySet[KillSwitch]:
    """Every switch that holds now."""
    return KillSwitch.objects.filter(released_at=None)


def _covering(place: Place) -> QuerySet[KillSwitch]:
    inside = Q(workspace_id=place.workspace_id) & (
        Q(scope=Scope.WORKSPACE)
        | Q(scope=Scope.AGENT, target=place.agent_id)
        | Q(scope=Scope.TOOL, target=place.tool)
        | Q(scope=Scope.CONNECTION, target=place.connection_id or "-")
    )
    return open_switches().filter(Q(scope=Scope.EVERYTHING) | inside)


def holding(place: Place) -> KillSwitch | None:
    """A switch that covers this call now, the widest first; None when none does."""
    found = list(_covering(place))
    widest = (Scope.EVERYTHING, Scope.WORKSPACE, Scope.CONNECTION, Scope.AGENT, Scope.TOOL)
    return min(found, key=lambda switch: widest.index(Scope(switch.scope))) if found else None


def sentence(switch: KillSwitch) -> str:
    """`refunds-agent is paused by Priya Nair: wrong amounts.`"""
    return f"{switch.name} is paused by {switch.set_by['name']}: {switch.reason.rstrip('.')}."


def _of_held(workspace_id: str, agent_id: str, tool: str, connection_id: str) -> QuerySet[Workspace, tuple[str]]:
    place = Place(workspace_id, agent_id, tool, connection_id)
    held = Exists(_covering(place)) | Exists(waiting(workspace_id, tool))
    return Workspace.objects.filter(held, pk=workspace_id).values_list("pk")


_HELD = Question(_of_held)


def why_held(place: Place) -> str:
    """The sentence of the switch that covers this call now, or of its tool's changed definition; "" when nothing holds it."""
    # Most often nothing does, and that is one question.
    if not _HELD.first(place.workspace_id, place.agent_id, place.tool, place.connection_id or "-"):
        return ""
    switch = holding(place)
    return sentence(switch) if switch else why_blocked(place.workspace_id, place.tool)


def held_actions(switches: Iterable[KillSwitch]) -> Q:
    """A condition on actions that any of these switches cover."""
    found = Q(pk__in=())
    for switch in switches:
        found |= _covered(switch)
    return found


def _covered(switch: KillSwitch) -> Q:
    if switch.scope == Scope.EVERYTHING:
        return Q(pk__isnull=False)
    inside = {
        Scope.WORKSPACE: Q(),
        Scope.AGENT: Q(agent_id=switch.target, acting_user=None),
        Scope.TOOL: Q(tool_name=switch.target),
        Scope.CONNECTION: Q(tool__connection_id=switch.target),
    }
    return Q(workspace_id=switch.workspace_id) & inside[Scope(switch.scope)]


def pause(*, actor: Actor, user: User, workspace: Workspace, scope: str, target: str, reason: str) -> KillSwitch:
    """Hold what a person chose in their workspace. Raises SwitchRefused, Forbidden or NotVisible."""
    require(user, Permission.AGENT_PAUSE, workspace)
    if scope == Scope.EVERYTHING:
        raise SwitchRefused("Everything is paused from the command line: manage.py remit_kill everything.")
    return hold(actor=actor, workspace=workspace, scope=scope, target=target, reason=reason)


def release(*, actor: Actor, user: User, workspace: Workspace, switch_id: str, reason: str) -> KillSwitch:
    """Let what one switch covers go on. Raises SwitchRefused, Forbidden or NotVisible."""
    require(user, Permission.AGENT_PAUSE, workspace)
    switch = open_switches().filter(pk=switch_id, workspace=workspace).first() if is_id("swi", switch_id) else None
    if switch is None:
        raise NotVisible("switch")
    return let_go(actor=actor, switch=switch, reason=reason)


def hold(*, actor: Actor, workspace: Workspace | None, scope: str, target: str, reason: str) -> KillSwitch:
    """Set a switch as the operator, who has the shell. It holds when this returns: an intent that was being written stands in
    the ledger by then. Raises SwitchRefused."""
    name = _name(workspace, scope, target)
    said = _reason(reason)
    try:
        with transaction.atomic():
            switch = KillSwitch.objects.create(
                workspace=workspace, scope=scope, target=target, name=name, reason=said, set_by=_by(actor),
                set_at=database_now(),
            )  # fmt: skip
            _ledger(actor, switch, "pause.set", said)
            govern(switch.workspace_id)
    except IntegrityError as error:
        raise SwitchRefused(f"{name} is paused already.") from error
    return switch


def let_go(*, actor: Actor, switch: KillSwitch, reason: str) -> KillSwitch:
    """Release a switch as the operator. Raises SwitchRefused when somebody did already."""
    said = _reason(reason)
    with transaction.atomic():
        found = open_switches().select_for_update(of=("self",)).filter(pk=switch.pk).first()
        if found is None:
            raise SwitchRefused(f"{switch.name} was released already.")
        found.released_at, found.released_by, found.release_reason = database_now(), _by(actor), said
        found.save(update_fields=["released_at", "released_by", "release_reason"])
        _ledger(actor, found, "pause.released", said)
    return found


def _reason(reason: str) -> str:
    said = reason.replace("\x00", "").strip()
    if len(said) < MIN_REASON:
        raise SwitchRefused(f"Say why in at least {MIN_REASON} characters. The agents' owners will read it.")
    return said[:MOST_REASON]


def _name(workspace: Workspace | None, scope: str, target: str) -> str:
    """What the switch holds, in words. Raises SwitchRefused for a target that is not there."""
    if scope == Scope.EVERYTHING and workspace is None and not target:
        return "Everything"
    if workspace is None or scope not in Scope.values or scope == Scope.EVERYTHING:
        raise SwitchRefused("Choose an agent, a tool, a connection or the whole workspace.")
    if scope == Scope.WORKSPACE and not target:
        return f"All of {workspace.name}"
    named: dict[str, QuerySet[Agent] | QuerySet[Tool] | QuerySet[Connection]] = {
        Scope.AGENT: Agent.objects.filter(workspace=workspace, pk=target),
        Scope.TOOL: Tool.objects.filter(workspace=workspace, name=target),
        Scope.CONNECTION: Connection.objects.filter(workspace=workspace, pk=target),
    }
    found = named[scope].first() if scope in named else None
    if found is None:
        raise SwitchRefused(f"{workspace.name} has no such {scope}.")
    return found.name


def _by(actor: Actor) -> dict[str, str]:
    return {"kind": actor.kind, "id": actor.id, "name": actor.name}


def _ledger(actor: Actor, switch: KillSwitch, type_: str, reason: str) -> None:
    """In the governance chain of the workspace, or of every workspace for everything."""
    body = {"switch": switch.pk, "scope": switch.scope, "target": switch.target, "name": switch.name, "reason": reason}
    only = [switch.workspace_id] if switch.workspace_id else []
    ids = only or list(Workspace.objects.order_by("pk").values_list("pk", flat=True))
    for workspace_id in ids:
        record_governance(actor=actor, workspace_id=workspace_id, type=type_, body=body)
