"""Of several that show one code or refresh token at once, one gets tokens, and they end; an end and a refresh leave none."""

import threading

import pytest
from django.db import connection

from accounts.actors import actor_for_user
from accounts.consents.services import end_consent
from accounts.models import Agent, Consent, PersonToken
from accounts.services import set_agent_state
from tests.gateway.signing_in import App, works

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def app(cast):
    return App(cast)


def together(*acts) -> list:
    """Each in a thread of its own, as close to each other as threads get."""
    gate, found = threading.Barrier(len(acts)), [None] * len(acts)

    def run(at: int) -> None:
        gate.wait(10)
        try:
            found[at] = acts[at]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_one_code_at_once_gives_tokens_once_and_the_second_use_ends_them(app):
    code = app.code()
    answers = together(*[lambda: app.exchange(code)] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    given = next(answer.json() for answer in answers if answer.status_code == 200)
    assert not works(given["access_token"]) and PersonToken.objects.count() == 1
    assert Consent.objects.get().ended_at is not None


def test_one_refresh_token_at_once_is_rotated_once_and_the_family_ends(app):
    held = app.tokens()["refresh_token"]
    answers = together(*[lambda: app.refresh(held)] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert not PersonToken.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize("turn", range(3))
def test_an_end_and_a_refresh_at_once_leave_nothing_that_works(cast, app, turn):
    held, consent = app.tokens()["refresh_token"], Consent.objects.get()
    maya = actor_for_user(cast.user("maya"), cast.northwind)
    ends = (
        lambda: end_consent(actor=maya, consent=consent, why="by the person"),
        lambda: set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.DISABLED),
    )
    answer, _ = together(lambda: app.refresh(held), ends[turn % 2])
    assert answer.status_code in {200, 400}
    assert not PersonToken.objects.filter(revoked_at=None).exists()
