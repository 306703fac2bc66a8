"""A workspace with two policy admins, the desk's tools and one policy that holds every gate; documents as plain data."""

import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from accounts.actors import Actor, actor_for_user, system_actor
from accounts.models import Agent, User, Workspace
from accounts.permissions import Role
from accounts.services import add_member, create_group, create_user, create_workspace, register_agent
from actions.connections import save_connection
from actions.tools import load_tools
from policies.drafts import open_draft, save_draft
from policies.engine.yaml_out import dump
from policies.models import Policy, PolicyDraft, PolicyVersion
from policies.refusals import PolicyRefused
from policies.services import publish_version
from tests.cast import WORLD
from traces.models import Entry

PEOPLE = {
    "ken": (Role.POLICY_ADMIN,), "noor": (Role.POLICY_ADMIN,), "eve": (Role.POLICY_ADMIN,),
    "dana": (Role.OWNER,), "maya": (Role.MEMBER,), "ava": (Role.AUDITOR,),
}  # fmt: skip
BASE: dict[str, Any] = {
    "policy": {"slug": "support", "name": "Support"},
    "roles": {
        "clerk": {
            "tier": "execute-with-approval",
            "tools": {
                "desk.account.get": {"mode": "auto"},
                "desk.account.update": {"mode": "approval", "route": "lead"},
            },
            "fields": {
                "desk.account": {"read": ["name", "region", "tier"], "write": ["refund_status", "owner_note"]},
            },
            "scopes": {"desk.account": 'record.region == "EU"'},
        }
    },
    "routes": {"lead": {"steps": [{"name": "Support lead", "group": "support-leads"}]}},
    "tests": [
        {
            "name": "A note waits for the lead",
            "given": {
                "role": "clerk",
                "tool": {
                    "name": "desk.account.update",
                    "resource_type": "desk.account",
                    "effect_class": "write",
                    "reversibility": "reversible",
                },
                "fields": {"owner_note": "Called."},
                "record": {"region": "EU"},
            },
            "expect": {"effect": "approval"},
        }
    ],
}
TOOLS, FIELDS = ("roles", "clerk", "tools"), ("roles", "clerk", "fields", "desk.account")
TIGHTER = ((*FIELDS, "write"), ["owner_note"])
LOOSER = ((*FIELDS, "write"), ["refund_status", "owner_note", "last_contact_reason"])


def changed(*edits: tuple[tuple[str, ...], Any], base: dict[str, Any] = BASE) -> dict[str, Any]:
    """A copy of a document with values set at paths; None removes."""
    plain = deepcopy(base)
    for path, value in edits:
        place = plain
        for name in path[:-1]:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(path[-1])
        else:
            place[path[-1]] = value
    return plain


@dataclass
class House:
    """The workspace and its people by first name."""

    workspace: Workspace
    users: dict[str, User] = field(default_factory=dict)

    def who(self, first: str) -> dict[str, Any]:
        """The arguments that say who does it."""
        return {"actor": self.actor(first), "user": self.users[first]}

    def actor(self, first: str) -> Actor:
        return actor_for_user(self.users[first], self.workspace)

    def policy(self) -> Policy:
        return Policy.objects.get(workspace=self.workspace, slug="support")

    def live(self) -> PolicyVersion:
        return self.policy().versions.get(is_live=True)

    def publish(self, plain: dict[str, Any]) -> PolicyVersion:
        actor = system_actor("operator", self.workspace.pk)
        return publish_version(actor=actor, workspace=self.workspace, source=dump(plain), message="By hand")

    def draft(self, *edits: tuple[tuple[str, ...], Any], by: str = "ken") -> PolicyDraft:
        """The open draft with the live document so edited."""
        opened = open_draft(**self.who(by), policy=self.policy())
        return self.save(opened, changed(*edits), by=by) if edits else opened

    def save(self, draft: PolicyDraft, plain: dict[str, Any], by: str = "ken") -> PolicyDraft:
        return save_draft(**self.who(by), draft_id=draft.pk, revision=draft.revision, plain=plain)

    def agent(self, role: str, name: str = "clerk-agent") -> Agent:
        return register_agent(
            actor=self.actor("dana"), workspace=self.workspace, slug=name, name=name, owner=self.users["dana"],
            policy="support", role=role,
        )  # fmt: skip

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Verbs and bodies of the workspace's governance chain."""
        found = Entry.objects.filter(trace__workspace=self.workspace, trace__kind="governance").order_by("seq")
        return [(entry.type, entry.record["body"]) for entry in found]

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.entries()]

    def last(self) -> tuple[str, dict[str, Any]]:
        return self.entries()[-1]


def build_house(slug: str = "northwind") -> House:
    """The workspace, made by the product's own services. It has tools and no policy yet."""
    actor = system_actor("tests", "")
    workspace = create_workspace(actor=actor, slug=slug, name=slug.title(), environment="production")
    house = House(workspace)
    for first, roles in PEOPLE.items():
        user = create_user(actor=actor, email=f"{first}@{slug}.example", name=first.title())
        house.users[first] = user
        for role in roles:
            add_member(actor=actor, workspace=workspace, user=user, role=role)
    create_group(actor=actor, workspace=workspace, slug="support-leads", name="Support lead")
    save_connection(
        actor=actor, workspace=workspace, slug="desk", name="Desk", kind="records", base_url="https://desk.example",
        client_id="remit", client_secret="secret",
    )  # fmt: skip
    load_tools(actor=actor, workspace=workspace, text=(WORLD / "tools.yaml").read_text())
    return house


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Each call in its own thread and connection, started together; what each gave or raised."""
    ready, said = threading.Barrier(len(calls)), [None for _ in calls]

    def run(number: int, call: Callable[[], Any]) -> None:
        ready.wait()
        try:
            said[number] = call()
        except PolicyRefused as error:
            said[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said
