"""After an unclear answer the system itself says whether there was an effect (F-01, F-02, F11)."""

from pathlib import Path

import pytest
import yaml

from actions.connectors.base import ConnectionInfo, ReadFailed
from actions.connectors.operation import OperationError, parse_operation
from actions.connectors.records.connector import RecordsConnector
from tests.connectors.raw import answer, raw_system

WORLD = yaml.safe_load((Path(__file__).parents[2] / "sample/world/tools.yaml").read_text())
OPERATIONS = {tool["name"]: parse_operation(tool["operation"]) for tool in WORLD["tools"]}
CALLS = {
    "desk.refund.create": {
        "order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 6000, "currency": "USD", "reason": "duplicate",
    },
    "desk.mail.send": {"to": "ap@birch.example", "subject": "Hello", "body": "Hello"},
    "desk.account.update": {"account_id": "acct_5521", "fields": {"tier": "Plus", "refund_status": "refunded"}},
    "desk.ticket.update": {"ticket_id": "88213", "fields": {"status": "closed"}},
}  # fmt: skip
EFFECT = {
    "reset_before": False, "500_before": False,
    "reset_after": True, "500_after": True, "cut_body": True, "not_json": True,
}  # fmt: skip
CONNECTOR = RecordsConnector()


@pytest.fixture
def info(desk) -> ConnectionInfo:
    desk.reset()
    return ConnectionInfo("desk", "records", desk.base_url, desk.client_id, desk.client_secret, True)


def attempt(info, tool, *, reference="act_1", timeout_s=5.0):
    operation, arguments = OPERATIONS[tool], CALLS[tool]
    version = '"1"' if operation.write.if_match else None
    facts = {"version": version, "idempotency_key": reference, "action_id": reference}
    sent = CONNECTOR.compose(operation, arguments, arguments.get("fields", arguments), **facts)
    scope = (operation.write.scope,)
    credential = CONNECTOR.mint(info, scope=scope, record=None, ttl_s=60, reference=reference, timeout_s=10)
    return CONNECTOR.dispatch(info, operation, sent, credential, timeout_s=timeout_s)


def look_up(info, tool, *, reference="act_1"):
    operation = OPERATIONS[tool]
    credential = CONNECTOR.mint(
        info, scope=(operation.look_up.scope,), record=None, ttl_s=30, reference="reconcile", timeout_s=10
    )
    try:
        return CONNECTOR.look_up(info, operation, CALLS[tool], reference, credential, timeout_s=5)
    finally:
        CONNECTOR.revoke(info, credential)


@pytest.mark.parametrize(("fault", "effect"), EFFECT.items())
@pytest.mark.parametrize("tool", CALLS)
def test_f11_unknown_is_settled_by_looking_up(info, desk, tool, fault, effect):
    desk.fault(fault)
    assert attempt(info, tool).kind == "unknown"
    assert bool(look_up(info, tool)) == effect
    assert look_up(info, tool, reference="act_2") == ()


def test_f11_an_answer_too_slow_is_settled_too(info, desk):
    desk.fault("slow_after")
    assert attempt(info, "desk.refund.create", timeout_s=0.5).kind == "unknown"
    assert look_up(info, "desk.refund.create")[0]["amount"] == 6000


def test_found_is_what_was_done(info):
    assert attempt(info, "desk.refund.create").kind == "done"
    (refund,) = look_up(info, "desk.refund.create")
    assert refund["reference"] == "act_1" and refund["charge_id"] == "ch_3PqRc1"
    assert attempt(info, "desk.account.update").kind == "done"
    rows = look_up(info, "desk.account.update")
    assert {(row["field"], row["new"]) for row in rows} == {("tier", "Plus"), ("refund_status", "refunded")}


@pytest.mark.parametrize("tool", CALLS)
def test_looking_up_needs_no_right_to_write(tool):
    assert OPERATIONS[tool].look_up.scope.endswith(":read")


@pytest.mark.parametrize("body", [b"{}", b'{"refunds": {}}', b'{"refunds": [1]}', b'{"refunds": null}', b"<html>"])
def test_an_unclear_answer_is_not_absence(body):
    operation, credential = OPERATIONS["desk.refund.create"], _credential()
    with raw_system(answer(200, body)) as system, pytest.raises(ReadFailed):
        CONNECTOR.look_up(system.info, operation, {}, "act_1", credential, timeout_s=5)


@pytest.mark.parametrize("given", [answer(500, b"{}"), answer(403, b"{}"), answer(404, b"{}"), b""])
def test_a_refused_or_lost_answer_is_not_absence(given):
    operation, credential = OPERATIONS["desk.refund.create"], _credential()
    with raw_system(given) as system, pytest.raises(ReadFailed):
        CONNECTOR.look_up(system.info, operation, {}, "act_1", credential, timeout_s=5)


def test_class_c_has_no_look_up(info):
    with pytest.raises(OperationError, match="no look-up"):
        CONNECTOR.look_up(info, OPERATIONS["desk.order.get"], {}, "act_1", _credential(), timeout_s=5)


def _credential():
    from actions.connectors.base import Credential

    return Credential("tok_1", "secret", ("refunds:read",), None, 60)
