"""What people typed into the editor stays: where it is refused, where somebody else was quicker, where the draft is gone."""

import pytest
from django.utils.html import escape

from accounts.kept import KEY
from policies.edits import value_at
from policies.engine.yaml_out import dump
from policies.models import BreakerTrip
from tests.policies.browsing import Page, form_of
from tests.policies.kit import BASE, LOOSER
from tests.policies.past import Past
from tests.policies.test_rule_pages import ADDRESS, INVARIANT, ROUTE

KINDS = {"role": "clerk", "resource_type": "desk.account"}


@pytest.fixture
def ken(house):
    return Page(house, "ken").open()


@pytest.fixture
def noor(house):
    return Page(house, "noor")


def kept(page: Page) -> tuple[str, dict[str, str]]:
    """What waits on the page of unsent forms: where it goes, and its inputs."""
    found = page.client.session.get(KEY) or {"path": "", "fields": []}
    return found["path"], dict(found["fields"])


def note(text: str) -> str:
    """What the page says above the form."""
    return text.split('role="alert"', 1)[1].split("</div>", 1)[0]


@pytest.mark.parametrize("page", ["fields/?role=clerk", "tiers/?cell=clerk/desk.account.update"])
def test_a_field_that_is_refused_stands_in_its_input_again(ken, page):
    query = page[page.index("?") :]
    inputs = form_of(ken.get(page), "fields/add/")
    text = ken.post(f"fields/add/{query}", 422, **inputs | {"path": "address[0]"})
    assert form_of(text, "fields/add/")["path"] == ["address[0]"] and "one by one" in note(text)
    assert '<details class="menu" open>' in text


def test_a_mask_and_a_redaction_that_are_refused_stand_in_their_inputs_again(ken):
    text = ken.post("fields/mask/?role=clerk", 422, **KINDS, path="tier", mask="Card Number", was="")
    assert 'value="Card Number"' in text and text.count("Card Number") == 1
    text = ken.post(
        "fields/redact/?role=clerk", 422, resource_type="desk.account", path="tier", kind="Card Number", was=""
    )
    inputs = form_of(text, "fields/redact/")
    assert inputs["path"] == ["tier"] and inputs["kind"] == ["Card Number"]
    assert '<details class="add" open><summary class="line"><span class="link">' in text


def test_a_redaction_without_a_kind_is_refused_and_not_passed_over(ken):
    page = ken.get("fields/?role=clerk")
    assert "Kind of value</span>" in page, "It is not called optional."
    text = ken.send("fields/?role=clerk", "fields/redact/", 422, resource_type="desk.account", path="tier", kind="")
    assert "Name the kind of value to redact it" in text and form_of(text, "fields/redact/")["path"] == ["tier"]
    assert "redact" not in ken.plain()


def test_a_mask_somebody_else_set_meanwhile_keeps_what_was_typed(ken, noor):
    noor.get("fields/?role=clerk")
    inputs = {**KINDS, "path": "tier", "mask": "plan"}
    mine = form_of(ken.get("fields/?role=clerk"), "fields/mask/")
    noor.post("fields/mask/", **inputs | {"was": _seen(noor, "tier")})
    text = ken.post("fields/mask/?role=clerk", 409, **{**mine, **inputs, "mask": "level", "was": _seen(ken, "name")})
    assert "Noor changed this at" in note(text) and 'value="level"' in text


def _seen(page: Page, path: str) -> str:
    """The digest that a mask's form of this field carries."""
    text = page.get("fields/?role=clerk")
    form = next(one for one in text.split("<form")[1:] if f'name="path" value="{path}"' in one and 'name="mask"' in one)
    return form.split('name="was" value="', 1)[1].split('"', 1)[0]


COUNT = {"id": "daily", "max": "5", "kind": "count", "per": "agent", "window": "1 d", "over": "deny"}
WAYS = [
    ("limits/new/", "limits/new/", COUNT), ("fields/add/", "fields/?role=clerk", {"path": "city"}),
    ("tiers/set/", "tiers/?cell=clerk/desk.account.get", {"mode": "off"}), ("roles/clerk/", "roles/clerk/", {"tier": "read-only"}),
    ("publish/", "publish/", {"message": "Less."}), ("document/", "document/", {"source": dump(BASE | {"tests": []})}),
    ("waivers/add/", "publish/", {"id": "glass", "reason": "Later."}), (ADDRESS, ADDRESS, {"value_0": "UK"}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "page", "typed"), WAYS, ids=[way[0] for way in WAYS])
def test_what_is_sent_after_the_draft_went_waits_to_be_sent_again(ken, action, page, typed):
    inputs = form_of(ken.get(page), "" if action == page else action) | typed
    ken.send("tiers/", "draft/discard/")
    text = ken.post(action, 409, **inputs)
    assert "published or discarded meanwhile" in note(text) and 'href="/resume/"' in note(text)
    path, waits = kept(ken)
    assert path == f"/policies/support/{action}" and typed.items() <= waits.items()
    unsent = ken.client.get("/resume/").content.decode()
    assert "<strong>Was</strong>" not in unsent and "<strong>Revision</strong>" not in unsent, "Nobody typed them."
    assert "There was no draft when you sent it" in unsent and escape(next(iter(typed.values()))) in unsent


def test_a_button_alone_leaves_nothing_waiting(ken):
    ken.post("limits/new/", **COUNT)
    inputs = form_of(ken.get("limits/"), "limits/remove/daily/")
    ken.send("tiers/", "draft/discard/")
    for path in ("limits/remove/daily/", "publish/agree/"):
        ken.client.post(f"/policies/support/{path}", inputs)
        assert kept(ken) == ("", {}), path


def test_an_edit_that_waited_is_saved_once_there_is_a_draft_again(ken):
    inputs = form_of(ken.get("limits/new/"), "") | COUNT
    ken.send("tiers/", "draft/discard/")
    ken.post("limits/new/", 409, **inputs)
    ken.open()
    path, waits = kept(ken)
    ken.post(path.removeprefix("/policies/support/"), **waits)
    assert ken.plain()["limits"][0]["max"] == 5 and kept(ken) == ("", {}), "It waits no more."


def test_somebody_elses_expression_steps_scope_and_terms_are_all_shown(ken, noor):
    """Both values of a conflict are on the page, whatever part of them differs."""
    ken.post("invariants/new/", **INVARIANT)
    ken.post("steps/new/", **ROUTE)
    changes = {
        "invariants/edit/eu/": ({"expression": 'record.region == "UK"'}, 'Only where record.region == "UK"'),
        "steps/edit/two/": ({"expires": "9 h"}, "Denied if nobody decides within 9 hours."),
        ADDRESS: ({"value_0": "US"}, 'record.region == "US"'),
        "roles/clerk/": ({"runbook": "/policies/"}, "Runbook /policies/"),
    }
    for address, (theirs, said) in changes.items():
        mine = form_of(ken.get(address), "")
        noor.save(address, **theirs)
        told = note(ken.post(address, 409, **mine))
        assert f"<li>{said}</li>" in told, address


def test_a_role_that_went_meanwhile_loses_no_condition(ken, noor):
    scope, typed = "rows/night/desk.account/", 'record.region == "EU" || record.tier == "Pro"'
    ken.send("tiers/", "roles/add/", role="night", tier="read-only")
    ken.save(f"{scope}?view=cel", cel='record.region == "EU"')
    inputs = form_of(ken.get(f"{scope}?view=cel"), "") | {"cel": typed}
    noor.send("roles/night/", "roles/night/remove/")
    text = ken.post(scope, 409, **inputs)
    assert "Nothing stands there any more." in note(text) and form_of(text, "")["cel"] == typed
    again = ken.post(scope, 422, **form_of(text, ""))
    assert "There is no role night." in again and form_of(again, "")["cel"] == typed
    ken.get(scope, 404)
    terms = ken.post("roles/night/", 409, tier="read-only", runbook="https://runbooks.example/night", was="seen")
    assert "The role is not there any more" in note(terms) and 'value="https://runbooks.example/night"' in terms


def test_what_was_found_about_a_breaker_stays_where_it_is_refused(house):
    trip = BreakerTrip.objects.create(
        workspace=house.workspace, policy="support", breaker="stop", key="stop:workspace:all", reason="6 failures.",
        tripped_at=Past(house.workspace).now, evidence=[],
    )  # fmt: skip
    dana = Page(house, "dana")
    for reason, problem in (("Too short", "in at least 10 characters"), ("x" * 501, "more than 500 characters")):
        text = dana.send("breakers/", f"breakers/reset/{trip.pk}/", 422, reason=reason)
        assert problem in note(text) and form_of(text, f"breakers/reset/{trip.pk}/")["reason"] == [reason]
    inputs = form_of(dana.get("breakers/"), f"breakers/reset/{trip.pk}/")
    dana.send("breakers/", f"breakers/reset/{trip.pk}/", reason="The desk answers again.")
    again = dana.post(f"breakers/reset/{trip.pk}/", 422, **inputs | {"reason": "It was a bad deploy."})
    assert "reset this breaker already" in note(again) and "You wrote: It was a bad deploy." in note(again)


def test_a_message_stays_where_somebody_else_asked_first(ken, noor, house):
    house.draft(LOOSER, by="eve")
    mine = form_of(ken.get("publish/"), "") | {"message": "One more field.", "reason": "Asked for by support."}
    noor.save("publish/", message="First.", reason="Asked for.")
    text = ken.post("publish/", 409, **mine)
    assert "You wrote: One more field." in text and "You wrote: Asked for by support." in text
    decline = form_of(ken.get("publish/"), "publish/decline/") | {"reason": "Not before the audit."}
    noor.send("publish/", "publish/decline/", reason="Mine was quicker.")
    assert "You wrote: Not before the audit." in ken.post("publish/decline/", 409, **decline)


def test_moving_a_role_that_is_not_there_opens_no_draft(ken, house):
    ken.send("tiers/", "draft/discard/")
    for path, tier in (("roles/gone/move/", "read-only"), ("roles/clerk/move/", "king")):
        ken.post(path, tier=tier, was="")
        assert not house.policy().drafts.filter(state="open").exists()
    ken.send("gate/", "roles/clerk/move/")
    assert value_at(ken.plain(), ("roles", "clerk", "tier")) != "execute-with-approval"


def test_what_is_needed_for_a_freeze_stands_together_and_says_when_it_is(ken):
    page = ken.get("freezes/new/")
    places = [page.index(f'name="{name}"') for name in ("shape", "starts", "until", "start", "end", "days")]
    assert places == sorted(places) and page.count("Once, ") == 2 and page.count("Every week, ") == 3


def test_the_shadow_page_counts_nothing_where_nothing_ran(ken):
    assert "decisions would differ" not in ken.get("shadow/")
    ken.send("tiers/?cell=clerk/desk.account.get", "tiers/set/", mode="off")
    ken.send("shadow/", "shadow/start/", name="Draft")
    assert "0 of 0 decisions would differ" in ken.get("shadow/")


def test_the_ship_gate_of_an_agent_without_a_policy_says_so(ken, house):
    agent = house.agent("clerk")
    type(agent).objects.filter(pk=agent.pk).update(policy="gone")
    text = ken.client.get(f"/policies/agents/{agent.pk}/gate/").content.decode()
    assert "There is no policy gone, so every call of clerk-agent is denied." in text
