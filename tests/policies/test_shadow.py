"""A shadow runs beside the live version, decides nothing, and what it would have decided otherwise is counted."""

from datetime import timedelta

import pytest

from accounts.access import Forbidden, NotVisible
from accounts.clock import database_now
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.models import DecisionRecord, ShadowVersion
from policies.refusals import PolicyRefused
from policies.shadow import SAMPLES, shadow_differences, shadow_of, shadow_total, start_shadow, stop_shadow
from tests.policies.kit import LOOSER, TIGHTER, build_house, changed


def start(house, edit=TIGHTER, by="ken", name="Draft of Ken"):
    return start_shadow(**house.who(by), policy=house.policy(), source=dump(changed(edit)), name=name)


def test_it_runs_until_it_is_stopped_and_the_live_version_stays(house):
    assert shadow_of(house.workspace.pk, "support") is None
    shadow = start(house)
    assert house.last() == (
        "policy.shadow_started",
        {"policy": "support", "name": "Draft of Ken", "digest": shadow.digest},
    )
    document, found = shadow_of(house.workspace.pk, "support")
    assert (found, document.plain, house.live().number) == (shadow, changed(TIGHTER), 1)
    stopped = stop_shadow(**house.who("noor"), policy=house.policy())
    assert stopped.ended_at is not None and shadow_of(house.workspace.pk, "support") is None
    assert house.last()[0] == "policy.shadow_stopped"
    with pytest.raises(PolicyRefused, match="Nothing runs"):
        stop_shadow(**house.who("ken"), policy=house.policy())


def test_one_runs_at_a_time(house):
    start(house)
    with pytest.raises(PolicyRefused, match="Draft of Ken runs in the shadow already"):
        start(house, LOOSER)
    assert ShadowVersion.objects.count() == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_it_has_a_name(house, name):
    with pytest.raises(PolicyRefused):
        start(house, name=name)


def test_what_cannot_be_evaluated_is_not_started(house):
    with pytest.raises(PolicyError):
        start(house, (("policy", "slug"), "other"))
    rule = {"id": "note", "when": {"tools": ["desk.refund.create"]}, "require": 'args.amount == "x"', "reason": "R."}
    with pytest.raises(PolicyError, match=r"line \d+, column 5: invariants\.0\.require: invariants\.note"):
        start(house, (("invariants",), [rule]))


@pytest.mark.parametrize("first", ["dana", "maya", "ava"])
def test_only_policy_admins_start_and_stop(house, first):
    with pytest.raises(Forbidden):
        start(house, by=first)
    start(house)
    with pytest.raises(Forbidden):
        stop_shadow(**house.who(first), policy=house.policy())
    with pytest.raises(NotVisible):
        stop_shadow(**build_house("lakeside").who("ken"), policy=house.policy())


def test_a_shadow_that_loads_no_more_counts_as_none_and_is_logged(house, caplog):
    shadow = start(house)
    ShadowVersion.objects.filter(pk=shadow.pk).update(source="policy: [", digest="sha256:0")
    assert shadow_of(house.workspace.pk, "support") is None
    assert "does not load any more" in caplog.text


def record(house, number, *, effect="allow", shadow="approval", rule="", shadow_rule="limits.refund.auto", **more):
    values = {
        "workspace": house.workspace, "policy": "support", "version": 1, "action_id": f"act_{number}",
        "trace_id": "trc_x", "agent_id": "agt_x", "role": "clerk", "tool": "desk.refund.create",
        "effect_class": "side_effect", "title": "Refund", "request_text": "{}", "effect": effect, "rule": rule,
        "at": database_now() + timedelta(seconds=number), "shadow_digest": "sha256:s", "shadow_effect": shadow,
        "shadow_rule": shadow_rule,
    }  # fmt: skip
    DecisionRecord.objects.create(**values | more)


def test_differences_are_counted_by_what_changed_and_why(house, django_assert_num_queries):
    since = database_now()
    for number in range(8):
        record(house, number)
    record(house, 8, effect="deny", shadow="allow", rule="invariants.domain", shadow_rule="")
    record(house, 9, effect="deny", shadow="deny", rule="x")
    record(house, 10, shadow_digest="", shadow="", shadow_rule="")
    record(house, 11, policy="other")
    policy = house.policy()
    with django_assert_num_queries(2):
        most, least = shadow_differences(policy, since)
    assert (most.effect, most.shadow_effect, most.shadow_rule, most.count) == (
        "allow",
        "approval",
        "limits.refund.auto",
        8,
    )
    assert most.action_ids == tuple(f"act_{number}" for number in (7, 6, 5, 4, 3)) and SAMPLES == 5
    assert (least.effect, least.shadow_effect, least.rule, least.action_ids) == (
        "deny",
        "allow",
        "invariants.domain",
        ("act_8",),
    )
    assert shadow_total(house.policy(), since) == 10


def test_differences_may_be_of_one_shadow_and_since_a_time(house):
    since = database_now()
    record(house, 1)
    record(house, 2, shadow_digest="sha256:t")
    record(house, -100)
    (found,) = shadow_differences(house.policy(), since, digest="sha256:t")
    assert found.action_ids == ("act_2",) and shadow_total(house.policy(), since, digest="sha256:t") == 1
    assert shadow_total(house.policy(), since) == 2
