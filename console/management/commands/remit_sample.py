"""`manage.py remit_sample`: the sample world, labelled as sample, made through the same services as everything else."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import Agent, User, Workspace
from accounts.permissions import Role
from accounts.services import (
    add_member,
    create_group,
    create_user,
    create_workspace,
    issue_agent_token,
    join_group,
    register_agent,
)
from actions.connections import save_connection
from actions.tools import load_tools
from approvals.terms import Terms, set_terms
from console.sample import policy_source
from policies.services import publish_version

WORLD = settings.BASE_DIR / "sample" / "world"


class Command(BaseCommand):
    """Makes the sample workspaces once, and prints how to sign in."""

    help = "make the sample world if the database is empty; print sign-ins and the agent token"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sign-ins are random for each installation and kept beside the data, readable by its owner only."""
        kept = Path(os.environ.get("REMIT_DATA_DIR", settings.BASE_DIR / ".remit")) / "sample.json"
        if not Workspace.objects.exists():
            _keep(kept, _make())
        elif not kept.exists():
            raise CommandError(f"The database has workspaces but {kept} is gone, so sample sign-ins are not known.")
        data = json.loads(kept.read_text(encoding="utf-8"))
        _point_connections()
        self.stdout.write(json.dumps(data) if options["as_json"] else _text(data))


def _keep(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2)


def _make() -> dict[str, Any]:
    world = yaml.safe_load((WORLD / "people.yaml").read_text(encoding="utf-8"))
    password = f"sample-{secrets.token_hex(5)}"
    sign_ins: list[dict[str, Any]] = []
    tokens: dict[str, str] = {}
    with transaction.atomic():
        for data in world["workspaces"]:
            tokens |= _workspace(data, password, sign_ins)
    return {"password": password, "sign_ins": sign_ins, "agent_tokens": tokens, "agent_token": tokens["refunds-agent"]}


def _workspace(data: dict[str, Any], password: str, sign_ins: list[dict[str, Any]]) -> dict[str, str]:
    actor = system_actor("setup", "")
    workspace = create_workspace(
        actor=actor, slug=data["slug"], name=data["name"], environment=data["environment"], is_sample=True
    )
    # Nobody of the sample world has a second factor yet; whoever adds one can raise this on the page of approvers' load.
    set_terms(actor=actor, workspace=workspace, terms=Terms(step_up_floor="none"))
    groups = {
        slug: create_group(actor=actor, workspace=workspace, slug=slug, name=name)
        for slug, name in data["groups"].items()
    }
    for person in data["people"]:
        user = create_user(actor=actor, email=person["email"], name=person["name"], password=password)
        for role in person["roles"]:
            add_member(actor=actor, workspace=workspace, user=user, role=Role(role))
        for slug in person.get("groups", ()):
            join_group(actor=actor, group=groups[slug], user=user)
        sign_ins.append(
            {"name": person["name"], "email": person["email"], "roles": person["roles"], "workspace": data["name"]}
        )
    _connect(actor, workspace)
    for file in data["policies"]:
        source = policy_source(WORLD / file, now=database_now(), by=actor)
        publish_version(actor=actor, workspace=workspace, source=source, message="Sample policy")
    return {agent["slug"]: _agent(actor, workspace, agent) for agent in data["agents"]}


def _agent(actor: Actor, workspace: Workspace, data: dict[str, str]) -> str:
    owner = User.objects.get(email=data["owner"])
    agent: Agent = register_agent(
        actor=actor, workspace=workspace, slug=data["slug"], name=data["name"], owner=owner,
        policy=data["policy"], role=data["role"], runbook_url=data.get("runbook_url", ""),
    )  # fmt: skip
    return issue_agent_token(actor=actor, agent=agent)


def _connect(actor: Actor, workspace: Workspace) -> None:
    """The desk is reached over HTTP like any system of record; it runs on this machine, so private is allowed."""
    url = os.environ.get("REMIT_DESK_URL", "")
    if not url:
        raise CommandError("REMIT_DESK_URL is not set. `make run` starts the sample desk and sets it.")
    save_connection(
        actor=actor, workspace=workspace, slug="desk", name="Support desk", kind="records", base_url=url, link_url=url,
        client_id=os.environ["DESK_CLIENT_ID"], client_secret=os.environ["DESK_CLIENT_SECRET"], allow_private=True,
        same_system=True,
    )  # fmt: skip
    # The sample's tools belong to the release, so a newer release brings its own into force.
    text = (WORLD / "tools.yaml").read_text(encoding="utf-8")
    load_tools(actor=actor, workspace=workspace, text=text, approve=True)


def _point_connections() -> None:
    """The desk may listen on another port at each start."""
    for workspace in Workspace.objects.filter(is_sample=True):
        _connect(system_actor("setup", workspace.pk), workspace)


def _text(data: dict[str, Any]) -> str:
    people = [f"  {s['email']:<28} {s['name']}, {', '.join(s['roles'])}, {s['workspace']}" for s in data["sign_ins"]]
    return "\n".join(["Sample sign-ins, password " + data["password"], *people, "Agent token " + data["agent_token"]])
