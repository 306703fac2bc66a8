"""A shadow's windowed limits count what the shadow would have let through, and before it the live limit of the same key."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.clock import database_now
from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.types import Hold
from policies.history import record_decision, record_outcome
from policies.limits import reserve
from policies.models import DecisionRecord, LimitHold, ShadowHold, ShadowVersion
from policies.shadow_limits import hold_in_shadow, shadow_usage
from tests.policies.browsing import Page
from tests.policies.past import SUPPORT, refund

DAILY = "\n  - {id: few, name: Few, when: {tools: [desk.refund.create]}, kind: count, per: agent, max: 2, window: 1d, over: deny}\n"
SHADOW = load(SUPPORT.replace("\nroutes:", DAILY + "routes:"))
LIVE = load(SUPPORT)
KEY = "few:agent:agt_x"


@pytest.fixture
def shadow(house) -> ShadowVersion:
    return ShadowVersion.objects.create(
        policy=house.policy(), source="", digest=SHADOW.digest, name="Draft", started_at=database_now(),
        started_by={"kind": "person", "id": "usr_x", "name": "X"},
    )  # fmt: skip


def ask(house, shadow, name: str, *, live=LIVE, amount: int = 100, outcome: str = ""):
    """One refund decided by the live document and beside it by the shadow, as the boundary does."""
    request = replace(refund(amount), agent={"id": "agt_x", "slug": "x", "name": "X"}, at=database_now())
    usage = shadow_usage(shadow, SHADOW, request, action_id=name)
    said = decide(SHADOW, replace(request, usage=usage))
    hold_in_shadow(shadow, action_id=name, holds=said.holds)
    record_decision(
        workspace_id=house.workspace.pk, action_id=name, trace_id="trc_1", agent_id="agt_x", title="Refund",
        request=request, decision=decide(live, request), shadow=said, shadow_digest=shadow.digest,
    )  # fmt: skip
    if outcome:
        record_outcome(action_id=name, outcome=outcome)
    return said


def test_a_limit_only_the_shadow_has_fills_up_and_denies(house, shadow):
    effects = [ask(house, shadow, f"act_{number}", outcome="succeeded").effect for number in range(4)]
    assert effects == ["allow", "allow", "deny", "deny"]
    assert set(DecisionRecord.objects.values_list("effect", flat=True)) == {"allow"}, "It decides nothing."
    assert not LimitHold.objects.exists(), "And it holds nothing."


@pytest.mark.parametrize(
    ("outcome", "amount", "counted"),
    [
        ("failed", 100, 0),
        ("not_run", 100, 0),
        ("unknown", 100, 1),
        ("succeeded", 100, 1),
        ("rejected", 20000, 0),
        ("", 20000, 1),
    ],
)
def test_what_came_to_nothing_is_given_back(house, shadow, outcome, amount, counted):
    ask(house, shadow, "act_1", amount=amount, outcome=outcome)
    assert usage(shadow)[KEY] == counted


def test_what_only_the_live_version_refused_counts(house, shadow):
    """What people rejected too, where the shadow would have asked nobody."""
    no = load(SUPPORT.replace("desk.refund.create: {mode: auto}", "desk.refund.create: {mode: 'off'}"))
    asks = load(
        SUPPORT.replace("desk.refund.create: {mode: auto}", "desk.refund.create: {mode: approval, route: refund}")
    )
    ask(house, shadow, "act_1", live=no, outcome="not_run")
    ask(house, shadow, "act_2", live=asks, outcome="rejected")
    assert usage(shadow)[KEY] == 2


def usage(shadow, action_id: str = "act_new") -> dict[str, int]:
    request = replace(refund(100), agent={"id": "agt_x"})
    return shadow_usage(shadow, SHADOW, request, action_id=action_id)


def test_an_action_decided_again_counts_once_and_not_against_itself(house, shadow):
    ask(house, shadow, "act_1")
    ask(house, shadow, "act_1")
    assert (usage(shadow)[KEY], usage(shadow, "act_1")[KEY], ShadowHold.objects.filter(key=KEY).count()) == (1, 0, 1)


def test_windows_roll(house, shadow):
    ask(house, shadow, "act_1", outcome="succeeded")
    ShadowHold.objects.update(at=database_now() - timedelta(days=1, seconds=1))
    assert usage(shadow)[KEY] == 0


def test_before_the_start_the_live_limit_of_the_same_key_counts(house, shadow):
    """It does not begin with an empty budget; what is held live after its start is its own to count."""
    key = "refund.daily:agent:agt_x"
    common = {"workspace_id": house.workspace.pk, "holds": [Hold(key, "refund.daily", 700, 86400)]}
    reserve(policy="support", action_id="act_before", **common)
    reserve(policy="another", action_id="act_other", **common)
    LimitHold.objects.update(at=shadow.started_at - timedelta(hours=1))
    reserve(policy="support", action_id="act_after", **common)
    assert usage(shadow)[key] == 700


def test_the_page_says_what_is_counted_and_what_is_not(house, shadow):
    page = Page(house, "ken").get("shadow/")
    assert "count what it would have let through since it started" in page
    assert "one that only the shadow has does not trip" in page
