"""The heavy pages ask the database as often however much there is: `python -m benchmarks.pages` says what they cost."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.clock import database_now
from policies.engine.document import load
from policies.suggestions import suggestions
from tests.policies.browsing import Page
from tests.policies.kit import BASE, changed
from tests.policies.past import Past, refund, update
from tests.policies.test_suggestions import ASKED, TOOLS


def asked_for(page: Page, path: str) -> int:
    """Queries of the second time a page is drawn."""
    page.get(path)
    with CaptureQueriesContext(connection) as queries:
        page.get(path)
    return len(queries)


def test_suggestions_take_four_queries_however_many_are_made(house, django_assert_num_queries):
    past, document = Past(house.workspace, ASKED), load(ASKED)
    for _ in range(20):
        past.add(refund(100), outcome="succeeded")
    now = database_now()
    for calls in (1, 2):
        with django_assert_num_queries(4):
            assert len(suggestions(house.workspace.pk, "support", document, TOOLS, now)) == calls
        for _ in range(20):
            past.add(update(), outcome="succeeded", at=now)


def test_the_matrix_takes_as_many_queries_with_a_hundred_cells_as_with_a_few(house):
    ken = Page(house, "ken").open()
    few = asked_for(ken, "tiers/")
    role = BASE["roles"]["clerk"]
    wide = role | {"tools": role["tools"] | {f"desk.t{number}": {} for number in range(20)}}
    more = {f"clerk{number}": wide for number in range(5)}
    house.save(ken.draft(), changed((("roles",), {"clerk": role, **more})))
    assert ken.get("tiers/").count('class="cell"') >= 100
    assert asked_for(ken, "tiers/") == few
