"""`manage.py remit_kill SCOPE --reason …`: pauses an agent, tool, connection, workspace or everything. Needs no web (P9)."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.models import Agent, Workspace
from actions.models import Connection, KillSwitch
from actions.switches import SwitchRefused, hold, let_go, open_switches

SCOPES = """everything, workspace:SLUG, agent:WORKSPACE/SLUG, tool:WORKSPACE/NAME or connection:WORKSPACE/SLUG"""


class Command(BaseCommand):
    """Sets or releases one switch; it holds when the command returns."""

    help = f"pause what agents do, out of band: {SCOPES}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scope", nargs="?", default="", help=SCOPES)
        parser.add_argument("--reason", default="")
        parser.add_argument("--release", action="store_true")
        parser.add_argument("--list", action="store_true", dest="list_all", help="print what is paused")

    def handle(self, *args: Any, **options: Any) -> None:
        """Whoever has the shell may do this; the ledger says it was done there and by which account."""
        if options["list_all"]:
            lines = [f"{one.scope} {one.name}: {one.reason}" for one in open_switches()]
            self.stdout.write("\n".join(lines) or "Nothing is paused.")
            return
        workspace, scope, target = _parsed(options["scope"])
        try:
            self.stdout.write(_switch(workspace, scope, target, options))
        except SwitchRefused as error:
            raise CommandError(str(error)) from error


def _switch(workspace: Workspace | None, scope: str, target: str, options: dict[str, Any]) -> str:
    account = getpass.getuser()
    actor = Actor("system", "system:kill", f"{account} at the command line", workspace.pk if workspace else "")
    if not options["release"]:
        reason = options["reason"] or f"Paused by {account} at the command line."
        made = hold(actor=actor, workspace=workspace, scope=scope, target=target, reason=reason)
        return f"{made.name} is paused. Nothing it covers is sent until it is released."
    found = open_switches().filter(workspace=workspace, scope=scope, target=target).first()
    if found is None:
        raise CommandError("Nothing of that scope is paused.")
    reason = options["reason"] or f"Released by {account} at the command line."
    return f"{let_go(actor=actor, switch=found, reason=reason).name} is released."


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
