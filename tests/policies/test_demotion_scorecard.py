"""The scorecards say what would demote each agent, how far it is, and what did; promotion stays with people."""

import pytest
from django.test import Client

from policies.demotions import terms
from tests.policies.test_demotions import agent, ended, with_rule  # noqa: F401  # fixtures

FAR = "To read-only when more than 10 % of its changes in 30 days, of at least 10, are rolled back. Now {} of {}."


@pytest.fixture
def page(house):
    """The page of trust as its owner reads it."""
    client = Client()
    client.force_login(house.users["ken"], backend="django.contrib.auth.backends.ModelBackend")
    return lambda: client.get("/trust/").content.decode()


def test_it_says_what_would_demote_an_agent_and_how_far_it_is(agent, ended, page):  # noqa: F811
    assert FAR.format(0, 0) in page()
    ended(agent, *["succeeded"] * 10, "rolled_back")
    assert FAR.format(1, 11) in page() and "Demoted" not in page()


def test_it_says_what_demoted_an_agent_until_people_publish_again(house, agent, ended, page):  # noqa: F811
    ended(agent, *["rolled_back"] * 10)
    live = house.live()
    for told in ("Demoted", "10 of 10 changes rolled back", f"/versions/{live.number}/", "What it lost"):
        assert told in page(), told
    house.publish(with_rule())
    assert "What it lost" not in page() and FAR.format(10, 10) in page()


def test_an_agent_of_another_role_and_one_without_a_policy_say_so(house, agent, ended, page):  # noqa: F811
    ended(agent, *["rolled_back"] * 10)
    other, lost = house.agent("support", "other"), house.agent("clerk", "lost")
    type(lost).objects.filter(pk=lost.pk).update(policy="none")
    lost.refresh_from_db()
    found = terms([agent, other, lost], house.workspace.pk)
    assert found[agent.pk].demoted_by and not found[other.pk].demoted_by
    assert not found[other.pk].standings and found[lost.pk].missing == "There is no live policy none."
    assert "No rule of its policy demotes it." in page() and "There is no live policy none." in page()


def test_agents_of_one_policy_cost_no_more_queries_than_one(house, agent, django_assert_num_queries):  # noqa: F811
    with django_assert_num_queries(3):
        terms([agent], house.workspace.pk)
    others = [house.agent("clerk", f"clerk-{n}") for n in range(5)]
    with django_assert_num_queries(3):
        assert len(terms([agent, *others], house.workspace.pk)) == 6
