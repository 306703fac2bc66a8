"""What the page says of a step is what was recorded: not that it never ran, not that nothing was done, not its name twice."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.traces.test_brief import NEWEST, told
from tests.traces.test_in_doubt import page, section
from traces.story import brief, changes, todo
from traces.story.cut import cut_short
from traces.story.facts import ActionFacts

AT = datetime(2026, 11, 21, tzinfo=UTC)
CHANGE = {"field": "status", "kind": "changed", "old": "open", "new": "closed"}
TICKET = ActionFacts("act_1", 4, "", {"noun": "Ticket"}, {}, {"name": "Ticket 88213", "record_id": "88213"}, AT)
ACCOUNT = replace(TICKET, tool={"noun": "Account"}, target={"name": "Birch & Co", "record_id": "acct_5521"})


def test_what_moved_is_named_only_where_something_did():
    moved = replace(TICKET, state="blocked", detail="The record changed.", moved=[CHANGE])
    assert todo._moved([moved]).sentence == "See what moved since step 4 was decided, then ask again."
    assert "refunds-agent is paused" in page("blocked") and "What moved</a>" not in page("blocked")
    assert "Ask again…</a>" in page("blocked")


def test_a_record_that_is_named_like_its_kind_is_not_named_twice():
    assert [changes.named(one) for one in (TICKET, ACCOUNT)] == ["Ticket 88213", "Account · Birch & Co"]
    said = [brief._effect(replace(one, changes=[CHANGE])).partition(":")[0] for one in (TICKET, ACCOUNT)]
    assert said == ["Ticket 88213 88213", "Account Birch & Co acct_5521"]


def test_a_ledger_that_does_not_say_what_was_done_claims_nothing_of_it():
    plan = section(page("blocked"), "plan")
    assert "Stopped at step 2: Blocked" in plan and "Nothing was done until then" not in plan


def test_a_trace_of_refusals_says_why_it_was_denied_and_what_to_do():
    story = told(NEWEST["refused"])
    assert [answer["label"] for answer in story.answers][2] == "Why it was denied"
    assert story.todos[0].sentence.startswith("Nothing was sent. Each refusal says why.")
    assert "No step has been proposed yet" not in page("refused")
    assert told(NEWEST["rejected"]).answers[2]["label"] == "Why it was allowed"


def test_a_call_without_effect_is_not_told_as_never_run():
    refund, account, *_ = section(page("failed_attested"), "changes").split('class="line record"')[1:]
    assert changes._not_yet(replace(TICKET, state="dispatching")) == "Being sent. It may have changed."
    assert "Tried without effect, two people said. Nothing changed." in refund
    assert "Not run. Nothing changed." in account


def test_what_waited_at_the_last_record_that_holds_is_not_said_to_wait_still():
    story = cut_short(told(NEWEST["waiting"]), held=17)
    assert [step["result"]["text"] for step in story.steps][1:] == ["Not known"] * 3
    assert {record["state_text"] for record in story.changes} == {"Proposed. What became of it is not known."}
