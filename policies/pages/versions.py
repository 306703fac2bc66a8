"""The history of a policy: every version with who, when, why and what it did, and any two side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.access import NotVisible
from policies.documents import parsed
from policies.engine.diff import Diff, compare
from policies.models import PolicyVersion
from policies.pages.place import EMPTY, Place
from policies.pages.publishing import ChangeGroup, change_groups
from policies.pages.sentences import waiver
from traces.models import Entry, Trace

VERDICT_WORDS = {
    "tightens": ("Only tightens", "ok"), "loosens": ("Loosens", "warn"), "mixed": ("Mixed", "warn"),
    "same": ("Nothing an agent may do differs", ""), "first": ("First version", ""), "": ("Not compared", ""),
}  # fmt: skip
DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of the history; `seq` is its entry in the workspace's governance chain."""

    version: PolicyVersion
    verdict: str
    tone: str
    seq: int | None
    before: int | None
    waivers: tuple[str, ...]

    @property
    def span(self) -> str:
        """What the link to its own changes compares."""
        return f"{self.before}..{self.version.number}" if self.before else ""


def version_lines(place: Place) -> list[VersionLine]:
    """Newest first."""
    found, seqs = list(place.policy.versions.all()), _seqs(place)
    numbers = {version.number for version in found}
    return [
        VersionLine(
            version, *VERDICT_WORDS[version.verdict], seqs.get(version.number),
            max((number for number in numbers if number < version.number), default=None),
            tuple(waiver(item) for item in version.waived),
        )
        for version in found
    ]  # fmt: skip


def _seqs(place: Place) -> dict[int, int]:
    """Version number -> its place in the governance chain."""
    chain = Trace.objects.filter(workspace_id=place.policy.workspace_id, kind=Trace.Kind.GOVERNANCE)
    entries = Entry.objects.filter(trace__in=chain, type="policy.published")
    found: dict[int, int] = {}
    for entry in entries:
        body: Mapping[str, Any] = entry.record["body"]
        if body["policy"] == place.policy.slug:
            found[int(body["version"])] = entry.seq
    return found


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a version or the draft."""

    name: str
    version: PolicyVersion | None
    plain: Mapping[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and what differs."""

    old: Side
    new: Side
    diff: Diff
    groups: tuple[ChangeGroup, ...]


def comparison_of(place: Place, span: str) -> Comparison:
    """`17..19` or `18..draft`. Raises NotVisible for what is not there, and PolicyError for what no longer loads."""
    old_name, dots, new_name = span.partition("..")
    if not dots:
        raise NotVisible("comparison")
    old, new = side_of(place, old_name), side_of(place, new_name)
    facts = {name: entry.facts for name, entry in place.tools.items()}
    diff = compare(old.plain if old.plain is not EMPTY else None, new.plain, facts)
    return Comparison(old, new, diff, change_groups(diff.changes, old.plain, new.plain))


def side_of(place: Place, name: str) -> Side:
    """A version by number, or the draft. Raises NotVisible or PolicyError."""
    if name == DRAFT and place.draft is not None:
        plain = parsed(place.draft.digest, place.draft.source).plain
        return Side(f"Draft v{place.next_number}", None, plain, place.draft.source)
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 9 else 0
    version = place.policy.versions.filter(number=number).first()
    if version is None:
        raise NotVisible("policy version")
    return Side(f"v{number}", version, parsed(version.digest, version.source).plain, version.source)
