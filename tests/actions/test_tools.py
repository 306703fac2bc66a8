"""Tool files: closed format, clear errors, pinned digests (R-22, Z-02)."""

from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from actions.tools import BadTool, load_tools, parse
from tests.builders import action, planned, request_of, vote, work
from tests.cast import WORLD

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
