"""Lists too long to be read for one page: read a stretch at a time, with nothing left out, shown twice or silently cut."""

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.clock import database_now
from accounts.models import User
from tests.builders import opened
from traces import paging, ways
from traces.access import traces_visible_to
from traces.filters import Filters
from traces.listing import listing
from traces.models import Trace
from traces.paging import HIGHEST, LOWEST, Walk
from traces.reading import reading

BACKEND = "django.contrib.auth.backends.ModelBackend"
# The newest ninety do not have the word, every third of the others has it.
NEW, ALL, EVERY = 90, 150, 3


@pytest.fixture
def long(cast) -> list[str]:
    """Ids of the traces whose title has the word, newest first; some of them of the same instant."""
    now = database_now()
    words = {number for number in range(NEW, ALL) if number % EVERY == 0}
    made = Trace.objects.bulk_create(
        Trace(
            workspace=cast.northwind, agent=cast.agent, on_behalf_of=cast.user("maya"), updated_at=now,
            created_at=now - timedelta(seconds=number // 4), title="Moved account" if number in words else "Read account",
            outcome="denied" if number in words else "completed", facets=["tool:a.b"],
        )
        for number in range(ALL)
    )  # fmt: skip
    return [
        trace.pk
        for trace in sorted(made, key=lambda one: (one.created_at, one.pk), reverse=True)
        if "Moved" in trace.title
    ]


@pytest.fixture(params=["walked", "gathered", "either"])
def read_so(request, monkeypatch):
    """Lists are read by so many rows a page, and by the way that the database's expectation would have chosen."""
    few, common = {"walked": (-1, -1), "gathered": (10**6, 10**7), "either": (-1, 10**6)}[request.param]
    for name, value in (
        ("FEW", few),
        ("COMMON", common),
        ("COMMON_WORDS", common),
        ("REACH", 20),
        ("REACH_OF_WORDS", 20),
    ):
        monkeypatch.setattr(ways, name, value)
    return request.param


def pages(cast, query, link="next_url", first="priya"):
    """Each page from this one on."""
    for _ in range(ALL):
        page = listing(cast.user(first), cast.northwind, query, [])
        yield page
        if not getattr(page, link):
            return
        query = dict(parse_qsl(getattr(page, link)[1:]))
    raise AssertionError("The pages do not end.")


@pytest.mark.parametrize(
    "query", [{"q": "moved acc"}, {"tool": "a.b", "outcome": "denied"}, {"tool": "a.b", "q": "moved"}]
)
def test_pages_together_show_every_match_once_in_order(cast, long, read_so, query):
    found = list(pages(cast, query))
    assert [row.id for page in found for row in page.rows] == long
    assert not found[-1].searched and all(page.searched for page in found[:-1])
    if read_so != "walked":
        assert len(found) == 1 and found[0].count == str(len(long))


def test_a_page_that_was_not_filled_says_how_far_it_looked(cast, long, read_so):
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    html = client.get("/traces/?tool=a.b&outcome=denied").content.decode()
    if read_so != "walked":
        assert "Moved account" in html and "Search older" not in html and "not searched" not in html
        return
    assert (
        "None of the traces searched so far matches 2 filters." in html and "Older traces were not searched yet" in html
    )
    assert ">Search older</a>" in html and "No traces match" not in html and ">Clear filters</a>" in html


def test_a_page_that_was_gathered_counts_what_it_read(cast, long, monkeypatch, django_assert_num_queries):
    for name, value in (("FEW", -1), ("COMMON_WORDS", 10**6), ("REACH_OF_WORDS", 20)):
        monkeypatch.setattr(ways, name, value)
    monkeypatch.setattr(paging, "PAGE", 5)
    visible = traces_visible_to(cast.user("priya"), cast.northwind)
    with reading():
        page = paging.page_of(ways.ways(visible, cast.northwind, Filters.from_query({"q": "moved"})), {})
        with django_assert_num_queries(0):
            said = [paging.counted(page, most) for most in (99, len(long), len(long) - 1, 3)]
    assert [trace.pk for trace in page.rows] == long[:5] and page.older
    assert said == [str(len(long)), str(len(long)), f"{len(long) - 1}+", "5+"]


def test_a_first_page_that_met_no_more_than_it_shows_is_not_counted_anew(
    cast, long, monkeypatch, django_assert_num_queries
):
    for name, value in (("FEW", -1), ("COMMON", -1), ("REACH", 20)):
        monkeypatch.setattr(ways, name, value)
    visible = traces_visible_to(cast.user("priya"), cast.northwind)
    for query, more in (({"tool": "a.b", "outcome": "denied"}, "+"), ({"tool": "nobody's"}, "")):
        with reading():
            page = paging.page_of(ways.ways(visible, cast.northwind, Filters.from_query(query)), {})
            with django_assert_num_queries(0):
                assert paging.counted(page) == f"{len(page.rows)}{more}"


def test_what_people_of_one_name_have_is_asked_in_one_statement_and_shown_once(cast, long):
    people = [cast.user(first) for first in ("maya", "dana", "ken")]
    User.objects.filter(pk__in=[one.pk for one in people]).update(name="Sam")
    named = [f"person:{one.pk}" for one in people]
    for number, pk in enumerate(long):
        # Of one of them, or of two.
        Trace.objects.filter(pk=pk).update(facets=sorted({named[number % 3], named[number % 2]}))
    with CaptureQueriesContext(connection) as asked:
        found = list(pages(cast, {"person": "sam"}))
    assert [row.id for page in found for row in page.rows] == long and found[0].count == str(len(long))
    read = [query["sql"] for query in asked if "traces_tracefacet" in query["sql"]]
    assert read and all(sql.count("traces_tracefacet") == 1 for sql in read), "one plan for all of them"
    assert not listing(cast.user("omar"), cast.northwind, {"person": "sam"}, []).rows


def test_newer_pages_lead_back_to_the_newest(cast, long, read_so):
    oldest = Trace.objects.order_by("created_at", "pk").values_list("created_at", flat=True)[0]
    query = {"tool": "a.b", "outcome": "denied", "before": f"{oldest:%Y-%m-%dT%H:%M:%S.%f}Z~{LOWEST}"}
    back = list(pages(cast, query, "previous_url"))
    assert [row.id for page in reversed(back) for row in page.rows] == long
    assert [(bool(page.searched), page.looked_back) for page in back[:-1]] == [(True, False)] * (len(back) - 1)


def test_a_place_beyond_every_trace_is_an_empty_page_that_leads_back(cast, long):
    page = listing(cast.user("priya"), cast.northwind, {"before": f"2999-01-01T00:00:00.000000Z~{HIGHEST}"}, [])
    assert not page.rows and not page.previous_url
    assert listing(cast.user("priya"), cast.northwind, dict(parse_qsl(page.next_url[1:])), []).rows
    page = listing(cast.user("priya"), cast.northwind, {"after": f"2000-01-01T00:00:00.000000Z~{LOWEST}"}, [])
    assert not page.rows and not page.next_url
    assert listing(cast.user("priya"), cast.northwind, dict(parse_qsl(page.previous_url[1:])), []).rows


def test_p7_a_long_list_of_a_member_is_their_own(cast, long, read_so):
    mine = opened(cast, asker="dana", intent="Moved something.")
    Trace.objects.filter(pk=mine.pk).update(title="Moved something", created_at=database_now() - timedelta(days=1))
    shown = [row.id for page in pages(cast, {"q": "moved"}, first="omar") for row in page.rows]
    assert shown == [] and [row.id for page in pages(cast, {"q": "moved"}, first="maya") for row in page.rows] == long


def test_the_lane_that_reaches_furthest_back_is_walked(cast, long, monkeypatch):
    def lane(**query) -> str:
        visible = traces_visible_to(cast.user("priya"), cast.northwind)
        with reading():
            found: list[Walk] = ways.walks(visible, cast.northwind, Filters.from_query(query))
        return str(found[0].lane.query)

    monkeypatch.setattr(ways, "SAMPLE", 3)
    Trace.objects.filter(pk=long[0]).update(outcome="unknown")
    assert "facet" in lane(tool="none", outcome="denied") and '"outcome" = unknown' in lane(
        tool="a.b", outcome="unknown"
    )


def test_how_the_database_reads_a_list_ends_with_it(cast):
    def now() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name || setting FROM pg_settings WHERE name LIKE 'enable%' OR name IN ('jit', 'plan_cache_mode')"
            )
            return sorted(row[0] for row in cursor.fetchall())

    before = now()
    with reading():
        ways.expected(Trace.objects.all())
        ways.prefer(ways.GATHERED)
        assert "enable_indexscanoff" in now() and "jitoff" in now() and "plan_cache_modeforce_custom_plan" in now()
    assert now() == before
