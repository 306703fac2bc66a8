"""What opens nothing any more is dropped after its time, and nothing else is."""

import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from oauth2_provider.models import AccessToken

from accounts.models import Consent, ConsentRefresh, PersonToken
from accounts.services import issue_agent_client
from actions import spent
from actions.management.commands.remit_sweep import Command
from actions.models import Action
from tests.gateway.mcp_client import call
from tests.gateway.signing_in import App, at, refused, token, works
from traces.models import Entry

PAST = spent.KEPT + timedelta(days=1)


@pytest.fixture
def app(cast):
    return App(cast)


def own(cast) -> str:
    """A token of an agent's client for itself."""
    client_id, secret = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = token(form | {"resource": "http://127.0.0.1:8000/mcp"})
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]


def grow_old(by: timedelta) -> None:
    Session.objects.update(expire_date=F("expire_date") - by)
    AccessToken.objects.update(expires=F("expires") - by)
    PersonToken.objects.update(expires_at=F("expires_at") - by)
    Consent.objects.update(expires_at=F("expires_at") - by, code_expires_at=F("code_expires_at") - by)


def counts() -> list[int]:
    return [model.objects.count() for model in (Session, AccessToken, PersonToken, ConsentRefresh, Consent)]


def test_nothing_that_lives_goes(cast, app):
    given, alone = app.tokens(), own(cast)
    app.refresh(given["refresh_token"])
    app.code()  # Of a second consent, and not used yet.
    before = counts()
    assert all(before) and spent.drop_spent() == 0 and counts() == before
    assert works(given["access_token"]) and works(alone)


def test_a_second_use_ends_the_family_as_long_as_it_lives(app):
    given = app.tokens()
    next_ = app.refresh(given["refresh_token"]).json()
    PersonToken.objects.update(expires_at=F("expires_at") - timedelta(hours=7))
    spent.drop_spent()
    refused(app.refresh(given["refresh_token"]), "invalid_grant")
    refused(app.refresh(next_["refresh_token"]), "invalid_grant")
    assert Consent.objects.get().ended_at is not None


def test_sessions_go_when_they_ran_out_and_the_rest_a_month_later(cast, app, monkeypatch):
    monkeypatch.setattr(spent, "AT_ONCE", 1)
    app.refresh(app.tokens()["refresh_token"])
    own(cast)
    kept, entries = counts()[1:], Entry.objects.count()
    grow_old(timedelta(days=29))
    assert spent.drop_spent() == 1 and counts() == [0, *kept]
    grow_old(timedelta(days=2))
    assert spent.drop_spent() == sum(kept) and counts() == [0] * 5
    assert Entry.objects.count() == entries, "The ledger keeps what was allowed, issued and ended."


def test_a_token_that_asked_for_an_action_stays_with_its_consent(cast, app):
    call("desk.order.get", {"order_id": "48213"}, app.tokens()["access_token"])
    grow_old(PAST)
    spent.drop_spent()
    assert counts()[2:] == [1, 0, 1] and Action.objects.get().person_token.consent.person == cast.user("maya")
    assert at(cast, "maya").get("/me/apps/").status_code == 200


class Once(threading.Event):
    """Stops after the first round, as a signal in its pause does."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_does_it_by_itself(cast, app):
    app.tokens()
    grow_old(PAST)
    Command().sweep_until(Once())
    assert counts() == [0] * 5
