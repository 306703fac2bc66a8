"""Who sees which workspace, and how absent and forbidden are told (P7, R-15)."""

import pytest

from accounts.access import Forbidden, NotVisible, member_of, require, workspaces_visible_to
from accounts.actors import actor_for_agent, actor_for_user, system_actor
from accounts.models import Workspace
from accounts.permissions import Permission, Role
from accounts.services import add_member, deactivate_user


def test_a_person_sees_the_workspaces_they_belong_to_once_each(people):
    priya = people.user("priya")
    assert list(workspaces_visible_to(priya)) == [people.northwind], "two roles, one workspace"
    add_member(actor=people.actor("dana"), workspace=people.lakeside, user=priya, role=Role.MEMBER)
    assert list(workspaces_visible_to(priya)) == [people.lakeside, people.northwind]


def test_what_is_held_passes(people):
    require(people.user("ken"), Permission.POLICY_PUBLISH, people.northwind)


def test_a_member_without_the_permission_is_told_so(people):
    with pytest.raises(Forbidden) as refused:
        require(people.user("ava"), Permission.APPROVAL_DECIDE, people.northwind)
    assert (refused.value.permission, refused.value.workspace) == (Permission.APPROVAL_DECIDE, people.northwind)


@pytest.mark.parametrize("permission", Permission)
def test_an_outsider_is_told_of_nothing(people, permission):
    with pytest.raises(NotVisible):
        require(people.user("omar"), permission, people.northwind)


def test_an_absent_workspace_looks_like_one_of_others(people):
    absent = Workspace(slug="none", name="None", environment="sandbox")
    with pytest.raises(NotVisible) as missing:
        require(people.user("omar"), Permission.HOME_VIEW, absent)
    with pytest.raises(NotVisible) as foreign:
        require(people.user("omar"), Permission.HOME_VIEW, people.northwind)
    assert str(missing.value) == str(foreign.value)


def test_a_requester_is_found_by_email_or_id_within_the_workspace(people):
    maya = people.user("maya")
    for text in (maya.email, maya.pk, " MAYA@northwind.example "):
        assert member_of(people.northwind.pk, text) == maya


@pytest.mark.parametrize(
    "text", ["omar@lakeside.example", "", "nobody@northwind.example", "maya@northwind.example\x00"]
)
def test_anybody_else_is_not_there(people, text):
    with pytest.raises(NotVisible):
        member_of(people.northwind.pk, text)


def test_the_id_of_a_person_elsewhere_and_of_an_inactive_one_are_not_there(people):
    deactivate_user(actor=people.actor("dana"), user=people.user("maya"))
    for text in (people.user("omar").pk, people.user("maya").pk, people.user("maya").email):
        with pytest.raises(NotVisible):
            member_of(people.northwind.pk, text)


def test_actors_say_who_and_where(people):
    maya, agent = people.user("maya"), people.agent
    assert actor_for_user(maya, people.northwind).workspace_id == people.northwind.pk
    assert (actor_for_agent(agent).kind, actor_for_agent(agent).id) == ("agent", agent.pk)
    assert (system_actor("sweeper", "").kind, system_actor("sweeper", "").id) == ("system", "system:sweeper")
