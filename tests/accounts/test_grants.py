"""Object grants equal memberships at every moment, and never outlive person, workspace or role (R-14, V8.3.2)."""

import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from guardian.models import UserObjectPermission
from guardian.shortcuts import assign_perm, get_user_perms

from accounts import grants
from accounts.access import has_permission
from accounts.actors import system_actor
from accounts.grants import sync_grants
from accounts.models import Membership, User, Workspace
from accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from accounts.services import add_member, create_user, remove_member


@pytest.mark.parametrize("role", Role)
def test_a_role_gives_its_permissions_in_its_workspace_and_none_elsewhere(people, role):
    user = create_user(actor=people.actor("dana"), email="new@northwind.example", name="New")
    add_member(actor=people.actor("dana"), workspace=people.northwind, user=user, role=role)
    held = {p for p in Permission if has_permission(user, p, people.northwind)}
    assert held == ROLE_PERMISSIONS[role]
    assert not {p for p in Permission if has_permission(user, p, people.lakeside)}


def test_two_roles_give_the_union_and_losing_one_leaves_the_other(people):
    priya = people.user("priya")
    assert set(get_user_perms(priya, people.northwind)) == {
        *ROLE_PERMISSIONS[Role.REVIEWER], *ROLE_PERMISSIONS[Role.OPERATOR],
    }  # fmt: skip
    remove_member(actor=people.actor("dana"), workspace=people.northwind, user=priya, role=Role.OPERATOR)
    assert set(get_user_perms(priya, people.northwind)) == ROLE_PERMISSIONS[Role.REVIEWER]
    assert has_permission(priya, Permission.APPROVAL_DECIDE, people.northwind)
    assert not has_permission(priya, Permission.AGENT_PAUSE, people.northwind)


def test_losing_the_last_role_takes_grants_and_groups_of_that_workspace_only(people):
    tomas = people.user("tomas")
    add_member(actor=people.actor("dana"), workspace=people.lakeside, user=tomas, role=Role.MEMBER)
    remove_member(actor=people.actor("dana"), workspace=people.northwind, user=tomas, role=Role.REVIEWER)
    assert not get_user_perms(tomas, people.northwind)
    assert not tomas.approver_groups.exists()
    assert set(get_user_perms(tomas, people.lakeside)) == ROLE_PERMISSIONS[Role.MEMBER]


def test_an_auditor_reads_and_changes_nothing():
    changing = {Permission.TRACE_ROLLBACK, Permission.APPROVAL_DECIDE, Permission.POLICY_EDIT, Permission.POLICY_PUBLISH,
                Permission.AGENT_MANAGE, Permission.AGENT_PAUSE, Permission.MEMBER_MANAGE, Permission.NOTICE_MANAGE}  # fmt: skip
    assert not ROLE_PERMISSIONS[Role.AUDITOR] & changing
    assert ROLE_PERMISSIONS[Role.AUDITOR] == set(Permission) - changing - {Permission.TRACE_VIEW_OWN}


def test_an_inactive_person_holds_nothing(people):
    dana = people.user("dana")
    assert has_permission(dana, Permission.MEMBER_MANAGE, people.northwind)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert not has_permission(User.objects.get(pk=dana.pk), Permission.MEMBER_MANAGE, people.northwind)


@pytest.mark.parametrize("delete", [lambda w: w.delete(), lambda w: Workspace.objects.filter(pk=w.pk).delete()])
def test_a_deleted_workspace_takes_its_grants_along(db, delete):
    # Rows made past the services: what they make has a ledger, and such a workspace is never deleted.
    workspace = Workspace.objects.create(slug="short", name="Short", environment="sandbox")
    user = create_user(actor=system_actor("tests", ""), email="a@short.example", name="A")
    Membership.objects.create(user=user, workspace=workspace, role=Role.OWNER)
    with transaction.atomic():
        sync_grants(user, workspace)
    key = workspace.pk
    delete(workspace)
    assert not UserObjectPermission.objects.filter(object_pk=key).exists()
    again = Workspace.objects.create(id=key, slug="again", name="Again", environment="sandbox")
    assert not has_permission(user, Permission.HOME_VIEW, again), "even with the key forced to be the same"


def test_a_deleted_person_takes_their_grants_along(people):
    user = create_user(actor=people.actor("dana"), email="new@northwind.example", name="New")
    add_member(actor=people.actor("dana"), workspace=people.northwind, user=user, role=Role.AUDITOR)
    key = user.pk
    user.delete()
    assert not UserObjectPermission.objects.filter(user_id=key).exists()


def test_a_release_that_changes_a_role_changes_everyone_who_has_it(people, monkeypatch):
    changed = ROLE_PERMISSIONS | {Role.AUDITOR: frozenset({Permission.HOME_VIEW, Permission.AGENT_PAUSE})}
    monkeypatch.setattr(grants, "ROLE_PERMISSIONS", changed)
    call_command("migrate", verbosity=0)
    assert set(get_user_perms(people.user("ava"), people.northwind)) == changed[Role.AUDITOR]


def test_a_grant_without_a_role_is_taken_at_the_next_change(people):
    maya = people.user("maya")
    assign_perm(Permission.POLICY_PUBLISH.value, maya, people.northwind)
    add_member(actor=people.actor("dana"), workspace=people.northwind, user=maya, role=Role.MEMBER)
    assert set(get_user_perms(maya, people.northwind)) == ROLE_PERMISSIONS[Role.MEMBER]


def test_changes_of_one_person_at_the_same_time_leave_exactly_the_grants_of_the_roles(transactional_db, people):
    user, workspace = people.user("maya"), people.northwind

    def run(*steps) -> None:
        for change, role in steps:
            change(actor=people.actor("dana"), workspace=workspace, user=user, role=role)
        connection.close()

    for _ in range(10):
        rounds = [
            [(add_member, Role.OWNER), (remove_member, Role.OWNER)],
            [(add_member, Role.AUDITOR), (remove_member, Role.AUDITOR)],
            [(add_member, Role.REVIEWER), (remove_member, Role.REVIEWER)],
        ]
        threads = [threading.Thread(target=run, args=steps) for steps in rounds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(get_user_perms(user, workspace)) == ROLE_PERMISSIONS[Role.MEMBER]
