"""Show work of a trace whose values are partly erased, of many systems, and of the same thing again and again."""

import html
import re

from django.test import Client

from accounts.models import Workspace
from tests.browser import shown
from tests.traces.test_titles import Told
from traces.sentences import title
from traces.story.answers import plural

BACKEND = "django.contrib.auth.backends.ModelBackend"


def text_of(cast, trace, query=""):
    """What the page says, without its markup."""
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    page = client.get(f"/traces/{trace.pk}/{query}").content.decode()
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_what_is_erased_is_named_counted_and_said_by_whom(cast):
    trace = shown.partly_redacted(Workspace.objects.get(slug="northwind"))
    text = text_of(cast, trace)
    acts = re.search(r"(\d+) values erased by Remit privacy desk, [^“]+: “They asked for it.”", text)
    assert acts, text
    assert f"{acts[1]} values erased Today" in text, "It stands beside the outcome too."
    assert re.search(r"4 × email erased", text) and re.search(r"\d+ × unlisted field \d+ of them erased", text)
    assert "the proof holds without it" in text and shown.ADDRESS not in text


def test_a_trace_with_nothing_hidden_has_no_such_panel(cast):
    trace = shown.opened(Workspace.objects.get(slug="northwind"), "Look it up.")
    assert "Redacted" not in text_of(cast, trace).replace("Redacted bundle", "")


def test_every_system_is_named_also_where_no_link_leads_to_it(cast, monkeypatch):
    workspace = Workspace.objects.get(slug="northwind")
    text = text_of(cast, shown.many_systems(workspace), "?tab=changes")
    assert "6 records in 6 systems" in text and "1 ticket, 1 pull request, 1 account, 1 invoice line" in text
    assert all(f"Open in {system[0]}" in text for system in shown.SYSTEMS)
    plain = shown.in_system
    monkeypatch.setattr(shown, "in_system", lambda *given: [unlinked(record) for record in plain(*given)])
    text = text_of(cast, shown.many_systems(workspace), "?tab=changes")
    assert "Open in" not in text and all(f"In {system[0]}" in text for system in shown.SYSTEMS)


def unlinked(record):
    return {**record, "body": record["body"] | ({"link": ""} if "link" in record["body"] else {})}


def test_the_same_twice_is_said_once_and_counted():
    again = [Told("succeeded") for _ in range(3)]
    assert title(again, intent="") == "Ordered tea three times" and title(again[:2], intent="") == "Ordered tea twice"
    coffee = Told("succeeded", words={"past": "Ordered coffee"})
    assert title([again[0], coffee, again[1]], intent="") == "Ordered tea twice and ordered coffee"
    assert title([*again, coffee, coffee], intent="") == "Ordered tea and 4 more"
    assert title([again[0], coffee, *again], intent="") == "Ordered tea, ordered coffee and 3 more"


def test_nouns_of_several_are_plural():
    told = {
        "account": "2 accounts",
        "address": "2 addresses",
        "company": "2 companies",
        "survey": "2 surveys",
        "email": "2 emails",
    }
    assert {noun: plural(2, noun) for noun in told} == told and plural(1, "company") == "1 company"
    assert plural(2, "person", "people") == "2 people" and plural(2000, "account") == "2,000 accounts"
