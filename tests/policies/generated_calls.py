"""Tool calls over a few names, the same ones every time: two agents, two people, what was called before."""

import random
from datetime import UTC, datetime

from policies.engine.types import Money, Request, ToolFacts

FACTS = {
    facts.name: facts
    for facts in (
        ToolFacts("acct.get", "acct", "read", "reversible", connection="books"),
        ToolFacts("acct.sketch", "acct", "draft", "reversible", connection="books"),
        ToolFacts("acct.update", "acct", "write", "reversible", connection="books"),
        ToolFacts("pay.create", "pay", "side_effect", "compensable", connection="bank"),
        ToolFacts("pay.watch", "pay", "continuous", "irreversible", connection="bank"),
    )
}
ROLES = ("helper", "lead")

ADDRESS = {"city": {"code": 1, "name": "Riga"}, "zip": "LV-1001"}
RECORD = {"id": "a1", "name": "N", "region": "EU", "address": ADDRESS, "lines": [{"amount": 1, "tax": 2}]}
WRITTEN = ({}, {"name": "N"}, {"address": ADDRESS}, {"address": {"zip": "LV"}, "lines": [{"amount": 1}]})
RECORDS = (RECORD, RECORD, {**RECORD, "region": "US"}, None)
HELD = ("agent:agt_1", "tool:pay.create", "connection:bank", "workspace:all")
TRIPPED = [f"{name}:{whose}" for name in ("r1", "r2") for whose in HELD]
TIMES = [datetime(2026, 3, day, hour, 30, tzinfo=UTC) for day in (1, 2, 3, 10) for hour in (8, 12, 21)]


def _request(pick: random.Random) -> Request:
    """One call by one of two agents for one of two people."""
    amount = pick.choice((None, 1, 39, 60, 200))
    return Request(
        role=pick.choice(ROLES),
        agent={"id": pick.choice(("agt_1", "agt_2"))},
        requester={"id": pick.choice(("usr_1", "usr_2")), "groups": pick.choice(([], ["vip"]))},
        tool=pick.choice(list(FACTS.values())),
        arguments={"amount": amount} if amount else {},
        fields=pick.choice(WRITTEN),
        record=pick.choice(RECORDS),
        money=Money(amount, pick.choice(("USD", "USD", "EUR"))) if amount else None,
        recipients=pick.choice(((), ("x@a.example",), ("x@a.example", "y@a.example"))),
        usage={},
        at=pick.choice(TIMES),
        tripped=frozenset(pick.sample(TRIPPED, pick.choice((0, 0, 0, 1)))),
    )


_pick = random.Random(1)
REQUESTS = [_request(_pick) for _ in range(240)]
# What was called before, as (seconds ago, call).
HISTORIES = [
    [(_pick.choice((10, 3_000, 5_000, 80_000)), _request(_pick)) for _ in range(size)]
    for size in (0, 1, 2, 3, 4, 6, 9, 14, 30)
]
