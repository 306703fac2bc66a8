"""`manage.py remit_agent WORKSPACE/AGENT`: shuts an agent out, or lets it in again."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.letting_in import let_in_agent, shut_out_agent
from accounts.models import Agent
from accounts.services import AccountRefused


class Command(BaseCommand):
    """Says how the agent stands, after changing it where asked to."""

    help = "say whether an agent is let in; shut it out, or let it in again, with a reason that stands in the ledger"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", help="WORKSPACE/AGENT, by their slugs")
        acts = parser.add_mutually_exclusive_group()
        acts.add_argument("--shut-out", default="", metavar="REASON")
        acts.add_argument("--let-in", default="", metavar="REASON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Whoever has the shell may do this."""
        workspace, _, slug = options["agent"].partition("/")
        agent = Agent.objects.select_related("workspace").filter(workspace__slug=workspace, slug=slug).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']}. Write WORKSPACE/AGENT, by their slugs.")
        actor = Actor("system", "system:operator", f"{getpass.getuser()} at the command line", agent.workspace_id)
        try:
            if options["shut_out"]:
                shut_out_agent(actor=actor, agent=agent, reason=options["shut_out"])
            elif options["let_in"]:
                let_in_agent(actor=actor, agent=agent, reason=options["let_in"])
        except AccountRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{agent.name} is {'shut out' if agent.state == Agent.State.DISABLED else 'let in'}.")
