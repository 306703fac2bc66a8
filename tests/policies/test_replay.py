"""Replay says what a document would have decided of the past: counted by hand here, action by action."""

from datetime import timedelta

import pytest

from accounts.actors import system_actor
from policies.models import DecisionRecord, Replay
from policies.replay import run_replay, start_replay
from policies.replay.loads import earlier_text, loads_of
from policies.replay.unknown import unknown_text, unknowns_of
from tests.policies.kit import TIGHTER, changed
from tests.policies.past import SUPPORT, Past, refund, update


@pytest.fixture
def past(house) -> Past:
    return Past(house.workspace)


def replayed(house, source: str, days: int = 30) -> dict:
    actor = system_actor("tests", house.workspace.pk)
    replay = start_replay(actor=actor, user=None, policy=house.policy(), source=source, days=days)
    run_replay(replay.pk)
    replay.refresh_from_db()
    assert replay.state == Replay.State.DONE, replay.detail
    assert (replay.done, replay.total) == (replay.result["total"], replay.result["total"])
    return replay.result


def group(result: dict, label: str) -> dict:
    (found,) = [one for one in result["groups"] if one["label"] == label]
    return found


def test_the_same_document_changes_nothing(house, past):
    for number in range(3):
        past.add(refund(6000), outcome="succeeded", at=past.ago(days=number))
    past.add(refund(24000), outcome="rejected")
    past.add(update({"owner_note": "a", "credit_limit": "1"}), outcome="succeeded")
    past.add(update(record={"region": "US"}))
    result = replayed(house, SUPPORT)
    assert (result["total"], result["same"], result["changed"]) == (6, 6, 0)
    assert result["groups"] == [] and result["breaks"] == []
    assert result["rules_spoken"] == result["rules_spoken_before"] == {
        "limits.refund.auto": 1, "fields.desk.account": 1, "roles.refunds.scopes.desk.account": 1,
    }  # fmt: skip


def test_an_empty_past_is_no_error(house):
    result = replayed(house, SUPPORT)
    assert (result["total"], result["approvals"], result["days"]) == (0, {}, 30)


def test_newly_waiting_by_rule(house, past):
    small, large = past.add(refund(4000)), past.add(refund(8000))
    result = replayed(house, SUPPORT.replace("max: 10000", "max: 5000"))
    assert (result["same"], result["newly_waiting"], result["newly_allowed"]) == (1, 1, 0)
    found = group(result, "Spend limit")
    assert (found["from"], found["to"], found["rule"]) == ("allow", "approval", "limits.refund.auto")
    assert (found["count"], found["actions"]) == (1, [large.action_id]) and small.action_id not in found["actions"]


def test_newly_allowed_is_named_by_the_rule_that_used_to_decide(house, past):
    past.add(refund(24000), outcome="succeeded", waited_s=10)
    past.add(update(record={"id": "a", "region": "US"}))
    assert [record.effect for record in DecisionRecord.objects.all()] == ["approval", "deny"]
    result = replayed(house, SUPPORT.replace("max: 10000", "max: 99999").replace('record.region == "EU"', '"true"'))
    assert result["newly_allowed"] == 2
    assert {(g["from"], g["to"], g["label"]) for g in result["groups"]} == {
        ("approval", "allow", "Spend limit"), ("deny", "allow", "Row scope"),
    }  # fmt: skip
    assert result["approvals"]["refund"]["added_a_day"] == -1.0


def test_a_tool_turned_off_denies_and_breaks_what_went_well(house, past):
    source = SUPPORT.replace("desk.account.update: {mode: auto}", "desk.account.update: {mode: 'off'}")
    for day in (1, 1, 2):
        past.add(update(), outcome="succeeded", agent="Nightly cleanup", at=past.ago(days=day))
    past.add(update(), outcome="failed", agent="Nightly cleanup")
    past.add(update(), outcome="rolled_back", agent="Other")
    result = replayed(house, source)
    assert result["newly_denied"] == 5 and group(result, "desk.account.update")["count"] == 5
    (broken,) = result["breaks"]
    assert (broken["agent"], broken["tool"], broken["field"]) == ("Nightly cleanup", "desk.account.update", "")
    assert (broken["count"], broken["days"], broken["of_days"]) == (3, 2, 30)
    assert broken["sentence"] == "Nightly cleanup used desk.account.update on 2 of the last 30 days."


def test_a_field_taken_off_the_list_is_a_change_although_the_write_goes_on(house, past):
    both = past.add(update({"owner_note": "a", "refund_status": "b"}), outcome="succeeded", agent="Nightly cleanup")
    past.add(update({"refund_status": "b"}), outcome="succeeded", agent="Nightly cleanup")
    result = replayed(house, SUPPORT.replace("write: [refund_status, last", "write: [last"))
    assert (result["changed"], result["newly_refused_fields"], result["newly_denied"]) == (2, 1, 1)
    kinds = {one["kind"]: one for one in result["groups"]}
    assert kinds["refused_field"]["actions"] == [both.action_id]
    assert {one["label"] for one in result["groups"]} == {"Write refund_status"}
    (broken,) = result["breaks"]
    assert (broken["field"], broken["count"]) == ("refund_status", 2)
    assert (
        broken["sentence"] == "Nightly cleanup wrote refund_status with desk.account.update on 1 of the last 30 days."
    )


def test_a_field_put_on_the_list_is_never_hidden(house, past):
    past.add(update({"owner_note": "a", "credit_limit": "9"}), outcome="succeeded")
    past.add(update({"credit_limit": "9"}))
    result = replayed(
        house, SUPPORT.replace("write: [refund_status, last", "write: [credit_limit, refund_status, last")
    )
    assert (result["newly_written_fields"], result["newly_allowed"], result["changed"]) == (1, 1, 2)
    assert {(g["from"], g["to"], g["kind"]) for g in result["groups"]} == {
        ("deny", "allow", "written_field"), ("deny", "allow", "effect"),
    }  # fmt: skip


def test_a_day_of_approvals_and_the_queue_they_make(house, past):
    """By Little's law: 33 more in 30 days is 1.1 a day; at a mean wait of half a day that is 0.55 more in the queue."""
    past.add(update(), at=past.ago(days=29, hours=23))
    for wait in (21600, 43200, 64800):
        past.add(refund(24000), outcome="succeeded", waited_s=wait, at=past.ago(days=2))
    for _ in range(33):
        past.add(refund(8000), at=past.ago(days=1))
    result = replayed(house, SUPPORT.replace("max: 10000", "max: 5000"))
    assert result["approvals"] == {
        "refund": {
            "a_day": 1.2, "a_day_before": 0.1, "added_a_day": 1.1, "median_wait_s": 43200, "p90_wait_s": 64800,
            "queue": 0.6, "queue_before": 0.05,
        }
    }  # fmt: skip


def test_a_route_without_a_past_has_no_wait(house, past):
    past.add(refund(8000))
    source = SUPPORT.replace("max: 10000", "max: 5000")
    assert replayed(house, source)["approvals"]["refund"]["median_wait_s"] is None


def test_what_an_earlier_version_decided_is_said_to_be(house, past):
    """A limit that is live already shows in every later preview, so the preview says why."""
    past.add(refund(8000)), past.add(refund(4000))
    lower = SUPPORT.replace("max: 10000", "max: 5000")
    first = replayed(house, lower)
    assert (first["changed"], first["earlier"], earlier_text(first)) == (1, 0, "")
    house.publish(changed(TIGHTER))
    result = replayed(house, lower, days=29)
    assert (result["changed"], result["earlier"], result["live"]) == (1, 1, 2)
    assert earlier_text(result) == "1 of these was decided before v2 went live, so what v2 changed is counted too."


def test_each_route_says_what_its_people_would_be_asked(house, past):
    for wait in (21600, 43200, 64800):
        past.add(refund(24000), outcome="succeeded", waited_s=wait, at=past.ago(hours=47))
    past.add(refund(8000), at=past.ago(hours=20))
    (load,) = loads_of(replayed(house, SUPPORT.replace("max: 10000", "max: 5000")))
    assert (load.route, load.text) == ("refund", "0.5 a day more, about 1 wait at once")
    (load,) = loads_of(replayed(house, SUPPORT.replace("max: 10000", "max: 99999")))
    assert load.text == "1.5 a day fewer, about 0 wait at once"
    (load,) = loads_of(replayed(house, SUPPORT))
    assert load.text == "as many a day, about 0.75 wait at once"
    assert loads_of({}) == ()


def test_a_short_past_is_not_spread_over_the_whole_window(house, past):
    for hours in (47, 30, 20, 1):
        past.add(refund(8000), at=past.ago(hours=hours))
    result = replayed(house, SUPPORT.replace("max: 10000", "max: 5000"))
    assert (result["days"], result["approvals"]["refund"]["added_a_day"]) == (2, 2.0)


def test_another_route_for_the_same_need_is_a_change(house, past):
    past.add(refund(24000))
    other = "routes:\n  other: {steps: [{name: B, group: finance}]}\n"
    source = SUPPORT.replace("route: refund\n", "route: other\n").replace("routes:\n", other)
    result = replayed(house, source)
    assert (result["changed"], result["rerouted"], result["newly_waiting"]) == (1, 1, 0)
    assert group(result, "other")["kind"] == "route"


def test_windowed_limits_count_what_the_candidate_would_have_held(house, past):
    """$50 a day: of five refunds of $20 an hour apart the first two fit; the next day's fit again."""
    source = SUPPORT.replace("max: 500000", "max: 5000")
    for hour in range(5):
        past.add(refund(2000), outcome="succeeded", at=past.ago(days=3) + timedelta(hours=hour))
    past.add(refund(2000), outcome="succeeded", at=past.ago(days=3) + timedelta(hours=24, minutes=1))
    past.add(refund(2000), outcome="succeeded", agent="Other", at=past.ago(days=3) + timedelta(hours=2))
    result = replayed(house, source)
    assert (result["newly_denied"], group(result, "Daily refund budget")["count"]) == (3, 3)


def test_what_came_to_nothing_gives_its_amount_back_when_it_did(house, past):
    source = SUPPORT.replace("max: 500000", "max: 5000")
    start = past.ago(days=3)
    past.add(refund(4000), outcome="failed", at=start, ended=start + timedelta(hours=2))
    past.add(refund(2000), outcome="succeeded", at=start + timedelta(hours=1))  # Held by the one still running.
    past.add(refund(4000), outcome="succeeded", at=start + timedelta(hours=3))
    assert replayed(house, source)["newly_denied"] == 1


def test_what_people_rejected_counts_where_the_candidate_asks_nobody(house, past):
    start = past.ago(days=3)
    past.add(refund(24000), outcome="rejected", at=start, ended=start + timedelta(minutes=1))
    past.add(refund(24000), outcome="succeeded", at=start + timedelta(hours=1))
    budget = SUPPORT.replace("max: 500000", "max: 30000")
    assert replayed(house, budget)["newly_denied"] == 0
    result = replayed(house, budget.replace("max: 10000", "max: 99999"))
    assert (result["newly_allowed"], result["newly_denied"]) == (1, 1)


def test_what_was_refused_before_policy_was_asked_stays_so(house, past):
    record = past.add(update(record={"id": "a", "region": "US"}))
    for number, rule in enumerate(("preview", "pause", "tools", "person.token", "token.scope", "person.rights"), 1):
        DecisionRecord.objects.filter(pk=record.pk).update(rule=rule)
        result = replayed(house, SUPPORT.replace('record.region == "EU"', '"true"'), days=number)
        assert (result["same"], result["newly_allowed"]) == (1, 0), rule


def test_what_policy_refused_counts_where_the_candidate_lets_it_run(house):
    past = Past(house.workspace, SUPPORT.replace("max: 500000", "max: 100"))
    for hour in (3, 2, 1):
        past.add(refund(2000), outcome="not_run", at=past.ago(hours=hour))
    result = replayed(house, SUPPORT.replace("max: 500000", "max: 4000"))
    assert (result["newly_allowed"], result["same"]) == (2, 1)


def test_a_rule_that_cannot_be_evaluated_denies_in_replay_too(house, past):
    past.add(update(record={"id": "a", "region": "EU"}), outcome="succeeded")
    result = replayed(house, SUPPORT.replace('record.region == "EU"', "record.missing == 1"))
    assert (result["newly_denied"], result["groups"][0]["label"]) == (1, "Row scope")


def test_a_record_that_cannot_be_read_counts_as_denied(house, past):
    record = past.add(refund())
    DecisionRecord.objects.filter(pk=record.pk).update(request_text="{}")
    result = replayed(house, SUPPORT)
    assert (result["unreadable"], result["newly_denied"], result["changed"]) == (1, 1, 1)
    assert unknown_text(result) == "1 could not be read and count as denied, as every error does."
    (line,) = unknowns_of(result)
    assert (line.tool, line.count) == ("desk.refund.create", 1)


def test_only_the_window_of_this_policy_and_workspace_is_replayed(house, past):
    past.add(refund(), at=past.ago(days=31))
    past.add(refund(), at=past.ago(days=6))
    record = past.add(refund())
    DecisionRecord.objects.filter(pk=record.pk).update(policy="another")
    assert replayed(house, SUPPORT)["total"] == 1
    assert replayed(house, SUPPORT, days=5)["total"] == 0


def test_more_than_one_chunk_is_counted_once(house, past):
    past.add(refund(8000))
    (kept,) = DecisionRecord.objects.values()
    kept.pop("id")
    rows = [DecisionRecord(**{**kept, "action_id": f"act_many_{n}"}) for n in range(2500)]
    DecisionRecord.objects.bulk_create(rows)  # All at one instant: the id alone tells them apart.
    result = replayed(house, SUPPORT.replace("max: 10000", "max: 5000").replace("max: 500000", "max: 99999999"))
    assert (result["total"], result["newly_waiting"]) == (2501, 2501)
    assert len(group(result, "Spend limit")["actions"]) == 50
