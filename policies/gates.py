"""What has to hold before a document may go live. Every gate is asked each time; none is remembered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models import Count, Q
from django.urls import Resolver404, resolve

from accounts.attributes import people_with
from accounts.clock import database_now
from accounts.models import Agent, Group, User
from policies.catalog import ToolEntry, tools_of
from policies.documents import document_of
from policies.engine.celtypes import type_problems
from policies.engine.diff.words import attributes, join
from policies.engine.document import Document
from policies.engine.problems import PolicyError, Problem
from policies.engine.routes import attributes_of, groups_of, people_of
from policies.engine.schema import SEPARATION
from policies.engine.selftest import run_tests
from policies.engine.shipgate import assess, blocking, unexpired
from policies.engine.yaml_source import Place, placing
from policies.models import Policy
from policies.refusals import GatesUnmet
from policies.waivers import Grants, too_long, unproven


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition: its name, whether it holds, a sentence, and what exactly was found."""

    name: str
    met: bool
    sentence: str
    details: tuple[str, ...] = ()


def gates(policy: Policy, source: str, *, granted: Grants | None) -> tuple[Gate, ...]:
    """Every gate for a text as the next version of a policy. A text that does not load has only the first.

    `granted` is what the text may say of who granted its waivers; None only for a text that Remit made of a version.
    """
    try:
        document = document_of(policy, source)
    except PolicyError as error:
        return (Gate("Document", False, "The document does not load.", tuple(map(str, error.problems))),)
    tools, place, at = tools_of(policy.workspace_id), placing(source), database_now()
    wrong = list(too_long(document, place, at=at))
    if granted is not None:
        wrong += unproven(document, place, granted)
    return (
        Gate("Document", True, "The document loads."),
        _expressions(document, tools, place),
        _tests(document, place),
        _known(document, tools, place),
        _ship_gate(document, tools, place, at),
        _waivers(document, wrong, at),
        _agents(policy, document, place),
        _approvers(policy, document, place),
        _on_call(policy, document, place),
        _separation(document, place),
    )


def require_gates(policy: Policy, source: str, *, granted: Grants) -> Document:
    """The document, when every gate holds. Raises GatesUnmet."""
    found = gates(policy, source, granted=granted)
    if not all(gate.met for gate in found):
        raise GatesUnmet(found)
    return document_of(policy, source)


def _gate(name: str, details: Iterable[Problem | str], met: str, unmet: str) -> Gate:
    """A gate that holds when there is nothing to say against it."""
    found = tuple(map(str, details))
    return Gate(name, not found, unmet if found else met, found)


def _expressions(document: Document, tools: Mapping[str, ToolEntry], place: Place) -> Gate:
    problems = type_problems(document, tools, place)
    return _gate("Expressions", problems, "Its expressions fit the tools.", "Expressions do not fit the tools.")


def _tests(document: Document, place: Place) -> Gate:
    results = run_tests(document)
    if not results:
        return Gate("Tests", True, "It has no tests of its own.")
    failed = [
        place(("tests", number), f"{result.name}: {result.failure.rstrip('.')}.")
        for number, result in enumerate(results)
        if result.failure
    ]
    return _gate("Tests", failed, _counted(len(results), "test passes", "tests pass"), "Its own tests do not all pass.")


def _known(document: Document, tools: Mapping[str, ToolEntry], place: Place) -> Gate:
    """The ship gate cannot judge a tool it does not know, and the tool may come after it was asked."""
    unknown = [
        place(
            ("roles", name, "tools", tool),
            f"Role {name} lists {tool}, which this workspace does not have. Load it first, or remove it.",
        )
        for name, role in sorted(document.plain["roles"].items())
        for tool, rule in sorted(role["tools"].items())
        if tool not in tools and rule.get("mode") != "off"
    ]
    unknown += _never_meant(document, tools, place)
    return _gate("Tools", unknown, "Every tool it lists is known.", "It lists tools that are not known.")


# Sections whose rules say by `when` which calls they are about.
_ABOUT_CALLS = ("invariants", "limits", "freezes", "breakers")


def _never_meant(document: Document, tools: Mapping[str, ToolEntry], place: Place) -> list[Problem]:
    """Rules about a tool or a resource type that nobody has would never apply: a slip of the pen must not look like a rule."""
    types = {entry.facts.resource_type for entry in tools.values()}
    return [
        place(
            (section, number, "when", given, where),
            f"{section}.{rule['id']} is about the {noun} {name}, which this workspace does not have, so it would never apply "
            "there. Correct the name, or remove it.",
        )
        for section in _ABOUT_CALLS
        for number, rule in enumerate(document.plain.get(section) or ())
        for noun, given, known in (("tool", "tools", set(tools)), ("resource type", "resource_types", types))
        for where, name in enumerate(rule["when"].get(given) or ())
        if name not in known
    ]


def _ship_gate(document: Document, tools: Mapping[str, ToolEntry], place: Place, at: datetime) -> Gate:
    facts = {name: entry.facts for name, entry in tools.items()}
    found = blocking(assess(document.plain, facts, at=at))
    missing = [place(("roles", role), sentence) for role, sentence in found]
    sentence = "Controls that may not be missing are missing. Add them, or a waiver with a reason and an expiry."
    return _gate("Ship gate", missing, "Every effect class has its controls, or a waiver.", sentence)


def _waivers(document: Document, wrong: Sequence[Problem], at: datetime) -> Gate:
    """Who granted each is proven and none holds too long; those in force are part of what the second person agrees to."""
    if wrong:
        return _gate("Waivers", wrong, "", "Waivers are not granted as they say, or hold too long.")
    named = tuple(_waiver(waiver) for waiver in unexpired(document.plain, at=at))
    if not named:
        return Gate("Waivers", True, "No waiver is in force.")
    return Gate("Waivers", True, _counted(len(named), "waiver is in force", "waivers are in force"), named)


def _waiver(waiver: Mapping[str, Any]) -> str:
    whose = f"for {waiver['role']}" if "role" in waiver else "for every role"
    return (
        f"{waiver['id']}: {waiver['control']} {whose} until {waiver['expires']}, by {waiver['by']}: {waiver['reason']}"
    )


def _agents(policy: Policy, document: Document, place: Place) -> Gate:
    """A role that agents have may not vanish. Disabled agents make no calls, so they do not count."""
    agents = Agent.objects.filter(workspace_id=policy.workspace_id, policy=policy.slug)
    users: dict[str, list[str]] = {}
    for agent in agents.exclude(state=Agent.State.DISABLED).order_by("name"):
        users.setdefault(agent.role, []).append(agent.name)
    gone = [
        place(
            ("roles", role),
            f"Role {role} is not in the document, but {', '.join(names)} {'has' if len(names) == 1 else 'have'} it. "
            f"Put {role} back, or disable {'that agent' if len(names) == 1 else 'those agents'} first.",
        )
        for role, names in sorted(users.items())
        if role not in document.plain["roles"]
    ]
    return _gate("Agents", gone, "Every agent keeps its role.", "Roles that agents have would vanish.")


def _approvers(policy: Policy, document: Document, place: Place) -> Gate:
    """An approval nobody can give would only wait and expire."""
    known = set(Group.objects.filter(workspace_id=policy.workspace_id).values_list("slug", flat=True))
    people = User.objects.filter(memberships__workspace_id=policy.workspace_id, is_active=True)
    emails = set(people.values_list("email", flat=True))
    gone = [
        place(
            ("routes", route.name),
            f"Route {route.name} names {who}, and there is no such {noun}. Name one who is there.",
        )
        for _, route in sorted(document.routes.items())
        for noun, named, there in (("group", groups_of(route), known), ("person", people_of(route), emails))
        for who in named
        if who not in there
    ]
    gone += [
        place(
            ("routes", route.name),
            f"Route {route.name} asks {attributes(wanted)}, and nobody here has. "
            "Say it of somebody under People, or change the route.",
        )
        for _, route in sorted(document.routes.items())
        for wanted in attributes_of(route)
        if not people_with(policy.workspace_id, wanted).exists()
    ]
    return _gate("Approvers", gone, "Every route asks people who exist.", "Routes ask people who do not exist.")


def _on_call(policy: Policy, document: Document, place: Place) -> Gate:
    """A runbook nobody can open and a group with nobody in it are no way to anybody at two in the morning."""
    roles = sorted(document.plain["roles"].items())
    members = _members_of(policy, {role["on_call"] for _, role in roles if "on_call" in role})
    wrong = [
        place(("roles", name, term), message)
        for name, role in roles
        for term, message in (
            ("runbook", _bad_runbook(role.get("runbook"))), ("on_call", _bad_group(role.get("on_call"), members))
        )
        if message
    ]  # fmt: skip
    return _gate(
        "On call", wrong, "Runbooks and groups on call are there.", "Runbooks or groups on call are not there."
    )


def _members_of(policy: Policy, slugs: set[str]) -> dict[str, int]:
    """Group -> how many active people it has, for those of the groups that the workspace has."""
    if not slugs:
        return {}
    here = Q(members__user__is_active=True, members__user__memberships__workspace_id=policy.workspace_id)
    found = Group.objects.filter(workspace_id=policy.workspace_id, slug__in=slugs)
    counted = found.annotate(people=Count("members__user", filter=here, distinct=True))
    return dict(counted.values_list("slug", "people"))


def _bad_group(slug: str | None, members: Mapping[str, int]) -> str:
    """What is wrong with a group on call; "" where nothing is, or none is named."""
    if slug is None or members.get(slug):
        return ""
    if slug not in members:
        return f"{slug} is on call, and there is no such group. Make it, or name another."
    return f"{slug} is on call, and nobody active is in it. Add somebody, or name another."


def _bad_runbook(address: str | None) -> str:
    """What is wrong with a runbook's address; "" where nothing is, or none is named."""
    if address is None:
        return ""
    try:
        if address.startswith("/"):
            resolve(urlsplit(address).path)
        else:
            URLValidator(schemes=["https"])(address)
    except Resolver404:
        return f"{address} is no page of this console. Write a path it serves, or an address with https:// before it."
    except ValidationError:
        return f"{address} is no address. Write it with https:// and a host, as in https://wiki.example/runbook."
    return ""


def _separation(document: Document, place: Place) -> Gate:
    """Everybody it may name is kept from deciding anyway (R-24): a document that says less would tell its readers otherwise."""
    less = [
        place(
            ("routes", route.name, "separation"),
            f"Route {route.name} leaves out {join(sorted(missing))}. Name it too, or leave separation out, which means all.",
        )
        for _, route in sorted(document.routes.items())
        if (missing := set(SEPARATION) - set(route.separation))
    ]
    return _gate(
        "Separation of duties", less, "No route says that somebody kept out may decide.", "A route drops a separation."
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}."
