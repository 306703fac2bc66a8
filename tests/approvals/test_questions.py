"""Ask for changes, answer, withdraw: the agent gets the question, the clock goes on, nothing questioned ever runs (P4, B-05)."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.models import Action
from actions.services import apply_verdict, call_tool
from actions.withdraw import WithdrawRefused, withdraw
from approvals.models import ApprovalRequest, Question
from approvals.questions import NothingAsked, ask_for_changes, sent_back
from approvals.queue import queue_page
from approvals.refusals import AlreadyDecided, DigestChanged, NotEntitled, ReasonNeeded
from approvals.services import expire_due
from approvals.timers import run_timers
from policies.models import LimitHold
from tests.approvals.routing import entries
from tests.approvals.test_pages import browser
from tests.builders import STEPS, action, opened, request_of, vote, work
from tests.gateway.test_rest import get, post
from traces.show import show

REFUND = STEPS[1]
ASKED = "Which of the two charges is the duplicate?"


@pytest.fixture
def trace(cast):
    found = opened(cast)
    call_tool(actor=cast.agent_actor, agent=cast.agent, trace=found, tool=REFUND["tool"], arguments=REFUND["arguments"])
    return found


@pytest.fixture
def request_(trace):
    return request_of(trace, REFUND["tool"])


def ask(cast, request, first="priya", text=ASKED, digest=""):
    request.refresh_from_db()
    return ask_for_changes(
        actor=cast.actor(first),
        user=cast.user(first),
        request_id=request.pk,
        text=text,
        digest=digest or request.digest,
    )


def answer(cast, trace, asked, arguments=None):
    return call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=REFUND["tool"],
        arguments=arguments or {**REFUND["arguments"], "reason": "requested_by_customer"}, answers=asked,
    )  # fmt: skip


def test_the_question_returns_to_the_agent_and_nobody_decides_meanwhile(cast, trace, request_):
    due = request_.expires_at
    ask(cast, request_)
    request_.refresh_from_db()
    assert request_.is_open and request_.is_with_agent and request_.expires_at == due
    for first in ("priya", "ken"):
        with pytest.raises(NotEntitled, match="Priya Nair asked the agent for changes"):
            vote(cast, request_, first)
    with pytest.raises(NotEntitled, match="asked the agent for changes"):
        ask(cast, request_, "ken")
    told = get(f"actions/{request_.action_id}", cast.token, wait=25).json()
    assert told["state"] == "pending" and told["approval"]["question"]["text"] == ASKED
    assert "Answer with another call that names this action in `answers`" in told["detail"]
    (_, body), *rest = entries(request_, "changes_asked")
    assert (body["text"], body["saw"], body["step_name"]) == (ASKED, request_.digest, "Support lead") and rest == []


@pytest.mark.parametrize(
    ("first", "given", "error"),
    [
        ("maya", {}, NotEntitled),
        ("dana", {}, NotEntitled),
        ("tomas", {}, NotEntitled),
        ("priya", {"text": " "}, ReasonNeeded),
        ("priya", {"digest": "sha256:" + "0" * 64}, DigestChanged),
    ],
)
def test_r24_only_who_could_decide_asks_and_about_what_they_saw(cast, request_, first, given, error):
    with pytest.raises(error):
        ask(cast, request_, first, **given)
    assert not Question.objects.exists()


def test_r24_nobody_asks_in_somebody_elses_name(cast, request_):
    with pytest.raises(NotEntitled, match="signed in"):
        ask_for_changes(
            actor=cast.actor("ken"), user=cast.user("priya"), request_id=request_.pk, text="?", digest=request_.digest
        )


def test_an_answer_is_a_new_request_in_its_place_and_holds_its_money_once(cast, trace, request_, desk):
    vote(cast, request_, "priya")
    ask(cast, request_, "tomas")
    made = answer(cast, trace, Action.objects.get(pk=request_.action_id))
    old = Action.objects.get(pk=request_.action_id)
    request_.refresh_from_db()
    assert (old.state, request_.state, made.state, made.replan_of) == ("withdrawn", "withdrawn", "pending", old)
    assert old.detail == "Answered with a new proposal."
    assert (request_.question.answer, request_.question.answered_by) == ("revised", made.pk)
    fresh = ApprovalRequest.objects.get(action_id=made.pk)
    assert fresh.digest != request_.digest and not fresh.verdicts.exists() and fresh.step == 1
    assert LimitHold.objects.filter(action_id=made.pk, state="reserved").exists()
    assert not LimitHold.objects.filter(action_id=old.pk, state="reserved").exists()
    vote(cast, fresh, "priya")
    vote(cast, fresh, "tomas")
    work(trace)
    assert len(desk.read("/orders/48213")["refunds"]) == 1
    story, integrity = show(trace, tab="ledger")
    assert integrity.ok and story.outcome == "completed"
    assert [row["did_text"] for row in story.escalations].count("Asked for changes") == 1
    assert [item["text_strong"] for item in story.timeline].count("Agent answered") == 1


def test_a_question_is_answered_once_and_only_where_one_was_asked(cast, trace, request_):
    asked = Action.objects.get(pk=request_.action_id)
    with pytest.raises(NothingAsked):
        answer(cast, trace, asked)
    assert Action.objects.filter(trace=trace).count() == 1
    ask(cast, request_)
    answer(cast, trace, asked)
    with pytest.raises(NothingAsked):
        answer(cast, trace, asked)
    assert Action.objects.filter(trace=trace).count() == 2


def test_b05_the_clock_goes_on_no_answer_is_a_denial_and_nobody_is_reminded(cast, trace, request_):
    ask(cast, request_)
    past = database_now() - timedelta(seconds=1)
    ApprovalRequest.objects.filter(pk=request_.pk).update(expires_at=past, next_timer_at=past)
    assert run_timers(actor=system_actor("sweeper", "")) == 0
    with pytest.raises(NothingAsked):
        answer(cast, trace, Action.objects.get(pk=request_.action_id))
    assert expire_due(actor=system_actor("sweeper", "")) == 1
    apply_verdict(request_id=request_.pk)
    found = Action.objects.get(pk=request_.action_id)
    assert found.state == "expired" and "did not answer the reviewer's question" in found.detail


def test_the_share_sent_back_is_counted(cast, trace, request_):
    since = request_.created_at - timedelta(days=1)
    assert sent_back(cast.northwind, since).share == 0.0
    ask(cast, request_)
    found = sent_back(cast.northwind, since)
    assert (found.asked, found.sent_back, found.share) == (1, 1, 100.0)
    assert sent_back(cast.lakeside, since).asked == 0


def test_pages_ask_by_form_and_say_where_it_is(cast, request_):
    page = browser(cast, "priya").get(f"/approvals/{request_.pk}/").content.decode()
    assert f'formaction="/approvals/{request_.pk}/ask/"' in page and 'data-key="r"' in page
    url, sent = f"/approvals/{request_.pk}/ask/", {"reason": ASKED, "digest": request_.digest}
    empty = browser(cast, "priya").post(url, {**sent, "reason": ""})
    assert empty.status_code == 422 and "Write what should change" in empty.content.decode()
    assert browser(cast, "priya").post(url, {**sent, "digest": "sha256:0"}).status_code == 409
    assert browser(cast, "priya").post(url, sent).status_code == 302
    page = browser(cast, "ken").get(f"/approvals/{request_.pk}/").content.decode()
    assert "With the agent" in page and "Escalates to" not in page and ASKED in page and 'class="decide"' not in page
    assert queue_page(cast.user("ken"), cast.northwind, "").requests == []
    (group,) = queue_page(cast.user("ken"), cast.northwind, "team").groups
    assert group.rows[0].step_text == "with the agent, asked for changes"


def test_the_agent_answers_and_withdraws_over_rest(cast, trace, request_):
    call = {
        "trace_id": trace.pk,
        "tool": REFUND["tool"],
        "arguments": REFUND["arguments"],
        "answers": request_.action_id,
    }
    early = post("tool-calls", call, cast.token)
    assert early.status_code == 409 and early.json()["type"].endswith("nothing-asked")
    ask(cast, request_)
    elsewhere = post("tool-calls", {**call, "trace_id": opened(cast).pk}, cast.token)
    assert elsewhere.status_code == 422 and elsewhere.json()["problems"][0]["pointer"] == "/answers"
    unknown = post("tool-calls", {**call, "answers": "act_00000000000000000000000000"}, cast.token)
    assert unknown.status_code == 404
    made = post("tool-calls", call, cast.token)
    assert made.status_code == 202
    told = get(f"actions/{request_.action_id}", cast.token).json()
    assert told["state"] == "withdrawn" and told["approval"]["question"]["answered_by"] == made.json()["action_id"]
    taken = post(f"actions/{made.json()['action_id']}/withdraw", {"reason": "No longer needed."}, cast.token)
    assert taken.json()["state"] == "withdrawn" and "No longer needed." in taken.json()["detail"]
    again = post(f"actions/{made.json()['action_id']}/withdraw", {}, cast.token)
    assert again.status_code == 409 and "withdrawn" in again.json()["detail"]
    stranger = post(f"actions/{request_.action_id}/withdraw", {}, cast.tokens["front-desk-agent"])
    assert stranger.status_code == 404


def test_whoever_asked_withdraws_in_the_console_and_nobody_else(cast, trace, request_):
    url = f"/approvals/{request_.pk}/withdraw/"
    assert browser(cast, "priya").post(url).status_code == 404
    assert "Withdraw this request" in browser(cast, "maya").get(f"/approvals/{request_.pk}/").content.decode()
    assert browser(cast, "maya").post(url, {"reason": "The customer called off."}).status_code == 302
    request_.refresh_from_db()
    found = Action.objects.get(pk=request_.action_id)
    assert (request_.state, found.state) == ("withdrawn", "withdrawn")
    assert found.detail == "Withdrawn by Maya Chen: The customer called off."
    with pytest.raises(AlreadyDecided):
        vote(cast, request_, "priya")
    assert "The customer called off." in browser(cast, "maya").get(f"/approvals/{request_.pk}/").content.decode()


def test_what_was_approved_and_has_not_started_is_withdrawn_and_frees_its_money(cast, trace, request_, desk):
    vote(cast, request_, "priya")
    vote(cast, request_, "tomas")
    found = withdraw(actor=cast.agent_actor, action=action(trace, REFUND["tool"]), reason="")
    assert found.state == "cancelled" and not LimitHold.objects.filter(action_id=found.pk, state="reserved").exists()
    work(trace)
    assert desk.read("/orders/48213")["refunds"] == []
    with pytest.raises(WithdrawRefused, match="cancelled"):
        withdraw(actor=cast.agent_actor, action=found, reason="")


def test_a_person_without_a_session_withdraws_nothing(cast, request_):
    assert Client().post(f"/approvals/{request_.pk}/withdraw/").status_code == 302
    request_.refresh_from_db()
    assert request_.is_open
