"""The trace list: filters from facets of the ledger, keyset pages, saved views, search; nothing of another person or tenant."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.utils.html import escape

from accounts.clock import database_now
from tests.builders import opened, planned, request_of, vote
from traces.access import traces_visible_to
from traces.filters import Filters
from traces.finding import narrowed
from traces.listing import listing
from traces.models import SavedView, Trace
from traces.paging import PAGE, counted, newest, page_of
from traces.reading import reading
from traces.saved import MOST, ViewRefused, save_view
from traces.ways import found_by, walks, ways

BACKEND = "django.contrib.auth.backends.ModelBackend"


def matches(cast, **query) -> list[str]:
    visible = traces_visible_to(cast.user("priya"), cast.northwind)
    found = narrowed(visible, cast.northwind, Filters.from_query(query))
    asked = list(found.values_list("pk", flat=True))
    walked = newest(walks(visible, cast.northwind, Filters.from_query(query)), 99)
    with reading():
        page = page_of(ways(visible, cast.northwind, Filters.from_query(query)), {})
    assert sorted(trace.pk for trace in walked) == sorted(trace.pk for trace in page.rows) == sorted(asked), query
    return asked


@pytest.fixture
def two(cast):
    """One planned trace with a refused field and an approval, and an empty one of another person."""
    worked, empty = planned(cast), opened(cast, asker="dana", intent="Look at something.")
    vote(cast, request_of(worked, "desk.refund.create"), "priya")
    return worked, empty


FOUND = [
    ({}, True, True),
    ({"tool": "desk.refund.create"}, True, False),
    ({"tool": "desk.refund"}, False, False),
    ({"record": "acct_5521"}, True, False),
    ({"policy": "support"}, True, False),
    ({"policy": "support@1"}, True, False),
    ({"policy": "support@2"}, False, False),
    ({"rule": "fields.desk.account"}, True, False),
    ({"person": "maya@northwind.example"}, True, False),
    ({"person": "Dana"}, False, True),
    ({"person": "priya nair"}, True, False),
    ({"person": "nobody at all"}, False, False),
    ({"outcome": "waiting"}, True, False),
    ({"agent": "refunds-agent"}, True, True),
    ({"agent": "front-desk-agent"}, False, False),
    ({"q": "refunding order 482"}, True, False),
    ({"q": "it's \\ ' & | !"}, False, False),
    ({"from": "2020-01-01", "to": "2020-01-02T10:00+02:00"}, False, False),
    ({"from": "2020-01-01"}, True, True),
    ({"tool": "desk.refund.create", "record": "acct_5521", "outcome": "waiting", "person": "maya"}, True, False),
]


def test_filters_find_what_the_ledger_says(cast, two):
    for query, *wanted in FOUND:
        expected = {trace.pk for trace, is_wanted in zip(two, wanted, strict=True) if is_wanted}
        assert set(matches(cast, **query)) == expected, query


def test_r42_no_withheld_value_becomes_a_facet(cast, two):
    text = " ".join(" ".join(facets) for facets in Trace.objects.values_list("facets", flat=True))
    assert "record:acct_5521" in text and "@" not in text.replace("support@1", "") and "1111" not in text


def test_older_traces_get_the_facets_their_entries_give(cast, two):
    def facets():
        return {pk: sorted(found) for pk, found in Trace.objects.values_list("pk", "facets")}

    written = facets()
    assert any(written.values())
    Trace.objects.update(facets=[])
    with connection.cursor() as cursor:
        cursor.execute(import_module("traces.migrations.0009_found_by_facets").FILL)
    assert facets() == written


def test_values_that_say_nothing_are_named_with_the_remedy():
    filters = Filters.from_query(
        {"from": "last night", "outcome": "odd", "to": "0001-01-01T00:00+14:00", "tool": "a\x00"}
    )
    assert filters.active == {"tool": "a"}
    assert [problem.split(":")[0] for problem in filters.problems] == ["from", "to", "outcome"]
    assert "2026-11-21T02:00" in filters.problems[0]
    late = Filters.from_query({"from": "2026-02-02", "to": "2026-02-01"})
    assert late.problems == ("to: it lies before from, so nothing can match. Exchange them.",)


def many(cast, count):
    now = database_now()
    Trace.objects.bulk_create(
        Trace(
            workspace=cast.northwind, agent=cast.agent, on_behalf_of=cast.user("maya"), title=f"Read order {number}",
            created_at=now - timedelta(seconds=number // 2), updated_at=now,
        )
        for number in range(count)
    )  # fmt: skip


def test_pages_go_on_from_the_last_row_and_back_even_among_equal_times(cast, django_assert_max_num_queries):
    many(cast, 2 * PAGE + 10)
    user, here = cast.user("priya"), cast.northwind
    seen, query, pages = [], {}, []
    while True:
        with django_assert_max_num_queries(13):  # Four of them begin and end how a page is read.
            page = listing(user, here, query, [])
        pages.append([row.id for row in page.rows])
        seen += pages[-1]
        if not page.next_url:
            break
        query = dict(part.split("=") for part in page.next_url.replace("%3A", ":").replace("%7E", "~")[1:].split("&"))
    assert [len(some) for some in pages] == [PAGE, PAGE, 10] and len(set(seen)) == len(seen)
    back = dict(part.split("=") for part in page.previous_url.replace("%3A", ":").replace("%7E", "~")[1:].split("&"))
    assert [row.id for row in listing(user, here, back, []).rows] == pages[1]
    assert [row.id for row in listing(user, here, {"after": "nonsense"}, []).rows] == pages[0]


def page_for(cast, first, path):
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client.get(path).content.decode()


def test_empty_list_names_the_filters_and_clears_them(cast):
    html = page_for(cast, "priya", "/traces/?outcome=failed&tool=x&record=<b>")
    assert "No traces match 3 filters." in html and "Record: &lt;b&gt;" in html and 'href="?">Clear filters' in html


def test_p7_members_find_their_own_traces_alone(cast, two):
    worked, empty = two
    found = page_for(cast, "maya", "/traces/?agent=refunds-agent")
    assert worked.pk in found and empty.pk not in found
    assert worked.pk not in page_for(cast, "omar", "/traces/?record=acct_5521")


@pytest.mark.parametrize("wanted", ["acct_5521", "Maya", "order 482"])
def test_search_finds_records_people_and_titles(cast, two, wanted):
    visible = traces_visible_to(cast.user("priya"), cast.northwind)
    with reading():
        assert two[0].pk in [trace.pk for trace in found_by(visible, cast.northwind, wanted, 50, None).rows]
    assert two[0].pk in page_for(cast, "priya", f"/search/?q={wanted}")
    assert two[0].pk not in page_for(cast, "omar", f"/search/?q={wanted}")


def test_saved_view_is_one_persons_and_opens_the_same_list(cast):
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    client.post("/traces/views/save/", {"name": "Failed refunds", "outcome": "failed", "tool": "desk.refund.create"})
    view = SavedView.objects.get()
    assert (view.user, view.query) == (cast.user("priya"), "?outcome=failed&tool=desk.refund.create")
    assert escape(view.query) in page_for(cast, "priya", "/traces/") and "Failed refunds" not in page_for(
        cast, "ken", "/traces/"
    )
    client.post("/traces/views/save/", {"name": "Failed refunds", "outcome": "denied"})
    assert SavedView.objects.get().query == "?outcome=denied"
    client.post(f"/traces/views/{view.pk}/remove/")
    assert not SavedView.objects.exists()


def test_views_without_name_or_filter_or_beyond_the_most_are_refused(cast):
    def save(name, **query):
        return save_view(user=cast.user("ken"), workspace=cast.northwind, name=name, filters=Filters.from_query(query))

    for name, query in (("", {"q": "x"}), ("x", {})):
        with pytest.raises(ViewRefused):
            save(name, **query)
    for number in range(MOST):
        save(f"view {number}", q="x")
    with pytest.raises(ViewRefused, match="Remove one first"):
        save("one more", q="x")


def count(cast, query=None, **most) -> str:
    visible = traces_visible_to(cast.user("priya"), cast.northwind)
    with reading():
        return counted(page_of(ways(visible, cast.northwind, Filters.from_query(query or {})), {}), **most)


def test_counts_say_all_of_few_and_more_than_so_many(cast, two):
    many(cast, 60)
    assert (count(cast), count(cast, most=55)) == ("62", "55+")
    assert "62 traces" in page_for(cast, "priya", "/traces/") and "1 trace<" in page_for(
        cast, "priya", "/traces/?record=acct_5521"
    )
    # Maya, Priya and Dana: the first trace is of two of them.
    assert count(cast, {"person": "a", "tool": "desk.refund.create"}) == "1" and count(cast, {"person": "a"}) == "2"


def test_a_page_of_one_facet_is_read_in_order_along_its_index(cast, two):
    many(cast, 300)
    Trace.objects.filter(title__startswith="Read order").update(facets=["policy:support", "policy:support@1"])
    for query in (
        {"policy": "support@1"},
        {"record": "acct_5521"},
        {"person": "maya@northwind.example"},
        {"rule": "a.b"},
    ):
        walk = walks(traces_visible_to(cast.user("priya"), cast.northwind), cast.northwind, Filters.from_query(query))[
            0
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
            )
        plan = walk.beyond(None, PAGE + 1).explain()
        assert "trace_facet_newest" in plan and "Sort Key" not in plan.replace("Incremental Sort", ""), plan
