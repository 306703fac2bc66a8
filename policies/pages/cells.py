"""The selected cell of the matrix: its form and the fields behind it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies import edits
from policies.engine.diff.words import title
from policies.forms.cells import CellForm
from policies.pages.fields import READS, FieldList, field_list
from policies.pages.place import Place
from policies.pages.powers import Power, Powers
from policies.pages.sentences import parse, plural
from policies.usage_stats import DAYS, field_usages

# Tool -> field -> how many actions wrote it.
Usage = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class CellPanel:
    """What stands below the matrix for one cell. `conflict` is what happened meanwhile, `yours` the unsaved choice."""

    name: str
    role: str
    role_title: str
    tool: str
    power: Power
    form: CellForm
    fields: FieldList | None
    conflict: Any = None
    yours: str = ""


def cell_panel(place: Place, name: str, *, form: CellForm | None = None, conflict: Any = None) -> CellPanel | None:
    """The panel of a cell named `role/tool`; None where there is no such cell."""
    role, _, tool = name.partition("/")
    if role not in place.roles or tool not in place.every_tool:
        return None
    return CellPanel(
        name=name,
        role=role,
        role_title=title(role),
        tool=tool,
        power=Powers(place.plain, place.at).of(role, tool, place.effect_class(tool)),
        form=form or cell_form(place, role, tool),
        fields=_fields(place, role, tool),
        conflict=conflict,
        yours=form.words if form and conflict else "",
    )


def cell_form(place: Place, role: str, tool: str, data: Any = None) -> CellForm:
    """The form of a cell with what stands in it. An empty mode is the tier's."""
    rule = edits.value_at(place.plain, ("roles", role, "tools", tool))
    initial = {
        "role": role, "tool": tool, "revision": place.revision, "was": edits.fingerprint(rule),
        "mode": "off" if rule is None else rule.get("mode", ""), "route": (rule or {}).get("route", ""),
        "until": parse(rule["until"]) if rule and "until" in rule else None, "then": (rule or {}).get("then", ""),
    }  # fmt: skip
    by_tier = Powers(place.plain, place.at).by_tier(role, tool, place.effect_class(tool)).word
    return CellForm(data, initial=initial, routes=place.plain.get("routes") or {}, by_tier=by_tier)


def _fields(place: Place, role: str, tool: str) -> FieldList | None:
    entry = place.tools.get(tool)
    if entry is None:
        return None
    kind = READS if entry.facts.effect_class == "read" else "write"
    if kind == READS:
        return field_list(place, role, entry.facts.resource_type, kind, tool=tool)
    usage = usage_of(place, role, [tool])
    return field_list(place, role, entry.facts.resource_type, kind, tool=tool, usage=usage_words(usage, [tool]))


def usage_of(place: Place, role: str, tools: Collection[str] | None = None) -> Usage:
    """How often the role wrote each field in 30 days."""
    return field_usages(place.policy.workspace_id, place.policy.slug, role, tools=tools)


def usage_words(usage: Usage, tools: Iterable[str]) -> dict[str, str]:
    """Field -> how often it was written with these tools, in words; a field that is missing was not."""
    counts: Counter[str] = Counter()
    for tool in tools:
        counts.update(usage.get(tool, {}))
    return {name: f"{plural(count, 'write')} in {DAYS} days" for name, count in counts.items()}
