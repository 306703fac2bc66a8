"""What an agent may not read does not reach it by another door: export, errors, evaluation, the ledger's words."""

import json

import pytest

from accounts.models import Agent
from actions.edit import EditRefused, edit_payload
from actions.services import call_tool, evaluate
from gateway.mcp.answers import ask_elsewhere
from gateway.serialise import decision_out, export_out, trace_out
from policies.models import LimitHold
from tests.builders import action, opened, planned, publish, request_of, sample_plain, vote, waive, work
from traces.models import Entry


def call(cast, tool, arguments, trace=None):
    trace = trace or opened(cast)
    return call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=tool, arguments=arguments)


def ledger(trace) -> str:
    return "".join(Entry.objects.filter(trace=trace).order_by("seq").values_list("canonical", flat=True))


def test_a_record_out_of_scope_is_not_told_in_ledger_or_export(cast):
    fields = {"owner_note": "x", "credit_limit": "1.00"}
    found = call(cast, "desk.account.update", {"account_id": "acct_7001", "fields": fields})
    assert found.state == "denied"
    for text in (ledger(found.trace), json.dumps(export_out(found.trace))):
        assert "Juniper" not in text and "12000.00" not in text


def test_an_agents_export_has_no_value_that_was_withheld_from_it(cast):
    found = call(
        cast, "desk.account.update", {"account_id": "acct_5521", "fields": {"owner_note": "x", "credit_limit": "1.00"}}
    )
    assert found.state == "succeeded" and "5000.00" in ledger(found.trace)  # The people's diff keeps it.
    export = export_out(found.trace)
    assert "5000.00" not in json.dumps(export) and "record.region" not in json.dumps(export)
    # By the hash of a record whose rest it knows, the agent could find out which value was kept from it.
    assert set(export["entries"][-1]) == {"seq", "at", "type"} and len(export["head"]["hash"]) == 64


def test_what_other_rules_say_of_a_record_out_of_scope_is_not_told_to_the_agent(cast):
    """Asked often enough, rules that look at the record would tell it value by value."""
    plain = sample_plain()
    guess = {
        "when": {"tools": ["desk.account.update"]},
        "require": 'record.credit_limit != "12000.00"',
        "reason": "No.",
    }
    plain["invariants"].append({"id": "guess", **guess})
    publish(cast, plain)
    outside = call(cast, "desk.account.update", {"account_id": "acct_7001", "fields": {"owner_note": "x"}})
    assert "invariants.guess" in json.dumps(outside.decision)  # People see every check.
    told = decision_out(outside.decision)
    assert [check["name"] for check in told["checks"]] == ["Row scope"] and "guess" not in json.dumps(told)


def test_an_agent_is_told_of_records_by_their_ids(cast):
    """A name that its role may not read is for people, who see it in the same sentence."""
    plain = sample_plain()
    plain["roles"]["refunds"]["fields"]["desk.account"]["read"].remove("name")
    plain["roles"]["refunds"]["tools"]["desk.account.update"] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    found = call(cast, "desk.account.update", {"account_id": "acct_5521", "fields": {"owner_note": "x"}})
    assert found.state == "pending" and "Birch" in request_of(found.trace, "desk.account.update").title
    request = request_of(found.trace, "desk.account.update")
    told = json.dumps([trace_out(found.trace), ask_elsewhere(found, request, "/approvals/1/")])
    assert "Birch" not in told and "acct_5521" in told


def test_a_scope_sees_the_same_call_when_it_is_decided_and_when_the_answer_is_shown(cast):
    plain = sample_plain()
    plain["roles"]["support"]["scopes"]["desk.account"] = (
        'tool.effect_class == "read" && size(recipients) == 0 && money == null'
    )
    publish(cast, plain)
    Agent.objects.filter(pk=cast.agent.pk).update(role="support")
    cast.agent.refresh_from_db()
    found = call(cast, "desk.account.get", {"account_id": "acct_5521"})
    assert found.state == "succeeded" and found.result["record"]["region"] == "EU"


def test_the_error_of_an_expression_does_not_quote_the_record(cast):
    plain = sample_plain()
    broken = {
        "id": "odd",
        "when": {"tools": ["desk.account.update"]},
        "require": "{'gold': 1}[record.credit_limit] == 1",
        "reason": "No.",
    }
    plain["invariants"].append(broken)
    publish(cast, plain)
    found = call(cast, "desk.account.update", {"account_id": "acct_5521", "fields": {"owner_note": "x"}})
    assert found.state == "denied" and "5000.00" not in json.dumps(decision_out(found.decision))


def test_a_question_to_policy_is_in_the_ledger(cast):
    trace = opened(cast)
    arguments = {"account_id": "acct_7001", "fields": {"owner_note": "x"}}
    decision = evaluate(
        actor=cast.agent_actor, agent=cast.agent, trace=trace, tool="desk.account.update", arguments=arguments
    )
    entry = Entry.objects.get(trace=trace, type="policy.evaluated").record["body"]
    assert decision.effect == "deny" and (entry["tool"], entry["effect"], entry["read"]) == (
        "desk.account.update",
        "deny",
        True,
    )


@pytest.mark.parametrize(
    ("kind", "redact", "tool", "arguments", "secret"),
    [
        ("charge", {"desk.order": {"charges": "charge"}}, "desk.order.get", {"order_id": "48213"}, "ch_3PqRa1"),
        ("charge", {"desk.order": {"charges.id": "charge"}}, "desk.order.get", {"order_id": "48213"}, "ch_3PqRa1"),
        ("amount", {"desk.refund": {"amount": "amount"}}, "desk.refund.create",
         {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 5900, "currency": "USD", "reason": "duplicate"}, "5900"),
        ("amount", {"desk.refund": {"amount": "amount"}}, "desk.refund.create",
         {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 5900, "currency": "USD", "reason": "duplicate"}, "$59.00"),
    ],
    ids=["records", "path into a list", "number", "money in words"],
)  # fmt: skip
def test_redaction_covers_records_lists_numbers_and_words(cast, kind, redact, tool, arguments, secret):
    plain = sample_plain()
    plain["redact"] |= redact
    publish(cast, plain)
    found = call(cast, tool, arguments)
    assert found.state == "succeeded"
    text = ledger(found.trace)
    assert secret not in text and f'"$withheld":"{kind}"' in text


def test_r26_an_edit_does_not_take_over_a_route_nobody_was_asked_by(cast):
    """A stricter route published while a request is open is not satisfied by the people of the old one."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.mail.send"] = {"mode": "approval", "route": "account"}
    waive(plain, "side_effect.break_glass")
    publish(cast, plain)
    draft = request_of(planned(cast), "desk.mail.send")
    plain["routes"]["account"]["steps"].append({"name": "Finance", "group": "finance"})
    publish(cast, plain)
    values = {"subject": "Other", "body": "Other."}
    with pytest.raises(EditRefused, match="asks other people"):
        edit_payload(
            actor=cast.actor("priya"),
            editor=cast.user("priya"),
            request_id=draft.pk,
            digest=draft.digest,
            values=values,
        )


def test_a02_what_runs_counts_against_limits_that_came_after_the_decision(cast, desk):
    """Approvals given later cannot together overrun a limit: each dispatch reserves under the current version."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.ticket.update"] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    traces = [opened(cast) for _ in range(3)]
    for number, trace in enumerate(traces):
        call(cast, "desk.ticket.update", {"ticket_id": "88213", "fields": {"note": f"n{number}"}}, trace)
    plain["limits"].append(
        {
            "id": "one",
            "when": {"tools": ["desk.ticket.update"]},
            "kind": "count",
            "per": "agent",
            "max": 1,
            "window": "1d",
            "over": "deny",
        }
    )
    publish(cast, plain)
    for trace in traces:
        vote(cast, request_of(trace, "desk.ticket.update"), "priya")
        work(trace)
    states = [action(trace, "desk.ticket.update").state for trace in traces]
    assert states == ["succeeded", "blocked", "blocked"]
    assert LimitHold.objects.filter(limit="one", state="settled").count() == 1


def test_r26_a_looser_route_does_not_block_what_was_approved(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    plain = sample_plain()
    plain["routes"]["refund"]["steps"] = plain["routes"]["refund"]["steps"][:1]
    waive(plain, "side_effect.break_glass")
    publish(cast, plain)
    work(trace)
    assert action(trace, "desk.refund.create").state == "succeeded"
