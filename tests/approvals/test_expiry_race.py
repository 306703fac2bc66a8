"""A verdict and the expiry of its request at the same moment: exactly one of them wins, and the page says which (B-05, R-27).

A few rounds here; REMIT_RACES says how many, REMIT_RACES_SEED takes another draw of who begins how much later.
"""

import os
import random
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.models import Action
from approvals.models import ApprovalRequest, Verdict
from approvals.refusals import AlreadyDecided
from approvals.services import expire_due, record_verdict
from tests.approvals.routing import entries, routed
from tests.builders import STEPS, planned, publish, request_of, sample_plain

UPDATE = "desk.account.update"
ROUNDS = max(6, int(os.environ.get("REMIT_RACES", "24")) // 4)
SEED = os.environ.get("REMIT_RACES_SEED", "1")
DUE_S = 0.15


@pytest.fixture
def asking(transactional_db, cast):
    """Account updates that one support lead decides."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)

    def ask(due_s: float) -> ApprovalRequest:
        found = request_of(planned(cast, [STEPS[2]]), UPDATE)
        found.expires_at = database_now() + timedelta(seconds=due_s)
        found.save(update_fields=["expires_at"])
        return found

    return ask


def approve(cast, request: ApprovalRequest) -> str:
    """What the person is told: "" where it counts."""
    try:
        record_verdict(
            actor=cast.actor("priya"), user=cast.user("priya"), request_id=request.pk, choice="approve", reason="",
            digest=request.digest,
        )  # fmt: skip
    except AlreadyDecided as error:
        return str(error)
    return ""


def sweep(cast) -> int:
    return expire_due(actor=system_actor("sweeper", cast.northwind.pk))


def apart(*works) -> None:
    """Each so many seconds from now, at once."""
    gate = threading.Barrier(len(works))

    def one(work, later: float) -> None:
        gate.wait()
        time.sleep(later)
        work()
        connections.close_all()

    threads = [threading.Thread(target=one, args=each) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one_winner(cast, request: ApprovalRequest, told: str) -> str:
    """Which it was; state, ledger, action and page agree."""
    request.refresh_from_db()
    settled = [body["state"] for _, body in entries(request, "settled")]
    assert settled == [request.state] and request.state == ("expired" if told else "approved")
    assert Verdict.objects.filter(request=request).count() == (0 if told else 1)
    reader = Client()
    reader.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    page = reader.get(f"/approvals/{request.pk}/").content.decode()
    assert ("Expired at" in page, "Approved by Priya Nair at" in page) == (bool(told), not told)
    assert 'value="approve"' not in page
    state = Action.objects.get(pk=request.action_id).state
    assert state in ({"expired"} if told else {"authorized", "executing", "succeeded"})
    return request.state


def test_b05_a_verdict_against_the_sweeper_round_after_round(cast, asking):
    draw, ended = random.Random(SEED), Counter()
    for _ in range(ROUNDS):
        request, told = asking(DUE_S), []
        apart(
            (lambda request=request, told=told: told.append(approve(cast, request)), draw.uniform(0, 2 * DUE_S)),
            (lambda: sweep(cast), draw.uniform(DUE_S / 2, 2 * DUE_S)),
        )  # fmt: skip
        if told[0]:
            assert "expired at" in told[0]  # With the time, and by nobody.
            time.sleep(max(0.0, (request.expires_at - database_now()).total_seconds()))
        sweep(cast)
        ended[one_winner(cast, request, told[0])] += 1
    assert sum(ended.values()) == ROUNDS


def test_b05_the_verdict_is_first_and_the_sweeper_waits_for_it(cast, asking):
    request, swept = asking(60), []
    waiting = threading.Thread(target=lambda: (swept.append(sweep(cast)), connections.close_all()))
    with transaction.atomic():
        assert approve(cast, request) == ""
        # Due now for everybody else, who cannot see the row that is locked.
        with_time = ApprovalRequest.objects.filter(pk=request.pk)
        with_time.update(expires_at=database_now() - timedelta(seconds=1))
        waiting.start()
        waiting.join(timeout=1)
    waiting.join()
    assert one_winner(cast, request, "") == "approved"


def test_b05_the_sweeper_is_first_and_the_verdict_waits_for_it(cast, asking):
    request, told = asking(0), []
    voting = threading.Thread(target=lambda: (told.append(approve(cast, request)), connections.close_all()))
    with transaction.atomic():
        assert sweep(cast) == 1
        voting.start()
        voting.join(timeout=1)
        assert voting.is_alive()
    voting.join()
    assert "expired" in told[0] and one_winner(cast, request, told[0]) == "expired"


def test_b05_what_expired_after_one_of_two_steps_was_expired_by_nobody(cast, asking):
    """Priya approved the first step, so her name stands in the request; she did not expire it."""
    request = routed(
        asking(60), steps=[{"name": "Lead", "group": "support-leads"}, {"name": "Money", "group": "finance"}]
    )
    assert approve(cast, request) == ""
    ApprovalRequest.objects.filter(pk=request.pk).update(expires_at=database_now())
    sweep(cast)
    told = approve(cast, request)
    assert "This request was already expired at" in told and "Priya" not in told
