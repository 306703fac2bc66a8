"""The five-minute brief: fixed sentences filled with recorded facts, for every outcome a stored ledger has."""

import json
import re
from pathlib import Path

import pytest

from tests.display.rendering import rendered
from tests.display.samples import trace_page
from traces.canonical import parse_instant
from traces.story import brief, build_story
from traces.story.steps import _pairs

STORED = sorted((Path(__file__).parents[1] / "fixtures" / "ledgers").glob("*/*.json"))
NEWEST = {file.stem: file for file in STORED if file.parent.name == "0.1.0-2"}


def told(file):
    stored = json.loads(file.read_text())
    rows = [(json.loads(entry["canonical"]), entry["hash"]) for entry in stored["bundle"]["entries"]]
    return build_story(
        trace_id=stored["bundle"]["trace"], rows=rows, tab="", now=parse_instant(stored["expected"]["at"])
    )


def sentence(story, question):
    return next(line.sentence for line in story.brief if line.question == question)


def todos(name):
    return [(todo.sentence, todo.place) for todo in told(NEWEST[name]).todos]


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_stored_ledger_answers_five_questions_and_says_what_to_do(file):
    story = told(file)
    assert [line.question for line in story.brief] == [
        "Who asked", "Who acted", "Why it was allowed", "What changed", "Can it be undone?",
    ]  # fmt: skip
    assert all(re.search(r"[.”]$", line.sentence) for line in story.brief) and story.todos
    assert story.brief_text.startswith(story.title) and "What to do now: " in story.brief_text


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_r42_the_brief_names_withheld_values_by_kind_only(file):
    text = told(file).brief_text
    assert "commitment" not in text and "$withheld" not in text and "@birch.example" not in text


def test_completed_trace_says_who_decided_what_changed_and_what_was_refused():
    story = told(NEWEST["completed"])
    assert "refunds-agent acted for Maya Chen. 4 credentials, each for one attempt" in sentence(story, "Who acted")
    why = sentence(story, "Why it was allowed")
    assert why.startswith("Decided by policy Support v1: 18 of 21 checks passed.")
    assert "Step 2 was approved by Priya Nair and Tomás Ruiz." in why and "fields.desk.account" in why
    changed = sentence(story, "What changed")
    assert "refund_status was none, is refunded" in changed and "amount is 24000 ($240.00)" in changed
    assert "to is withheld (email)" in changed
    assert changed.endswith("All of it was read back. Refused and left as it was: credit_limit.")
    undo = "Step 2: needs a new action. Step 3: can be restored. Step 4: can't be undone."
    assert sentence(story, "Can it be undone?") == undo
    assert todos("completed") == [("Nothing has to be done. If it was wrong, roll it back.", "")]


def test_what_changed_is_never_told_of_what_is_in_doubt():
    assert sentence(told(NEWEST["unknown"]), "What changed") == "What step 2 changed is unknown."
    assert sentence(told(NEWEST["succeeded_attested"]), "What changed").endswith(
        "Not confirmed by reading back: step 2."
    )


@pytest.mark.parametrize(
    ("name", "words", "place"),
    [
        ("unknown", "Do not send step 2 again", "proof"),
        ("needs_human", "say so with evidence. Do not send it again.", "attest"),
        ("waiting", "Support lead and Finance must decide step 2.", "review"),
        ("blocked", "Nothing was sent for step 2: refunds-agent is paused. Once that is settled, ask again.", "again"),
        ("stale", "Nothing was sent for step 2: The tool's definition changed while this waited", "again"),
        ("denied", "Nothing was sent for step 1.", "proof"),
        ("rejected", "Read why it was rejected", "proof"),
        ("failed_attested", "Step 2 failed without effect.", "proof"),
    ],
)
def test_what_to_do_now_follows_the_state(name, words, place):
    first = todos(name)[0]
    assert words in first[0] and first[1] == place


def test_stopped_plan_is_named_and_rollback_told():
    assert ("Look at the plan that stopped, and resume it if it was right.", "plan") in todos("rejected")
    assert todos("rolled_back")[0][0].endswith("What can be undone was undone. What steps 2 and 4 did stays.")
    assert "Step 3: rolled back." in sentence(told(NEWEST["rolled_back"]), "Can it be undone?")


def test_nothing_that_was_put_back_is_said_to_be_so_still():
    changed = sentence(told(NEWEST["rolled_back"]), "What changed")
    assert "refund_status was none, became refunded. That was rolled back since." in changed
    assert "amount is 24000" in changed and "is refunded" not in changed


def test_the_brief_says_on_which_day_it_was_asked():
    story = told(NEWEST["completed"])
    at = story.started_at
    assert f"asked on {at.day} {at:%b %Y} at {at:%H:%M:%S} UTC: “" in sentence(story, "Who asked")


def test_a_rollback_days_later_is_no_part_of_how_long_it_took():
    stored = json.loads(NEWEST["rolled_back"].read_text())["bundle"]["entries"]
    rows = [(json.loads(entry["canonical"]), entry["hash"]) for entry in stored]
    asked = next(n for n, (record, _) in enumerate(rows) if record["type"] == "rollback.requested")
    for record, _ in rows[asked:]:
        record["at"] = f"2099-01-01T00:00:{int(record['seq']) % 60:02d}.000000Z"
    now = parse_instant(rows[-1][0]["at"])
    done = build_story(trace_id="trc", rows=rows, tab="", now=now)
    assert done.outcome == "rolled_back" and done.duration_s < 3600


def test_values_with_parts_stand_as_people_read_them():
    assert brief._value(["vip", "late"]) == "vip, late" and brief._value(True) == "true" and brief._value([]) == "[]"
    hidden = {"$withheld": "email", "commitment": "c0ffee"}
    assert brief._value(["vip", hidden]) == "vip, withheld (email)"
    assert brief._value({"to": hidden, "late": None}) == '{"late": null, "to": "withheld (email)"}'


def test_a_list_of_records_is_read_one_after_another():
    rows = _pairs({"rows": [{"id": "a", "tags": ["x", "y"]}, {"id": "b"}], "total": 2, "none": []})
    assert rows == [
        ("rows.1.id", "a"), ("rows.1.tags", ["x", "y"]), ("rows.2.id", "b"), ("total", 2), ("none", []),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["unknown", "needs_human", "failed_over"])
def test_r40_nothing_says_that_what_is_in_doubt_changed_nothing(name):
    story = told(NEWEST[name])
    answers = {answer["label"]: (answer["value"], answer["detail"]) for answer in story.answers}
    assert answers["What changed"][0] == "Unknown" and "changed is unknown" in answers["What changed"][1]
    undo = answers["Can it be undone?"]
    assert undo[0] == "Not known yet" and undo[1].startswith("First find out what step")
    assert sentence(story, "Can it be undone?").endswith(": not known before somebody finds out what happened.")
    page = rendered("traces/trace_detail.html", {**trace_page(), "story": story})
    assert "Nothing to undo" not in page and "nothing to undo" not in page and "No record was changed" not in page


def test_what_is_being_sent_has_changed_nothing_yet():
    stored = json.loads(NEWEST["rolling_back"].read_text())["bundle"]["entries"]
    rows = [(json.loads(entry["canonical"]), entry["hash"]) for entry in stored]
    sent = next(n for n, (record, _) in enumerate(rows) if record["type"] == "action.dispatching")
    story = build_story(trace_id="trc", rows=rows[: sent + 1], tab="", now=parse_instant(rows[sent][0]["at"]))
    assert next(answer["value"] for answer in story.answers if answer["label"] == "What changed") == "Nothing yet"
