"""Tool files: closed format, clear errors, pinned digests (R-22, Z-02)."""

from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from actions.definition import Definition
from actions.models import Tool
from actions.services import call_tool
from actions.tools import BadTool, load_tools, parse, tools_for_agent
from tests.builders import action, opened, planned, request_of, vote, work
from tests.cast import WORLD
from traces.canonical import canonical_text

TEXT = (WORLD / "tools.yaml").read_text()


def changed(name, **parts) -> str:
    data = yaml.safe_load(TEXT)
    next(tool for tool in data["tools"] if tool["name"] == name).update(parts)
    return yaml.safe_dump(data)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"effect_class": "magic"}, "effect_class"),
        ({"reversibility": "maybe"}, "reversibility"),
        ({"colour": "red"}, "colour"),
        ({"input_schema": {"type": "object"}}, "input_schema"),
        ({"input_schema": {"type": "nonsense", "additionalProperties": False}}, "input_schema"),
        ({"input_schema": {"$ref": "https://x.example/s", "additionalProperties": False}}, "$ref is not allowed"),
        ({"words": {"noun": "Order"}}, "words"),
        ({"operation": {"class": "B", "read": {"path": "/orders/{order_id}"}}}, "scope"),
        ({"operation": {"class": "Z"}}, "operation"),
    ],
)
def test_bad_definition_names_tool_and_field(parts, words):
    with pytest.raises(BadTool) as caught:
        parse(changed("desk.order.get", **parts))
    assert "desk.order.get" in str(caught.value) and words in str(caught.value)


REFUND = next(tool for tool in yaml.safe_load(TEXT)["tools"] if tool["name"] == "desk.refund.create")
SCHEMA = REFUND["input_schema"]


def without(name: str) -> dict:
    return SCHEMA | {"required": [known for known in SCHEMA["required"] if known != name]}


def with_type(name: str, type_: str) -> dict:
    return SCHEMA | {"properties": SCHEMA["properties"] | {name: {"type": type_}}}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"money": {"amount": "sum", "currency": "currency"}}, "money.amount: sum is not a whole number"),
        ({"money": {"amount": "reason", "currency": "currency"}}, "money.amount: reason is not a whole number"),
        ({"money": {"amount": "amount", "currency": "amount"}}, "money.currency: amount is not a text"),
        ({"input_schema": with_type("amount", "number")}, "money.amount: amount is not a whole number"),
        ({"input_schema": without("amount")}, "a call may leave out amount. Add it to required."),
        ({"input_schema": without("currency")}, "a call may leave out currency. Add it to required."),
        ({"operation": REFUND["operation"] | {"read": {"path": "/orders", "scope": "orders:read", "rows": "orders"}}},
         "operation.read.rows: only a tool that reads answers with rows."),
    ],
)  # fmt: skip
def test_what_policy_could_not_count_or_look_at_is_not_loaded(parts, words):
    with pytest.raises(BadTool) as caught:
        parse(changed("desk.refund.create", **parts))
    assert str(caught.value).startswith("desk.refund.create: ") and words in str(caught.value)


def test_a_write_that_an_earlier_release_took_with_rows_still_has_its_scope_asked(cast):
    """Its target is one record: without it the row scope denies."""
    tool = Tool.objects.get(workspace=cast.northwind, name="desk.account.update")
    odd = tool.definition
    odd["operation"]["read"] = {"path": "/accounts", "scope": "accounts:read", "rows": "accounts"}
    Tool.objects.filter(pk=tool.pk).update(definition_text=canonical_text(odd))
    arguments = {"account_id": "acct_7001", "fields": {"owner_note": "Out of scope."}}
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=tool.name, arguments=arguments)
    assert found.state == "denied" and not Definition(odd).facts.returns_rows


def test_b06_an_agent_is_shown_no_argument_that_policy_refuses_it(cast):
    """Of a tool whose arguments are its fields, too; what names the record and what every call needs stays."""
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, approve=True, text=changed(
        "desk.refund.create", input_schema=SCHEMA | {"properties": SCHEMA["properties"] | {"memo": {"type": "string"}}}
    ))  # fmt: skip
    listed = next(tool for tool in tools_for_agent(cast.agent) if tool["name"] == "desk.refund.create")
    assert set(listed["input_schema"]["properties"]) == set(SCHEMA["properties"])
    assert listed["input_schema"]["required"] == SCHEMA["required"]
    searched = next(tool for tool in tools_for_agent(cast.agent) if tool["name"] == "desk.order.get")
    assert set(searched["input_schema"]["properties"]) == {"order_id"}


def test_command_loads_and_refuses_with_one_sentence(cast, tmp_path):
    file = tmp_path / "tools.yaml"
    file.write_text(TEXT)
    out = StringIO()
    call_command("remit_tool", "load", str(file), workspace="northwind", stdout=out)
    assert "desk.refund.create sha256:" in out.getvalue()
    file.write_text("connection: nowhere\ntools: []\n")
    with pytest.raises(CommandError, match="no connection nowhere"):
        call_command("remit_tool", "load", str(file), workspace="northwind")


def test_r22_tool_that_changed_after_the_vote_is_not_run(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    text = changed("desk.refund.create", description="Give back money, quietly.")
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=text, approve=True)
    work(trace)
    blocked = action(trace, "desk.refund.create")
    assert blocked.state == "blocked" and "definition changed" in blocked.detail
    assert desk.read("/orders/48213")["refunds"] == []
