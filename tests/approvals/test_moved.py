"""Who decides on a payload that was edited meanwhile reads what changed since they looked, above what would run now (P4)."""

from approvals.moved import moved_since
from tests.approvals.test_edits_withheld import AGENTS, edited
from tests.approvals.test_pages import browser, edit

HEAD = "Changed since you looked"


def decided(cast, draft, digest: str) -> str:
    data = {"choice": "approve", "reason": "Fine.", "digest": digest}
    answer = browser(cast, "maya").post(f"/approvals/{draft.pk}/decide/", data)
    assert answer.status_code == 409
    return answer.content.decode()


def digest_after(cast, draft, text: str) -> str:
    edit(cast, draft, text)
    draft.refresh_from_db()
    return draft.digest


def test_p4_what_changed_since_is_shown_and_nothing_else(cast, draft):
    agents, first = draft.digest, digest_after(cast, draft, "First words.")
    digest_after(cast, draft, "Second words.")
    rows = moved_since(draft, first)
    assert rows == [{"field": "body", "kind": "changed", "old": "First words.", "new": "Second words."}]
    assert moved_since(draft, agents)[0]["old"].startswith("Hello,")
    page = decided(cast, draft, first)
    section = page[page.index(HEAD) :].split("</section>")[0]
    assert "First words." in section and "Second words." in section and "subject" not in section
    data = {"choice": "approve", "reason": "Fine.", "digest": first}
    refused = browser(cast, "ava").post(f"/approvals/{draft.pk}/decide/", data).content.decode()
    assert HEAD not in refused, "who may not decide is told no more"


def test_a_payload_that_was_changed_back_is_another_one_with_nothing_changed(cast, draft):
    first = digest_after(cast, draft, "First words.")
    digest_after(cast, draft, "Second words.")
    digest_after(cast, draft, "First words.")
    assert draft.digest != first and moved_since(draft, first) == []


def test_who_decides_sees_values_that_the_ledger_withholds(cast, draft):
    seen = draft.digest
    edited(cast, draft, "other@birch.example")
    draft.refresh_from_db()
    row = next(row for row in moved_since(draft, seen) if row["field"] == "to")
    assert (row["old"], row["new"]) == (AGENTS, "other@birch.example")


def test_nothing_is_told_of_a_payload_nobody_was_shown(cast, draft):
    edit(cast, draft, "First words.")
    draft.refresh_from_db()
    assert moved_since(draft, "sha256:" + "0" * 64) == moved_since(draft, draft.digest) == []
    assert HEAD not in decided(cast, draft, "sha256:" + "0" * 64)


def test_the_editor_shows_it_too(cast, draft):
    seen = draft.digest
    edit(cast, draft, "First words.")
    data = {"value-subject": "S", "value-body": "Mine.", "value-to": AGENTS, "digest": seen}
    page = browser(cast, "maya").post(f"/approvals/{draft.pk}/edit/", data).content.decode()
    assert HEAD in page and "Mine.</textarea>" in page
