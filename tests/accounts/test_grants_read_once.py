"""A page reads a person's grants once; what changes something reads them every time (P7, P9)."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.access import grants_read_once, has_permission
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
