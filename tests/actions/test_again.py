"""An ask that comes again finds its action: one open ask, its outcome handed over once, writes not doubled (M-05)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction

from accounts.clock import database_now
from actions.again import call_or_join
from actions.models import Action, Handover
from actions.withdraw import withdraw
from approvals.models import ApprovalRequest
from sample.agent.__main__ import STEPS
from tests.actions.doubt import find_out, its_time_comes
from tests.builders import opened, vote, work
from traces.models import Entry

REFUND = STEPS[1]
# Fields that this agent's policy lets it write by itself.
UPDATE = STEPS[2]
READ = STEPS[0]


def ask(cast, step=REFUND, *, person="maya", call_id="", **changed):
    return call_or_join(
        actor=cast.agent_actor, agent=cast.agent, person=cast.user(person), tool=step["tool"],
        arguments={**step["arguments"], **changed}, call_id=call_id, trace=lambda: opened(cast, asker=person),
    )  # fmt: skip


def settled(cast, action, choice="approve") -> None:
    request = ApprovalRequest.objects.get(action_id=action.pk)
    for first in ("priya", "tomas") if choice == "approve" else ("priya",):
        vote(cast, request, first, choice, "Because.")
    work(action.trace)


def test_an_open_ask_is_joined_its_outcome_handed_over_once_and_then_it_is_a_new_ask(cast):
    first = ask(cast)
    assert ask(cast, call_id="another").pk == first.pk
    settled(cast, first)
    again = ask(cast)
    assert (again.pk, again.state) == (first.pk, "succeeded")
    third = ask(cast)  # Anew, and policy decides anew: the order was refunded.
    assert third.pk != first.pk and third.state == "denied" and ApprovalRequest.objects.count() == 1


def test_a_rejection_is_handed_over_once_too(cast):
    first = ask(cast)
    settled(cast, first, "reject")
    assert ask(cast).state == "rejected" and ask(cast).state == "pending"


def test_other_arguments_another_person_and_a_withdrawn_ask_are_other_asks(cast):
    first = ask(cast)
    assert len({first.pk, ask(cast, amount=REFUND["arguments"]["amount"] - 1).pk, ask(cast, person="dana").pk}) == 3
    withdraw(actor=cast.agent_actor, action=first, reason="Not needed.")
    assert ask(cast).pk == first.pk and ask(cast).pk != first.pk


def test_f06_what_may_have_taken_effect_stays_joined(cast):
    first = ask(cast)
    for state in ("unknown", "needs_human"):
        Action.objects.filter(pk=first.pk).update(state=state)
        assert ask(cast).pk == first.pk and ask(cast).pk == first.pk


def test_m05_a_write_that_ran_alone_is_not_doubled_by_a_lost_answer(cast):
    first = ask(cast, UPDATE, call_id="a")
    assert first.state == "succeeded" and first.mode == "auto"
    assert ask(cast, UPDATE).pk == ask(cast, UPDATE, call_id="a").pk == first.pk
    meant = ask(cast, UPDATE, call_id="b")
    assert meant.pk != first.pk
    # Long ago is when it was answered: one that took long is asked for again no sooner.
    Handover.objects.update(created_at=database_now() - timedelta(hours=1))
    assert ask(cast, UPDATE).pk == meant.pk
    Handover.objects.update(used_at=database_now() - timedelta(hours=1))
    assert ask(cast, UPDATE).pk not in {first.pk, meant.pk}


def test_m05_of_several_calls_the_one_whose_answer_was_lost_is_found(cast):
    first, meant = ask(cast, UPDATE, call_id="a"), ask(cast, UPDATE, call_id="b")
    assert first.pk != meant.pk
    assert ask(cast, UPDATE, call_id="b").pk == ask(cast, UPDATE).pk == meant.pk
    assert ask(cast, UPDATE, call_id="a").pk == first.pk and Action.objects.count() == 2


def test_m05_a_write_that_succeeded_after_a_failure_is_not_doubled(cast, desk):
    desk.fault("500_before")
    doubtful = ask(cast, UPDATE)
    its_time_comes(doubtful)
    find_out(doubtful)
    failed, done = ask(cast, UPDATE), ask(cast, UPDATE)
    assert (failed.pk, failed.state, done.state) == (doubtful.pk, "failed", "succeeded")
    assert ask(cast, UPDATE).pk == done.pk and Action.objects.count() == 2


def test_a_read_reads_again(cast):
    assert ask(cast, READ).pk != ask(cast, READ).pk and not Handover.objects.exists()


def test_the_database_keeps_one_open_ask(cast):
    row = Handover.objects.get(action=ask(cast))
    other = ask(cast, person="dana")
    with pytest.raises(IntegrityError), transaction.atomic():
        Handover.objects.filter(action=other).update(fingerprint=row.fingerprint)


@pytest.mark.django_db(transaction=True)
def test_m05_many_at_once_are_one_ask(cast):
    def one(_: int) -> str:
        try:
            return ask(cast).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(one, range(6)))) == 1
    assert ApprovalRequest.objects.count() == 1
    # Each asked in a trace of its own: one has the action, the others a line each that leads to it.
    assert Entry.objects.filter(type="action.joined").count() == 5
