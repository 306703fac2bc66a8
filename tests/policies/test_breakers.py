"""Circuit breakers trip at the event that is one too many, once, and hold until a person resets them."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections, transaction

from accounts.access import Forbidden, NotVisible
from accounts.clock import database_now
from accounts.permissions import Role
from accounts.services import add_member
from policies.breakers import DECIDED, ResetRefused, observe, observe_decided, reset, tripped_keys
from policies.engine.decide import decide
from policies.engine.document import load
from policies.history import record_outcome, request_of
from policies.models import BreakerTrip, DecisionRecord
from tests.policies.kit import build_house
from tests.policies.past import SUPPORT, Past, refund, update

REASON = "The desk was down; it answers again."


def document(on: str, *, most: int = 2, per: str = "agent", window: str = "1h", when: str = "{}", extra: str = ""):
    rule = f"{{id: stop, name: Stop, when: {when}, on: {on}, per: {per}, max: {most}, window: {window}{extra}}}"
    return load(SUPPORT + f"\nbreakers:\n  - {rule}\n")


@pytest.fixture
def past(house) -> Past:
    add_member(actor=house.actor("dana"), workspace=house.workspace, user=house.users["eve"], role=Role.OPERATOR)
    return Past(house.workspace)


def happened(past: Past, doc, event: str = DECIDED, request=None, **more) -> tuple[BreakerTrip, ...]:
    """One action decided and, where `event` is an outcome, ended; then counted as the product counts."""
    record = past.add(request or update(), outcome="" if event == DECIDED else event, **more)
    with transaction.atomic():
        return observe(workspace_id=past.workspace.pk, document=doc, record=record, event=event)


@pytest.mark.parametrize(
    ("on", "event"),
    [("failures", "failed"), ("failures", "unknown"), ("rejections", "rejected"), ("rollbacks", "rolled_back")],
)
def test_the_event_that_is_one_too_many_trips(past, on, event):
    doc = document(on)
    assert [len(happened(past, doc, event)) for _ in range(4)] == [0, 0, 1, 0]
    trip = BreakerTrip.objects.get()
    assert (trip.key, trip.breaker, trip.policy) == ("stop:agent:agt_refunds_agent", "stop", "support")
    assert trip.reason == f"3 {on} in the last hour; 2 is the most allowed."
    assert len(trip.evidence) == 3 and set(trip.evidence[0]) == {"action", "trace", "title", "outcome"}


@pytest.mark.parametrize("event", ["succeeded", "rejected", "not_run", "rolled_back", DECIDED])
def test_other_events_do_not_count_as_failures(past, event):
    doc = document("failures", most=0)
    assert happened(past, doc, event) == ()
    assert len(happened(past, doc, "failed")) == 1


def test_a_trip_is_in_the_ledger_and_denies_what_it_covers(house, past):
    doc = document("failures", most=0, when="{tools: [desk.account.update]}")
    happened(past, doc, "failed")
    verb, body = house.last()
    trip = BreakerTrip.objects.get()
    assert verb == "breaker.tripped"
    assert (body["trip"], body["key"], body["reason"]) == (
        trip.pk,
        trip.key,
        "1 failure in the last hour; 0 is the most allowed.",
    )
    assert body["actions"] == [DecisionRecord.objects.get().action_id]
    keys = tripped_keys(house.workspace.pk, "support")
    held = decide(doc, replace(request_of(DecisionRecord.objects.get()), tripped=keys))
    assert (held.effect, [c.rule for c in held.checks if c.outcome == "denied"]) == ("deny", ["breakers.stop"])
    other = replace(refund(), agent={"id": "agt_refunds_agent"}, tripped=keys)
    assert decide(doc, other).effect == "allow"


def test_denials_count_at_the_decision_but_not_those_a_breaker_made(past):
    doc = document("denials", most=1)
    denied = update({"credit_limit": "9"})
    assert happened(past, doc) == () == happened(past, doc, request=denied)
    held = Past(past.workspace, document("failures", most=0))
    for _ in range(3):
        tripped = update(tripped=["stop:agent:agt_refunds_agent"])
        assert happened(held, doc, request=replace(tripped, tripped=frozenset(["stop:agent:agt_refunds_agent"]))) == ()
    assert len(happened(past, doc, request=denied)) == 1


def test_repeats_are_the_same_call_by_the_same_agent(past):
    doc = document("repeats", most=1)
    one, other = update(arguments={"account_id": "1", "n": [1]}), update(arguments={"account_id": "2", "n": [1]})
    assert [len(happened(past, doc, request=r)) for r in (one, other, one)] == [0, 0, 1]
    assert happened(past, doc, request=other, agent="Other") == ()
    assert BreakerTrip.objects.get().reason == "The same call 2 times in the last hour; 1 is the most allowed."


def test_spend_adds_up_what_succeeded_in_its_currency(past):
    doc = document("spend", most=10000, extra=", currency: USD")
    euro = refund(9000, money={"amount": 9000, "currency": "EUR"})
    assert happened(past, doc, "succeeded", refund(6000)) == () == happened(past, doc, "failed", refund(6000))
    assert happened(past, doc, "succeeded", euro) == () == happened(past, doc, "succeeded", update())
    assert len(happened(past, doc, "succeeded", refund(4001))) == 1
    assert BreakerTrip.objects.get().reason == "$100.01 spent in the last hour; $100.00 is the most allowed."


@pytest.mark.parametrize(
    ("per", "key"),
    [("agent", "stop:agent:agt_b"), ("tool", "stop:tool:desk.account.update"), ("workspace", "stop:workspace:all")],
)
def test_whose_events_are_counted_together(past, per, key):
    doc = document("failures", most=1, per=per)
    happened(past, doc, "failed", agent="a")
    assert len(happened(past, doc, "failed", agent="b")) == (0 if per == "agent" else 1)
    assert len(happened(past, doc, "failed", refund(), agent="b")) == (1 if per == "agent" else 0)
    assert tripped_keys(past.workspace.pk, "support") == {key}


@pytest.mark.parametrize(
    "when",
    [
        "{roles: [refunds], tools: [desk.refund.create]}",
        "{resource_types: [desk.refund]}",
        "{effect_classes: [side_effect]}",
    ],
)
def test_only_covered_events_are_counted(past, when):
    doc = document("failures", most=1, when=when)
    for _ in range(3):
        assert happened(past, doc, "failed") == ()
    assert [len(happened(past, doc, "failed", refund())) for _ in range(2)] == [0, 1]


def test_events_before_the_window_do_not_count(past):
    doc = document("failures", most=1, window="10min")
    old = past.ago(minutes=11)
    assert happened(past, doc, "failed", at=old) == () == happened(past, doc, "failed", at=old)
    assert happened(past, doc, "failed") == ()
    # Asked long ago and failed now: it is the failure that counts.
    assert len(happened(past, doc, "failed", at=old, ended=past.now)) == 1


def test_other_policies_and_workspaces_do_not_count(past):
    doc, elsewhere = document("failures", most=1), Past(build_house("lakeside").workspace)
    assert happened(past, doc, "failed") == () == happened(elsewhere, doc, "failed")
    DecisionRecord.objects.filter(workspace=past.workspace).update(policy="another")
    assert happened(past, doc, "failed") == ()
    assert len(happened(past, doc, "failed")) == 1
    assert tripped_keys(elsewhere.workspace.pk, "support") == frozenset()


def test_only_a_person_who_may_pause_agents_resets_with_a_reason(house, past):
    happened(past, document("failures", most=0), "failed")
    trip = BreakerTrip.objects.get()
    terms = {"workspace": house.workspace, "trip_id": trip.pk}
    with pytest.raises(Forbidden):
        reset(**house.who("ken"), **terms, reason=REASON)
    with pytest.raises(NotVisible):
        reset(**house.who("eve"), workspace=house.workspace, trip_id="trp_none", reason=REASON)
    for short in ("", "  too short  "):
        with pytest.raises(ResetRefused):
            reset(**house.who("eve"), **terms, reason=short)
    assert tripped_keys(house.workspace.pk, "support") == {trip.key} and house.verbs().count("breaker.reset") == 0
    done = reset(**house.who("eve"), **terms, reason=f"  {REASON} ")
    assert (done.reset_reason, done.reset_by["name"]) == (REASON, "Eve") and tripped_keys(
        house.workspace.pk, "support"
    ) == frozenset()
    assert house.last()[0] == "breaker.reset" and house.last()[1]["reason"] == REASON
    with pytest.raises(ResetRefused, match="Eve reset this breaker already"):
        reset(**house.who("eve"), **terms, reason=REASON)


def test_after_a_reset_only_later_events_count(house, past):
    doc = document("failures", most=1)
    for _ in range(2):
        happened(past, doc, "failed")
    trip = BreakerTrip.objects.get()
    reset(**house.who("eve"), workspace=house.workspace, trip_id=trip.pk, reason=REASON)
    later = database_now() + timedelta(microseconds=1)
    assert happened(past, doc, "failed", ended=later) == ()
    assert len(happened(past, doc, "failed", ended=later)) == 1
    assert BreakerTrip.objects.count() == 2


def test_counting_needs_the_transaction_and_a_known_event(open_house):
    past, doc = Past(open_house.workspace), document("failures")
    record = past.add(update(), outcome="failed")
    with pytest.raises(RuntimeError):
        observe(workspace_id=open_house.workspace.pk, document=doc, record=record, event="failed")
    with pytest.raises(ValueError), transaction.atomic():
        observe(workspace_id=open_house.workspace.pk, document=doc, record=record, event="open")


def test_a_decision_is_counted_once_it_is_committed(past, django_capture_on_commit_callbacks):
    doc = document("denials", most=0)
    record = past.add(update({"credit_limit": "9"}))
    with django_capture_on_commit_callbacks(execute=True):
        observe_decided(workspace_id=past.workspace.pk, document=doc, record=record)
        assert tripped_keys(past.workspace.pk, "support") == frozenset()
    assert len(tripped_keys(past.workspace.pk, "support")) == 1


def test_twenty_failures_at_once_trip_once_and_at_the_sixth(open_house):
    """Each in its own transaction; without one lock a counter none of them would see the others."""
    past, doc = Past(open_house.workspace), document("failures", most=5)
    records, gate = [past.add(update()) for _ in range(20)], threading.Barrier(20)
    problems: list[Exception] = []

    def fail(action_id: str) -> None:
        try:
            gate.wait()
            with transaction.atomic():
                record = record_outcome(action_id=action_id, outcome="failed")
                observe(workspace_id=open_house.workspace.pk, document=doc, record=record, event="failed")
        except Exception as error:
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=fail, args=(record.action_id,)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert BreakerTrip.objects.get().reason.startswith("6 failures")
    assert open_house.verbs().count("breaker.tripped") == 1


def at(connection: str, request=None):
    """The same call of a tool that reaches another connection."""
    found = request or update()
    return replace(found, tool=replace(found.tool, connection=connection))


def test_a08_per_connection_counts_every_tool_and_agent_that_reaches_one_system(house, past):
    doc = document("failures", most=1, per="connection")
    assert happened(past, doc, "failed", at("desk"), agent="a") == () == happened(past, doc, "failed", at("bank"))
    assert len(happened(past, doc, "failed", at("desk", refund()), agent="b")) == 1
    assert tripped_keys(past.workspace.pk, doc.slug) == {"stop:connection:desk"}
    held = tripped_keys(house.workspace.pk, doc.slug)
    asked = [decide(doc, replace(at(where, refund()), tripped=held)).effect for where in ("desk", "bank")]
    assert asked == ["deny", "allow"]


def test_per_connection_spend_and_repeats_stay_with_their_connection(past):
    spent = document("spend", most=10000, per="connection", extra=", currency: USD")
    assert happened(past, spent, "succeeded", at("desk", refund(6000))) == ()
    assert happened(past, spent, "succeeded", at("bank", refund(6000))) == ()
    assert len(happened(past, spent, "succeeded", at("desk", refund(4001)))) == 1


def test_a_reset_of_a_connections_breaker_is_a_recorded_act(house, past):
    doc = document("failures", most=0, per="connection")
    happened(past, doc, "failed", at("desk"))
    trip = BreakerTrip.objects.get()
    user = house.users["eve"]
    reset(actor=house.actor("eve"), user=user, workspace=house.workspace, trip_id=trip.pk, reason=REASON)
    verb, body = house.last()
    assert (verb, body["key"], body["reason"]) == ("breaker.reset", "stop:connection:desk", REASON)
    assert happened(past, doc, "succeeded", at("desk")) == () == tuple(tripped_keys(past.workspace.pk, doc.slug))


def test_records_of_before_connections_were_counted_still_replay(past):
    record = past.add(at("desk"))
    old = record.request_text.replace(',"desk"]', "]")
    assert old != record.request_text
    DecisionRecord.objects.filter(pk=record.pk).update(request_text=old)
    record.refresh_from_db()
    assert request_of(record).tool.connection == ""
