"""What a person types into a sensitive field, and what stood there before, is in no entry of the ledger (R-33, R-42)."""

import json

from actions.edit import edit_payload
from tests.approvals.test_pages import browser
from tests.builders import vote, work
from traces.models import Entry, WithheldValue

AGENTS, TYPED = "ap@birch.example", "typed-by-maya@birch.example"


def edited(cast, draft, to: str) -> None:
    draft.refresh_from_db()
    payload = draft.displayed["payload"]
    values = {"to": to, "subject": payload["subject"], "body": f"Hello. We wrote to {to} before."}
    edit_payload(
        actor=cast.actor("maya"), editor=cast.user("maya"), request_id=draft.pk, digest=draft.digest, values=values
    )


def test_p12_neither_the_persons_value_nor_the_agents_stands_in_the_ledger(cast, draft):
    edited(cast, draft, "first-try@birch.example")
    edited(cast, draft, TYPED)
    text = "".join(Entry.objects.values_list("canonical", flat=True))
    assert [one for one in (AGENTS, TYPED, "first-try@birch.example") if one in text] == []
    told = json.loads(Entry.objects.filter(type="action.edited").latest("seq").canonical)["body"]["edits"]
    assert [part["$withheld"] for part in told["to"]] == ["email", "email"]
    assert told["body"][1] == "Hello. We wrote to [email] before."
    kept = WithheldValue.objects.filter(entry__type="action.edited", kind="email")
    assert {json.dumps(AGENTS), json.dumps(TYPED)} <= set(kept.values_list("value", flat=True))


def test_the_trace_page_says_that_it_was_edited_and_shows_the_kind_alone(cast, draft):
    edited(cast, draft, TYPED)
    draft.refresh_from_db()
    vote(cast, draft, "maya")
    work(draft.trace)
    page = browser(cast, "ava").get(f"/traces/{draft.trace_id}/").content.decode()
    assert page.count("Edited by Maya Chen before sending") == 2 and "We wrote to [email] before." in page
    assert TYPED not in page and AGENTS not in page
