"""One cast for every suite: the sample world's people, two workspaces, made by real services."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from accounts.actors import Actor, actor_for_agent, actor_for_user, system_actor
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
from approvals.models import ApprovalSettings
from console.sample import policy_source
from policies.services import publish_version

WORLD = Path(__file__).resolve().parent.parent / "sample" / "world"
PASSWORD = "a long enough password"


@dataclass
class Cast:
    """Look people up by first name: `cast.user("maya")`."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def northwind(self) -> Workspace:
        return self.workspaces["northwind"]

    @property
    def lakeside(self) -> Workspace:
        """The other tenant: its people and its agent are the outsiders."""
        return self.workspaces["lakeside"]

    @property
    def agent(self) -> Agent:
        return self.agents["refunds-agent"]

    @property
    def token(self) -> str:
        return self.tokens["refunds-agent"]

    def user(self, first: str) -> User:
        return self.users[first]

    def actor(self, first: str) -> Actor:
        return actor_for_user(self.user(first), self.northwind)

    @property
    def agent_actor(self) -> Actor:
        return actor_for_agent(self.agent)


def build_cast(desk) -> Cast:
    """Everyone, with the desk connected, tools loaded and policies published."""
    cast = build_people()
    for data in _world():
        workspace = cast.workspaces[data["slug"]]
        connect(workspace, desk)
        for file in data["policies"]:
            actor = system_actor("tests", "")
            source = policy_source(WORLD / file, now=datetime.now(UTC), by=actor)
            publish_version(actor=actor, workspace=workspace, source=source, message="Tests")
    return cast


def build_people() -> Cast:
    """Workspaces, people, groups and agents only: all that `accounts` knows."""
    cast = Cast()
    for data in _world():
        _workspace(cast, data)
    return cast


def _world() -> list[dict]:
    return yaml.safe_load((WORLD / "people.yaml").read_text())["workspaces"]


def _workspace(cast: Cast, data: dict) -> None:
    actor = system_actor("tests", "")
    workspace = create_workspace(actor=actor, slug=data["slug"], name=data["name"], environment=data["environment"])
    cast.workspaces[data["slug"]] = workspace
    # As in the sample world: nobody has a second factor. tests/stepup raises the floor where it needs one.
    # No lot: it draws by the action's random id, so that one run in fifty would have an entry more.
    ApprovalSettings.objects.create(workspace=workspace, step_up_floor="none", recheck_per_mille=0)
    groups = {s: create_group(actor=actor, workspace=workspace, slug=s, name=n) for s, n in data["groups"].items()}
    for person in data["people"]:
        user = create_user(actor=actor, email=person["email"], name=person["name"], password=PASSWORD)
        cast.users[person["email"].split("@")[0]] = user
        for role in person["roles"]:
            add_member(actor=actor, workspace=workspace, user=user, role=Role(role))
        for slug in person.get("groups", ()):
            join_group(actor=actor, group=groups[slug], user=user)
    for agent in data["agents"]:
        owner = User.objects.get(email=agent.pop("owner"))
        made = register_agent(actor=actor, workspace=workspace, owner=owner, **agent)
        cast.agents[made.slug], cast.tokens[made.slug] = made, issue_agent_token(actor=actor, agent=made)


def connect(workspace: Workspace, desk) -> None:
    actor = system_actor("tests", workspace.pk)
    save_connection(
        actor=actor, workspace=workspace, slug="desk", name="Support desk", kind="records", base_url=desk.base_url,
        link_url=desk.base_url, client_id=desk.client_id, client_secret=desk.client_secret, allow_private=True,
    )  # fmt: skip
    load_tools(actor=actor, workspace=workspace, text=(WORLD / "tools.yaml").read_text())
