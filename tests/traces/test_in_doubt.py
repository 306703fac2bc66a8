"""What is in doubt is never told as failed, nor as finished while Remit still finds out."""

import pytest

from actions.states import State
from tests.display.rendering import rendered
from tests.display.samples import trace_page
from tests.traces.test_brief import NEWEST, told
from traces.sentences import goes_on
from traces.story.steps import RESULTS


def page(name):
    return rendered("traces/trace_detail.html", {**trace_page(), "story": told(NEWEST[name])})


def section(text, name):
    return text.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_every_state_of_the_machine_has_a_status_and_words():
    assert set(RESULTS) == {str(state) for state in State}


@pytest.mark.parametrize(
    ("name", "words"), [("unknown", "Outcome unknown"), ("needs_human", "Outcome unknown, needs a person")]
)
def test_r40_a_call_in_doubt_is_never_called_failed(name, words):
    text = page(name)
    for part in ("plan", "calls"):
        assert f"<span>{words}</span>" in section(text, part) and "Failed" not in section(text, part)


def test_a_call_that_was_done_shows_what_the_system_answered():
    assert "<span>200</span>" in section(page("completed"), "calls")


def test_r40_a_page_keeps_up_while_remit_finds_out_and_asks_nobody_yet_whether_it_answered():
    for name in ("unknown", "failed_over", "waiting"):
        text = page(name)
        assert 'hx-trigger="every 2s"' in text and 'id="answer"' not in text, name
    assert "not settled after" in page("unknown")


@pytest.mark.parametrize("name", ["needs_human", "completed", "failed_attested", "rejected"])
def test_a_page_rests_once_it_is_settled_or_needs_a_person(name):
    text = page(name)
    assert "hx-trigger" not in text.split('id="trace-')[1].split(">")[0] and 'id="answer"' in text


def test_the_page_of_what_needs_a_person_keeps_up_while_another_call_runs():
    assert goes_on("unknown", ["needs_human", "dispatching"]) and not goes_on("unknown", ["needs_human", "succeeded"])
    assert not goes_on("denied", [])
