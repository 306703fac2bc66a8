"""Field allowlists: for one role and record type, which fields are read, masked and written, and what the draft changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.edits import fingerprint, value_at
from policies.engine.diff.words import title
from policies.engine.paths import covering
from policies.pages.place import Place
from policies.usage_stats import DAYS

READS = "read"
NEVER = f"not written in {DAYS} days"


@dataclass(frozen=True, slots=True)
class Line:
    """One field. `by` is the listed path that allows it already; `badge` says what this draft does to it."""

    name: str
    type_text: str
    allowed: bool
    by: str
    badge: str
    usage: str
    mask: str
    mask_seen: str

    @property
    def ident(self) -> str:
        """For a DOM id."""
        return self.name.replace(".", "-").replace(" ", "-")


@dataclass(frozen=True, slots=True)
class FieldList:
    """The allowlist of one role, record type and direction. `seen` is the digest of what stands in the document."""

    role: str
    role_title: str
    resource_type: str
    kind: str
    tool: str
    lines: tuple[Line, ...]
    allowed: int
    seen: str

    @property
    def had(self) -> list[str]:
        """What was ticked when this page was drawn."""
        return [line.name for line in self.lines if line.allowed]


@dataclass(frozen=True, slots=True)
class TypeFields:
    """Both directions for one role and record type."""

    role: str
    role_title: str
    resource_type: str
    noun: str
    lists: tuple[FieldList, ...]
    unlisted: str
    unlisted_seen: str

    @property
    def readable(self) -> list[Line]:
        """Fields a mask may stand on."""
        return [line for line in self.lists[0].lines if line.allowed]


@dataclass(frozen=True, slots=True)
class Redaction:
    """A field people see as a chip with its kind; `by` says whether this policy or the tool itself withholds it."""

    resource_type: str
    path: str
    kind: str
    seen: str


def field_list(
    place: Place, role: str, resource_type: str, kind: str, *, tool: str = "", usage: Mapping[str, str] | None = None,
) -> FieldList:  # fmt: skip
    """What a role may `read` or `write` of a record type; `usage` is field -> how often in words."""
    rule = value_at(place.plain, ("roles", role, "fields", resource_type)) or {}
    before = value_at(place.base, ("roles", role, "fields", resource_type)) or {}
    listed, was = rule.get(kind, []), before.get(kind, [])
    masks = rule.get("mask", {}) if kind == READS else {}
    types = _types(place, resource_type, tool if kind != READS else "")
    # What stood before this draft first, so that no line moves when it is ticked.
    ordered = dict.fromkeys([*was, *listed, *types]) if place.draft else dict.fromkeys([*listed, *types])
    lines = tuple(
        Line(
            name=name, type_text=types.get(name, ""), allowed=name in listed, by=_covering(name, listed),
            badge=_badge(place, name in listed, name in was), usage="" if usage is None else usage.get(name, NEVER),
            mask=masks.get(name, ""), mask_seen=fingerprint(masks.get(name)),
        )
        for name in ordered
    )  # fmt: skip
    seen = fingerprint(sorted(listed))
    return FieldList(role, title(role), resource_type, kind, tool, lines, len(listed), seen)


def _covering(name: str, listed: Iterable[str]) -> str:
    return covering(name, frozenset(listed) - {name}) or ""


def _badge(place: Place, now: bool, was: bool) -> str:
    if place.draft is None or now == was:
        return ""
    return "added" if now else "removed"


def _types(place: Place, resource_type: str, tool: str) -> dict[str, str]:
    """Field -> its type in words, from one tool or from all of the record type."""
    entries = [
        entry for name, entry in place.tools.items()
        if entry.facts.resource_type == resource_type and (not tool or name == tool)
    ]  # fmt: skip
    return {found.name: found.type_text for entry in entries for found in entry.fields}


def type_fields(place: Place, role: str, resource_type: str, usage: Mapping[str, str]) -> TypeFields:
    """One card of the Fields tab; `usage` is field -> how often it was written."""
    rule = value_at(place.plain, ("roles", role, "fields", resource_type)) or {}
    lists = (
        field_list(place, role, resource_type, READS),
        field_list(place, role, resource_type, "write", usage=usage),
    )
    return TypeFields(
        role, title(role), resource_type, place.noun(resource_type), lists, rule.get("unlisted", "refuse_field"),
        fingerprint(rule.get("unlisted")),
    )  # fmt: skip


def types_of_role(place: Place, role: str) -> list[str]:
    """Record types a role has tools or fields for."""
    data = place.roles[role]
    used = {place.tools[tool].facts.resource_type for tool in data["tools"] if tool in place.tools}
    return sorted(used | set(data.get("fields", {})))


def redactions(place: Place) -> list[Redaction]:
    """What this policy withholds from people."""
    return [
        Redaction(kind, path, word, fingerprint(word))
        for kind, fields in sorted((place.plain.get("redact") or {}).items())
        for path, word in sorted(fields.items())
    ]
