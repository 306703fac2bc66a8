"""The review an emergency owes: on Home until a different person confirms it, red when overdue, in the ledger (R-24)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.clock import database_now
from accounts.models import GroupMembership
from accounts.permissions import Role
from accounts.services import deactivate_user, remove_member
from approvals.glass_review import confirm_review, unresolved_for, write_review
from approvals.models import BreakGlass
from approvals.refusals import AlreadyDecided, NotEntitled, ReasonNeeded
from tests.approvals.routing import entries, hired, into
from tests.approvals.test_break_glass import REFUND, broken
from tests.approvals.test_pages import browser
from tests.builders import planned, request_of
from traces.ledger import verify

TEXT = "The bank had sent it twice; I would do it again."
NOTE = "I read the bank's letter and the order."


@pytest.fixture
def glass(cast):
    refund = request_of(planned(cast), REFUND)
    into(cast, "sam", "managers")
    broken(cast, refund, "sam")
    return BreakGlass.objects.get(request=refund)


def write(cast, glass, first="sam", text=TEXT):
    return write_review(actor=cast.actor(first), user=cast.user(first), request_id=glass.request_id, text=text)


def confirm(cast, glass, first="nia", finding="justified", note=NOTE):
    return confirm_review(actor=cast.actor(first), user=cast.user(first), request_id=glass.request_id, finding=finding,
                          note=note)  # fmt: skip


def needs(cast, first) -> list[tuple[str, str]]:
    return [(row.verb, row.urgency) for row in unresolved_for(cast.user(first), cast.northwind)]


def test_it_stays_on_home_until_a_different_person_confirms(cast, glass):
    assert needs(cast, "sam") == [("Write", "later")] and needs(cast, "nia") == [("Read", "later")]
    assert needs(cast, "priya") == [("Read", "later")] and needs(cast, "dana") == [] == needs(cast, "maya")
    write(cast, glass)
    assert needs(cast, "nia") == [("Confirm", "later")] and needs(cast, "sam") == [("Read", "later")]
    confirm(cast, glass)
    assert all(needs(cast, first) == [] for first in ("sam", "nia", "priya", "tomas"))
    assert [body["finding"] for _, body in entries(glass.request, "glass_confirmed")] == ["justified"]
    assert [body["text"] for _, body in entries(glass.request, "glass_reviewed")] == [TEXT]
    assert verify(glass.request.trace).ok


def test_r24_nobody_judges_an_emergency_who_could_not_decide_what_it_skipped(cast, glass):
    into(cast, "ava", "managers")
    write(cast, glass)
    with pytest.raises(NotEntitled):
        confirm(cast, glass, "ava")
    assert needs(cast, "ava") == [("Read", "later")]
    confirm(cast, glass, "nia")


def test_overdue_is_red_on_home_and_said_in_the_ledger(cast, glass):
    BreakGlass.objects.update(due_at=database_now() - timedelta(seconds=1))
    assert needs(cast, "sam") == [("Write", "overdue")]
    page = browser(cast, "sam").get("/").content.decode()
    assert "Emergency: Refund $240.00 on order 48213" in page and 'data-tone="bad"' in page and "Overdue" in page
    assert (
        "Review overdue"
        in browser(cast, "sam").get(f"/approvals/{glass.request_id}/break-glass/review/").content.decode()
    )
    write(cast, glass)
    assert entries(glass.request, "glass_reviewed")[0][1]["overdue"] is True


def test_r24_nobody_confirms_their_own_whatever_the_account(cast, glass):
    hired(cast, "other", "sam+other@northwind.example")
    into(cast, "other", "managers")
    with pytest.raises(NotEntitled):
        write(cast, glass, "nia")
    write(cast, glass)
    for first in ("sam", "other", "priya", "dana"):
        with pytest.raises(NotEntitled):
            confirm(cast, glass, first)
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.update(confirmed_by=cast.user("sam"))


def test_r24_nobody_with_a_hand_in_it_and_nobody_who_came_later_confirms(cast, glass):
    hired(cast, "two", "maya+two@northwind.example")
    for first in ("maya", "two", "dana"):
        into(cast, first, "managers")
    hired(cast, "late")
    into(cast, "late", "managers", joined=database_now())
    write(cast, glass)
    for first in ("maya", "two", "dana", "late"):
        assert needs(cast, first) == [("Read", "later")], first
        with pytest.raises(NotEntitled):
            confirm(cast, glass, first)
    confirm(cast, glass)


def test_it_is_written_once_confirmed_once_and_in_words(cast, glass):
    with pytest.raises(NotEntitled):
        confirm(cast, glass)
    with pytest.raises(ReasonNeeded):
        write(cast, glass, text="Fine.")
    write(cast, glass)
    with pytest.raises(AlreadyDecided):
        write(cast, glass)
    confirm(cast, glass, finding="unjustified")
    with pytest.raises(AlreadyDecided):
        confirm(cast, glass)


def test_where_the_one_who_owes_it_has_left_another_writes_and_a_third_confirms(cast, glass):
    hired(cast, "third")
    into(cast, "third", "managers")
    deactivate_user(actor=cast.actor("dana"), user=cast.user("sam"))
    write(cast, glass, "nia")
    with pytest.raises(NotEntitled):
        confirm(cast, glass, "nia")
    confirm(cast, glass, "third")


def test_where_they_have_no_role_here_any_more_another_writes_too(cast, glass):
    for role in Role:
        remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("sam"), role=role)
    assert cast.user("sam").is_active and needs(cast, "nia") == [("Write", "later")]
    write(cast, glass, "nia")


def test_an_overdue_one_stands_on_every_owners_home_whoever_else_is_left(cast, glass):
    """Otherwise one that nobody has a part in any more would stand nowhere."""
    assert needs(cast, "dana") == []
    GroupMembership.objects.all().delete()
    BreakGlass.objects.update(due_at=database_now() - timedelta(minutes=1))
    assert needs(cast, "dana") == [("Read", "overdue")] and needs(cast, "ava") == []


def test_pages_ask_each_for_their_part(cast, glass):
    address = f"/approvals/{glass.request_id}/break-glass/review/"
    sam, nia = browser(cast, "sam"), browser(cast, "nia")
    assert "Write the review" in sam.get(address).content.decode()
    assert "Sam Boye owes the review" in nia.get(address).content.decode()
    assert sam.post(address, {"text": "Short."}).status_code == 422
    assert nia.post(address, {"text": TEXT}).status_code == 409
    assert sam.post(address, {"text": TEXT}).status_code == 302
    assert nia.post(f"{address}confirm/", {"finding": "unjustified", "note": NOTE}).status_code == 302
    page = sam.get(address).content.decode()
    assert "Nia Okafor: it could have waited" in page and "Resolved" in page
    assert "It could have waited" in sam.get(f"/traces/{glass.request.trace_id}/").content.decode()
