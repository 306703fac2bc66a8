"""Narrows visible traces to filters, by indexes alone: facets, agent, outcome, time, words of the title."""

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet

from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from traces.facets import facet
from traces.filters import Filters, instant_of
from traces.models import Trace

MOST_PEOPLE = 20
# As the index of migration 0009 has it.
TITLE_WORDS = SearchVector("title", config="simple")


def narrowed(visible: QuerySet[Trace], workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """Those of the visible traces that match every filter."""
    found = visible.filter(facets__contains=_facets(filters)) if _facets(filters) else visible
    if filters.outcome:
        found = found.filter(outcome=filters.outcome)
    if filters.agent:
        # Looked up first, so that the database knows how common it is.
        agent = Agent.objects.filter(workspace=workspace, slug=filters.agent).values_list("pk", flat=True).first()
        found = found.filter(agent_id=agent) if agent else found.none()
    if filters.person:
        found = found.filter(facets__overlap=people_named(workspace, filters.person) or ["person:nobody"])
    if filters.since:
        found = found.filter(created_at__gte=instant_of(filters.since))
    if filters.until:
        found = found.filter(created_at__lte=instant_of(filters.until))
    return by_title(found, filters.q) if filters.q else found


def _facets(filters: Filters) -> list[str]:
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
    people = people_named(workspace, text)
    ways = [
        visible.filter(facets__contains=[facet("record", text)]),
        *([visible.filter(facets__overlap=people)] if people else []),
        by_title(visible, text),
    ]
    found = {trace.pk: trace for way in ways for trace in way.order_by("-created_at")[:most]}
    return sorted(found.values(), key=lambda trace: trace.created_at, reverse=True)[:most]
