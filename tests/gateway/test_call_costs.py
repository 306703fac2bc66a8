"""How often one governed call asks the database, however many calls its trace holds already (benchmarks/README.md)."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.gateway.mcp_client import call

# With the savepoints that a test's own transaction makes of transactions.
MOST = 92


def asked(cast, tool: str, arguments: dict) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        call(tool, arguments, cast.token)
    return [one["sql"] for one in seen.captured_queries]


def test_a_read_asks_so_much_and_no_more_with_every_call(cast):
    call("desk.order.get", {"order_id": "48213"}, cast.token)
    first = asked(cast, "desk.order.get", {"order_id": "48213"})
    for _ in range(5):
        call("desk.order.get", {"order_id": "48213"}, cast.token)
    later = asked(cast, "desk.order.get", {"order_id": "48213"})
    assert len(first) <= MOST and abs(len(later) - len(first)) <= 1, (len(first), len(later))
