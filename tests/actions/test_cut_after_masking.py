"""What is long is masked first and cut afterwards, so that no cut leaves the beginning of a value (R-33)."""

import pytest

from actions.connectors.mcp.results import outcome_of
from actions.connectors.mcp.wire import Reply, TalkError, reply_of
from actions.connectors.operation import Call
from actions.connectors.records.connector import _said
from actions.definition import Definition
from actions.models import Action, Tool
from actions.withdraw import withdraw
from actions.words import cut, sentences
from approvals.models import ApprovalRequest
from tests.actions.test_again import UPDATE, ask
from tests.actions.test_masked_target import clear, declared
from tests.builders import planned, publish, sample_plain
from traces.canonical import canonical_text, digest_of
from traces.models import Entry, Trace

SECRET = "Patient Jane Doe, born 1980-02-03, diagnosis: " + "x" * 300
CALL = {"tool": UPDATE["tool"], "arguments": {"account_id": "acct_5521", "fields": {"refund_status": "refunded"}}}


def noted(cast) -> None:
    """The tool says a sensitive note in its sentences."""
    declared(cast, note="health note")
    tool = Tool.objects.get(name=UPDATE["tool"], workspace=cast.northwind)
    data = tool.definition
    data["words"] |= dict.fromkeys(("imperative", "present", "past"), "Update the account with {note}")
    data["input_schema"]["properties"]["note"] = {"type": "string"}
    Tool.objects.filter(pk=tool.pk).update(definition_text=canonical_text(data), digest=digest_of(data))


def test_a_sensitive_value_that_a_title_would_cut_stands_in_no_entry_and_no_title(cast):
    noted(cast)
    made = ask(cast, CALL, note=SECRET)
    assert clear(made.trace, "Jane Doe") == []
    assert "Update the account with [health note]" in Trace.objects.get(pk=made.trace_id).title


def test_a_sentence_is_cut_where_it_always_was():
    tool = Definition(
        {
            "words": dict.fromkeys(("imperative", "present", "past"), "Say {note}"),
            "effect_class": "read",
            "operation": {},
        }
    )
    whole = sentences(tool, {"note": "x" * 300}, None)["past"]
    assert len(whole) == 304 and cut(whole) == f"Say {'x' * 195}…" and cut("Short.") == "Short."


def test_connectors_say_what_a_system_said_whole():
    assert SECRET in _said(422, {"detail": SECRET}) and SECRET in _said(422, {"title": SECRET})
    refused = {"content": [{"type": "text", "text": SECRET}], "isError": True}
    assert outcome_of(Call("note", {}, reads=True), Reply(refused), 0.0).detail.endswith(SECRET)
    error = reply_of({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": SECRET}}, 1)
    assert error is not None and error.message == SECRET
    # What is asked before any call carries no value of it, and nobody masks what is said of that.
    with pytest.raises(TalkError) as told:
        error.needed("The handshake")
    assert len(str(told.value)) < 350


def test_what_an_agent_says_of_a_plan_or_of_why_it_withdraws_repeats_no_sensitive_value(cast):
    noted(cast)
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE["tool"]] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    secret = SECRET[:60]
    trace = planned(cast, [{**CALL, "title": f"Note {secret}", "arguments": {**CALL["arguments"], "note": secret}}])
    (listed,) = Entry.objects.get(trace=trace, type="plan.submitted").record["body"]["steps"]
    assert listed["title"] == "Note [health note]"
    (found,) = Action.objects.filter(trace=trace)
    withdraw(actor=cast.agent_actor, action=found, reason=f"{'x' * 380} {secret} was not meant.")
    assert ApprovalRequest.objects.get(action_id=found.pk).state == "withdrawn" and clear(trace, "Jane Doe") == []


def test_a_denial_that_names_a_sensitive_value_is_told_without_it_where_its_plan_stops(cast):
    noted(cast)
    plain, secret = sample_plain(), SECRET[:40]
    rule = {"id": "no", "when": {"tools": [UPDATE["tool"]]}, "require": "false", "reason": f"No {secret}."}
    plain["invariants"].append(rule)
    publish(cast, plain)
    trace = planned(cast, [{**CALL, "title": "Note", "arguments": {**CALL["arguments"], "note": secret}}])
    (found,) = Action.objects.filter(trace=trace)
    assert found.state == "denied" and found.detail == "No [health note]." and clear(trace, secret) == []
    assert Entry.objects.filter(trace=trace, type="plan.stopped").exists()
