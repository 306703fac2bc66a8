"""A page reads a person's grants once; what changes something reads them every time (P7, P9)."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import assign_perm

from accounts.access import grants_read_once, has_permission, permissions_of, workspaces_of, workspaces_visible_to
from accounts.middleware import WorkspaceMiddleware
from accounts.permissions import Permission, Role
from accounts.services import remove_member
from tests.cast import build_people


@pytest.fixture
def people(db):
    return build_people()


def may(people, first, permission=Permission.POLICY_PUBLISH) -> bool:
    return has_permission(people.user(first), permission, people.northwind)


def take_away(people) -> None:
    remove_member(
        actor=people.actor("dana"), workspace=people.northwind, user=people.user("ken"), role=Role.POLICY_ADMIN
    )


def test_inside_a_block_they_are_read_once_and_say_the_same(people):
    asked = [(first, permission) for first in ("ken", "maya", "omar", "dana") for permission in Permission]
    alone = [may(people, *one) for one in asked]
    with grants_read_once(), CaptureQueriesContext(connection) as seen:
        assert [may(people, *one) for one in asked] == alone
    assert any(alone) and not all(alone) and len(seen) <= 2 * 4


def test_p9_outside_a_block_a_role_that_was_taken_away_counts_no_more(people):
    assert may(people, "ken")
    take_away(people)
    assert not may(people, "ken")


def test_a_block_ends_with_its_request(people):
    with grants_read_once():
        assert may(people, "ken")
        take_away(people)
    assert not may(people, "ken")
    with grants_read_once():
        assert not may(people, "ken")


def test_nobody_inactive_holds_anything_also_inside_a_block(people):
    ken = people.user("ken")
    with grants_read_once():
        assert may(people, "ken")
        ken.is_active = False
        assert not may(people, "ken")


def test_p7_what_is_asked_at_once_is_what_guardian_says_of_people_and_their_groups(people):
    """A group of Django's own gives nothing here, but guardian would count it: so does what is asked in its place."""
    group = Group.objects.create(name="Helpers")
    people.user("maya").groups.add(group)
    assign_perm(Permission.AUDIT_VIEW.value, group, people.lakeside)
    for workspace in (people.northwind, people.lakeside):
        for first in ("ken", "maya", "omar", "dana", "priya"):
            held = set(ObjectPermissionChecker(people.user(first)).get_perms(workspace))
            assert {one.value for one in permissions_of(people.user(first), workspace)} == held
    assert Permission.AUDIT_VIEW in permissions_of(people.user("maya"), people.lakeside)


def test_where_a_person_belongs_is_read_once_inside_a_block(people):
    ken = people.user("ken")
    with grants_read_once(), CaptureQueriesContext(connection) as seen:
        assert workspaces_of(ken) == workspaces_of(ken) == [people.northwind]
    assert len(seen) == 1
    take_away(people)
    assert workspaces_of(ken) == list(workspaces_visible_to(ken))


@pytest.mark.parametrize(("method", "then"), [("get", True), ("head", True), ("post", False)])
def test_only_requests_that_change_nothing_have_a_block(people, method, then):
    """A role taken away while a page is drawn still counts for that page, and never for a change."""
    found = []

    def view(request):
        found.append(may(people, "ken"))
        take_away(people)
        found.append(may(people, "ken"))
        return HttpResponse()

    request = getattr(RequestFactory(), method)("/")
    request.user, request.session = people.user("ken"), {}
    WorkspaceMiddleware(view)(request)
    assert found == [True, then] and not may(people, "ken")
