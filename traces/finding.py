"""Narrows visible traces to filters, by indexes alone: facets, agent, outcome, time, words of the title.

A page is read along one index that has its rows in order (`walks`), so it costs the same however many rows there are and
however long ago the last one was.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, transaction
from django.db.models import FilteredRelation, Q, QuerySet

from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from traces.facets import facet
from traces.filters import Filters, instant_of
from traces.models import Trace
from traces.paging import Row, Walk, newest

MOST_PEOPLE = 20
MOST_SIFTED = 2_000
# What is expected to be so common is not sifted: a walk meets it soon.
COMMON = 25_000
_WALKING = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")
NOBODY = "person:nobody"
# The filters that facets answer, the one that leaves the fewest rows first: a list walks along the first that is asked.
LEADING = ("record", "person", "rule", "tool", "policy")
# As the index of migration 0009 has it.
TITLE_WORDS = SearchVector("title", config="simple")


def narrowed(visible: QuerySet[Trace], workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """Those of the visible traces that match every filter."""
    found = visible.filter(facets__contains=asked) if (asked := facets_asked(filters)) else visible
    if filters.outcome:
        found = found.filter(outcome=filters.outcome)
    if filters.agent:
        found = found.filter(agent_id=agent_named(workspace, filters.agent))
    if filters.person:
        found = found.filter(facets__overlap=people_named(workspace, filters.person) or [NOBODY])
    if filters.since:
        found = found.filter(created_at__gte=instant_of(filters.since))
    if filters.until:
        found = found.filter(created_at__lte=instant_of(filters.until))
    return by_title(found, filters.q) if filters.q else found


def walks(visible: QuerySet[Trace], workspace: Workspace, filters: Filters) -> list[Walk[Trace]]:
    """The same traces in the order of an index: of the facet that narrows most, else of time; one a person of that name."""
    few = sifted(workspace, filters)
    if few is not None:
        found = narrowed(visible.filter(pk__in=few), workspace, filters)
        return [Walk(found, found)]
    facets, rest = leading(workspace, filters)
    found = narrowed(visible, workspace, rest)
    made = [along(found, workspace, one, "trace_id") for one in facets] if facets else [Walk(found, found)]
    return [within(walk, filters) for walk in made]


def sifted(workspace: Workspace, filters: Filters) -> list[str] | None:
    """Ids of the traces that have the words and all facets asked for, where they are few: what no single order finds soon.

    None where they are many, so that a walk meets them soon, and where one facet alone is asked, which has an order.
    """
    facets = facets_asked(filters)
    if not filters.q and len(facets) < 2:
        return None
    found = Trace.objects.filter(workspace=workspace)
    found = found.filter(facets__contains=facets) if facets else found
    found = by_title(found, filters.q) if filters.q else found
    if _expected(found) > COMMON:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        # The planner takes absent words for common ones; only the inverted indexes are asked here.
        for way in _WALKING:
            cursor.execute(f"SET LOCAL {way} = off")
        ids = list(found.order_by().values_list("pk", flat=True)[: MOST_SIFTED + 1])
        for way in _WALKING:
            cursor.execute(f"SET LOCAL {way} TO DEFAULT")
    return ids if len(ids) <= MOST_SIFTED else None


def _expected(found: QuerySet[Trace]) -> int:
    """How many rows the database expects, which knows common words and facets from its statistics."""
    return int(json.loads(found.order_by().explain(format="json"))[0]["Plan"]["Plan Rows"])


def leading(workspace: Workspace, filters: Filters) -> tuple[Sequence[str], Filters]:
    """The facets of the filter that a list walks along (none: it walks along time), and the filters left to ask of each row."""
    name = next((name for name in LEADING if getattr(filters, name)), "")
    rest = replace(filters, since="", until="")
    if not name:
        return [], rest
    value = getattr(filters, name)
    facets = (people_named(workspace, value) or [NOBODY]) if name == "person" else [facet(name, value)]
    answered: Any = {name: ""}
    return facets, replace(rest, **answered)


def along(found: QuerySet[Row], workspace: Workspace, named: str, key: str) -> Walk[Row]:
    """Those with a facet, in its order. `key` is the column of the facet's row that names them."""
    here = FilteredRelation("facet_rows", condition=Q(facet_rows__workspace=workspace, facet_rows__facet=named))
    placed = cast("QuerySet[Row]", found.annotate(place=here).filter(place__facet=named))
    return Walk(placed, found, "place__created_at", f"place__{key}")


def within(walk: Walk[Row], filters: Filters) -> Walk[Row]:
    """The part of a walk that lies in the filters' window."""
    ends = [instant_of(text) if text else None for text in (filters.since, filters.until)]
    return walk.between(*ends)


def agent_named(workspace: Workspace, slug: str) -> str:
    """The id of an agent, looked up first so that the database knows how common it is; "" where there is none."""
    return Agent.objects.filter(workspace=workspace, slug=slug).values_list("pk", flat=True).first() or ""


def facets_asked(filters: Filters) -> list[str]:
    """The facets a trace has to have, all of them, for the filters on tool, record, policy and rule."""
    given = {"tool": filters.tool, "record": filters.record, "policy": filters.policy, "rule": filters.rule}
    return [facet(kind, value) for kind, value in given.items() if value]


def people_named(workspace: Workspace, text: str) -> list[str]:
    """Facets of the people of a workspace with this id, email or part of a name; at most MOST_PEOPLE."""
    if is_id("usr", text):
        return [facet("person", text)]
    named = Q(email=text.lower()) | Q(name__icontains=text)
    people = User.objects.filter(named, memberships__workspace=workspace).order_by("pk")
    return [facet("person", one) for one in people.values_list("pk", flat=True).distinct()[:MOST_PEOPLE]]


def by_title(found: QuerySet[Trace], text: str) -> QuerySet[Trace]:
    """Traces whose titles have words that begin with every word given."""
    words = [word.replace("\\", "\\\\").replace("'", "''") for word in text.split()]
    query = " & ".join(f"'{word}':*" for word in words)
    asked = SearchQuery(query, config="simple", search_type="raw")
    return found.annotate(title_words=TITLE_WORDS).filter(title_words=asked)


def found_by(visible: QuerySet[Trace], workspace: Workspace, text: str, most: int) -> list[Trace]:
    """The newest traces that touched a record of this id, that a person of this name asked for or decided, or so titled."""
    few = sifted(workspace, Filters(q=text))
    titled = Walk(by_title(visible, text) if few is None else visible.filter(pk__in=few), visible)
    wanted = [*people_named(workspace, text), facet("record", text)]
    ways = [*(along(visible, workspace, one, "trace_id") for one in wanted), titled]
    return newest(ways, most)
