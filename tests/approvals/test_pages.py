"""The review page over HTTP: the digest travels with the form; what changed or was decided meanwhile answers 409 in place."""

import pytest
from django.test import Client

from actions.edit import EditRefused, edit_payload
from tests.builders import action, planned, publish, request_of, sample_plain, vote, work

BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(cast, first) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client


def edit(cast, draft, text, first="maya"):
    draft.refresh_from_db()
    return edit_payload(
        actor=cast.actor(first), editor=cast.user(first), request_id=draft.pk, digest=draft.digest,
        values={"subject": draft.displayed["payload"]["subject"], "body": text},
    )  # fmt: skip


def test_p4_payload_that_changed_meanwhile_answers_409_with_what_would_run_now(cast, draft):
    seen = draft.digest
    edit(cast, draft, "Somebody else's words.")
    answer = browser(cast, "priya").post(
        f"/approvals/{draft.pk}/decide/", {"choice": "approve", "reason": "Fine.", "digest": seen}
    )
    page = answer.content.decode()
    assert answer.status_code == 409 and "The payload changed after you opened it" in page
    assert "Somebody else&#x27;s words." in page and "Fine.</textarea>" in page
    draft.refresh_from_db()
    assert draft.is_open and draft.digest in page and seen not in page


def test_request_decided_meanwhile_answers_409_and_the_form_is_gone(cast, refund):
    seen = refund.digest
    vote(cast, refund, "ken", "reject", "Not a duplicate.")
    answer = browser(cast, "priya").post(f"/approvals/{refund.pk}/decide/", {"choice": "approve", "digest": seen})
    page = answer.content.decode()
    assert answer.status_code == 409 and "Already rejected by Ken Abe at" in page
    assert 'class="decide"' not in page


def test_those_who_may_not_decide_read_why_and_see_no_form(cast, refund):
    page = browser(cast, "maya").get(f"/approvals/{refund.pk}/").content.decode()
    assert "You asked for this, so someone else decides it." in page and 'class="decide"' not in page


def test_edit_is_kept_beside_the_agents_text_and_voids_nothing_else(cast, draft):
    before = draft.digest
    edit(cast, draft, "Hello, your refund is on its way.")
    draft.refresh_from_db()
    agents, persons = draft.displayed["payload"]["edits"]["body"]
    assert draft.digest != before and "We guarantee" in agents and persons.startswith("Hello, your refund")
    page = browser(cast, "maya").get(f"/approvals/{draft.pk}/").content.decode()
    assert "Send with 1 edit" in page and "<del>" in page and "<ins>" in page


def test_edit_of_a_stale_page_keeps_the_persons_text(cast, draft):
    seen = draft.digest
    edit(cast, draft, "First words.")
    answer = browser(cast, "maya").post(f"/approvals/{draft.pk}/edit/", edited("Hi", "Second words.", seen))
    assert answer.status_code == 409 and "Second words." in answer.content.decode()


def edited(subject: str, body: str, digest: str) -> dict[str, str]:
    """What the edit form of a message sends."""
    return {"value-to": "ap@birch.example", "value-subject": subject, "value-body": body, "digest": digest}


@pytest.mark.parametrize(("subject", "words"), [("", "subject"), ("two\nlines", "pattern")])
def test_edit_outside_the_tools_schema_is_refused(cast, draft, subject, words):
    answer = browser(cast, "maya").post(f"/approvals/{draft.pk}/edit/", edited(subject, "Text.", draft.digest))
    assert answer.status_code == 422 and words in answer.content.decode().lower()


def test_edit_asks_policy_again(cast, draft):
    """A policy that now forbids the call refuses the edit."""
    stricter = sample_plain()
    stop = {"id": "stop", "when": {"tools": ["desk.mail.send"]}, "forbid": "true", "reason": "No mail today."}
    stricter["invariants"] = [stop, *stricter["invariants"]]
    publish(cast, stricter)
    with pytest.raises(EditRefused, match="No mail today"):
        edit(cast, draft, "Anything.")


def test_r26_policy_tightened_after_the_vote_blocks(cast, refund, desk):
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    stricter = sample_plain()
    stricter["roles"]["refunds"]["tools"]["desk.refund.create"] = {"mode": "off"}
    publish(cast, stricter)
    work(refund.trace)
    assert action(refund.trace, "desk.refund.create").state == "blocked"
    assert desk.read("/orders/48213")["refunds"] == []


def test_review_shows_whole_values_with_hidden_characters_visible(cast):
    from tests.builders import STEPS

    steps = [
        {**STEPS[3], "arguments": {**STEPS[3]["arguments"], "body": "Pay \u202eevil\u202c now " + "x" * 3000 + " END"}}
    ]
    found = request_of(planned(cast, steps), "desk.mail.send")
    page = browser(cast, "maya").get(f"/approvals/{found.pk}/?all=1").content.decode()
    assert "U+202E" in page and "\u202e" not in page and " END" in page
