"""Edits in editors of the values' types: the agent is told, policy is asked again, the editor does not approve (P3, R-24)."""

import json

import pytest

from actions.definition import Definition
from actions.editors import AmountField, editor
from actions.models import Action
from gateway.serialise import action_out
from tests.approvals.test_pages import browser
from tests.builders import STEPS, planned, request_of, vote

REFUND, UPDATE = "desk.refund.create", "desk.account.update"


def page_of(cast, request, first="priya"):
    return browser(cast, first).get(f"/approvals/{request.pk}/edit/").content.decode()


def send(cast, request, first="priya", **values):
    given = {"value-amount": "240.00", "value-charge_id": "ch_3Pq8wd", "value-currency": "USD", "value-reason": "0"}
    action = Action.objects.get(pk=request.action_id)
    given["value-charge_id"] = action.proposed["charge_id"]
    given["value-order_id"] = action.proposed["order_id"]
    body = {**given, **{f"value-{name}": value for name, value in values.items()}, "digest": request.digest}
    return browser(cast, first).post(f"/approvals/{request.pk}/edit/", body)


def test_each_value_has_an_editor_of_its_type(cast, refund):
    page = page_of(cast, refund)
    assert 'name="value-amount" value="240.00"' in page and "In USD" in page
    assert "Minor units" not in page, "whoever believed it would type a hundred times as much"
    assert '<select name="value-reason"' in page and "fraudulent" in page


def test_an_edited_amount_is_minor_units_and_the_agent_is_told(cast, refund):
    before = refund.digest
    assert send(cast, refund, amount="199.99").status_code == 302
    refund.refresh_from_db()
    action = Action.objects.get(pk=refund.action_id)
    assert action.arguments["amount"] == 19999 and action.proposed["amount"] == 24000 and refund.digest != before
    assert action_out(action)["edited_fields"] == {"amount": {"yours": 24000, "sent": 19999}}
    page = browser(cast, "ken").get(f"/approvals/{refund.pk}/").content.decode()
    assert page.index("$199.99</span>") < page.index("The agent proposed"), "what is in words is what would run"
    assert "Approve with 1 edit" in page and "The agent proposed" in page and "24000" in page
    assert "Refund $199.99" in page


def test_r24_the_editor_does_not_approve_what_was_edited(cast, refund):
    send(cast, refund, amount="199.99")
    refund.refresh_from_db()
    answer = browser(cast, "priya").post(
        f"/approvals/{refund.pk}/decide/", {"choice": "approve", "digest": refund.digest}
    )
    assert answer.status_code == 422 and "You edited this, so someone else approves it." in answer.content.decode()
    vote(cast, refund, "ken")


@pytest.mark.parametrize("typed", ["", "12.345", "1e999", "NaN", "lots", "240,00"])
def test_an_amount_that_is_none_is_refused_at_its_field_and_nothing_changes(cast, refund, typed):
    before = refund.digest
    answer = send(cast, refund, amount=typed)
    refund.refresh_from_db()
    assert answer.status_code == 422 and refund.digest == before
    page = answer.content.decode()
    assert 'id="value-amount-error"' in page and (f'value="{typed}"' in page or not typed)


def test_refused_fields_are_locked_with_the_rule_that_refuses_them(cast):
    request = request_of(planned(cast, [dict(STEPS[2])]), UPDATE) if _waits(cast) else None
    assert request is not None
    page = page_of(cast, request)
    assert "credit_limit isn&#x27;t on the allowlist" in page and 'name="value-credit_limit"' not in page
    assert "This names the record." in page and 'name="value-account_id"' not in page
    forged = {"value-credit_limit": "99999.00", "value-refund_status": "refunded", "digest": request.digest}
    browser(cast, "priya").post(f"/approvals/{request.pk}/edit/", forged)
    assert "99999.00" not in json.dumps(Action.objects.get(pk=request.action_id).arguments)


def _waits(cast) -> bool:
    """Account updates wait for a person under this policy."""
    from tests.builders import publish, sample_plain

    plain = sample_plain()
    for role in plain["roles"].values():
        if UPDATE in role["tools"]:
            role["tools"][UPDATE] = {"mode": "approval", "route": next(iter(plain["routes"]))}
    publish(cast, plain)
    return True


TOOL = {
    "name": "x.y", "effect_class": "write", "operation": {}, "fields_at": "",
    "input_schema": {"properties": {
        "flag": {"type": "boolean"}, "count": {"type": "integer", "minimum": 0, "maximum": 9}, "rate": {"type": "number"},
        "mixed": {"enum": [1, "1", None, True]}, "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]}, "shape": {"type": "object"}, "mail": {"type": "string", "format": "email"},
    }},
}  # fmt: skip
ARGUMENTS = {
    "flag": True, "count": 3, "rate": 0.5, "mixed": "1", "tags": ["a", "b"], "note": None, "shape": {"a": [1]},
    "mail": "a@b.example",
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_is_drawn_and_sent_back_untouched_is_the_same_value_of_the_same_type(name):
    field = editor(name, Definition(TOOL), ARGUMENTS)
    drawn = field.prepare_value(ARGUMENTS[name])
    back = field.clean("" if drawn is None else str(drawn))
    assert json.dumps(back) == json.dumps(ARGUMENTS[name])


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "{", "[" * 100_000])
def test_r30_structured_values_are_read_strictly(text):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        editor("shape", Definition(TOOL), ARGUMENTS).clean(text)


@pytest.mark.parametrize("text", ["1e400", "9007199254740993", '"\\ud800"', '{"a": [1e999]}'])
def test_r30_a_value_the_ledger_cannot_carry_is_refused_at_its_field(text):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        editor("shape", Definition(TOOL), ARGUMENTS).clean(text)


@pytest.mark.parametrize(("typed", "minor"), [("1,240.00", 124000), ("240", 24000), ("-5", -500), ("0.5", 50)])
def test_amounts_are_read_as_written(typed, minor):
    assert AmountField(digits=2, currency="USD").clean(typed) == minor


@pytest.mark.parametrize("typed", ["240,00", "1,5", "1e999999", "12,34,567", "9" * 20, "١٢"])
def test_an_amount_that_may_mean_two_things_is_refused(typed):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        AmountField(digits=2, currency="USD").clean(typed)


def test_the_currency_of_an_amount_is_locked(cast, refund):
    page = page_of(cast, refund)
    assert 'name="value-currency"' not in page and "The amount is counted in it." in page


def test_saving_no_change_is_refused_and_voids_nothing(cast, refund):
    vote(cast, refund, "priya")
    assert send(cast, refund, first="tomas", amount="240.00").status_code == 422
    refund.refresh_from_db()
    assert refund.verdicts.filter(void=False).count() == 1 and "tomas" not in str(refund.excluded)


def test_b03_an_edit_and_its_way_back_is_another_payload_that_people_decide_anew(cast, refund):
    first = refund.digest
    vote(cast, refund, "priya")
    refund.refresh_from_db()
    send(cast, refund, first="tomas", amount="239.00")
    refund.refresh_from_db()
    send(cast, refund, first="ken", amount="240.00")
    refund.refresh_from_db()
    assert refund.digest != first and refund.is_open
    vote(cast, refund, "priya")
    assert refund.verdicts.filter(void=False, user=cast.user("priya")).count() == 1
