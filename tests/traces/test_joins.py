"""An ask that joined what was asked before leaves a line in the trace it was asked in: of which action, and how it stood."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from actions.again import call_or_join
from actions.models import Action, Handover
from sample.agent.__main__ import STEPS
from tests.builders import opened, request_of, vote, work
from tests.gateway.mcp_client import call
from tests.gateway.test_bad_input import post
from tests.gateway.test_rest import get
from tests.traces.ledgers import judged
from traces.bundles.write import write_workspace
from traces.checkpoints.take import checkpoint_workspace
from traces.embed.reading import for_asker
from traces.export import bundle
from traces.models import Entry, Trace
from traces.show import show

REFUND, UPDATE = STEPS[1], STEPS[2]
BACKEND = "django.contrib.auth.backends.ModelBackend"
RECORD = json.loads((Path(__file__).parents[2] / "docs" / "trace.schema.json").read_text())


def sent(cast, trace, step=REFUND, key=None):
    return post(
        "tool-calls", {"trace_id": trace.pk, "tool": step["tool"], "arguments": step["arguments"]}, cast.token, key=key
    ).json()


def lines(trace) -> list:
    return [entry.record["body"] for entry in Entry.objects.filter(trace=trace, type="action.joined").order_by("seq")]


def approved(cast, trace) -> None:
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, REFUND["tool"]), first)
    work(trace)


@pytest.fixture
def joined(cast):
    """A refund that waits, and the trace of another intent in which it was asked for too."""
    first, second = opened(cast), opened(cast, intent="Is the refund done?")
    assert sent(cast, first)["action_id"] == sent(cast, second)["action_id"]
    return first, second


def story(trace):
    trace.refresh_from_db()
    return show(trace, tab="")[0]


def test_the_trace_it_was_asked_in_names_the_action_and_none_of_its_arguments(cast, joined):
    first, second = joined
    made = Action.objects.get()
    where = {"trace": first.pk, "action": made.pk, "step": made.step}
    assert lines(second) == [{"tool": {"name": REFUND["tool"]}, "joined": where, "state": "pending"}]
    assert lines(first) == [] and not Entry.objects.filter(trace=second, type="action.proposed").exists()


def test_a_second_look_says_nothing_new_and_an_outcome_does(cast, joined):
    first, second = joined
    sent(cast, second, key="k-1")
    get(f"actions/{Action.objects.get().pk}", cast.token)
    assert len(lines(second)) == 1
    approved(cast, first)
    sent(cast, second)
    assert [line["state"] for line in lines(second)] == ["pending", "succeeded"] and lines(first) == []


def test_a_key_that_is_sent_again_is_no_second_ask(cast):
    trace = opened(cast)
    sent(cast, trace, UPDATE, key="k-1")
    assert sent(cast, trace, UPDATE, key="k-1") and lines(trace) == []
    sent(cast, trace, UPDATE)  # Without its key the same write is joined, and says so.
    assert [line["state"] for line in lines(trace)] == ["succeeded"]


def test_mcp_leaves_the_same_line_in_the_trace_it_names_or_stands_in(cast):
    first, second = opened(cast), opened(cast)
    said = {"remit/on_behalf_of": "maya@northwind.example"}
    for meta in ({"remit/trace_id": first.pk}, {"remit/trace_id": second.pk}, {**said, "remit/intent": "Look again."}):
        call(REFUND["tool"], REFUND["arguments"], cast.token, meta=meta)
    assert Action.objects.get().trace_id == first.pk and len(lines(second)) == 1
    third = Trace.objects.filter(kind="work").latest("created_at")
    assert third.pk not in {first.pk, second.pk} and len(lines(third)) == 1


def test_the_line_and_the_join_are_one_transaction(cast):
    first, second = opened(cast), opened(cast)
    sent(cast, first)
    approved(cast, first)

    def lost(_: str) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        call_or_join(
            actor=cast.agent_actor, agent=cast.agent, person=cast.user("maya"), tool=REFUND["tool"],
            arguments=REFUND["arguments"], call_id="", trace=lambda: second, remember=lost,
        )  # fmt: skip
    assert lines(second) == [] and Handover.objects.get().used_at is None
    assert sent(cast, second)["executed"] and len(lines(second)) == 1


def test_a_trace_that_only_joined_stands_as_what_it_joined_did(cast, joined):
    first, second = joined
    told = story(second)
    assert (told.title, told.outcome, told.finished) == ("Joined an action of another trace", "waiting", False)
    assert (second.title, second.outcome) == (told.title, told.outcome)
    approved(cast, first)
    sent(cast, second)
    told = story(second)
    assert (told.outcome, told.finished, second.outcome) == ("completed", True, "completed")
    assert [row["status"] for row in told.joins] == ["waiting", "done"]
    assert "desk.refund.create joined step 1 of another trace, which was done." in told.brief_text
    assert "Nothing was asked for." not in told.brief_text
    assert (
        next(item["text"] for item in told.timeline) == "joined step 1 of another trace, which waited for people then"
    )


def test_actions_of_its_own_tell_a_trace_and_a_join_among_them_is_a_line(cast):
    trace = opened(cast)
    sent(cast, trace)
    sent(cast, trace)
    told = story(trace)
    assert [(row["text"], row["trace"]) for row in told.joins] == [("Asked again; joined step 1", "")]
    assert told.title.startswith("Refund") and told.outcome == "waiting" and "another trace" not in told.brief_text


def test_asking_for_an_outcome_later_is_not_how_long_it_took(cast):
    trace = opened(cast)
    sent(cast, trace)
    approved(cast, trace)
    before = story(trace).duration_s
    sent(cast, trace)
    assert len(lines(trace)) == 1 and story(trace).duration_s == before


def test_the_page_leads_to_the_trace_and_a_link_for_the_asker_does_not(cast, joined, client):
    first, second = joined
    client.force_login(cast.user("priya"), backend=BACKEND)
    page = client.get(f"/traces/{second.pk}/").content.decode()
    assert "Asked again; joined step 1 of another trace" in page and f'href="/traces/{first.pk}/">Show work of' in page
    assert first.pk not in str(for_asker(story(second)).joins)


def test_strangers_check_it_as_any_entry(cast, joined, tmp_path):
    schema = {**RECORD["$defs"]["record"], "$defs": RECORD["$defs"]}
    for entry in bundle(joined[1])["entries"]:
        Draft202012Validator(schema).validate(json.loads(entry["canonical"]))
    checkpoint_workspace(cast.northwind.pk)
    assert judged(write_workspace(tmp_path / "b", cast.northwind.pk).path)[0]
