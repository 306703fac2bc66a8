"""How a list under filters is read, of traces and of actions: along the index that narrows most, or gathered where few match.

A page is read along one index that has its rows in order, so it costs the same however many rows there are and however long ago
the last one was. What no single order finds soon is gathered by the inverted indexes and sorted, where they expect little of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, cast

from django.db.models import FilteredRelation, Q, QuerySet

from accounts.models import User, Workspace
from traces.by_day import by_day
from traces.facets import facet
from traces.filters import Filters
from traces.finding import NOBODY, agent_named, by_title, narrowed, people_named
from traces.models import FacetRow, Trace, TraceFacet
from traces.paging import NAMED, Page, Row, Stretch, Walk, Way, nth, page_of, read, walked
from traces.reading import FREE, GATHERED, prefer

# What is expected to be so few is gathered at once; up to so many, where walking along an index did not fill the page. Titles of
# the same words stand close together; what has the same facets is spread over the whole table and takes ten times as long.
FEW, COMMON, COMMON_WORDS = 5_000, 10_000, 60_000
# The filters that facets answer.
FACETS = ("record", "person", "rule", "tool", "policy")
# How many rows of each index say which of them reaches furthest back.
SAMPLE = 1_000
# A title is read word by word, which costs more than comparing a column.
REACH, REACH_OF_WORDS = 20_000, 1_500
# Words that may be gathered are walked for as far as they are counted (traces.paging.COUNTED).
GLANCE = 4


@dataclass(frozen=True, slots=True)
class Asked(Generic[Row]):
    """A list and its filters, as indexes see them.

    `lanes` is what each index that is in order has of it: by filter, and of facets by facet. `rest` gives the rows that match all
    else than a filter and the window; `asks_more`, whether that is anything.
    """

    workspace: Workspace
    filters: Filters
    lanes: Mapping[str, Mapping[str, QuerySet[Any]]]
    rest: Callable[[str], QuerySet[Row]]
    asks_more: bool
    key: str
    reach: int = REACH


def ways(visible: QuerySet[Trace], workspace: Workspace, filters: Filters, own: User | None = None) -> list[Way[Trace]]:
    """The ways to read the traces that match, the cheapest first. `own` is whose they are, where only their own are visible."""
    asked = _asked(visible, workspace, filters, own)
    along = walked(in_order(asked))
    if not asked.asks_more:
        return [along]
    found = narrowed(visible, workspace, filters)
    if filters.q:
        rest, here = narrowed(visible, workspace, replace(filters, q="")), Trace.objects.filter(workspace=workspace)
        days = by_day(visible, rest, workspace, filters.q, here.filter(filters.within("created_at")))
        return worded(filters, found, asked, along, days)
    gathered: Way[Trace] = lambda start, older, part: Stretch([Walk(found, visible)], None, GATHERED)  # noqa: E731 - too short
    return chosen(found, along, gathered)


def walks(visible: QuerySet[Trace], workspace: Workspace, filters: Filters) -> list[Walk[Trace]]:
    """The traces that match in the order of an index, one walk a person of that name."""
    return in_order(_asked(visible, workspace, filters, None))


def chosen(found: QuerySet[Any], along: Way[Row], gathered: Way[Row]) -> list[Way[Row]]:
    """Which ways to try, where `found` is what would be gathered."""
    many = expected(found)
    if many <= FEW:
        return [gathered, along]
    return [along] if many > COMMON else [along, gathered]


def worded(
    filters: Filters, found: QuerySet[Any], asked: Asked[Row], along: Way[Row], days: Way[Row]
) -> list[Way[Row]]:
    """Which ways to try where words are asked: along an index first, which meets common ones soon, and then by day.

    By day all is found that is titled so. Where more is asked of each, that may be few of very many titles: then no further than
    along the index. Of the beginnings of words the statistics know little, of whole words they know more.
    """
    if "time" in asked.lanes:
        return [_glanced(along), days]
    many = expected(found, by_title(found, filters.q, whole=True))
    return [along] if many > COMMON_WORDS else [_glanced(along), _or(days, along)]


def _glanced(along: Way[Row]) -> Way[Row]:
    """The same way, not as far: what is too rare to fill a page soon is gathered next, and all that was walked is lost."""
    return lambda start, older, part: along(start, older, max(part, GLANCE))


def _or(way: Way[Row], other: Way[Row]) -> Way[Row]:
    """The other where the one leads no further."""
    return lambda start, older, part: way(start, older, part) or other(start, older, part)


def expected(*found: QuerySet[Any]) -> int:
    """How many rows the database expects of the one that has most; none of what Django knows to be empty and never asks."""
    prefer(FREE)
    asked = [one.order_by().values("pk") for one in found]
    said = (asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0]).explain(format="json")
    plan: dict[str, Any] = json.loads(said)[0]["Plan"] if said else {"Node Type": "Result", "Plan Rows": 0}
    return max(int(part["Plan Rows"]) for part in (plan["Plans"] if plan["Node Type"] == "Append" else [plan]))


def _asked(visible: QuerySet[Trace], workspace: Workspace, filters: Filters, own: User | None) -> Asked[Trace]:
    here = Trace.objects.filter(workspace=workspace)
    lanes = {name: {"": lane} for name, lane in (
        ("outcome", here.filter(outcome=filters.outcome) if filters.outcome else None),
        ("agent", here.filter(agent_id=agent_named(workspace, filters.agent)) if filters.agent else None),
        ("own", here.filter(on_behalf_of=own) if own else None),
    ) if lane is not None}  # fmt: skip
    return asked_of(
        workspace, filters, {**facet_lanes(workspace, filters, TraceFacet), **lanes}, here, "trace_id",
        rest=lambda name: narrowed(visible, workspace, without(filters, name)), reach=REACH_OF_WORDS if filters.q else REACH,
    )  # fmt: skip


def asked_of(
    workspace: Workspace,
    filters: Filters,
    lanes: Mapping[str, Mapping[str, QuerySet[Any]]],
    here: QuerySet[Row],
    key: str,
    *,
    rest: Callable[[str], QuerySet[Row]],
    reach: int,
    hides: bool = False,
) -> Asked[Row]:
    """Along the lanes, or where there is none along time. `hides`: `rest` leaves out what no lane knows of."""
    given, ends = lanes or {"time": {"": here}}, filters.within("created_at")
    within = {name: {text: lane.filter(ends) for text, lane in some.items()} for name, some in given.items()}
    return Asked(
        workspace, filters, within, rest, len(lanes) + bool(filters.q) > 1 or bool(filters.q) or hides, key, reach
    )


def facet_lanes(workspace: Workspace, filters: Filters, rows: type[FacetRow]) -> dict[str, dict[str, QuerySet[Any]]]:
    """What each facet that is asked has in order; of a person's name, each of the people who have it."""
    named = {name: [facet(name, value)] for name in FACETS if name != "person" and (value := getattr(filters, name))}
    if filters.person:
        named["person"] = people_named(workspace, filters.person) or [NOBODY]
    here = rows._default_manager.filter(workspace=workspace)
    return {name: {text: here.filter(facet=text) for text in texts} for name, texts in named.items()}


def without(filters: Filters, name: str) -> Filters:
    """The filters that are left to ask of each row along the lane of one of them, within the window."""
    answered: Any = {name: ""} if name in FACETS else {}
    return replace(filters, since="", until="", **answered)


def in_order(asked: Asked[Row]) -> list[Walk[Row]]:
    """The walks along the lanes that reach furthest back."""
    name = _rarest(asked.lanes) if len(asked.lanes) > 1 else next(iter(asked.lanes))
    found = asked.rest(name)
    if len(asked.lanes[name]) > 1 and not asked.asks_more:
        several = along(found, asked.workspace, tuple(asked.lanes[name]), asked.key)
        return [several.between(asked.filters.begins, asked.filters.ends)]
    made = []
    for text, lane in asked.lanes[name].items():
        walk = along(found, asked.workspace, (text,), asked.key) if text else Walk(found, found)
        made.append(
            replace(
                walk.between(asked.filters.begins, asked.filters.ends),
                lane=lane if asked.asks_more else None,
                reach=asked.reach,
            )
        )
    return made


def _rarest(lanes: Mapping[str, Mapping[str, QuerySet[Any]]]) -> str:
    """The lanes that have fewest rows of late."""
    every = [(name, lane.order_by("-created_at")) for name, some in lanes.items() for lane in some.values()]
    found = nth([lane for _, lane in every], [SAMPLE // len(lanes[name]) for name, _ in every])
    ends = {name: [found[at] for at, (one, _) in enumerate(every) if one == name and at in found] for name in lanes}
    # The lanes that end before they have so many rows are the rarest of all.
    return min(ends, key=lambda name: (bool(ends[name]), max(ends[name]) if ends[name] else None))


def along(found: QuerySet[Row], workspace: Workspace, texts: tuple[str, ...], key: str) -> Walk[Row]:
    """Those with a facet, in its order, or with one of several. `key` is the column of the facet's row that names them."""
    named = texts[0] if len(texts) == 1 else NAMED
    here = FilteredRelation("facet_rows", condition=Q(facet_rows__workspace=workspace, facet_rows__facet=named))
    placed = cast("QuerySet[Row]", found.annotate(place=here))
    return Walk(
        placed,
        found,
        "place__created_at",
        f"place__{key}",
        given=(Q(place__facet=named),),
        texts=texts if len(texts) > 1 else (),
    )


def found_by(visible: QuerySet[Trace], workspace: Workspace, text: str, most: int, own: User | None) -> Page[Trace]:
    """The newest traces that touched a record of this id, that a person of this name asked for or decided, or so titled.

    `searched` is how far back titles were read where that was not all of them.
    """
    titled = page_of(ways(visible, workspace, Filters(q=text), own), {})
    wanted = [*people_named(workspace, text), facet("record", text)]
    others = read(Stretch([along(visible, workspace, tuple(wanted), "trace_id")]), None, most)
    rows = {trace.pk: trace for trace in [*titled.rows, *others]}
    newest = sorted(rows.values(), key=lambda trace: (trace.created_at, trace.pk), reverse=True)
    return replace(titled, rows=newest[:most])
