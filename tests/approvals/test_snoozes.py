"""Snooze: one reviewer's queue only, back by itself and in time, recorded."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.clock import database_now
from approvals.access import decidable_by
from approvals.models import ApprovalRequest, Snooze
from approvals.queue import queue_page
from approvals.refusals import AlreadyDecided, NotEntitled
from approvals.snoozes import MARGIN, SnoozeRefused, offered, snooze, wake
from tests.approvals.routing import entries
from tests.approvals.test_pages import browser
from tests.builders import planned, request_of, vote


@pytest.fixture
def request_(cast):
    return request_of(planned(cast), "desk.refund.create")


def aside(cast, request, first="priya", minutes=30):
    return snooze(actor=cast.actor(first), user=cast.user(first), request_id=request.pk, minutes=minutes)


def mine(cast, first, show=""):
    return [found.pk for found in queue_page(cast.user(first), cast.northwind, show).requests]


def test_it_hides_from_one_reviewer_and_comes_back_by_itself(cast, request_):
    aside(cast, request_)
    assert request_.pk not in mine(cast, "priya") and request_.pk in mine(cast, "priya", "snoozed")
    assert request_ not in decidable_by(cast.user("priya"), cast.northwind)
    assert request_.pk in mine(cast, "ken") and request_.pk in mine(cast, "priya", "team")
    (_, body) = entries(request_, "snoozed")[0]
    assert set(body) == {"approval", "action", "until"}
    Snooze.objects.update(until=F("until") - timedelta(minutes=31))
    assert request_.pk in mine(cast, "priya") and request_.pk not in mine(cast, "priya", "snoozed")


def test_it_ends_when_its_reviewer_says_so_and_once(cast, request_):
    aside(cast, request_)
    for _ in range(2):
        wake(actor=cast.actor("priya"), user=cast.user("priya"), request_id=request_.pk)
    assert request_.pk in mine(cast, "priya") and len(entries(request_, "woken")) == 1


@pytest.mark.parametrize(("left", "minutes", "fits"), [(41, 30, True), (39, 30, False), (9, 1, False)])
def test_nothing_is_hidden_in_the_last_of_its_time(cast, request_, left, minutes, fits):
    ApprovalRequest.objects.filter(pk=request_.pk).update(expires_at=database_now() + timedelta(minutes=left))
    request_.refresh_from_db()
    assert ((minutes, f"{minutes} min") in offered(request_, database_now())) == fits
    if not fits:
        with pytest.raises(SnoozeRefused, match="It is due at"):
            aside(cast, request_, minutes=minutes)
        return
    assert aside(cast, request_, minutes=minutes).until <= request_.expires_at - MARGIN


@pytest.mark.parametrize("minutes", [0, -5, 1441])
def test_no_other_length_is_taken(cast, request_, minutes):
    with pytest.raises(SnoozeRefused, match="1 to 1440"):
        aside(cast, request_, minutes=minutes)


def test_who_may_not_decide_has_nothing_to_put_aside(cast, request_):
    for first in ("maya", "dana", "tomas"):
        with pytest.raises(NotEntitled):
            aside(cast, request_, first)
    vote(cast, request_, "ken", "reject", "No.")
    with pytest.raises(AlreadyDecided):
        aside(cast, request_)
    assert not Snooze.objects.exists()


def test_the_page_snoozes_shows_until_when_and_still_decides(cast, request_):
    client, url = browser(cast, "priya"), f"/approvals/{request_.pk}/"
    page = client.get(url).content.decode()
    assert 'data-key="h"' in page and "30 min</option>" in page
    assert client.post(f"{url}snooze/", {"minutes": "30"}).headers["Location"] == "/approvals/"
    assert "Snoozed until" in client.get(url).content.decode()
    assert client.post(f"{url}snooze/", {"minutes": "x"}).status_code == 302
    client.post(f"{url}decide/", {"choice": "approve", "digest": request_.digest})
    request_.refresh_from_db()
    assert request_.step == 2
