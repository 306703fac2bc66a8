"""A text that an earlier release took and this one does not read: its pages say so, and people go on from there."""

import re

import pytest
from django.db import connection

from accounts.actors import actor_for_user
from policies.documents import live_document
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.models import PolicyDraft
from policies.publishing import agree, propose
from tests.policies.browsing import Page
from tests.policies.kit import BASE, TIGHTER, changed

OLD = dump(BASE).replace("execute-with-approval", "supervised")
PAGES = (
    "", "tiers/", "fields/", "rows/", "invariants/", "limits/", "freezes/", "breakers/", "steps/", "versions/", "gate/", "shadow/",
    "suggestions/", "document/", "versions/1/",
)  # fmt: skip


def aged_live(house) -> None:
    """The live version as a text of a release with a tier that this one does not know. Versions are immutable, so around that."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE policies_policyversion SET source = %s, digest = 'sha256:old' WHERE id = %s", [OLD, house.live().pk]
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def aged_draft(house) -> PolicyDraft:
    draft = house.draft(TIGHTER)
    PolicyDraft.objects.filter(pk=draft.pk).update(source=OLD, digest="sha256:old")
    draft.refresh_from_db()
    return draft


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_live_version_that_does_not_load_says_what_is_wrong_with_it(house, page):
    aged_live(house)
    shown = Page(house, "ken").get(page)
    if page != "versions/1/":
        assert (
            page in ("gate/", "shadow/", "suggestions/")
            or "v1 does not load any more, so every call is denied" in shown
        )
    if page in ("tiers/", "document/", "versions/1/"):
        assert re.search(r"line \d+, column \d+: roles.clerk.tier", shown) and "read-only" in shown
    with pytest.raises(PolicyError):
        live_document(workspace_id=house.workspace.pk, slug="support")


def test_a_live_version_that_does_not_load_is_replaced_by_two_people(house):
    """The one before it is not there to be compared with, so whatever follows loosens."""
    aged_live(house)
    ken = Page(house, "ken").open()
    assert ken.plain()["roles"] == {} and "supervised" not in ken.draft().source
    ken.save("document/", source=dump(changed(TIGHTER)))
    draft = ken.draft()
    asked = propose(**house.who("ken"), draft_id=draft.pk, revision=draft.revision, message="Mended", reason="It loads")
    assert asked.version is None and asked.draft.state == "proposed"
    noor = {"actor": actor_for_user(house.users["noor"], house.workspace), "user": house.users["noor"]}
    done = agree(**noor, draft_id=draft.pk, revision=asked.draft.revision, digest=asked.draft.digest)
    assert done.version is not None and (done.version.number, done.version.verdict) == (2, "first")
    assert live_document(workspace_id=house.workspace.pk, slug="support")[1].number == 2


def test_the_shell_replaces_it_too(house):
    aged_live(house)
    assert house.publish(changed(TIGHTER)).verdict == "first"


@pytest.mark.parametrize("page", [*PAGES, "versions/1..draft/"])
def test_no_page_of_a_draft_that_does_not_load_is_lost(house, page):
    aged_draft(house)
    shown = Page(house, "ken").get(page)
    assert page not in ("tiers/", "document/") or "This draft does not load any more." in shown


def test_a_draft_that_does_not_load_keeps_its_text_and_is_mended_or_discarded(house):
    draft = aged_draft(house)
    ken = Page(house, "ken")
    assert "supervised" in ken.get("document/"), "The text is there as it was kept."
    refused = ken.save("document/", 422, source=OLD)
    assert re.search(r"line \d+, column \d+: roles.clerk.tier", refused)
    ken.save("document/", source=dump(changed(TIGHTER)))
    assert ken.plain() == changed(TIGHTER) and ken.draft().revision == draft.revision + 1
    PolicyDraft.objects.filter(pk=draft.pk).update(source=OLD, digest="sha256:old")
    ken.send("tiers/", "draft/discard/")
    assert not PolicyDraft.objects.filter(state="open").exists()


def test_what_was_mended_meanwhile_is_not_written_over(house):
    aged_draft(house)
    ken = Page(house, "ken")
    stale = house.policy().drafts.get(state="open").revision
    Page(house, "noor").save("document/", source=dump(changed(TIGHTER)))
    PolicyDraft.objects.filter(state="open").update(source=OLD, digest="sha256:old")
    text = ken.post("document/", 409, revision=stale, was="", source=dump(BASE))
    assert "changed this draft meanwhile" in text and PolicyDraft.objects.get(state="open").source == OLD


@pytest.mark.parametrize("path", ["publish/", "draft/rebase/"])
def test_a_draft_that_does_not_load_is_not_published_and_its_page_leads_on(house, path):
    aged_draft(house)
    answer = Page(house, "ken").client.get(f"/policies/support/{path}", follow=True)
    assert answer.status_code == 200 and "does not load any more" in answer.content.decode()


def test_an_edit_of_a_draft_that_does_not_load_is_refused_and_saves_nothing(house):
    draft = aged_draft(house)
    text = Page(house, "ken").post(
        "limits/new/", 409, id="daily", kind="count", max="5", per="agent", window="1 d", over="deny"
    )
    assert "Mend its text under Document" in text
    draft.refresh_from_db()
    assert draft.source == OLD
