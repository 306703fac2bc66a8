"""Narrows visible traces to filters: facets, agent, outcome, time, words of the title. How they are read is for traces.ways."""

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet

from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from traces.facets import facet
from traces.filters import Filters
from traces.models import Trace

MOST_PEOPLE = 20
NOBODY = "person:nobody"
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
    found = found.filter(filters.within("created_at"))
    return by_title(found, filters.q) if filters.q else found


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


def by_title(found: QuerySet[Trace], text: str, *, whole: bool = False) -> QuerySet[Trace]:
    """Traces whose titles have words that begin with every word given; `whole`, those words themselves."""
    asked = SearchQuery(words_asked(text, ":*" if not whole else ""), config="simple", search_type="raw")
    return found.alias(title_words=TITLE_WORDS).filter(title_words=asked)


def words_asked(text: str, each: str = ":*") -> str:
    """Every word of a text as `to_tsquery` takes them; with `each` behind it, which says that its beginning is meant."""
    words = [word.replace("\\", "\\\\").replace("'", "''") for word in text.split()]
    return " & ".join(f"'{word}'{each}" for word in words)
