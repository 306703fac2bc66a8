"""A trace of hundreds of steps: folded to exceptions, first and last; unfolded, paged and exported by links (ui.md 3.1)."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import count

from django.test import Client

from tests.actions.test_story import finished
from tests.display.rendering import rendered
from tests.display.samples import trace_page
from tests.traces.test_brief import NEWEST
from traces.canonical import parse_instant
from traces.story import build_story
from traces.story.folded import LONGEST, OPEN, folded

BACKEND = "django.contrib.auth.backends.ModelBackend"


def long_story(steps, **given):
    """The stored trace with its update of an account repeated."""
    stored = json.loads(NEWEST["completed"].read_text())
    records = [json.loads(entry["canonical"]) for entry in stored["bundle"]["entries"]]
    third = next(r["body"]["action"] for r in records if r["type"] == "action.proposed" and r["body"]["step"] == 3)
    seqs, made = count(1), [record for record in records if record["body"].get("action") in {None, third}]
    one = [record for record in made if record["body"].get("action")]
    for number in range(4, steps + 3):
        made += [{**r, "body": {**r["body"], "action": f"act_{number}", "step": number}} for r in one]
    rows = [({**record, "seq": next(seqs)}, "0" * 64) for record in made]
    now = parse_instant(stored["expected"]["at"])
    return build_story(trace_id=stored["bundle"]["trace"], rows=rows, now=now, **{"tab": "", **given})


def page(story):
    return rendered("traces/trace_detail.html", trace_page() | {"story": story})


def test_long_lists_fold_and_a_link_unfolds_them():
    short, long, whole = page(long_story(3)), page(long_story(500)), page(long_story(60, whole=True))
    assert "Show all" not in short and "Show all" not in whole
    assert "500 steps proposed, 500 run" in long and "desk.account.update ×" in long and "show=all#plan" in long
    assert "Show all 500</a>" in long and long.count("credit_limit isn") < 15, "What is alike stands three times."
    assert len(long) < 3 * len(page(long_story(LONGEST))) and whole.count('<tr role="row" id="step-') == 60


def test_counts_of_thousands_are_grouped_in_every_heading():
    story = long_story(60)
    long = page(replace(story, steps=story.steps * 20, calls=story.calls * 20, changes=story.changes * 20))
    assert "1,200 steps proposed, 1,200 run" in long and "1,200 calls, " in long and "Show all 1,200</a>" in long
    assert "1,200 records" in long and not re.search(r">[^<]*\b1200\b", long)


def test_folding_keeps_first_last_and_exceptions_and_counts_the_rest():
    rows = [{"n": n, "tool": "a" if n % 2 else "b", "bad": n in {40, 41}} for n in range(100)]
    shown = folded(rows, name="tool", is_exception=lambda row: row["bad"], whole=False)
    assert [row.get("n") for row in shown] == [0, None, 40, 41, None, 99]
    assert (shown[1]["rows"], shown[1]["folded"]) == (39, "a ×20, b ×19")
    every = folded(rows, name="tool", is_exception=lambda row: row["n"] + 1, whole=False)
    assert sum("n" in row for row in every) == OPEN + 1 and every[-2]["exceptions"] == 100 - OPEN - 1
    alike = folded(rows, name="tool", is_exception=lambda row: row["tool"], whole=False)
    assert [row["n"] for row in alike if "n" in row] == [0, 1, 2, 3, 4, 5, 99] and alike[-2]["all"] == 100
    assert folded(rows, name="tool", is_exception=lambda row: False, whole=True) == rows


def test_entries_come_two_hundred_at_a_time():
    first, second = long_story(100, tab="events"), long_story(100, tab="events", first_event=201)
    assert [len(first.events_shown), first.next_event, second.events_shown[0].seq] == [200, 201, 201]
    assert "first=201#events" in page(first)


def test_rows_named_in_the_address_stand_open():
    story = long_story(3)
    html = rendered(
        "traces/trace_detail.html", trace_page() | {"story": story, "opened": frozenset(["call-3", "sentences"])}
    )
    assert 'id="call-3" open>' in html and 'id="sentences" open>' in html and 'id="call-4">' in html


def test_exports_of_one_trace(cast):
    trace = finished(cast)
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    text = client.get(f"/traces/{trace.pk}/changes.csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["field"] for row in rows} >= {"credit_limit", "refund_status"} and "ap@birch.example" not in text
    outline = client.get(f"/traces/{trace.pk}/outline/").json()
    assert set(outline["entries"][0]) == {"seq", "at", "type"}
    assert outline["head"]["seq"] == len(outline["entries"])
    raw = client.get(f"/traces/{trace.pk}/raw/")
    assert (
        raw["Content-Type"].startswith("text/plain")
        and json.loads(raw.content.splitlines()[0])["type"] == "trace.opened"
    )
