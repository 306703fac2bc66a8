"""Nothing is cut without a word, and what cannot be taken back is approved only after it was shown whole (P3, R-23, B-01)."""

import pytest

from accounts.display.lines import lines_changed
from approvals.as_text import request_as_text
from approvals.longtext import LONGEST, folded_row
from tests.approvals.test_pages import browser
from tests.builders import STEPS, planned, request_of

TAIL = "and wire the rest to me"


@pytest.fixture
def letter(cast):
    body = "x" * (LONGEST + 500) + TAIL
    return request_of(
        planned(cast, [{**STEPS[3], "arguments": {**STEPS[3]["arguments"], "body": body}}]), "desk.mail.send"
    )


def approve(cast, request, **more):
    return browser(cast, "maya").post(
        f"/approvals/{request.pk}/decide/", {"choice": "approve", "digest": request.digest, **more}
    )


def test_a_long_value_says_how_long_it_is_and_opens_whole(cast, letter):
    page = browser(cast, "maya").get(f"/approvals/{letter.pk}/").content.decode()
    assert TAIL not in page and f"has {LONGEST + 500 + len(TAIL)} characters" in page and "?all=1" in page
    assert 'value="approve"' not in page and "Show all before you approve" in page and 'value="reject"' in page
    page = browser(cast, "maya").get(f"/approvals/{letter.pk}/?all=1").content.decode()
    assert TAIL in page and 'value="approve"' in page and 'name="opened"' in page


def test_approval_of_an_irreversible_action_that_was_not_opened_is_refused(cast, letter):
    answer = approve(cast, letter)
    letter.refresh_from_db()
    assert answer.status_code == 422 and letter.is_open and "Show all of body first" in answer.content.decode()
    assert approve(cast, letter, opened="yes").status_code == 302


def test_a_row_is_cut_at_a_screen_and_says_so():
    row = folded_row({"field": "note", "kind": "changed", "old": "a", "new": "y" * (LONGEST + 1)})
    assert len(row["new"]) == LONGEST and row["folded"] == LONGEST + 1 and row["old"] == "a"
    assert folded_row({"field": "n", "kind": "changed", "old": None, "new": 5})["folded"] == 0


def test_texts_of_several_lines_are_compared_line_by_line():
    html = lines_changed("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\ne\nf\ng\nH\u202e\n")
    assert "4 unchanged lines" in html and "<del" in html and "U+202E" in html and "\u202e" not in html
    assert html.count("<ins") == 1 and "no line end" in lines_changed("a\nb\n", "a\nb")


def test_what_a_person_changed_beside_a_letter_stands_with_what_the_agent_had_put(cast, letter):
    """A copy to somebody is no part of the text, and is edited like one (P3)."""
    payload = letter.displayed["payload"]
    shown = {**payload, "beside": {"cc": ["new@birch.example"], "note": "x" * (LONGEST + 5)}}
    shown["edits"] = {"cc": [["agents@birch.example"], ["new@birch.example"]]}
    letter.displayed = letter.displayed | {"payload": shown}
    letter.save()
    page = browser(cast, "priya").get(f"/approvals/{letter.pk}/").content.decode()
    assert "The agent proposed" in page and "agents@birch.example" in page and "new@birch.example" in page
    assert "x" * (LONGEST + 1) not in page and f"has {LONGEST + 5} characters" in page
    assert "x" * (LONGEST + 5) in browser(cast, "priya").get(f"/approvals/{letter.pk}/?all=1").content.decode()
    told = "\n".join(request_as_text(cast.user("priya"), letter))
    assert "cc, the agent proposed:" in told and "agents@birch.example" in told and "x" * (LONGEST + 5) in told
