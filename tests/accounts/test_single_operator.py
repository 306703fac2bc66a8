"""Single-operator mode: one person’s, with a reason, while nobody else is there; both ends are in the ledger (B-03, R-24)."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Membership, SingleOperator, User
from accounts.permissions import Role
from accounts.services import add_member, deactivate_user, remove_member
from accounts.single import SingleOperatorRefused, end_where_not_alone, mode_now, turn_off, turn_on, why_not_single
from traces.models import Entry

WHY = "I am the only person of this team."


def alone(people, first="omar"):
    """Lakeside has two people; one of them leaves."""
    for role in (Role.REVIEWER, Role.MEMBER):
        remove_member(actor=people.actor(first), workspace=people.lakeside, user=people.user("lena"), role=role)


def on(people, first="omar", reason=WHY, actor=""):
    return turn_on(
        actor=people.actor(actor or first), user=people.user(first), workspace=people.lakeside, reason=reason
    )


def told(people):
    found = Entry.objects.filter(trace__workspace=people.lakeside, type__startswith="single_operator.")
    return [(entry.type.rpartition(".")[2], entry.record["body"]) for entry in found.order_by("at", "seq")]


def test_r24_refused_while_a_second_person_has_a_role_and_named(people):
    with pytest.raises(SingleOperatorRefused, match="Lena Fox has a role here"):
        on(people)
    alone(people)
    mode = on(people)
    assert mode_now(people.lakeside) == mode == on(people, reason="Turned on a second time here.")
    assert [(what, body["reason"], body["user"]["name"]) for what, body in told(people)] == [("on", WHY, "Omar Haddad")]


def test_whoever_cannot_act_any_more_keeps_nobody_from_it(people):
    deactivate_user(actor=people.actor("omar"), user=people.user("lena"))
    assert mode_now(people.lakeside) is None and on(people).user == people.user("omar")


def test_r24_a_second_account_that_looks_like_the_same_human_refuses_too(people):
    alone(people)
    User.objects.filter(pk=people.user("lena").pk).update(email="omar+two@lakeside.example")
    Membership.objects.create(user=people.user("lena"), workspace=people.lakeside, role="member")
    with pytest.raises(SingleOperatorRefused):
        on(people)


@pytest.mark.parametrize(("first", "reason", "actor", "words"), [
    ("omar", "Too short", "", "Write why"), ("omar", " " * 40, "", "Write why"), ("omar", WHY, "dana", "signed in"),
    ("dana", WHY, "", "Only an owner"),
])  # fmt: skip
def test_only_an_owner_for_themself_with_a_reason(people, first, reason, actor, words):
    alone(people)
    with pytest.raises(SingleOperatorRefused, match=words), transaction.atomic():
        on(people, first, reason, actor)
    with pytest.raises(SingleOperatorRefused, match="signed in"):
        turn_on(actor=people.agent_actor, user=people.user("omar"), workspace=people.lakeside, reason=WHY)
    assert not SingleOperator.objects.exists() and told(people) == []


def test_a_second_person_who_joins_ends_it_in_the_same_transaction(people):
    alone(people)
    on(people)
    add_member(actor=people.actor("omar"), workspace=people.lakeside, user=people.user("lena"), role=Role.MEMBER)
    ended = SingleOperator.objects.get()
    assert ended.ended_why == "Lena Fox has a role here." and mode_now(people.lakeside) is None
    assert told(people)[-1] == ("off", {"mode": ended.pk, "user": {"id": people.user("omar").pk, "name": "Omar Haddad"},
                                        "why": "Lena Fox has a role here."})  # fmt: skip
    for role in (Role.MEMBER,):
        remove_member(actor=people.actor("omar"), workspace=people.lakeside, user=people.user("lena"), role=role)
    assert mode_now(people.lakeside) is None, "it does not come back by itself"


@pytest.mark.parametrize("how", ["joined", "left"])
def test_it_counts_no_more_before_the_sweeper_writes_its_end_down(people, how):
    alone(people)
    on(people)
    if how == "joined":
        Membership.objects.create(user=people.user("lena"), workspace=people.lakeside, role="member")
    else:
        User.objects.filter(pk=people.user("omar").pk).update(is_active=False)
    assert mode_now(people.lakeside) is None
    assert [end_where_not_alone(actor=people.actor("omar")) for _ in range(2)] == [1, 0]
    assert [what for what, _ in told(people)] == ["on", "off"]


def test_turned_off_at_once_and_once_in_the_ledger(people):
    alone(people)
    on(people)
    for _ in range(2):
        turn_off(actor=people.actor("omar"), workspace=people.lakeside)
    assert mode_now(people.lakeside) is None and [what for what, _ in told(people)] == ["on", "off"]
    assert why_not_single(people.user("omar"), people.lakeside) == ""


def test_one_at_a_time(people):
    alone(people)
    first = on(people)
    with pytest.raises(IntegrityError), transaction.atomic():
        SingleOperator.objects.create(
            workspace=people.lakeside, user=first.user, reason=WHY, started_at=first.started_at
        )
