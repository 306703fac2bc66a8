"""The page of people: for whoever manages members, with a proof before more is said, and it works without scripts (V7.5.3)."""

import pytest

from accounts.attributes import say_at_sign_in
from accounts.models import PersonAttribute
from accounts.services import link_identity
from tests.console.test_trust import browser
from tests.stepup.conftest import enrol_by_browser
from traces.models import Entry


@pytest.fixture
def dana(cast):
    return browser(cast, "dana")


def page_of(cast, first):
    return f"/people/person/{cast.user(first).pk}/"


def test_everybody_with_their_groups_and_what_is_said(cast, dana):
    page = dana.get("/people/").content.decode()
    assert all(words in page for words in ("Tomás Ruiz", "tomas@northwind.example", "Finance", "Policy admin"))
    assert "Omar" not in page


def test_v753_saying_more_needs_a_proof_and_taking_away_none(cast, dana):
    answer = dana.post(page_of(cast, "tomas"), {"department": "finance"})
    assert answer["Location"].startswith("/me/step-up/") and not PersonAttribute.objects.exists()
    enrol_by_browser(dana)  # A fresh proof, as anybody gives one.
    assert dana.post(page_of(cast, "tomas"), {"department": "Finance", "title": "director"})["Location"] == "/people/"
    assert (
        "department <strong>finance</strong>, title <strong>director</strong>" in dana.get("/people/").content.decode()
    )
    fresh = browser(cast, "dana")  # Another session, without a proof.
    assert fresh.post(page_of(cast, "tomas"), {"department": "finance", "title": ""})["Location"] == "/people/"
    assert PersonAttribute.objects.get().value == "finance"
    assert Entry.objects.filter(type="person.attribute_changed").count() == 3


def test_what_cannot_be_said_is_refused_at_its_input_and_nothing_is_saved(cast, dana):
    enrol_by_browser(dana)
    answer = dana.post(page_of(cast, "tomas"), {"department": "finance", "title": "d€"})
    assert answer.status_code == 422 and "id_title_error" in answer.content.decode()
    assert not PersonAttribute.objects.exists()
    assert dana.post(page_of(cast, "dana"), {"department": "finance"}).status_code == 422


def test_what_sign_in_says_is_shown_and_not_changed_here(cast, dana, settings):
    settings.REMIT_OIDC_ATTRIBUTES = {"department": "dept"}
    bound = cast.user("tomas")
    link_identity(actor=cast.actor("dana"), user=bound, issuer="https://idp.example", subject="tomas")
    bound.refresh_from_db()
    say_at_sign_in(bound, {"department": "Finance"})
    enrol_by_browser(dana)
    page = dana.get(page_of(cast, "tomas")).content.decode()
    assert page.count(" disabled") == 1 and "sign-in says it" in page
    assert dana.post(page_of(cast, "tomas"), {"department": "legal", "title": "director"})["Location"] == "/people/"
    said = PersonAttribute.objects.filter(workspace=cast.northwind).order_by("name").values_list("name", "value")
    assert list(said) == [("department", "finance"), ("title", "director")]


def test_nobody_else_and_nobody_of_another_workspace(cast, dana):
    assert browser(cast, "ken").post(page_of(cast, "tomas"), {"department": "finance"}).status_code == 403
    assert dana.get(page_of(cast, "omar")).status_code == 404
