"""The editor by page: every edit is a plain form, nothing is written over another person's edit, and viewers only read."""

import pytest
from django.db import connection

from policies.edits import fingerprint, value_at
from policies.models import Policy, PolicyDraft
from tests.policies.browsing import Page, errors, form_of
from tests.policies.kit import BASE, changed

READ = [
    "", "tiers/?cell=clerk/desk.account.get", "fields/", "rows/", "invariants/", "limits/", "steps/", "freezes/", "breakers/",
    "versions/", "versions/1..draft/", "versions/1/", "publish/", "gate/", "shadow/", "suggestions/", "document/",
]  # fmt: skip
CELL = ("roles", "clerk", "tools", "desk.account.get")


@pytest.fixture
def ken(house):
    return Page(house, "ken")


def test_a_cell_is_saved_and_says_what_it_was(ken):
    ken.open().send("tiers/?cell=clerk/desk.account.get", "tiers/set/", mode="approval", route="lead")
    assert value_at(ken.plain(), CELL) == {"mode": "approval", "route": "lead"}
    page = ken.get("tiers/")
    assert 'aria-label="Clerk, desk.account.get: Approval, was Auto"' in page and "1 changed" in page
    assert "1 tier, it tightens." in page and "Only tightens. Nothing is loosened." in ken.get("publish/")


def test_the_same_cell_changed_meanwhile_is_put_to_the_writer_who_may_save_over_it(ken, house):
    ken.open()
    noor, query = Page(house, "noor"), "tiers/?cell=clerk/desk.account.get"
    form = form_of(ken.get(query), "tiers/set/")
    noor.send(query, "tiers/set/", mode="draft")
    text = ken.post("tiers/set/", 409, **{**form, "mode": "off"})
    assert "changed this at" in text and "Theirs: Draft. Yours: Off." in text
    assert value_at(ken.plain(), CELL) == {"mode": "draft"}, "Nothing was saved."
    again = form_of(text, "tiers/set/")
    assert again["mode"] == "off", "The inputs are kept."
    ken.post("tiers/set/", **again)
    assert value_at(ken.plain(), CELL) is None


def test_an_edit_of_another_cell_meanwhile_is_kept(ken, house):
    ken.open()
    noor = Page(house, "noor")
    form = form_of(ken.get("tiers/?cell=clerk/desk.account.get"), "tiers/set/")
    noor.send("tiers/?cell=clerk/desk.mail.send", "tiers/set/", mode="draft")
    ken.post("tiers/set/", **{**form, "mode": "off"})
    tools = value_at(ken.plain(), ("roles", "clerk", "tools"))
    assert tools["desk.mail.send"] == {"mode": "draft"} and "desk.account.get" not in tools


def test_without_a_draft_an_edit_is_not_saved_and_keeps_its_inputs(ken, house):
    form = form_of(ken.open().get("tiers/?cell=clerk/desk.account.get"), "tiers/set/")
    ken.send("tiers/", "draft/discard/")
    text = ken.post("tiers/set/", 409, **{**form, "mode": "off"})
    assert "published or discarded meanwhile" in text and PolicyDraft.objects.filter(state="open").count() == 0


def test_discarding_names_the_draft_that_was_seen(ken, house):
    form = form_of(ken.open().get("tiers/"), "draft/discard/")
    Page(house, "noor").send("tiers/?cell=clerk/desk.mail.send", "tiers/set/", mode="draft")
    ken.post("draft/discard/", **form)
    assert "changed this draft meanwhile" in ken.get("tiers/") and PolicyDraft.objects.filter(state="open").exists()


def test_approval_without_steps_is_refused_at_its_input(ken):
    text = ken.open().send("tiers/?cell=clerk/desk.account.get", "tiers/set/", 422, mode="approval", route="")
    assert "Approval needs a route." in "".join(errors(text))


def test_filters_stand_in_the_address_and_stay_after_a_save(ken):
    ken.open()
    page = ken.get("tiers/?tool=mail&cell=clerk/desk.mail.send")
    assert "desk.mail.send" in page and "desk.order.get" not in page
    answer = ken.client.post("/policies/support/tiers/set/?tool=mail", form_of(page, "tiers/set/") | {"mode": "draft"})
    assert answer.url.endswith("/tiers/?tool=mail")
    assert "No tools match 1 filter" in ken.get("tiers/?tool=nothing")
    assert 'data-tool="desk.mail.send"' in ken.get("tiers/?show=changed")
    assert 'data-tool="desk.order.get"' not in ken.get("tiers/?show=changed")


@pytest.mark.parametrize("first", ["dana", "ava"])
def test_viewers_read_everything_and_are_offered_nothing(house, ken, first):
    ken.open()
    viewer = Page(house, first)
    for path in READ:
        main = viewer.get(path).split("<main")[1]
        assert 'method="post"' not in main, path
    viewer.post("tiers/set/", 403, role="clerk", tool="desk.account.get", mode="off")
    viewer.post("publish/", 403, message="x")
    viewer.get("limits/new/", 403)
    assert value_at(ken.plain(), CELL) == {"mode": "auto"}


def test_boxes_ticked_by_two_people_both_count(ken, house):
    ken.open()
    noor = Page(house, "noor")
    page = "tiers/?cell=clerk/desk.account.update"
    mine, theirs = form_of(ken.get(page), "fields/set/"), form_of(noor.get(page), "fields/set/")
    assert mine["field"] == ["refund_status", "owner_note"]
    ken.post("fields/set/", **{**mine, "field": ["refund_status", "owner_note", "tier"]})
    noor.post("fields/set/", **{**theirs, "field": ["refund_status"]})
    assert value_at(ken.plain(), ("roles", "clerk", "fields", "desk.account", "write")) == ["refund_status", "tier"]
    assert "added" in ken.get(page) and "removed" in ken.get(page)


def test_fields_are_added_one_by_one_masked_and_redacted(ken):
    ken.open()
    ken.post("fields/add/", role="clerk", resource_type="desk.account", kind="read", path="address.city")
    text = ken.post("fields/add/", 422, role="clerk", resource_type="desk.account", kind="read", path="*")
    assert "one by one" in text
    ken.send("fields/?role=clerk", "fields/mask/", path="tier", mask="plan", was=fingerprint(None))
    ken.send("fields/?role=clerk", "fields/redact/", resource_type="desk.account", path="billing_email", kind="email")
    ken.send("fields/?role=clerk", "fields/unlisted/", unlisted="refuse_action")
    rule = value_at(ken.plain(), ("roles", "clerk", "fields", "desk.account"))
    assert rule["mask"] == {"tier": "plan"} and "address.city" in rule["read"] and rule["unlisted"] == "refuse_action"
    assert ken.plain()["redact"] == {"desk.account": {"billing_email": "email"}}


def test_roles_are_added_moved_and_removed(ken):
    ken.open().send("tiers/", "roles/add/", role="night", tier="read-only")
    assert "There is a role night already." in ken.send("tiers/", "roles/add/", 422, role="night", tier="read-only")
    ken.save("roles/night/", tier="autonomous", runbook="https://runbooks.example/night")
    assert ken.plain()["roles"]["night"]["runbook"] == "https://runbooks.example/night"
    ken.send("gate/", "roles/night/move/")
    assert ken.plain()["roles"]["night"]["tier"] == "execute-with-approval", "The first offer is one tier down."
    stale = form_of(ken.get("roles/night/"), "roles/night/remove/")
    ken.save("roles/night/", tier="read-only")
    ken.post("roles/night/remove/", **stale)
    assert "night" in ken.plain()["roles"], "Somebody changed it after the page was drawn."
    ken.send("roles/night/", "roles/night/remove/")
    assert set(ken.plain()["roles"]) == {"clerk"}


def test_a_new_policy_allows_nothing_and_its_slug_is_its_own(house, ken):
    made = {"name": "Night desk", "slug": "night-desk"}
    assert ken.client.post("/policies/", made).url == "/policies/night-desk/tiers/"
    assert b"Nobody may do anything yet." in ken.client.get("/policies/night-desk/tiers/").content
    again = ken.client.post("/policies/", made)
    assert again.status_code == 422 and b"already a policy" in again.content
    assert Page(house, "dana").client.post("/policies/", made).status_code == 403
    assert Policy.objects.count() == 2 and b"1 draft" in ken.client.get("/policies/").content


def test_the_kit_document_is_what_the_page_shows(ken):
    assert "desk.account.update" in ken.get("document/") and changed() == BASE


def queries_of(ken) -> int:
    asked = []
    with connection.execute_wrapper(lambda run, *given: asked.append(given) or run(*given)):
        assert ken.client.get("/policies/").status_code == 200
    return len(asked)


def test_the_list_asks_as_often_for_ten_policies_as_for_one(ken):
    one = queries_of(ken)
    for number in range(9):
        ken.client.post("/policies/", {"name": f"Desk {number}", "slug": f"desk-{number}"})
    assert queries_of(ken) == one > 5
