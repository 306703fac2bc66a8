"""What a person allowed is seen and ended by them and by whoever may pause the agent; what waits for people ends with it."""

import pytest

from accounts.models import Consent
from actions.models import Action
from tests.builders import STEPS, request_of, vote, work
from tests.gateway.mcp_client import call
from tests.gateway.signing_in import App, at, works
from traces.models import Entry

REFUND = STEPS[1]


@pytest.fixture
def app(cast):
    return App(cast)


def ended_by() -> list[tuple[str, str]]:
    found = [entry.record for entry in Entry.objects.filter(type="consent.ended")]
    return [(one["actor"]["name"], one["body"]["why"]) for one in found]


def page(cast, first: str, path: str) -> str:
    return at(cast, first).get(path).content.decode()


def post(cast, first: str, path: str):
    browser = at(cast, first)
    browser.handler.enforce_csrf_checks = False
    return browser.post(path)


def test_a_person_sees_their_own_and_ends_it(cast, app):
    mine, hers = app.tokens("maya"), app.tokens("ken")
    assert "Assistant" in page(cast, "maya", "/me/apps/") and "None now" in page(cast, "priya", "/me/apps/")
    consent = Consent.objects.get(person=cast.user("maya"))
    assert post(cast, "ken", f"/me/apps/{consent.pk}/end/").status_code == 404 and works(mine["access_token"])
    assert post(cast, "maya", f"/me/apps/{consent.pk}/end/").status_code == 302
    assert not works(mine["access_token"]) and works(hers["access_token"])
    assert "None now" in page(cast, "maya", "/me/apps/")
    assert ended_by() == [(cast.user("maya").name, "by the person")]
    assert post(cast, "maya", f"/me/apps/{consent.pk}/end/").status_code == 302 and len(ended_by()) == 1


def test_it_stands_on_the_agents_page_and_whoever_may_pause_ends_it(cast, app):
    given = app.tokens("maya")
    consent, path = Consent.objects.get(), f"/agents/{cast.agent.pk}/"
    assert "Assistant" in page(cast, "ken", path) and f"consents/{consent.pk}/end/" not in page(cast, "ken", path)
    assert f"consents/{consent.pk}/end/" in page(cast, "priya", path)
    for first, status in (("ken", 403), ("maya", 404), ("omar", 404)):
        assert post(cast, first, f"{path}consents/{consent.pk}/end/").status_code == status and works(
            given["access_token"]
        )
    other = cast.agents["front-desk-agent"]
    assert post(cast, "omar", f"/agents/{other.pk}/consents/{consent.pk}/end/").status_code == 404
    assert post(cast, "priya", f"{path}consents/{consent.pk}/end/").status_code == 302
    assert not works(given["access_token"]) and ended_by()[0][0] == cast.user("priya").name


def test_a_code_that_nobody_fetched_in_time_is_not_listed(cast, app):
    app.code()
    Consent.objects.update(code_expires_at=Consent.objects.get().given_at)
    assert "None now" in page(cast, "maya", "/me/apps/")


def test_the_audit_log_tells_who_allowed_and_who_ended_what(cast, app):
    app.tokens("maya")
    post(cast, "maya", f"/me/apps/{Consent.objects.get().pk}/end/")
    log = page(cast, "dana", "/audit/")
    assert (
        "A person allowed an app to have an agent act for them" in log
        and "What a person allowed an app was ended" in log
    )


def test_what_waits_for_people_and_was_asked_by_it_is_blocked_once_it_ends(cast, app):
    held = app.tokens("maya")["access_token"]
    answer = call(REFUND["tool"], REFUND["arguments"], held)
    assert answer["structuredContent"]["decision"] == "needs_approval", answer
    action = Action.objects.get()
    assert action.requester == cast.user("maya") and action.person_token.consent == Consent.objects.get()
    for first in ("priya", "tomas"):
        vote(cast, request_of(action.trace, REFUND["tool"]), first)
    post(cast, "maya", f"/me/apps/{Consent.objects.get().pk}/end/")
    work(action.trace)
    action.refresh_from_db()
    assert action.state == "blocked" and action.dispatched_at is None and "was revoked" in action.detail, action.detail
