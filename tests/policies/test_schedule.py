"""Scheduled publication: everything is asked again when the time comes, and what no longer holds is given back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, IntegrityError, OperationalError

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.permissions import Role
from accounts.services import remove_member
from actions.catalog import tools_of
from actions.sweep import sweep
from policies.catalog import set_provider
from policies.models import PolicyDraft
from policies.publishing import agree, decline, propose, publish_due
from policies.refusals import PolicyRefused
from tests.policies.kit import BASE, LOOSER, TIGHTER, TOOLS, build_house, changed, race
from tests.policies.test_publishing import NAMED, yes

SWEEPER = system_actor("sweeper", "")


def ask_for(house, draft, at, by="ken"):
    return propose(
        **house.who(by), draft_id=draft.pk, revision=draft.revision, message="Later", reason="Because.", effective_at=at
    )


def scheduled(house, edit=TIGHTER, *, by="ken"):
    """A draft agreed to and due in an hour."""
    asked = ask_for(house, house.draft(edit), database_now() + timedelta(hours=1), by).draft
    return asked if asked.state == "scheduled" else yes(house, asked).draft


def come(draft):
    """Its time has come."""
    PolicyDraft.objects.filter(pk=draft.pk).update(effective_at=database_now() - timedelta(seconds=1))


def given_back(house, draft) -> str:
    """Why it was not published; it is open again and the ledger says so."""
    draft.refresh_from_db()
    verb, body = house.last()
    assert (draft.state, draft.proposed_by, draft.approved_by, draft.effective_at) == ("open", None, None, None)
    assert (verb, body["why"], body["draft"]) == ("policy.not_published", draft.problem, draft.pk)
    return draft.problem


def test_it_waits_for_its_time_and_is_published_by_the_sweeper(house):
    draft = scheduled(house)
    assert house.last()[0] == "policy.scheduled" and publish_due(actor=SWEEPER) == 0 and house.live().number == 1
    come(draft)
    sweep()
    draft.refresh_from_db()
    version = house.live()
    assert (draft.state, version.number, version.digest) == ("published", 2, draft.digest)
    assert version.published_by["name"] == "Ken" and house.last()[0] == "policy.published"
    assert publish_due(actor=SWEEPER) == 0


def test_what_loosens_keeps_its_second_person(house):
    draft = scheduled(house, LOOSER)
    come(draft)
    assert publish_due(actor=SWEEPER) == 1
    assert (house.live().approved_by["name"], house.live().verdict) == ("Noor", "loosens")


def test_agreed_after_its_time_it_is_published_at_once(house):
    asked = ask_for(house, house.draft(LOOSER), database_now() + timedelta(hours=1)).draft
    come(asked)
    outcome = agree(**house.who("noor"), draft_id=asked.pk, revision=asked.revision, digest=asked.digest)
    assert outcome.version.number == 2


@pytest.mark.parametrize("first", ["ken", "noor"])
def test_both_people_must_still_be_policy_admins(house, first):
    draft = scheduled(house, LOOSER)
    user = house.users[first]
    remove_member(actor=house.actor("dana"), workspace=house.workspace, user=user, role=Role.POLICY_ADMIN)
    come(draft)
    assert publish_due(actor=SWEEPER) == 0 and house.live().number == 1
    assert f"{user.name} may not publish policies here any more" in given_back(house, draft)


def test_another_version_meanwhile_gives_it_back(house):
    draft = scheduled(house)
    house.publish(changed(NAMED))
    come(draft)
    assert publish_due(actor=SWEEPER) == 0 and house.live().number == 2
    assert "Version 2 went live" in given_back(house, draft)


def test_a_gate_that_no_longer_holds_gives_it_back(house):
    plain = changed((("roles", "second"), BASE["roles"]["clerk"]))
    house.publish(plain)
    draft = scheduled(house, TIGHTER)
    house.agent("second")
    come(draft)
    assert publish_due(actor=SWEEPER) == 0 and house.live().number == 2
    assert "Role second is not in the document" in given_back(house, draft)


def test_what_tightened_when_scheduled_and_would_loosen_now_needs_two(house):
    """The live version is asked again, and so is how many people it takes."""
    draft = scheduled(house)
    house.publish(changed(((*TOOLS, "desk.account.update"), {"mode": "off"}), (("tests",), None)))
    PolicyDraft.objects.filter(pk=draft.pk).update(base=house.live())
    come(draft)
    assert publish_due(actor=SWEEPER) == 0 and "second policy admin" in given_back(house, draft)


@pytest.mark.parametrize("error", [RuntimeError, DataError, IntegrityError])
def test_a_draft_whose_check_breaks_does_not_stop_the_others(house, error):
    """Whatever goes wrong with one, in whatever way, the rest are published and it stays unpublished."""
    other = build_house("lakeside")
    other.publish(BASE)
    broken, fine = scheduled(house), scheduled(other)
    come(broken)
    come(fine)

    def provider(workspace_id):
        if workspace_id == house.workspace.pk:
            raise error("No tools today.")
        return tools_of(workspace_id)

    set_provider(provider)
    try:
        assert publish_due(actor=SWEEPER) == 1
    finally:
        set_provider(tools_of)
    assert (house.live().number, other.live().number) == (1, 2)
    assert given_back(house, broken) == f"It could not be checked ({error.__name__}), so it was not published."


def test_a_database_that_does_not_answer_is_no_reason_to_give_a_draft_back(house):
    draft = scheduled(house)
    come(draft)

    def provider(workspace_id):
        raise OperationalError("The server closed the connection.")

    set_provider(provider)
    try:
        with pytest.raises(OperationalError):
            publish_due(actor=SWEEPER)
    finally:
        set_provider(tools_of)
    draft.refresh_from_db()
    assert draft.state == "scheduled"


def test_an_edit_or_a_decline_takes_the_schedule_back(house):
    draft = scheduled(house)
    edited = house.save(draft, changed(TIGHTER, NAMED))
    assert (edited.state, edited.effective_at) == ("open", None)
    again = ask_for(house, edited, database_now() + timedelta(hours=1)).draft
    back = decline(**house.who("eve"), draft_id=again.pk, revision=again.revision, reason="Not now.")
    assert (back.state, back.effective_at) == ("open", None) and publish_due(actor=SWEEPER) == 0


@pytest.mark.parametrize("at", ["past", "far", "naive"])
def test_a_time_lies_ahead_and_within_a_year(house, at):
    times = {
        "past": database_now() - timedelta(minutes=1),
        "far": database_now() + timedelta(days=367),
        "naive": datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1),
    }
    with pytest.raises(PolicyRefused) as caught:
        ask_for(house, house.draft(TIGHTER), times[at])
    assert caught.value.field == "effective_at"


def test_two_sweepers_publish_once(open_house):
    house = open_house
    come(scheduled(house))
    assert sorted(race(*(lambda: publish_due(actor=SWEEPER) for _ in range(3)))) == [0, 0, 1]
    assert house.live().number == 2 and house.verbs().count("policy.published") == 2
