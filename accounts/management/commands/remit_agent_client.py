"""`manage.py remit_agent_client WORKSPACE/AGENT`: gives an agent an OAuth client, or ends one."""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from accounts.models import Agent, AgentClient
from accounts.scopes import AGENT, WORDS
from accounts.services import (
    AccountRefused,
    issue_agent_client,
    name_agent_client,
    register_sign_in_client,
    revoke_agent_client,
)


class Command(BaseCommand):
    """Prints the secret once; only its hash is stored."""

    help = "give an agent an OAuth client for /oauth/token/, or end one with --revoke CLIENT_ID"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", help="WORKSPACE/AGENT, by their slugs")
        parser.add_argument("--revoke", default="", metavar="CLIENT_ID")
        parser.add_argument(
            "--document", default="", metavar="URL",
            help="name the client by the address of its metadata document, whose keys it signs with, instead of a secret",
        )  # fmt: skip
        parser.add_argument(
            "--redirect", action="append", default=[], metavar="URL",
            help="a client without a secret, by which people sign in: an address that answers are sent to; may be repeated",
        )  # fmt: skip
        parser.add_argument("--name", default="", help="what people who sign in read of a client with --redirect")
        parser.add_argument(
            "--people",
            action="store_true",
            help="people sign in for the client of --document, which says where to send them",
        )
        parser.add_argument("--scope", default=AGENT, help=f"how far its tokens may reach: some of {', '.join(WORDS)}")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Whoever has the shell may do this."""
        workspace, _, slug = options["agent"].partition("/")
        agent = Agent.objects.select_related("workspace").filter(workspace__slug=workspace, slug=slug).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']}. Write WORKSPACE/AGENT, by their slugs.")
        actor = Actor("system", "system:oauth", f"{getpass.getuser()} at the command line", agent.workspace_id)
        told = _done(actor, agent, options)
        lines = (
            json.dumps(told) if options["as_json"] else "\n".join(f"{name}: {value}" for name, value in told.items())
        )
        self.stdout.write(lines)


def _done(actor: Actor, agent: Agent, options: dict[str, Any]) -> dict[str, str]:
    if options["revoke"]:
        return _revoke(actor, agent, options["revoke"])
    if (options["redirect"] and options["document"]) or (options["people"] and not options["document"]):
        raise CommandError("Give either --redirect, or --document, with --people if people sign in for it.")
    try:
        return _given(actor, agent, options)
    except AccountRefused as refused:
        raise CommandError(str(refused)) from refused


def _given(actor: Actor, agent: Agent, options: dict[str, Any]) -> dict[str, str]:
    how: dict[str, Any] = {"actor": actor, "agent": agent, "scopes": options["scope"]}
    if options["document"]:
        made = name_agent_client(**how, url=options["document"], people=options["people"])
        return {"client_id": made.application.client_id}
    if options["redirect"]:
        made = register_sign_in_client(**how, name=options["name"], redirects=options["redirect"])
        return {"client_id": made.application.client_id}
    client_id, secret = issue_agent_client(**how)
    return {"client_id": client_id, "client_secret": secret}


def _revoke(actor: Actor, agent: Agent, client_id: str) -> dict[str, str]:
    found = AgentClient.objects.filter(agent=agent, application__client_id=client_id).first()
    if found is None:
        raise CommandError(f"{agent.name} has no client {client_id}.")
    revoke_agent_client(actor=actor, client=found)
    return {"revoked": client_id}
