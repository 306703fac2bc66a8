"""A waiver that ends while its version is live: nothing stops by itself, and whoever publishes is told."""

import time
from datetime import timedelta

import pytest

from accounts.clock import database_now
from console.home import ended_waivers
from policies.lapses import lapses
from tests.policies.browsing import Page
from tests.policies.kit import build_house, changed
from tests.policies.test_gates import WAIVER

NO_SCOPE = (("roles", "clerk", "scopes"), None)


def waived(house, **left: float):
    """The house's policy without a row scope, waived for so long."""
    ends = f"{database_now() + timedelta(**left):%Y-%m-%dT%H:%M:%SZ}"
    return house.publish(changed(NO_SCOPE, (("waivers",), [WAIVER | {"expires": ends}])))


def test_a_control_is_missing_from_the_instant_its_waiver_ends(house):
    waived(house, hours=1)
    now = database_now()
    assert list(lapses(house.workspace, at=now)) == []
    (lapse,) = lapses(house.workspace, at=now + timedelta(hours=2))
    assert lapse.sentence == "Waiver w1 of Support ended: Clerk lacks Per-object scope"
    assert (lapse.policy, lapse.role) == (house.policy(), "clerk")
    assert list(lapses(build_house("lakeside").workspace, at=now + timedelta(hours=2))) == []


def test_a_control_that_stands_by_itself_is_not_missed(house):
    ends = f"{database_now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    house.publish(changed((("waivers",), [WAIVER | {"expires": ends}])))
    assert list(lapses(house.workspace, at=database_now() + timedelta(hours=2))) == []


@pytest.fixture
def ended(house):
    """A live version whose waiver ended a moment ago."""
    version = waived(house, seconds=2)
    assert ended_waivers(house.users["ken"], house.workspace) == []
    time.sleep(3)
    return version


def test_policy_admins_find_it_on_home_and_on_the_agents_own_gate(house, ended):
    (need,) = ended_waivers(house.users["ken"], house.workspace)
    assert (need.title, need.url) == (
        "Waiver w1 of Support ended: Clerk lacks Per-object scope", "/policies/support/gate/",
    )  # fmt: skip
    assert ended_waivers(house.users["maya"], house.workspace) == []
    ken, agent = Page(house, "ken"), house.agent("clerk")
    house.save(house.draft(), changed())
    page = ken.client.get(f"/policies/agents/{agent.pk}/gate/").content.decode()
    assert "The table shows v2, which is live" in page and "Waiver w1 expired" in page and "1 control missing" in page
    assert "Every control in use stands" in ken.get("gate/"), "The draft has its scope back."
