"""What admins say of people: a small closed set, never of oneself, ledgered, gone with the last role (R-24)."""

import pytest

from accounts.attributes import NAMES, people_with, set_attribute
from accounts.models import PersonAttribute
from accounts.oidc_settings import ATTRIBUTES as MAPPED
from accounts.permissions import Role
from accounts.services import AccountRefused, remove_member
from policies.engine.schema import ATTRIBUTES
from traces.models import Entry


@pytest.fixture
def say(people):
    def said(first, name, value, by="dana"):
        set_attribute(
            actor=people.actor(by), workspace=people.northwind, user=people.user(first), name=name, value=value
        )
        return dict(PersonAttribute.objects.filter(user=people.user(first)).values_list("name", "value"))

    return said


def told():
    found = Entry.objects.filter(type="person.attribute_changed").order_by("seq")
    return [(entry.record["actor"]["name"], entry.record["body"]) for entry in found]


def test_the_policy_language_and_the_people_have_the_same_names():
    assert NAMES == ATTRIBUTES == MAPPED


def test_said_changed_and_taken_back_each_stands_in_the_ledger(people, say):
    assert say("tomas", "department", " Finance  EMEA ") == {"department": "finance emea"}
    first = PersonAttribute.objects.get()
    assert say("tomas", "department", "finance emea") and PersonAttribute.objects.get().since == first.since
    assert say("tomas", "department", "legal") == {"department": "legal"}
    assert PersonAttribute.objects.get().since > first.since
    assert say("tomas", "department", "") == {}
    changes = [(who, body["attribute"], body["was"], body["now"]) for who, body in told()]
    assert changes == [
        ("Dana Ortiz", "department", "", "finance emea"),
        ("Dana Ortiz", "department", "finance emea", "legal"),
        ("Dana Ortiz", "department", "legal", ""),
    ]


@pytest.mark.parametrize(
    ("first", "name", "value", "words"),
    [
        ("tomas", "shoe size", "43", "no attribute"),
        ("tomas", "department", "fіnance", "small letters"),  # Its second letter is Cyrillic.
        ("tomas", "department", "finance\n", None),
        ("tomas", "department", "x" * 81, "80 at most"),
        ("omar", "department", "finance", "has no role"),
        ("dana", "department", "finance", "somebody else says it"),
    ],
)
def test_what_cannot_be_said(people, say, first, name, value, words):
    if words is None:
        assert say(first, name, value) == {"department": "finance"}  # The break at the end is no part of it.
        return
    with pytest.raises(AccountRefused, match=words):
        say(first, name, value)
    assert not PersonAttribute.objects.exists() and not told()


def test_who_is_alone_says_it_of_themself(people, say):
    for first in set(people.users) - {"dana", "omar", "lena"}:
        for role in Role:
            remove_member(actor=people.actor("dana"), workspace=people.northwind, user=people.user(first), role=role)
    assert say("dana", "title", "owner") == {"title": "owner"}


def test_all_of_it_at_once_and_gone_with_the_last_role(people, say):
    say("tomas", "department", "finance")
    say("ken", "department", "finance")
    say("ken", "title", "director")
    both = [("department", "finance"), ("title", "director")]
    found = [[user.name for user in people_with(people.northwind.pk, wanted)] for wanted in (both[:1], both, [])]
    assert [sorted(names) for names in found] == [["Ken Abe", "Tomás Ruiz"], ["Ken Abe"], []]
    remove_member(actor=people.actor("dana"), workspace=people.northwind, user=people.user("tomas"), role=Role.REVIEWER)
    assert not PersonAttribute.objects.filter(user=people.user("tomas")).exists()
