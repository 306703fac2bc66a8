"""Verbs refuse bad input by the field's name, and never tie together things of two workspaces (R-12, R-15)."""

import pytest

from accounts.models import Group, GroupMembership, User
from accounts.permissions import Role
from accounts.services import (
    AccountRefused,
    create_group,
    create_user,
    create_user_from_identity,
    create_workspace,
    join_group,
    leave_group,
    link_identity,
    register_agent,
    remove_member,
)

AGENT = {"slug": "new-agent", "name": "New", "policy": "support", "role": "refunds"}


def refused_field(verb, **values) -> str:
    with pytest.raises(AccountRefused) as refused:
        verb(**values)
    assert str(refused.value)
    return refused.value.field


def test_a_workspace_needs_a_known_environment_and_a_free_slug(people):
    good = {"actor": people.actor("dana"), "slug": "third", "name": "Third", "environment": "sandbox"}
    assert refused_field(create_workspace, **good | {"environment": "prod"}) == "environment"
    assert refused_field(create_workspace, **good | {"slug": "northwind"}) == "slug"
    assert refused_field(create_workspace, **good | {"slug": "Not a slug"}) == "slug"
    assert create_workspace(**good).is_sample is False


@pytest.mark.parametrize(
    ("email", "name"), [("not an email", "A"), ("DANA@northwind.example", "A"), ("a\x00@b.example", "A")]
)
def test_a_person_needs_a_free_valid_email(people, email, name):
    assert refused_field(create_user, actor=people.actor("dana"), email=email, name=name) == "email"


def test_a_person_without_a_password_has_none_that_works(people):
    made = create_user(actor=people.actor("dana"), email=" New@northwind.example", name="New")
    assert made.email == "new@northwind.example"
    assert not made.has_usable_password()


def test_an_owner_of_another_workspace_owns_no_agent_here(people):
    values = AGENT | {"actor": people.actor("dana"), "workspace": people.northwind}
    assert refused_field(register_agent, owner=people.user("omar"), **values) == "owner"
    assert register_agent(owner=people.user("dana"), **values).workspace == people.northwind


def test_an_agent_slug_is_taken_per_workspace_only(people):
    values = AGENT | {"actor": people.actor("dana"), "slug": "refunds-agent"}
    taken = {"workspace": people.northwind, "owner": people.user("dana")}
    assert refused_field(register_agent, **values, **taken) == "__all__"
    assert register_agent(**values, workspace=people.lakeside, owner=people.user("omar"))


def test_a_group_takes_only_people_of_its_workspace_and_keeps_when_they_joined(people):
    group = Group.objects.get(workspace=people.northwind, slug="finance")
    assert refused_field(join_group, actor=people.actor("dana"), group=group, user=people.user("omar")) == "user"
    joined = GroupMembership.objects.get(group=group, user=people.user("tomas")).joined_at
    join_group(actor=people.actor("dana"), group=group, user=people.user("tomas"))
    assert GroupMembership.objects.get(group=group, user=people.user("tomas")).joined_at == joined
    leave_group(actor=people.actor("dana"), group=group, user=people.user("tomas"))
    join_group(actor=people.actor("dana"), group=group, user=people.user("tomas"))
    assert GroupMembership.objects.get(group=group, user=people.user("tomas")).joined_at > joined, (
        "a late joiner (R-24)"
    )


def test_coming_back_to_a_workspace_does_not_bring_groups_back(people):
    tomas = people.user("tomas")
    remove_member(actor=people.actor("dana"), workspace=people.northwind, user=tomas, role=Role.REVIEWER)
    group = Group.objects.get(workspace=people.northwind, slug="finance")
    assert refused_field(join_group, actor=people.actor("dana"), group=group, user=tomas) == "user"


def test_a_group_slug_is_taken_per_workspace_only(people):
    values = {"actor": people.actor("dana"), "slug": "finance", "name": "Finance"}
    assert refused_field(create_group, workspace=people.northwind, **values) == "__all__"
    assert create_group(workspace=people.lakeside, **values)


def test_an_identity_links_to_one_person_and_a_person_to_one_identity(people):
    actor, dana, ken = people.actor("dana"), people.user("dana"), people.user("ken")
    link_identity(actor=actor, user=dana, issuer="https://idp.example", subject="1")
    assert User.objects.get(issuer="https://idp.example", subject="1") == dana
    assert refused_field(link_identity, actor=actor, user=ken, issuer="https://idp.example", subject="1")
    assert refused_field(link_identity, actor=actor, user=dana, issuer="https://other.example", subject="2") == "user"
    ken.refresh_from_db()
    assert ken.issuer is None


def test_a_person_met_at_the_provider_never_takes_over_an_email(people):
    values = {"actor": people.actor("dana"), "issuer": "https://idp.example", "subject": "1", "name": "Dana"}
    assert refused_field(create_user_from_identity, email="Dana@northwind.example", **values) == "email"
