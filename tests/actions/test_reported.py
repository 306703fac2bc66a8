"""What an agent does itself: governed like anything else, handed over, reported, never taken for witnessed (P1, P5, F-04)."""

import pytest
from django.test import Client

from accounts.actors import Caller
from accounts.clock import database_now
from actions.models import Action, AttemptCredential
from actions.services import run_and_advance
from actions.sweep import sweep
from actions.switches import pause
from actions.tools import BadTool, load_tools
from gateway.mcp.governed import Governed
from tests.actions.doubt import LONG_AGO
from tests.actions.hands import ARGUMENTS, TOOL, TOOLS, give_hands, rest
from tests.actions.test_masked_target import clear, declared
from tests.builders import opened, request_of, vote, work
from traces.ledger import verify
from traces.models import Entry
from traces.show import show


def call(cast, trace, **more):
    return rest(cast, "post", "tool-calls", {"trace_id": trace.pk, "tool": TOOL, "arguments": ARGUMENTS}, **more)


def report(cast, action_id, body, **more):
    return rest(cast, "post", f"actions/{action_id}/result", body, **more)


@pytest.fixture
def handed(cast):
    give_hands(cast)
    trace = opened(cast)
    return trace, call(cast, trace).json()


def test_an_allowed_call_is_handed_over_with_exactly_what_may_be_done(cast, handed):
    trace, told = handed
    assert told["state"] == "dispatching" and told["executed"] is False and told["witnessed"] is None
    assert told["yours"]["arguments"] == ARGUMENTS and told["yours"]["report_to"].endswith("/result")
    assert not AttemptCredential.objects.exists(), "Remit minted a credential for what it does not do."
    types = list(Entry.objects.filter(trace=trace).order_by("seq").values_list("type", flat=True))
    assert types[-2:] == ["action.claimed", "action.handed_over"]


def test_a_report_is_marked_in_answer_ledger_page_and_export(cast, handed):
    trace, told = handed
    answer = report(cast, told["action_id"], {"outcome": "succeeded", "result": {"exit_code": 0}}, key="r-1")
    body = answer.json()
    assert answer.status_code == 200 and body["state"] == "succeeded"
    assert body["witnessed"] is False and body["yours"] is None and body["result"]["record"] == {"exit_code": 0}
    entry = Entry.objects.get(trace=trace, type="action.reported").record["body"]
    assert entry["witnessed"] is False and entry["received"] == {"exit_code": 0} and verify(trace).ok
    story, _ = show(trace, tab="calls")
    assert story.steps[0]["result"]["text"] == "Reported, not witnessed" and story.calls[0]["by_agent"]
    client = Client()
    client.force_login(cast.user("maya"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/traces/{trace.pk}/").content.decode()
    assert "reported, not witnessed" in page and "Reported by the agent, not witnessed." in page
    exported = rest(cast, "get", f"traces/{trace.pk}/export").json()
    assert exported["actions"][0]["witnessed"] is False


def test_what_a_report_says_repeats_no_sensitive_value_of_its_own_result(cast):
    give_hands(cast)
    declared(cast, TOOL, output="file content")
    trace = opened(cast)
    made = call(cast, trace).json()["action_id"]
    result = {"outcome": "failed", "result": {"output": "Jane Doe, 1980"}, "detail": "It says Jane Doe, 1980."}
    assert report(cast, made, result, key="r-1").status_code == 200 and clear(trace, "Jane Doe") == []
    assert Entry.objects.get(trace=trace, type="action.reported").record["body"]["detail"] == "It says [file content]."


def test_the_same_report_again_is_the_same_answer_and_another_is_refused(cast, handed):
    _, told = handed
    body = {"outcome": "failed", "detail": "The command was not found."}
    first = report(cast, told["action_id"], body, key="r-1")
    assert first.json()["state"] == "failed" and report(cast, told["action_id"], body, key="r-1").json() == first.json()
    assert report(cast, told["action_id"], {"outcome": "succeeded"}, key="r-1").status_code == 409
    second = report(cast, told["action_id"], {"outcome": "succeeded"}, key="r-2")
    assert second.status_code == 409 and "once" in second.json()["detail"]
    assert Entry.objects.filter(type="action.reported").count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/outcome"), ({"outcome": "done"}, "/outcome"), ({"outcome": "failed", "state": "x"}, "/state")],
)
def test_a_report_that_does_not_fit_names_the_field(cast, handed, body, pointer):
    answer = report(cast, handed[1]["action_id"], body)
    assert answer.status_code == 422 and pointer in answer.json()["detail"]


def test_what_remit_does_itself_takes_no_report(cast, desk):
    trace = opened(cast)
    read = {"trace_id": trace.pk, "tool": "desk.order.get", "arguments": {"order_id": "48213"}}
    done = rest(cast, "post", "tool-calls", read).json()
    refused = report(cast, done["action_id"], {"outcome": "succeeded"})
    assert refused.status_code == 409 and "Remit does this itself" in refused.json()["detail"]
    assert report(cast, "act_01K7QZ4M8T2V00000000000000", {"outcome": "failed"}).status_code == 404


def test_approved_work_is_handed_over_after_the_last_vote_and_not_before(cast, desk):
    give_hands(cast, mode="approval")
    trace = opened(cast)
    told = call(cast, trace)
    assert told.status_code == 202 and told.json()["state"] == "pending" and told.json()["yours"] is None
    assert report(cast, told.json()["action_id"], {"outcome": "succeeded"}).status_code == 409
    vote(cast, request_of(trace, TOOL), "priya")
    work(trace)
    waited = rest(cast, "get", f"actions/{told.json()['action_id']}?wait=25").json()
    assert waited["yours"]["arguments"] == ARGUMENTS


def test_f04_silence_and_an_unknown_outcome_end_with_people_never_with_success(cast, handed):
    trace, told = handed
    late = Action.objects.get(pk=told["action_id"])
    Action.objects.filter(pk=late.pk).update(lease_until=database_now() - LONG_AGO)
    assert sweep().unknown == 1
    late.refresh_from_db()
    assert late.state == "unknown" and "did not report" in late.detail
    Action.objects.filter(pk=late.pk).update(reconcile_at=database_now() - LONG_AGO)
    run_and_advance(actor=cast.agent_actor, action_id=late.pk)
    late.refresh_from_db()
    assert late.state == "needs_human"
    assert report(cast, late.pk, {"outcome": "succeeded"}).status_code == 409
    other = call(cast, trace).json()
    unsure = report(cast, other["action_id"], {"outcome": "unknown", "detail": "The terminal closed."}).json()
    assert unsure["state"] == "needs_human" and unsure["executed"] is False


def test_an_mcp_client_is_not_offered_what_remit_would_not_execute(cast):
    give_hands(cast)
    listed = {tool["name"]: tool["executed_by"] for tool in rest(cast, "get", "tools").json()["tools"]}
    assert listed[TOOL] == "agent" and listed["desk.order.get"] == "remit"
    offered = {tool["name"] for tool in Governed(Caller(cast.agent)).tools()}
    assert TOOL not in offered and "desk.order.get" in offered


def test_p9_nothing_is_handed_over_under_a_pause(cast):
    give_hands(cast, mode="approval")
    trace = opened(cast)
    told = call(cast, trace).json()
    vote(cast, request_of(trace, TOOL), "priya")
    pause(
        actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope="agent", target=cast.agent.pk,
        reason="An incident is on.",
    )  # fmt: skip
    work(trace)
    assert Action.objects.get(pk=told["action_id"]).state == "authorized"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("class: C", "class: B"), "Say class C"),
        (("agent: {report_s: 600}", "agent: {report_s: 0}"), "operation.agent.report_s"),
        (("irreversible", "reversible"), "can't restore"),
        (("connection: own-hands", "connection: desk"), "needs a connection of kind agent"),
    ],
)
def test_a_tool_of_the_agents_own_loads_only_for_what_it_is(cast, change, words):
    give_hands(cast)
    with pytest.raises(BadTool, match=words):
        load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=TOOLS.replace(*change))
