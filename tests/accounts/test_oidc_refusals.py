"""A refused sign-in at the identity provider stands in the audit log: of whom, why and from where, counted, no tenant mixed."""

from accounts.models import SignInTries
from accounts.services import deactivate_user, link_identity
from accounts.tries import note_refusal
from tests.accounts.conftest import configure
from traces.audit.listing import Filters, audit_log
from traces.models import Entry


def linked(people, provider, first: str):
    """Ava reads the log; whoever is linked is the provider's subject."""
    user = people.user(first)
    link_identity(actor=people.actor("dana"), user=user, issuer=provider.issuer, subject="subject-1")
    return user


def log_of(people, workspace) -> list:
    reader = people.user("ava" if workspace == people.northwind else "omar")
    acts = audit_log(reader, workspace, Filters.from_query({"did": "sign_in"})).acts
    return [act for act in acts if act.type == "sign_in.refused"]


def test_a_person_whose_access_ended_is_named_with_the_reason(provider, browser, people):
    ken = linked(people, provider, "ken")
    deactivate_user(actor=people.actor("dana"), user=ken)
    assert browser.sign_in().status_code == 403
    (act,) = log_of(people, people.northwind)
    assert (act.who, act.target, act.address) == ("Somebody not signed in", "Ken Abe", "127.0.0.1")
    assert ("why", "inactive") in act.facts and log_of(people, people.lakeside) == []


def test_an_unverified_address_of_a_known_person_is_theirs(provider, browser, people):
    linked(people, provider, "ken")
    provider.person["email_verified"] = False
    assert browser.sign_in().status_code == 403
    (act,) = log_of(people, people.northwind)
    assert act.target == "Ken Abe" and ("why", "unverified-email") in act.facts


def test_whoever_claims_the_address_of_an_account_is_told_of_there(provider, browser, people):
    provider.person["email"] = "dana@northwind.example"
    assert browser.sign_in().status_code == 403
    assert [act.target for act in log_of(people, people.northwind)] == ["Dana Ortiz"]


def test_nobody_we_know_is_told_of_where_the_providers_people_are_without_a_name(provider, browser, people, settings):
    link_identity(actor=people.actor("dana"), user=people.user("dana"), issuer=provider.issuer, subject="subject-9")
    configure(settings, provider, OIDC_CREATE_USERS="0")
    assert browser.sign_in().status_code == 403
    (act,) = log_of(people, people.northwind)
    assert ("why", "unknown-person") in act.facts and act.target == ""
    assert "noor@" not in Entry.objects.get(pk=act.id).canonical and log_of(people, people.lakeside) == []


def test_a_flood_of_answers_nobody_asked_for_leaves_an_entry_for_each_power_of_ten(provider, people):
    linked(people, provider, "ken")
    for _ in range(101):
        note_refusal(kind="unknown-state", user=None, issuer=provider.issuer)
    note_refusal(kind="declined", user=None, issuer=provider.issuer)
    bodies = [entry.record["body"] for entry in Entry.objects.filter(type="sign_in.refused").order_by("pk")]
    assert [(body["why"], body["tries"]) for body in bodies] == [
        ("unknown-state", 1), ("unknown-state", 10), ("unknown-state", 100), ("declined", 1),
    ]  # fmt: skip
    assert SignInTries.objects.count() == 2
