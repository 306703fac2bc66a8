"""Publishing by page: one person tightens, two loosen, gates and waivers are seen, and history goes both ways."""

from datetime import timedelta

import pytest

from accounts.clock import database_now
from console.home import agreements
from policies.models import PolicyDraft, Replay, ShadowVersion
from policies.replay import run_replay
from tests.policies.browsing import Page, form_of
from tests.policies.kit import LOOSER, TIGHTER, changed
from tests.policies.past import Past, update

CELL = "tiers/?cell=clerk/desk.account.get"


@pytest.fixture
def ken(house):
    return Page(house, "ken")


@pytest.fixture
def noor(house):
    return Page(house, "noor")


def test_what_only_tightens_is_published_by_one_person(ken, house):
    house.draft(TIGHTER)
    page = ken.get("publish/")
    assert "Only tightens. Nothing is loosened." in page and "you may publish it alone" in page
    assert "Why it may loosen" not in page
    assert "Message: This field is required." in ken.save("publish/", 422, message="")
    ken.save("publish/", message="One field fewer.")
    assert house.live().number == 2 and "v2 is live." in ken.get("versions/")
    assert "ledger entry" in ken.get("versions/") and "1 draft" not in ken.get("versions/")


def test_what_loosens_is_agreed_to_by_another_admin_on_the_same_page(ken, noor, house):
    house.draft(LOOSER)
    page = ken.get("publish/")
    assert "Loosens 1" in page and "Ask to publish v2" in page and "Eve, Noor" in page
    assert "<span>Reason</span>" in page, "What is refused when it is empty is not called optional."
    assert "Write why this may loosen." in ken.save("publish/", 422, message="One more.", reason="")
    ken.save("publish/", message="One more.", reason="Asked for by support.")
    mine, theirs = ken.get("publish/"), noor.get("publish/")
    assert "You asked to publish this. Another policy admin has to agree." in mine and "They may: Eve, Noor." in mine
    assert "Agree and publish" not in mine and "Agree and publish v2" in theirs and "Asked for by support." in theirs
    reader = Page(house, "dana").get("publish/")
    assert "Only policy admins may agree." in reader and "publish/agree/" not in reader
    noor.send("publish/", "publish/agree/")
    assert house.live().number == 2 and house.live().approved_by["name"] == "Noor"
    assert "agreed by Noor" in ken.get("versions/")


def test_a_second_admin_finds_on_home_what_waits_for_them(ken, noor, house):
    house.draft(LOOSER)
    people = ("ken", "noor", "eve", "dana", "maya")

    def asked() -> list[str]:
        return [first for first in people if agreements(house.users[first], house.workspace)]

    assert asked() == []
    ken.save("publish/", message="One more field.", reason="Asked for.")
    assert asked() == ["noor", "eve"], "Not who asked, nor who may not publish."
    (need,) = agreements(house.users["noor"], house.workspace)
    assert need.title == "Publishing Support waits for your agreement: One more field."
    assert (need.url, need.step_text) == ("/policies/support/publish/", "asked by Ken")
    noor.send("publish/", "publish/decline/", reason="Not before the audit.")
    assert asked() == []


def test_an_agreement_is_to_what_was_seen(ken, noor, house):
    house.draft(LOOSER)
    ken.save("publish/", message="One more.", reason="Asked for.")
    form = form_of(noor.get("publish/"), "publish/agree/")
    ken.send(CELL, "tiers/set/", mode="draft")
    assert "publishing it has to be asked for again" in ken.get("tiers/")
    assert "Ken changed this draft meanwhile." in noor.post("publish/agree/", 409, **form)
    assert house.live().number == 1


def test_a_proposal_is_declined_with_a_reason(ken, noor, house):
    house.draft(LOOSER)
    ken.save("publish/", message="One more.", reason="Asked for.")
    assert "Reason: This field is required." in noor.send("publish/", "publish/decline/", 422, reason="")
    noor.send("publish/", "publish/decline/", reason="Not before the audit.")
    assert "Noor declined: Not before the audit." in ken.get("tiers/") and ken.draft().state == "open"


def test_a_time_may_be_chosen_and_is_taken_back(ken, house):
    house.draft(TIGHTER)
    assert "Choose the time." in ken.save("publish/", 422, message="Later.", when="at", effective_at="")
    assert "lies ahead" in ken.save("publish/", 422, message="Later.", when="at", effective_at="2001-01-01T00:00")
    at = f"{Past(house.workspace).ago(days=-7):%Y-%m-%dT%H:%M}"
    ken.save("publish/", message="Later.", when="at", effective_at=at)
    assert ken.draft().state == "scheduled" and "Goes live" in ken.get("publish/") and house.live().number == 1
    ken.send("publish/", "publish/decline/", reason="Not that day.")
    assert ken.draft().state == "open"


def test_unmet_gates_stand_on_the_page_and_a_waiver_is_named(ken, house):
    house.draft((("roles", "clerk", "tools", "desk.refund.create"), {"mode": "auto"}))
    page = ken.get("publish/")
    assert "Controls that may not be missing are missing." in page and "so it would be refused" in page
    assert "Add them, or a waiver" in ken.save("publish/", 422, message="Refunds.", reason="Asked for.")
    last = database_now() + timedelta(days=30)
    waiver = {"id": "glass", "control": "side_effect.break_glass", "role": "clerk", "reason": "Comes later.",
              "expires": f"{last:%Y-%m-%dT00:00}"}  # fmt: skip
    ken.send("publish/", "waivers/add/", **waiver)
    assert ken.plain()["waivers"] == [waiver | {"by": "Ken", "expires": f"{last:%Y-%m-%dT00:00Z}"}]
    told = f"{last.day} {last:%b %Y}"
    assert f"side_effect.break_glass for clerk until {told} 00:00 UTC, by Ken" in ken.get("publish/")
    assert f"Waived by Ken until {told}" in ken.get("gate/")
    ken.send("publish/", "waivers/glass/remove/")
    assert "waivers" not in ken.plain()


def test_two_versions_are_compared_and_an_old_one_is_brought_back(ken, house):
    house.publish(changed(TIGHTER))
    page = ken.get("versions/1..2/")
    assert "From v1 to v2" in page and "refund_status of desk.account for Clerk" in page and "Tightens" in page
    assert "Loosens" in ken.get("versions/2..1/")
    assert "refund_status" in ken.get("versions/1/")
    for missing in ("1..9", "draft", "1..draft", "x", "1...2"):
        ken.get(f"versions/{missing}/", 404)
    assert ken.client.get("/policies/support/versions/?a=1&b=2").url.endswith("/versions/1..2/")
    ken.send("versions/", "versions/1/revert/")
    assert ken.draft().reverts == 1 and "From v2 to Draft v3" in ken.get("versions/2..draft/")


def test_a_draft_that_was_overtaken_shows_three_columns_and_takes_a_choice(ken, house):
    ken.open().send(CELL, "tiers/set/", mode="draft")
    ken.send("tiers/?cell=clerk/desk.order.get", "tiers/set/", mode="auto")
    house.publish(changed((("roles", "clerk", "tools", "desk.account.get"), {"mode": "approval", "route": "lead"})))
    assert "v2 went live after this draft was opened." in ken.get("tiers/")
    assert "Bring it up to date first." in ken.save("publish/", 422, message="Mine.", reason="Mine.")
    page = ken.get("draft/rebase/")
    assert "Both changed 1 cell" in page and "clerk, tools, desk.account.get" in page and "mode: approval" in page
    ken.save("draft/rebase/", 409)
    choice = {"choice:roles/clerk/tools/desk.account.get": "yours"}
    ken.save("draft/rebase/", **choice)
    tools = ken.plain()["roles"]["clerk"]["tools"]
    assert tools["desk.account.get"] == {"mode": "draft"} and tools["desk.order.get"] == {"mode": "auto"}
    assert ken.draft().base.number == 2


def test_a_document_is_pasted_whole_and_mistakes_have_their_place(ken, house):
    text = form_of(ken.open().get("document/"), "")["source"]
    wrong = ken.save("document/", 422, source=text.replace("tier:", "level:"))
    assert "line " in wrong and "level is not known here." in wrong and "level:" in form_of(wrong, "")["source"]
    assert "The slug cannot change" in ken.save("document/", 422, source=text.replace("slug: support", "slug: other"))
    ken.save("document/", source=text.replace("execute-with-approval", "draft-only"))
    assert ken.plain()["roles"]["clerk"]["tier"] == "draft-only"
    stale = form_of(ken.get("document/"), "")
    ken.send(CELL, "tiers/set/", mode="off")
    assert "changed this at" in ken.post("document/", 409, **stale)


def replayed(ken) -> Replay:
    replay = Replay.objects.latest("created_at")
    run_replay(replay.pk)
    replay.refresh_from_db()
    return replay


def test_an_edit_is_replayed_and_its_actions_are_listed(ken, house):
    past = Past(house.workspace, house.draft().source)
    for _ in range(3):
        past.add(update(role="clerk"), outcome="succeeded", waited_s=60)
    assert "was not replayed yet" in ken.get("tiers/")
    ken.send("tiers/?cell=clerk/desk.account.update", "tiers/set/", mode="off")
    assert "Waiting for a worker" in ken.get("tiers/") and "hx-trigger" in ken.get("impact/", **{"HX-Request": "true"})
    replay = replayed(ken)
    panel = ken.get("impact/", 286, **{"HX-Request": "true"})
    assert ">3</strong> of 3 past actions would change" in panel and "Would be newly allowed" in panel
    assert "Refunds agent used desk.account.update on 1 of the last 30 days. It will be denied after publish." in panel
    assert "<dt>By <code>lead</code></dt><dd>3.0 a day fewer, about 0 wait at once</dd>" in panel
    actions = ken.get(f"impact/{replay.pk}/?group=0")
    assert "What people would be asked" in actions and "1 min 0 s median" in actions
    assert actions.count("Show work") == 3 and "/traces/trc_1/" in actions
    for path in (f"impact/{replay.pk}/?group=7", f"impact/{replay.pk}/?group=x", "impact/rpl_none/"):
        ken.get(path, 404)
    ken.send("tiers/?cell=clerk/desk.account.update", "tiers/set/", mode="draft")
    page = ken.get("tiers/")
    assert "Draft changed. Replaying…" in page and "data-stale" in page
    ken.send("tiers/", f"impact/{Replay.objects.latest('created_at').pk}/cancel/")
    assert "Cancelled by Ken." in ken.get("tiers/") and "Replay this draft" in ken.get("tiers/")


def test_a_preview_of_before_a_publication_says_that_another_version_went_live(ken, house):
    ken.open().post("impact/start/")
    replayed(ken)
    assert "went live" not in ken.get("tiers/")
    house.publish(changed(TIGHTER))
    page = ken.get("tiers/")
    assert "v2 went live since." in page and "data-stale" in page and "Replay this draft" in page


def test_the_panel_alone_is_for_pages_that_follow_it(ken, house):
    assert ken.client.get("/policies/support/impact/").status_code == 302
    ken.post("impact/start/")
    assert "There is no draft to replay." in ken.get("tiers/") and not Replay.objects.exists()


def test_a_draft_runs_in_the_shadow_and_says_what_it_would_have_done(ken, house):
    assert "There is no draft to run in the shadow." in ken.post("shadow/start/", 422, name="Draft")
    house.draft(TIGHTER)
    ken.send("shadow/", "shadow/start/", name="Without refund status")
    assert "Without refund status" in ken.get("shadow/") and ShadowVersion.objects.filter(ended_at=None).count() == 1
    ken.send("shadow/", "shadow/stop/")
    assert ShadowVersion.objects.get().ended_at and "Nothing runs in the shadow" in ken.get("shadow/")


def test_a_suggestion_opens_a_draft_with_its_evidence(ken, house):
    past = Past(house.workspace, house.live().source)
    for _ in range(6):
        past.add(update(role="clerk"), outcome="rejected")
    page = ken.get("suggestions/")
    assert "People mostly reject desk.account.update" in page and "6 of 6 calls" in page
    ken.send("suggestions/", "suggestions/open/")
    assert "6 of 6 calls" in ken.get("publish/") and PolicyDraft.objects.get().evidence["kind"] == "tighten"
    ken.post("suggestions/open/", suggestion="nothing")
    assert "does not hold any more" in ken.get("suggestions/")


def test_an_agent_has_its_own_ship_gate(ken, house):
    agent, lost = house.agent("clerk"), house.agent("gone", "lost-agent")
    answer = ken.client.get(f"/policies/agents/{agent.pk}/gate/").content.decode()
    assert (
        "Field-level allowlists" in answer
        and "roles.clerk.fields.desk.account.write" in answer
        and "Promote to" in answer
    )
    assert (
        "so every call of lost-agent is denied" in ken.client.get(f"/policies/agents/{lost.pk}/gate/").content.decode()
    )
    assert ken.client.get("/policies/agents/agt_none/gate/").status_code == 404


def test_a_draft_that_changes_nothing_is_not_said_to_tighten(house):
    page = Page(house, "ken").open().get("publish/")
    assert "Nothing differs from what is live, so there is nothing to publish." in page and "only tightens" not in page
