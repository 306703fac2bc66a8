"""A ledger that does not hold stands on Home, for those who act on it, until it holds again (P6)."""

import pytest

from console.home import needs
from tests.console.test_trust import browser
from tests.traces.ledgers import attacker, grow, grown
from traces.checkpoints.errors import CheckpointFailed
from traces.checkpoints.take import checkpoint_workspace
from traces.models import Entry


def told(cast, first) -> list[tuple[str, str, str]]:
    return [(one.title, one.url, one.verb) for one in needs(cast.user(first), cast.northwind) if "ledger" in one.title]


def harmed(trace, text: str) -> None:
    with attacker() as cursor:
        cursor.execute("UPDATE traces_entry SET canonical = %s WHERE trace_id = %s AND seq = 3", [text, trace.pk])


def test_p6_a_broken_ledger_is_a_need_until_it_holds(cast):
    trace = grown(cast)
    whole = Entry.objects.get(trace=trace, seq=3).canonical
    assert told(cast, "dana") == []
    harmed(trace, whole.replace("1", "2", 1))
    with pytest.raises(CheckpointFailed):
        checkpoint_workspace(cast.northwind.pk)
    wanted = "The ledger of a trace does not hold. Record 3 was changed after it was written."
    for first in ("dana", "ava", "priya", "ken"):
        assert told(cast, first) == [(wanted, f"/traces/{trace.pk}/", "Show work")], first
    assert told(cast, "maya") == [] and told(cast, "omar") == []
    page = browser(cast, "ken").get("/").content.decode()
    assert "<h1>1 thing needs you</h1>" in page and "checkpoint failed" not in page
    harmed(trace, whole)
    grow(cast, trace, 1, start=5)
    checkpoint_workspace(cast.northwind.pk)
    assert told(cast, "dana") == []
