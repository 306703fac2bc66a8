"""Which approvals need which proof: the workspace's floor by risk, raised by policy, never lowered (V7.5.3, P4)."""

import itertools
from datetime import timedelta

import pytest

from accounts.clock import database_now
from actions.services import apply_verdict
from actions.states import State
from approvals.models import ApprovalRequest, ApprovalSettings
from approvals.requirement import LEVELS, required_level
from approvals.services import StepUpNeeded, record_verdict
from approvals.statement import Proof
from tests.builders import action, planned, request_of, work
from tests.stepup.conftest import ask_for
from traces.models import Entry

REFUND = "desk.refund.create"


@pytest.fixture
def trace(cast):
    return planned(cast)


def request(effect_class="write", reversibility="reversible", route="none", workspace=None):
    bound = {"effect_class": effect_class, "reversibility": reversibility}
    return ApprovalRequest(workspace=workspace, bound=bound, route={"step_up": route})


@pytest.mark.parametrize(
    ("effect_class", "reversibility", "wanted"),
    [
        ("write", "reversible", "none"),
        ("write", "compensable", "none"),
        ("write", "irreversible", "totp"),
        ("draft", "reversible", "none"),
        ("side_effect", "reversible", "totp"),
        ("side_effect", "irreversible", "totp"),
        ("continuous", "reversible", "totp"),
        ("", "reversible", "totp"),
        ("write", "", "totp"),
        ("write", None, "totp"),
    ],
)
def test_by_risk_asks_a_proof_of_what_is_irreversible_or_has_side_effects(cast, effect_class, reversibility, wanted):
    ApprovalSettings.objects.all().delete()  # A workspace nobody set has the default.
    assert required_level(request(effect_class, reversibility, workspace=cast.northwind)) == wanted


@pytest.mark.parametrize(("floor", "route"), list(itertools.product(("none", "by_risk", "totp", "passkey"), LEVELS)))
def test_policy_raises_and_never_lowers_the_floor(cast, floor, route):
    """INVARIANT of approvals.models.ApprovalSettings."""
    ask_for(cast, floor)
    for reversibility in ("reversible", "irreversible"):
        base = ("totp" if reversibility == "irreversible" else "none") if floor == "by_risk" else floor
        found = required_level(request("write", reversibility, route, cast.northwind))
        assert LEVELS.index(found) == max(LEVELS.index(base), LEVELS.index(route))


def vote(cast, request_, first, proof=None, choice="approve"):
    request_.refresh_from_db()
    user = cast.user(first)
    return record_verdict(
        actor=cast.actor(first), user=user, request_id=request_.pk, choice=choice, reason="Because.",
        digest=request_.digest, proof=proof,
    )  # fmt: skip


def proof(cast, first="priya", method="totp", **old):
    return Proof(cast.user(first).pk, method, database_now() - timedelta(**old))


def test_approval_without_a_proof_is_not_recorded_and_a_rejection_is(cast, trace):
    ask_for(cast, "by_risk")
    refund = request_of(trace, REFUND)
    with pytest.raises(StepUpNeeded, match="within the last 5 minutes"):
        vote(cast, refund, "priya")
    assert not refund.verdicts.exists()
    vote(cast, refund, "priya", choice="reject")
    refund.refresh_from_db()
    assert refund.state == "rejected"


@pytest.mark.parametrize("method", ["totp", "passkey", "recovery"])
def test_fresh_proof_by_any_method_satisfies_a_code(cast, trace, method):
    ask_for(cast, "totp")
    refund = request_of(trace, REFUND)
    vote(cast, refund, "priya", proof(cast, method=method, minutes=4, seconds=50))
    said = refund.verdicts.get().signed["statement"]["step_up"]
    assert said["method"] == method and said["at"].endswith("Z")


def test_old_proof_and_proof_of_somebody_else_do_not_count(cast, trace):
    ask_for(cast, "totp")
    refund = request_of(trace, REFUND)
    for bad in (proof(cast, minutes=5, seconds=1), proof(cast, "ken"), proof(cast, method="password")):
        with pytest.raises(StepUpNeeded):
            vote(cast, refund, "priya", bad)
    assert not refund.verdicts.exists()


def test_passkey_floor_wants_a_passkey_over_this_very_verdict(cast, trace):
    ask_for(cast, "passkey")
    refund = request_of(trace, REFUND)
    for method in ("totp", "recovery", "passkey"):
        with pytest.raises(StepUpNeeded, match="a passkey that signs it"):
            vote(cast, refund, "priya", proof(cast, method=method))


def test_floor_raised_after_the_verdicts_blocks_at_dispatch(cast, trace, desk):
    refund = request_of(trace, REFUND)
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    apply_verdict(request_id=refund.pk)
    ask_for(cast, "totp")
    work(trace)
    found = action(trace, REFUND)
    assert found.state == State.BLOCKED and "without the step-up that is asked now" in found.detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_verdicts_with_a_proof_run_under_the_floor(cast, trace):
    ask_for(cast, "by_risk")
    refund = request_of(trace, REFUND)
    vote(cast, refund, "priya", proof(cast))
    vote(cast, refund, "tomas", proof(cast, "tomas"))
    apply_verdict(request_id=refund.pk)
    work(trace)
    assert action(trace, REFUND).state == State.SUCCEEDED


def test_changing_the_floor_is_ledgered_with_what_it_was(cast):
    ask_for(cast, "passkey")
    ask_for(cast, "none")
    bodies = [e.record["body"] for e in Entry.objects.filter(type="approval_settings.changed").order_by("seq")]
    assert [(b["was"]["step_up_floor"], b["now"]["step_up_floor"], b["loosens"]) for b in bodies] == [
        ("none", "passkey", False), ("passkey", "none", True),
    ]  # fmt: skip
