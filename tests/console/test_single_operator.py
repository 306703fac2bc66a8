"""The page of single-operator mode: a reason and a proof to turn it on, and it works without scripts (V7.5.3)."""

import pytest

from accounts.factors.models import StepUp
from accounts.models import SingleOperator
from accounts.permissions import Role
from accounts.services import remove_member
from accounts.single import mode_now
from tests.console.test_trust import browser
from tests.stepup.conftest import enrol_by_browser

PAGE, WHY = "/people/single-operator/", "I am the only person of this team."


@pytest.fixture
def omar(cast):
    """Alone in Lakeside."""
    for role in (Role.REVIEWER, Role.MEMBER):
        remove_member(actor=cast.actor("omar"), workspace=cast.lakeside, user=cast.user("lena"), role=role)
    return browser(cast, "omar")


def test_refused_with_the_names_of_those_who_could_decide(cast):
    client = browser(cast, "dana")
    assert "have roles here, so somebody else can decide" in client.get(PAGE).content.decode()
    answer = client.post(f"{PAGE}on/", {"reason": WHY})
    assert answer.status_code == 422 and "so somebody else can decide" in answer.content.decode()


def test_v753_turning_it_on_needs_a_proof_first(cast, omar):
    assert omar.post(f"{PAGE}on/", {"reason": WHY})["Location"].startswith("/me/step-up/")
    assert mode_now(cast.lakeside) is None and not StepUp.objects.exists()


def test_turned_on_with_a_proof_shown_on_home_and_turned_off_by_its_button(cast, omar):
    enrol_by_browser(omar)  # A fresh proof, as anybody gives one.
    assert omar.post(f"{PAGE}on/", {"reason": WHY})["Location"] == PAGE
    mode = mode_now(cast.lakeside)
    page = omar.get(PAGE).content.decode()
    assert mode.user == cast.user("omar") and "It is on" in page and WHY in page and "Out of your reach" in page
    assert "You have no Reviewer role." in page and "Single-operator mode is on since" in omar.get("/").content.decode()
    assert omar.post(f"{PAGE}off/")["Location"] == PAGE
    assert mode_now(cast.lakeside) is None and "Turned off by Omar Haddad." in omar.get(PAGE).content.decode()


def test_a_short_reason_is_said_beside_the_field(omar):
    answer = omar.post(f"{PAGE}on/", {"reason": "short"})
    assert answer.status_code == 422 and "at least 20" in answer.content.decode()
    assert not SingleOperator.objects.exists()
