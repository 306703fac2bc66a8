"""What has to hold before a document may go live. Every gate is asked each time; none is remembered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.clock import database_now
from accounts.models import Agent, Group, User
from policies.catalog import ToolEntry, tools_of
from policies.documents import document_of
from policies.engine.celtypes import check_types
from policies.engine.document import Document
from policies.engine.problems import PolicyError
from policies.engine.routes import groups_of, people_of
from policies.engine.selftest import run_tests
from policies.engine.shipgate import assess, blocking, unexpired
from policies.models import Policy
from policies.refusals import GatesUnmet


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition: its name, whether it holds, a sentence, and what exactly was found."""

    name: str
    met: bool
    sentence: str
    details: tuple[str, ...] = ()


def gates(policy: Policy, source: str) -> tuple[Gate, ...]:
    """Every gate for a text as the next version of a policy. A text that does not load has only the first."""
    try:
        document = document_of(policy, source)
    except PolicyError as error:
        return (Gate("Document", False, "The document does not load.", tuple(map(str, error.problems))),)
    tools = tools_of(policy.workspace_id)
    at = database_now()
    return (
        Gate("Document", True, "The document loads."),
        _expressions(document, tools),
        _tests(document),
        _known(document, tools),
        _ship_gate(document, tools, at),
        _waivers(document, at),
        _agents(policy, document),
        _approvers(policy, document),
    )


def require_gates(policy: Policy, source: str) -> Document:
    """The document, when every gate holds. Raises GatesUnmet."""
    found = gates(policy, source)
    if not all(gate.met for gate in found):
        raise GatesUnmet(found)
    return document_of(policy, source)


def _gate(name: str, details: Iterable[str], met: str, unmet: str) -> Gate:
    """A gate that holds when there is nothing to say against it."""
    found = tuple(details)
    return Gate(name, not found, unmet if found else met, found)


def _expressions(document: Document, tools: Mapping[str, ToolEntry]) -> Gate:
    problems = check_types(document, tools)
    return _gate("Expressions", problems, "Its expressions fit the tools.", "Expressions do not fit the tools.")


def _tests(document: Document) -> Gate:
    results = run_tests(document)
    if not results:
        return Gate("Tests", True, "It has no tests of its own.")
    failed = tuple(f"{result.name}: {result.failure.rstrip('.')}." for result in results if result.failure)
    return _gate("Tests", failed, _counted(len(results), "test passes", "tests pass"), "Its own tests do not all pass.")


def _known(document: Document, tools: Mapping[str, ToolEntry]) -> Gate:
    """The ship gate cannot judge a tool it does not know, and the tool may come after it was asked."""
    unknown = [
        f"Role {name} lists {tool}, which this workspace does not have. Load it first, or remove it."
        for name, role in sorted(document.plain["roles"].items())
        for tool, rule in sorted(role["tools"].items())
        if tool not in tools and rule.get("mode") != "off"
    ]
    unknown += _never_meant(document, tools)
    return _gate("Tools", unknown, "Every tool it lists is known.", "It lists tools that are not known.")


# Sections whose rules say by `when` which calls they are about.
_ABOUT_CALLS = ("invariants", "limits", "freezes", "breakers")


def _never_meant(document: Document, tools: Mapping[str, ToolEntry]) -> list[str]:
    """Rules about a tool or a resource type that nobody has would never apply: a slip of the pen must not look like a rule."""
    types = {entry.facts.resource_type for entry in tools.values()}
    return [
        f"{section}.{rule['id']} is about the {noun} {name}, which this workspace does not have, so it would never apply there. "
        "Correct the name, or remove it."
        for section in _ABOUT_CALLS
        for rule in document.plain.get(section) or ()
        for noun, given, known in (("tool", "tools", set(tools)), ("resource type", "resource_types", types))
        for name in rule["when"].get(given) or ()
        if name not in known
    ]


def _ship_gate(document: Document, tools: Mapping[str, ToolEntry], at: datetime) -> Gate:
    facts = {name: entry.facts for name, entry in tools.items()}
    missing = blocking(assess(document.plain, facts, at=at))
    sentence = "Controls that may not be missing are missing. Add them, or a waiver with a reason and an expiry."
    return _gate("Ship gate", missing, "Every effect class has its controls, or a waiver.", sentence)


def _waivers(document: Document, at: datetime) -> Gate:
    """Said, never refused: a waiver in force is part of what the second person agrees to."""
    named = tuple(_waiver(waiver) for waiver in unexpired(document.plain, at=at))
    if not named:
        return Gate("Waivers", True, "No waiver is in force.")
    return Gate("Waivers", True, _counted(len(named), "waiver is in force", "waivers are in force"), named)


def _waiver(waiver: Mapping[str, Any]) -> str:
    whose = f"for {waiver['role']}" if "role" in waiver else "for every role"
    return (
        f"{waiver['id']}: {waiver['control']} {whose} until {waiver['expires']}, by {waiver['by']}: {waiver['reason']}"
    )


def _agents(policy: Policy, document: Document) -> Gate:
    """A role that agents have may not vanish. Disabled agents make no calls, so they do not count."""
    agents = Agent.objects.filter(workspace_id=policy.workspace_id, policy=policy.slug)
    users: dict[str, list[str]] = {}
    for agent in agents.exclude(state=Agent.State.DISABLED):
        users.setdefault(agent.role, []).append(agent.name)
    gone = [
        f"Role {role} is not in the document, but {', '.join(names)} has it."
        for role, names in sorted(users.items())
        if role not in document.plain["roles"]
    ]
    return _gate("Agents", gone, "Every agent keeps its role.", "Roles that agents have would vanish.")


def _approvers(policy: Policy, document: Document) -> Gate:
    """An approval nobody can give would only wait and expire."""
    known = set(Group.objects.filter(workspace_id=policy.workspace_id).values_list("slug", flat=True))
    people = User.objects.filter(memberships__workspace_id=policy.workspace_id, is_active=True)
    emails = set(people.values_list("email", flat=True))
    gone = [
        f"Route {route.name} names {who}, and there is no such {noun}."
        for _, route in sorted(document.routes.items())
        for noun, named, there in (("group", groups_of(route), known), ("person", people_of(route), emails))
        for who in named
        if who not in there
    ]
    return _gate("Approvers", gone, "Every route asks people who exist.", "Routes ask people who do not exist.")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}."
