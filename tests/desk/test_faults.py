"""The fault switches do what they say, so that suites which rely on them prove something."""

import httpx
import pytest

from tests.desk.test_money_and_mail import REFUND, post

COMMITTED = {
    "reset_before": False, "500_before": False,
    "reset_after": True, "500_after": True, "cut_body": True, "not_json": True,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "committed"), COMMITTED.items())
def test_effect_is_before_or_after_as_named(http, desk, kind, committed):
    desk.fault(kind)
    try:
        answer = post(http, desk, "/refunds", REFUND)
    except httpx.TransportError:
        answer = None
    # Only a server error or a body that cannot be read comes back; a reset brings no answer at all.
    assert (answer is None) == (kind in {"reset_before", "reset_after", "cut_body"})
    assert answer is None or answer.status_code == (500 if kind.startswith("500") else 201)
    assert len(desk.read("/orders/48213")["refunds"]) == committed
    assert post(http, desk, "/refunds", REFUND).status_code == 201, "the fault is used up"
    assert len(desk.read("/orders/48213")["refunds"]) == 1


def test_slow_answer_outlasts_the_caller_after_the_effect(http, desk):
    desk.fault("slow_after")
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/refunds", json=REFUND, headers={**desk.bearer("refunds:write"), "Idempotency-Key": "k1"}, timeout=0.5
        )
    assert len(desk.read("/orders/48213")["refunds"]) == 1


def test_count_is_how_many_writes_are_spoiled(http, desk):
    desk.fault("500_before", 2)
    assert [post(http, desk, "/refunds", REFUND).status_code for _ in range(3)] == [500, 500, 201]


@pytest.mark.parametrize(
    "asked", [{"kind": "fire"}, {}, {"kind": "cut_body", "count": 0}, {"kind": "cut_body", "count": "1"}]
)
def test_unknown_faults_are_refused(http, asked):
    assert http.post("/faults", json=asked).status_code == 422
