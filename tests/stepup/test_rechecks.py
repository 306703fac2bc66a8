"""Automatic actions looked at again: a lot nobody can foresee, one answer each, ledgered, and Home tells what was not fine."""

import random
from dataclasses import replace

import pytest

from accounts.access import Forbidden, NotVisible
from accounts.ids import new_id
from actions.models import Recheck
from actions.rechecks import RecheckRefused, answer_recheck, is_chosen
from approvals.terms import set_terms, terms_of
from tests.actions.test_erasure import erase
from tests.actions.test_masked_target import declared
from tests.approvals.routing import hired
from tests.builders import planned, request_of, vote, work
from tests.stepup.conftest import browser
from traces.models import Entry


def per_mille(cast, share: int) -> None:
    terms = replace(terms_of(cast.northwind.pk), recheck_per_mille=share)
    set_terms(actor=cast.actor("dana"), workspace=cast.northwind, terms=terms)


def ran(cast) -> None:
    """The sample plan with its refund approved, so that the automatic account update runs behind it."""
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, "desk.refund.create"), first)
    work(trace)


@pytest.fixture
def recheck(cast):
    per_mille(cast, 1000)
    ran(cast)
    return Recheck.objects.get()


def answer(cast, first, recheck, *, fine=True, reason=""):
    return answer_recheck(
        actor=cast.actor(first), user=cast.user(first), workspace=cast.northwind, recheck_id=recheck.pk, fine=fine,
        reason=reason,
    )  # fmt: skip


def test_lot_takes_about_its_share_and_always_the_same():
    ids = [new_id("act") for _ in range(20_000)]
    chosen = [one for one in ids if is_chosen("wks_1", one, 20)]
    assert 300 <= len(chosen) <= 500
    assert chosen == [one for one in ids if is_chosen("wks_1", one, 20)]
    assert not any(is_chosen("wks_1", one, 0) for one in ids[:500])
    assert all(is_chosen("wks_1", one, 1000) for one in ids[:500])


def test_lot_cannot_be_foreseen_without_the_secret(settings):
    """INVARIANT of actions.rechecks: another secret, or another workspace, draws other actions."""
    random.seed(1)
    ids = [new_id("act") for _ in range(5000)]
    mine = {one for one in ids if is_chosen("wks_1", one, 100)}
    other = {one for one in ids if is_chosen("wks_2", one, 100)}
    settings.SECRET_KEY = "another secret that is long enough"
    guessed = {one for one in ids if is_chosen("wks_1", one, 100)}
    for drawn in (other, guessed):
        assert len(mine & drawn) < len(mine) * 0.25


def test_only_automatic_changes_are_drawn(cast, recheck):
    assert recheck.action.decision["effect"] == "allow" and not recheck.action.definition.reads_only
    assert Entry.objects.filter(type="action.recheck_selected").count() == 1


def test_share_of_nothing_draws_nothing(cast):
    per_mille(cast, 0)
    ran(cast)
    assert not Recheck.objects.exists()


def test_reviewer_answers_once_and_it_is_ledgered(cast, recheck):
    assert answer(cast, "priya", recheck).state == "fine"
    with pytest.raises(RecheckRefused, match="already"):
        answer(cast, "ken", recheck, fine=False, reason="I looked as well.")
    body = Entry.objects.get(type="action.rechecked").record["body"]
    assert body["fine"] is True and body["action"] == recheck.action_id


def test_not_fine_needs_a_reason_and_stands_on_home(cast, recheck):
    with pytest.raises(RecheckRefused, match="what was not fine"):
        answer(cast, "priya", recheck, fine=False, reason="bad")
    answer(cast, "priya", recheck, fine=False, reason="The wrong field was changed.")
    page = browser(cast, "ken").get("/").content.decode()
    assert "Not fine:" in page and "The wrong field was changed." in page
    assert "Not fine:" not in browser(cast, "omar").get("/").content.decode()


def test_nobody_looks_again_at_their_own(cast, recheck):
    for first, error in (("maya", NotVisible), ("dana", Forbidden), ("ava", Forbidden), ("omar", NotVisible)):
        with pytest.raises(error):
            answer(cast, first, recheck)
    recheck.action.agent.__class__.objects.filter(pk=recheck.action.agent_id).update(owner=cast.user("priya"))
    with pytest.raises(RecheckRefused, match="someone else looks at it"):
        answer(cast, "priya", recheck)


def test_r24_nobody_looks_again_at_their_own_from_another_account(cast, recheck):
    hired(cast, "two", "maya+two@northwind.example")
    with pytest.raises(RecheckRefused, match="someone else looks at it"):
        answer(cast, "two", recheck)
    recheck.action.__class__.objects.filter(pk=recheck.action_id).update(acting_user=cast.user("priya"))
    with pytest.raises(RecheckRefused, match="someone else looks at it"):
        answer(cast, "priya", recheck)
    assert answer(cast, "ken", recheck).state == "fine"


def test_page_lists_and_takes_the_answer(cast, recheck):
    client = browser(cast, "priya")
    assert "1 automatic action to look at again" in client.get("/approvals/rechecks/").content.decode()
    client.post(f"/approvals/rechecks/{recheck.pk}/", {"found": "not_fine", "reason": "Wrong customer was told."})
    recheck.refresh_from_db()
    page = client.get("/approvals/rechecks/").content.decode()
    assert recheck.state == "not_fine" and "Wrong customer was told." in page and "Nothing to look at again" in page


def test_what_was_not_fine_names_no_sensitive_value_in_the_ledger_and_none_after_erasure(cast):
    declared(cast, account_id="account number")
    per_mille(cast, 1000)
    ran(cast)
    recheck = Recheck.objects.get()
    answer(cast, "priya", recheck, fine=False, reason="Not acct_5521, the other one.")
    assert Entry.objects.get(type="action.rechecked").record["body"]["reason"] == "Not [account number], the other one."
    assert Recheck.objects.get().reason == "Not acct_5521, the other one."
    erase(cast, "acct_5521")
    assert Recheck.objects.get().reason == "Not [account number], the other one."
