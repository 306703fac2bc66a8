"""What the organisation's sign-in says of people: mapped claims alone, each time, ledgered, and nobody else's to say (R-24)."""

import pytest
from django.test import Client

from accounts.attributes import set_attribute
from accounts.models import PersonAttribute
from accounts.services import AccountRefused, link_identity
from tests.accounts.conftest import Browser, configure
from tests.accounts.test_attributes import told

MAPPED = {"OIDC_ATTRIBUTES": "department=dept, region = office"}


@pytest.fixture
def tomas(provider, people, settings):
    """Tomás, bound to the provider's person; gives what is said of him after he signed in again."""
    configure(settings, provider, **MAPPED)
    user = people.user("tomas")
    link_identity(actor=people.actor("dana"), user=user, issuer=provider.issuer, subject="subject-1")

    def signs_in(**claims):
        provider.info_changes = claims
        browser = Browser(Client())
        browser.sign_in()
        assert browser.user == user
        return dict(PersonAttribute.objects.filter(user=user).values_list("name", "value"))

    return signs_in


def test_mapped_claims_are_said_changed_and_taken_away_each_in_the_ledger(people, tomas):
    assert tomas(dept=" Finance ", office="EU", title="director") == {"department": "finance", "region": "eu"}
    since = PersonAttribute.objects.get(name="region").since
    assert tomas(dept="Legal", office="EU") == {"department": "legal", "region": "eu"}
    assert PersonAttribute.objects.get(name="region").since == since, "what stays the same counts from before"
    assert tomas(office="EU") == {"region": "eu"}
    assert [(who, body["attribute"], body["was"], body["now"]) for who, body in told()] == [
        ("Remit sign-in", "department", "", "finance"),
        ("Remit sign-in", "region", "", "eu"),
        ("Remit sign-in", "department", "finance", "legal"),
        ("Remit sign-in", "department", "legal", ""),
    ]


@pytest.mark.parametrize("claim", [["finance"], {"name": "finance"}, 7, None, True, "", "fіnance", "x" * 81, "a\x00b"])
def test_a_claim_that_could_not_stand_there_says_nothing_and_the_person_signs_in(tomas, claim):
    assert tomas(dept="finance", office="eu") == {"department": "finance", "region": "eu"}
    assert tomas(dept=claim, office="eu") == {"region": "eu"}


def test_nobody_else_says_it_and_what_is_not_mapped_stays_the_admins(people, tomas):
    def say(first, name):
        set_attribute(
            actor=people.actor("dana"), workspace=people.northwind, user=people.user(first), name=name, value="legal"
        )

    tomas(dept="finance")
    with pytest.raises(AccountRefused, match="sign-in says it"):
        say("tomas", "department")
    say("tomas", "title")
    say("ken", "department")  # Ken signs in otherwise.
    assert tomas(dept="finance") == {"department": "finance", "title": "legal"}


def test_without_the_setting_claims_say_nothing(provider, tomas, settings):
    configure(settings, provider)
    assert tomas(department="finance", dept="finance") == {}
