"""Separation of duties: every pair of those kept out, and every quorum, decides nothing; different humans do (T10, R-24)."""

from datetime import timedelta
from itertools import combinations

import pytest
from django.db import transaction

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import GroupMembership
from accounts.permissions import Role
from accounts.services import add_member, create_user, deactivate_user, link_identity
from actions.edit import edit_payload
from approvals.delegations import name_delegate
from approvals.models import Verdict
from approvals.refusals import AlreadyDecided, NotEntitled
from approvals.services import replace_payload
from approvals.standing import no_longer
from policies.engine.document import load
from policies.engine.yaml_out import dump
from policies.models import Policy
from policies.refusals import GatesUnmet
from policies.versions import Publication, difference, write_version
from tests.approvals.routing import hired, into, routed
from tests.builders import planned, publish, request_of, sample_plain, vote
from tests.cast import PASSWORD

GOOD = ["priya", "ken", "tomas"]
# Who is away, and who stands in: for the requester, for the editor, the agent's owner for somebody who could decide, and
# Ken, who has a seat of his own, for Priya.
AWAY = {"maya": "for_maya", "editor": "for_editor", "nia": "dana", "priya": "ken"}
KEPT_OUT = ["maya", "dana", "editor", "late", "twin", "gone", "ava", "for_maya", "for_editor", "for_sam"]


def stood_in(cast, person, delegate):
    now = database_now()
    name_delegate(actor=cast.actor(person), user=cast.user(person), workspace=cast.northwind, starts_at=now,
                  delegate=cast.user(delegate).email, ends_at=now + timedelta(days=1))  # fmt: skip


@pytest.fixture
def request_(cast):
    """A refund with everybody kept out in its group: requester, agent's owner, editor, late joiner, the requester's other
    account, somebody deactivated and an auditor who is no reviewer; and beside it those who stand
    in for the requester and the editor, or were named after it was asked."""
    for first in ("editor", "late", "gone", "for_maya", "for_editor", "for_sam"):
        hired(cast, first)
    hired(cast, "twin", "maya+work@northwind.example")
    for first in ("maya", "dana"):
        add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user(first), role=Role.REVIEWER)
    for person, delegate in AWAY.items():
        stood_in(cast, person, delegate)
    found = request_of(planned(cast), "desk.refund.create")
    stood_in(cast, "sam", "for_sam")
    for first in [*KEPT_OUT[:7], *GOOD, "nia", "sam"]:
        into(cast, first, "support-leads", joined=database_now() if first == "late" else None)
    replace_payload(actor=cast.actor("editor"), editor=cast.user("editor"), stands_in_for=None, request=found, title=found.title,
                    digest=found.digest, displayed=found.displayed, bound=found.bound)  # fmt: skip
    deactivate_user(actor=cast.actor("dana"), user=cast.user("gone"))
    return found


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_t10_no_pair_of_those_kept_out_decides_and_no_fewer_than_the_quorum(cast, request_, quorum):
    found = routed(request_, steps=[{"name": "Lead", "group": "support-leads", "quorum": quorum}])
    for pair in combinations(KEPT_OUT, 2):
        for first in pair:
            for choice in ("approve", "reject"):
                with pytest.raises(NotEntitled), transaction.atomic():
                    vote(cast, found, first, choice, "Because.")
    assert not Verdict.objects.exists()
    for number, first in enumerate(GOOD[:quorum], start=1):
        found.refresh_from_db()
        assert found.is_open, f"approved by {number - 1} of {quorum}"
        vote(cast, found, first)
    found.refresh_from_db()
    assert found.state == "approved"
    with pytest.raises(AlreadyDecided):
        vote(cast, found, GOOD[0])


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_t10_a_delegate_with_a_seat_of_their_own_takes_one_place_in_all(cast, request_, quorum):
    """Ken of Finance stands in for Priya of the leads: whichever of the two decides, neither decides again anywhere."""
    GroupMembership.objects.filter(user=cast.user("ken"), group__slug="support-leads").delete()
    into(cast, "ken", "finance")
    steps = [{"name": "Lead", "group": "support-leads", "quorum": quorum}]
    found = routed(request_, steps=[*steps, {"name": "Finance", "group": "finance", "with": "previous"}])
    vote(cast, found, "ken")
    assert found.verdicts.get().who in {"Ken Abe", "Ken Abe for Priya Nair"}
    for first in ("ken", "priya") if found.verdicts.get().delegation else ("ken",):
        with pytest.raises(NotEntitled), transaction.atomic():
            vote(cast, found, first)
    found.refresh_from_db()
    assert found.is_open and len(found.votes) == 1


def test_two_accounts_of_one_mailbox_or_one_subject_decide_once(cast, request_):
    found = routed(request_, steps=[{"name": "Lead", "group": "support-leads", "quorum": 3}])
    hired(cast, "spare", "priya+spare@northwind.example")
    user = create_user(actor=cast.actor("dana"), email="k@elsewhere.example", name="K", password=PASSWORD)
    add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=user, role=Role.REVIEWER)
    cast.users["k"] = user
    for first, issuer in (("ken", "https://one.example"), ("k", "https://two.example")):
        link_identity(actor=cast.actor("dana"), user=cast.user(first), issuer=issuer, subject="0042")
    for first in ("spare", "k"):
        into(cast, first, "support-leads")
    vote(cast, found, "priya")
    vote(cast, found, "ken")
    for first in ("spare", "k"):
        with pytest.raises(NotEntitled, match="You approved step 1"):
            vote(cast, found, first)


def test_two_voters_found_out_to_be_one_human_no_longer_suffice_at_dispatch(cast, request_):
    found = routed(request_, steps=[{"name": "Lead", "group": "support-leads", "quorum": 2}])
    vote(cast, found, "priya")
    vote(cast, found, "ken")
    found.refresh_from_db()
    assert found.state == "approved" and no_longer(found, found.digest) == ""
    for first, issuer in (("priya", "https://one.example"), ("ken", "https://two.example")):
        link_identity(actor=cast.actor("dana"), user=cast.user(first), issuer=issuer, subject="0042")
    assert no_longer(found, found.digest) == "Fewer people approved this than its steps ask for."


def test_the_agents_owner_is_kept_out_whatever_a_document_says_and_none_that_says_less_is_published(cast):
    plain = sample_plain()
    plain["routes"]["refund"]["separation"] = ["requester"]
    with pytest.raises(GatesUnmet, match="Route refund leaves out agent_owner, editor, late_joiner and same_person"):
        publish(cast, plain)
    # A version of before that rule is live, as in a database of then.
    policy, document = Policy.objects.get(workspace=cast.northwind, slug="support"), load(dump(plain))
    before = Publication(
        source=dump(plain), document=document, message="Before", published_by={"kind": "system", "id": "", "name": "tests"},
        how="from the command line",
    )  # fmt: skip
    with transaction.atomic():
        write_version(
            actor=system_actor("tests", cast.northwind.pk),
            policy=policy,
            diff=difference(policy, document),
            publication=before,
        )
    request = request_of(planned(cast), "desk.refund.create")
    assert request.route["separation"] == ["requester"]
    add_member(actor=cast.actor("ken"), workspace=cast.northwind, user=cast.user("dana"), role=Role.REVIEWER)
    into(cast, "dana", "support-leads")
    with pytest.raises(NotEntitled, match="You own this agent"):
        vote(cast, request, "dana")


def edited(cast, request, first):
    edit_payload(
        actor=cast.actor(first), editor=cast.user(first), request_id=request.pk, digest=request.digest,
        values={"amount": 23_000},
    )  # fmt: skip
    request.refresh_from_db()


def test_r24_who_edits_for_somebody_away_keeps_both_of_them_from_approving(cast):
    """Vera, of no group, edits for Priya of the leads; then Priya is back, and finds nothing to approve."""
    hired(cast, "vera")
    stood_in(cast, "priya", "vera")
    request = request_of(planned(cast), "desk.refund.create")
    edited(cast, request, "vera")
    with pytest.raises(NotEntitled, match="edited this, so someone else"), transaction.atomic():
        vote(cast, request, "vera")
    with (
        pytest.raises(NotEntitled, match="Vera edited this for you, so someone else approves it"),
        transaction.atomic(),
    ):
        vote(cast, request, "priya")
    vote(cast, request, "ken")
    request.refresh_from_db()
    assert request.step == 2


def test_r24_who_edited_before_going_away_is_kept_out_of_their_stand_ins_hands_too(cast):
    hired(cast, "vera")
    stood_in(cast, "priya", "vera")
    request = request_of(planned(cast), "desk.refund.create")
    edited(cast, request, "priya")
    for first in ("vera", "priya"):
        with pytest.raises(NotEntitled), transaction.atomic():
            vote(cast, request, first)
    assert not Verdict.objects.exists()


@pytest.mark.parametrize("choice", ["approve", "reject"])
def test_t10_nobody_kept_out_takes_a_second_seat_after_a_valid_vote(cast, request_, choice):
    """One of two seats is filled by somebody who may; then everybody kept out tries the other, in both steps."""
    steps = [
        {"name": "Lead", "group": "support-leads", "quorum": 2},
        {"name": "Again", "group": "support-leads", "with": "previous"},
    ]
    found = routed(request_, steps=steps)
    vote(cast, found, "tomas")
    for first in [*KEPT_OUT, "tomas"]:
        with pytest.raises(NotEntitled), transaction.atomic():
            vote(cast, found, first, choice, "Because.")
    found.refresh_from_db()
    assert found.is_open and found.verdicts.filter(void=False).count() == 1
