"""What a system offers as tools, before an admin says what each is: the same for all that describe themselves. Pure.

INVARIANT: names, descriptions and hints are the system's words. Effect class and reversibility come from an admin alone (M-07,
B-02). Held by tests/upstreams/test_import.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from accounts.display.scripts import is_hidden
from actions.closed_schema import SchemaProblem, closed, written_out
from traces.canonical import digest_of

MAX_DESCRIPTION = 2000
_ANNOTATIONS = {
    "readOnlyHint": ("It says that it only reads.", "It says that it does not only read."),
    "destructiveHint": ("It says that it may destroy.", "It says that it only adds."),
    "idempotentHint": ("It says that the same call again changes nothing.", "It says that each call has its effect."),
    "openWorldHint": ("It says that it reaches the open world.", "It says that it reaches nothing else."),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing a system offers. `problem`: why it can't be a tool; "" where it can. `operation` lacks what an admin says."""

    key: str
    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    operation: Mapping[str, Any] = field(default_factory=dict)
    # Only hints, in sentences, and the effect class that they would mean.
    hints: Sequence[str] = ()
    suggests: str = ""
    notes: Sequence[str] = ()
    problem: str = ""
    # What it can be only, where the connector can do no other: effect classes.
    only: Sequence[str] = ()
    # The reads that may show the record it changes, by key; the names that its own answer lists.
    looks: Sequence[str] = ()
    answers: Sequence[str] = ()
    # Whether its answer carries a version; whether it takes one with a change: "", "may" or "must".
    has_version: bool = False
    precondition: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Choice:
    """What an admin says of one offer."""

    effect_class: str
    reversibility: str
    # Of an MCP tool: that its error answer proves no effect; the argument or the other tool of its dry run.
    error_is_no_effect: bool = False
    dry_run: str = ""
    # Of an operation of a document: the key of the read that shows its record; "" where none does.
    look: str = ""


class BadChoice(ValueError):
    """A choice that the offer does not allow; the message names the tool and the remedy."""


def plain_words(text: Any, most: int) -> str:
    """Somebody else's text without characters that hide or move others, cut to a length."""
    shown = "".join(character for character in str(text or "") if not is_hidden(character)).strip()
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def tool_name(slug: str, key: str) -> str:
    """`files.read_text_file`: the connection, then the system's own name in the alphabet of tool names."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    parts = [re.sub(r"[^a-z0-9_]+", "_", part.lower()).strip("_") for part in (slug, split)]
    first, last = (part if part[:1].isalpha() else f"t_{part}" for part in parts)
    return f"{first}.{last}"[:120]


def mcp_offers(slug: str, tools: Iterable[Mapping[str, Any]]) -> list[Offer]:
    """The tools of an MCP server."""
    return told_apart([mcp_offer(slug, tool) for tool in tools])


def told_apart(offers: Sequence[Offer]) -> list[Offer]:
    """The same offers; of several with one name only the first can be imported."""
    seen: set[str] = set()
    found = []
    for offer in offers:
        again = offer.name in seen and not offer.problem
        seen.add(offer.name)
        told = f"Another one is called {offer.name} here already."
        found.append(Offer(**{**asdict(offer), "problem": told}) if again else offer)
    return found


def mcp_offer(slug: str, server: Mapping[str, Any]) -> Offer:
    """One tool as its server defines it; a schema that can't be closed makes it one that can't be imported."""
    key = str(server["name"])
    said = server.get("annotations")
    annotations: Mapping[str, Any] = said if isinstance(said, dict) else {}
    title = plain_words(server.get("title") or annotations.get("title") or key, 200) or key
    told: dict[str, Any] = {"key": key, "name": tool_name(slug, key), "title": title,
            "description": plain_words(server.get("description") or title, MAX_DESCRIPTION),
            "operation": {"class": "C", "mcp": {"tool": key, "server": dict(server)}},
            "hints": _hints(annotations), "suggests": _suggested(annotations)}  # fmt: skip
    try:
        found = closed(server["inputSchema"], server["inputSchema"])
        if isinstance(server.get("outputSchema"), dict):
            written_out(server["outputSchema"], server["outputSchema"])
    except SchemaProblem as error:
        return Offer(**told, problem=f"Its schema can't be used. {error}")
    return Offer(**told, input_schema=found.schema, notes=found.notes)


def _hints(annotations: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        words[not annotations[name]] for name, words in _ANNOTATIONS.items() if isinstance(annotations.get(name), bool)
    )


def _suggested(annotations: Mapping[str, Any]) -> str:
    return "read" if annotations.get("readOnlyHint") is True else "side_effect"


def definition_of(offer: Offer, choice: Choice, others: Mapping[str, Offer]) -> dict[str, Any]:
    """The tool definition that an admin's choice makes of an offer. Raises BadChoice."""
    if offer.problem:
        raise BadChoice(f"{offer.key}: {offer.problem}")
    if offer.only and choice.effect_class not in offer.only:
        raise BadChoice(f"{offer.key}: The connector can do this only as {' or '.join(offer.only)}.")
    operation, schema = dict(offer.operation), dict(offer.input_schema)
    if "mcp" in operation:
        dry_run = _dry_run(offer, choice, others)
        operation["mcp"] = {
            **operation["mcp"], "reads": choice.effect_class == "read",
            **({"error_means": "no_effect"} if choice.error_is_no_effect else {}), **({"dry_run": dry_run} if dry_run else {}),
        }  # fmt: skip
        schema = _without(schema, dry_run.get("argument", ""))
    return {
        "name": offer.name, "title": offer.title, "description": offer.description, "resource_type": offer.name,
        "effect_class": choice.effect_class, "reversibility": choice.reversibility, "input_schema": schema,
        "operation": operation, "words": _words(offer.title), **placed(offer),
    }  # fmt: skip


def placed(offer: Offer) -> dict[str, str]:
    """Where the record's fields stand among the arguments of an operation that is sent some: in its body."""
    return {"fields_at": "body"} if (offer.operation.get("write") or {}).get("body") == "fields" else {}


def _dry_run(offer: Offer, choice: Choice, others: Mapping[str, Offer]) -> dict[str, Any]:
    """Where to ask what it would do: its own yes-or-no argument, or another tool of the server. Raises BadChoice."""
    if not choice.dry_run:
        return {}
    if choice.effect_class == "read":
        raise BadChoice(f"{offer.key}: What only reads needs no dry run. Leave it out.")
    own = offer.input_schema.get("properties", {}).get(choice.dry_run, {})
    if own.get("type") == "boolean":
        return {"argument": choice.dry_run}
    other = others.get(choice.dry_run)
    if other is None or other.key == offer.key:
        raise BadChoice(f"{offer.key}: {choice.dry_run} is neither a yes-or-no argument of it nor another tool.")
    return {"tool": other.key, "digest": digest_of(other.operation["mcp"]["server"])}


def _without(schema: Mapping[str, Any], argument: str) -> dict[str, Any]:
    """Agents do not send the argument of a dry run: whether it is one is not theirs to say."""
    kept = {name: part for name, part in schema["properties"].items() if name != argument}
    required = [name for name in schema.get("required") or [] if name != argument]
    return {**schema, "properties": kept, **({"required": required} if "required" in schema else {})}


def _words(title: str) -> dict[str, str]:
    plain = title.replace("{", "(").replace("}", ")")
    return {"noun": plain, "imperative": f"Run {plain}", "present": f"Running {plain}", "past": f"Ran {plain}"}


def redefined(definition: Mapping[str, Any], slug: str, server: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's definition with what the server lists now in it; what an admin said stays, the server's words are taken anew.

    A schema that can't be used any more leaves the earlier one beside the new definition: nobody can approve it into use
    without seeing it, and an import refuses it.
    """
    call = definition["operation"]["mcp"]
    was, now = mcp_offer(slug, call["server"]), mcp_offer(slug, server)
    changed = {**definition, "operation": {**definition["operation"], "mcp": {**call, "server": dict(server)}}}
    if not now.problem:
        changed["input_schema"] = _without(now.input_schema, (call.get("dry_run") or {}).get("argument", ""))
    for name in ("title", "description"):
        if definition[name] == getattr(was, name):
            changed[name] = getattr(now, name)
    return changed
