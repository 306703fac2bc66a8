"""Lists of actions too long to be read for one page: a member's own among many, and words where traces all moved at once."""

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from accounts.clock import database_now
from actions import finding
from actions.listing import listing
from actions.models import Action
from tests.actions.undoing import undo, wrote
from tests.builders import opened, planned, request_of, vote, work
from traces import ways
from traces.models import Trace

EVERY = 80


@pytest.fixture
def long(cast) -> list[Action]:
    """Eighty actions, newest first, each of a trace of its own, of which the oldest eight are Maya's and name an account."""
    one, now = Action.objects.filter(trace=planned(cast), step=1).values().get(), database_now()
    other = opened(cast, asker="dana")
    Action.objects.update(trace=other, requester=cast.user("dana"))
    people = [cast.user("dana" if number < EVERY - 8 else "maya") for number in range(EVERY)]
    times = [now - timedelta(days=1, seconds=number // 3) for number in range(EVERY)]
    traces = Trace.objects.bulk_create(
        Trace(
            workspace=cast.northwind, agent=cast.agent, on_behalf_of=person, created_at=at, updated_at=now,
            title="Moved account" if person.name.startswith("Maya") else "Read order",
        )
        for person, at in zip(people, times, strict=True)
    )  # fmt: skip
    made = Action.objects.bulk_create(
        Action(
            **one | {"id": f"act_{n:026d}", "trace_id": traces[n].pk, "requester_id": people[n].pk, "created_at": at}
        )
        for n, at in enumerate(times)
    )
    return sorted(made, key=lambda action: (action.created_at, action.pk), reverse=True)


def pages(cast, first, query):
    for _ in range(EVERY):
        page = listing(cast.user(first), cast.northwind, query)
        yield page
        if not page.next_url:
            return
        query = dict(parse_qsl(page.next_url[1:]))
    raise AssertionError("The pages do not end.")


@pytest.mark.parametrize("query", [{}, {"q": "moved"}, {"agent": "refunds-agent"}])
def test_p7_a_members_own_are_found_however_many_of_others_are_newer(cast, long, monkeypatch, query):
    for name, value in (("FEW", -1), ("COMMON", -1), ("COMMON_WORDS", -1)):
        monkeypatch.setattr(ways, name, value)
    for name in ("FEW", "REACH", "REACH_OF_WORDS"):
        monkeypatch.setattr(finding, name, -1 if name == "FEW" else 20)
    found = list(pages(cast, "maya", query))
    assert [row.id for page in found for row in page.rows] == [action.pk for action in long[-8:]]
    assert len(found) == 1 and not found[0].searched


def test_where_all_traces_moved_at_once_words_are_walked_as_far_as_ever(cast, long, monkeypatch):
    monkeypatch.setattr(finding, "MOST_TRACES", 3)
    monkeypatch.setattr(finding, "REACH_OF_WORDS", 16)
    found = list(pages(cast, "priya", {"q": "moved"}))
    assert [row.id for page in found for row in page.rows] == [action.pk for action in long[-8:]]
    assert len(found) <= EVERY // 16 + 2


def test_whose_a_trace_is_asked_for_each_of_its_actions(cast, desk):
    made = planned(cast)
    vote(cast, request_of(made, "desk.refund.create"), "priya")
    vote(cast, request_of(made, "desk.refund.create"), "tomas", reason="Duplicate confirmed.")
    work(made)
    undo(cast, wrote(cast, owner_note="first"))
    asked = Action.objects.values_list("requester", "trace__on_behalf_of", "rollback_of")
    assert len(asked) > 5 and any(of for *_, of in asked) and all(who == whose for who, whose, _ in asked)
