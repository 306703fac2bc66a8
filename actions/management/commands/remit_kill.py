"""`manage.py remit_kill SCOPE --reason …`: pauses an agent, tool, connection, workspace or everything. Needs no web (P9)."""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from accounts.actors import Actor
from accounts.models import Agent, Workspace
from actions.models import Connection, KillSwitch
from actions.switches import SwitchRefused, hold, let_go, open_switches
from traces.canonical import instant

SCOPES = """everything, workspace:SLUG, agent:WORKSPACE/SLUG, tool:WORKSPACE/NAME or connection:WORKSPACE/SLUG"""
BUSY = "The database did not take it: {why}. Nothing was switched. Try again; `--list` says what holds."


class Command(BaseCommand):
    """Sets or releases one switch; it holds when the command returns."""

    help = f"pause what agents do, out of band: {SCOPES}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scope", nargs="?", default="", help=SCOPES)
        parser.add_argument("--reason", default="")
        parser.add_argument("--release", action="store_true")
        parser.add_argument("--list", action="store_true", dest="list_all", help="print what is paused")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Whoever has the shell may do this; the ledger says it was done there and by which account."""
        if options["list_all"]:
            self._list(as_json=options["as_json"])
            return
        workspace, scope, target = _parsed(options["scope"])
        try:
            switch = _switch(workspace, scope, target, options)
        except SwitchRefused as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(BUSY.format(why=str(error).strip().partition("\n")[0])) from error
        self.stdout.write(json.dumps(_told(switch)) if options["as_json"] else _words(switch))

    def _list(self, *, as_json: bool) -> None:
        found = [_told(switch) for switch in open_switches().select_related("workspace")]
        lines = [f"{one['scope']}  since {one['set_at']}, by {one['by']}: {one['reason']}" for one in found]
        self.stdout.write(json.dumps(found) if as_json else "\n".join(lines) or "Nothing is paused.")


def _switch(workspace: Workspace | None, scope: str, target: str, options: dict[str, Any]) -> KillSwitch:
    account = getpass.getuser()
    actor = Actor("system", "system:kill", f"{account} at the command line", workspace.pk if workspace else "")
    if not options["release"]:
        reason = options["reason"] or f"Paused by {account} at the command line."
        return hold(actor=actor, workspace=workspace, scope=scope, target=target, reason=reason)
    found = open_switches().filter(workspace=workspace, scope=scope, target=target).first()
    if found is None:
        raise CommandError("Nothing of that scope is paused.")
    return let_go(actor=actor, switch=found, reason=options["reason"] or f"Released by {account} at the command line.")


def _words(switch: KillSwitch) -> str:
    if switch.released_at is not None:
        return f"{switch.name} is released."
    return f"{switch.name} is paused. Nothing it covers is sent until it is released."


def _told(switch: KillSwitch) -> dict[str, Any]:
    """`scope` is spelled as this command takes it, so that what is listed can be released."""
    return {
        "switch": switch.pk,
        "scope": _spelled(switch),
        "name": switch.name,
        "reason": switch.reason,
        "by": switch.set_by["name"],
        "set_at": instant(switch.set_at),
        "released_at": instant(switch.released_at) if switch.released_at else None,
    }


def _spelled(switch: KillSwitch) -> str:
    if switch.workspace is None:
        return switch.scope
    slug = switch.workspace.slug
    if switch.scope == KillSwitch.Scope.WORKSPACE:
        return f"{switch.scope}:{slug}"
    name = switch.target
    if switch.scope == KillSwitch.Scope.AGENT:
        name = Agent.objects.get(pk=switch.target).slug
    if switch.scope == KillSwitch.Scope.CONNECTION:
        name = Connection.objects.get(pk=switch.target).slug
    return f"{switch.scope}:{slug}/{name}"


def _parsed(text: str) -> tuple[Workspace | None, str, str]:
    """`(workspace, scope, target)`. Raises CommandError naming what is not there."""
    if text == KillSwitch.Scope.EVERYTHING:
        return None, text, ""
    scope, _, rest = text.partition(":")
    slug, _, name = rest.partition("/")
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None or scope not in KillSwitch.Scope.values:
        raise CommandError(f"{text or 'The scope'} is not one of {SCOPES}.")
    return workspace, scope, _target(workspace, scope, name)


def _target(workspace: Workspace, scope: str, name: str) -> str:
    if scope == KillSwitch.Scope.AGENT:
        agent = Agent.objects.filter(workspace=workspace, slug=name).first()
        return agent.pk if agent else "none"
    if scope == KillSwitch.Scope.CONNECTION:
        connection = Connection.objects.filter(workspace=workspace, slug=name).first()
        return connection.pk if connection else "none"
    return name
