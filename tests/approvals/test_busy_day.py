"""After an emergency, a bulk step and a rollback, every page of the people who look stands."""

import pytest

from accounts.clock import database_now
from actions.models import Action, Recheck
from approvals.break_glass import break_glass
from tests.actions.test_bulk import bulk_plan, let_run
from tests.actions.undoing import undo
from tests.approvals.test_pages import browser
from tests.builders import planned, request_of, vote, work

PAGES = ["/", "/approvals/", "/approvals/?show=decided", "/approvals/load/", "/approvals/rechecks/", "/me/security/"]


@pytest.fixture
def busy(cast):
    refund = request_of(planned(cast), "desk.refund.create")
    vote(cast, refund, "priya")
    refund.refresh_from_db()
    reason = "The customer's shop is closed until this is paid back."
    break_glass(
        actor=cast.actor("sam"), user=cast.user("sam"), request_id=refund.pk, reason=reason, digest=refund.digest,
        promised=True,
    )  # fmt: skip
    plan = bulk_plan(cast)
    let_run(cast, plan)
    work(plan.trace)
    undo(cast, plan.actions.get(step=7))
    for found in Action.objects.filter(state="succeeded"):
        Recheck.objects.get_or_create(action=found, defaults={"selected_at": database_now()})
    return cast


def test_pages_stand_on_a_busy_day(busy):
    asked = [(first, path) for first in ("dana", "ken", "priya") for path in PAGES]
    answers = {each: browser(busy, each[0]).get(each[1]).status_code for each in asked}
    assert {each: code for each, code in answers.items() if code not in (200, 403)} == {}
    assert answers["dana", "/approvals/load/"] == 200
