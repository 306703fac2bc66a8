"""Agents and connections in the browser: identity, limits, tokens shown once, rotation, secrets that no page shows (P8)."""

import re

import pytest
from django.test import Client

from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.clock import database_now
from accounts.factors.challenges import session_digest
from accounts.models import StepUp
from actions.listing import latest_of
from actions.models import Connection
from actions.sealing import unseal
from policies.models import BreakerTrip
from tests.builders import planned
from traces.models import Entry

BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(cast, first: str, proven: bool = False) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    if proven:
        session = session_digest(client.session.session_key)
        StepUp.objects.create(user=cast.user(first), session=session, method="totp", at=database_now())
    return client


@pytest.fixture
def dana(cast):
    return browser(cast, "dana", proven=True)


def test_the_page_says_who_may_what_and_used_how_much(cast, dana):
    planned(cast)
    page = dana.get(f"/agents/{cast.agent.pk}/").content.decode()
    for words in (
        "Owned by Dana Ortiz",
        f"/actions/?agent={cast.agent.slug}",
        "desk.refund.create",
        "refund.daily",
        "$240.00",
        "of $5,000.00",
        "Ready",
        "Ship gate",
    ):
        assert words in page
    listed = dana.get("/agents/").content.decode()
    assert "$240.00 of $5,000.00" in listed and "refunds-agent" in listed


def test_the_page_has_its_last_actions_each_with_the_step_of_its_trace(cast, dana):
    address = f"/agents/{cast.agent.pk}/"
    assert "What it does appears here" in dana.get(address).content.decode()
    trace = planned(cast)
    page = dana.get(address).content.decode()
    last = page[page.index("Last actions") : page.index("<h2>Tokens")]
    for found in trace.actions.all():
        assert (
            f'href="/traces/{trace.pk}/?show=all#step-{found.step}"' in last
            and f"<code>{found.tool_name}</code>" in last
        )
    assert last.count("<time") == 4 and "Refund $240.00 on order 48213" in last and "Waiting" in last
    assert last.index("#step-4") < last.index("#step-1"), "The newest first."
    assert latest_of(cast.user("omar"), cast.agent, 10) == [], (
        "Who may not open the trace is not told what was done in it."
    )


def test_pausing_is_offered_to_whom_it_is_allowed_alone(cast, dana):
    places = ("/", "/agents/", f"/agents/{cast.agent.pk}/", "/tools/desk.refund.create/")
    for path in places:
        assert re.search(r">Pause[^<]*…<", dana.get(path).content.decode()), path
        page = browser(cast, "ava").get(path).content.decode()
        assert not re.search(r">Pause[^<]*…<", page), path
        assert ">What is paused</a>" in page, "An auditor reads it at the same address."


def test_a_token_is_shown_once_and_both_work_until_the_old_one_is_revoked(cast, dana):
    page = dana.post(f"/agents/{cast.agent.pk}/tokens/", {"days": "30"}).content.decode()
    token = re.search(r"rmt_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", page)[0]

    def known(token: str):
        return authenticate_agent(token, audience="").agent

    assert known(token) == known(cast.token) == cast.agent, "rotation stops nothing"
    assert token not in dana.get(f"/agents/{cast.agent.pk}/").content.decode()
    old = cast.agent.credentials.get(prefix=cast.token[4:12])
    dana.post(f"/agents/{cast.agent.pk}/tokens/{old.pk}/revoke/")
    with pytest.raises(AgentAuthFailed, match="revoked"):
        known(cast.token)
    assert known(token) == cast.agent


def test_issuing_needs_a_fresh_step_up_and_a_right(cast):
    before = cast.agent.credentials.count()
    answer = browser(cast, "dana").post(f"/agents/{cast.agent.pk}/tokens/", {"days": "30"})
    assert answer.status_code == 302 and answer["Location"].startswith("/me/step-up/")
    assert (
        browser(cast, "priya", proven=True).post(f"/agents/{cast.agent.pk}/tokens/", {"days": "3"}).status_code == 403
    )
    assert cast.agent.credentials.count() == before


def test_bad_input_names_the_field(cast, dana):
    assert "Days it is good for" in dana.post(f"/agents/{cast.agent.pk}/tokens/", {"days": "900"}).content.decode()
    wrong = dana.post(f"/agents/{cast.agent.pk}/runbook/", {"runbook_url": "javascript:alert(1)"})
    assert wrong.status_code == 422 and "Runbook:" in wrong.content.decode()
    dana.post(f"/agents/{cast.agent.pk}/runbook/", {"runbook_url": "https://wiki.example/refunds"})
    cast.agent.refresh_from_db()
    assert cast.agent.runbook_url == "https://wiki.example/refunds"


def test_a_tripped_breaker_stands_on_the_agents_it_holds_only(cast, dana):
    for whose in (cast.agent.pk, "agt_other"):
        BreakerTrip.objects.create(
            workspace=cast.northwind, policy="support", breaker="fails", key=f"fails:agent:{whose}", reason=f"Of {whose}.",
            tripped_at=database_now(),
        )  # fmt: skip
    page = dana.get(f"/agents/{cast.agent.pk}/").content.decode()
    assert f"Of {cast.agent.pk}." in page and "Of agt_other." not in page and "Reset breaker" in page


def test_a_connection_is_checked_by_a_credential_and_says_who_looked(cast, dana):
    assert "Not checked" in dana.get("/connections/").content.decode()
    dana.post("/connections/desk/check/")
    page = dana.get("/connections/desk/").content.decode()
    assert "It gave a short-lived credential and ended it." in page and "by Dana Ortiz" in page
    Connection.objects.filter(workspace=cast.northwind).update(base_url="http://127.0.0.1:9")
    dana.post("/connections/desk/check/")
    assert "Does not work" in dana.get("/connections/desk/").content.decode()


def test_a_secret_is_tried_before_it_is_kept_and_never_shown(cast, dana, desk):
    kept = Connection.objects.get(workspace=cast.northwind, slug="desk").sealed_secret
    wrong = dana.post("/connections/desk/rotate/", {"client_id": desk.client_id, "client_secret": "wrong-secret-1"})
    assert wrong.status_code == 422 and "The earlier secret stays in use." in wrong.content.decode()
    assert Connection.objects.get(workspace=cast.northwind, slug="desk").sealed_secret == kept
    right = {"client_id": desk.client_id, "client_secret": desk.client_secret}
    assert dana.post("/connections/desk/rotate/", right).status_code == 302
    found = Connection.objects.get(workspace=cast.northwind, slug="desk")
    assert found.sealed_secret != kept and unseal(found.sealed_secret) == desk.client_secret
    shown = wrong.content.decode() + dana.get("/connections/desk/").content.decode()
    assert desk.client_secret not in shown and "wrong-secret-1" not in shown
    assert not Entry.objects.filter(canonical__contains=desk.client_secret).exists()
    assert Entry.objects.filter(type="connection.rotated").count() == 1


def test_replacing_a_secret_needs_a_step_up_and_the_secret_is_not_kept_meanwhile(cast, desk):
    client = browser(cast, "dana")
    answer = client.post("/connections/desk/rotate/", {"client_id": "x", "client_secret": "not-kept-anywhere"})
    assert answer["Location"].startswith("/me/step-up/") and "not-kept-anywhere" not in str(dict(client.session))
