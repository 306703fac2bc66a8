"""People in sessions, and the factors they enrol through the product's own services."""

import re
import secrets
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from accounts.factors import totp
from accounts.models import Challenge, Factor, StepUp, User
from accounts.sealing import seal_for
from approvals.stepup import services
from approvals.stepup.services import Here
from approvals.terms import set_terms, terms_of
from tests.cast import build_people
from tests.snapshot import restored
from tests.stepup.authenticator import Authenticator

BACKEND = "django.contrib.auth.backends.ModelBackend"


def session() -> str:
    return secrets.token_hex(32)


def code_at(sealed: str, at: float) -> str:
    return totp._totp(sealed).generate(int(at)).decode()


def next_code(factor: Factor) -> str:
    """A code of the app that was not accepted yet: this time step's, or the next one's."""
    factor.refresh_from_db()
    return code_at(factor.material, max(time.time(), (factor.counter + 1) * totp.STEP_S))


def enrol_app(here: Here, *, steps_ago: int = 1) -> tuple[Factor, list[str]]:
    """An authenticator app, and recovery codes. As if enrolled `steps_ago`, so that the present code is still unused."""
    begun = services.begin_totp(here)
    code = code_at(begun.subject["totp"], time.time())
    codes = services.confirm_totp(here=here, challenge_id=begun.pk, name="Phone", code=code)
    return _enrolled(here.user, steps_ago), codes


def _enrolled(user: User, steps_ago: int) -> Factor:
    """The newest app, its first code moved back: a code of an earlier step would be refused once the clock goes on meanwhile."""
    factor = user.factors.filter(kind="totp").last()
    factor.counter -= steps_ago
    factor.save(update_fields=["counter"])
    return factor


def enrol_passkey(here: Here, authenticator: Authenticator, **lies) -> list[str]:
    made, options = services.begin_passkey(here)
    answer = authenticator.create(options["publicKey"], **lies)
    return services.finish_passkey(here=here, challenge_id=made.pk, name="Key", answer=answer)


def age(model, **by) -> None:
    """As if what was made had been made earlier."""
    if model is StepUp:
        for row in StepUp.objects.all():
            StepUp.objects.filter(pk=row.pk).update(at=row.at - timedelta(**by))
    else:
        for row in Challenge.objects.all():
            Challenge.objects.filter(pk=row.pk).update(expires_at=row.expires_at - timedelta(**by))


def ask_for(cast, floor: str) -> None:
    terms = replace(terms_of(cast.northwind.pk), step_up_floor=floor)
    set_terms(actor=cast.actor("dana"), workspace=cast.northwind, terms=terms)


def browser(cast, first: str) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client


def secret_on(page: str) -> str:
    """The secret as the enrolment page shows it, sealed as the product keeps it."""
    shown = re.search(r"<code>([A-Z2-7 ]{30,})</code>", page)[1]
    return seal_for(totp.PURPOSE, shown.replace(" ", ""))


def enrol_by_browser(client: Client) -> str:
    """Add an app as a person does; gives the sealed secret."""
    page = client.post("/me/security/app/").content.decode()
    sealed = secret_on(page)
    challenge = re.search(r'name="challenge" value="([^"]+)"', page)[1]
    code = code_at(sealed, time.time())
    done = client.post("/me/security/app/confirm/", {"challenge": challenge, "name": "Phone", "code": code})
    assert done.status_code == 200, done.content.decode()
    _enrolled(done.wsgi_request.user, 1)
    return sealed


@pytest.fixture
def people(db):
    return restored("people", build_people)


@pytest.fixture
def priya(people) -> Here:
    return Here(people.user("priya"), session())


@pytest.fixture
def key() -> Authenticator:
    return Authenticator()
