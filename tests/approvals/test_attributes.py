"""Approvers by what is said of them: resolved at the vote and again at dispatch, never for what was asked before (R-24)."""

import pytest
from django.db import transaction

from accounts.attributes import set_attribute
from actions.states import State
from approvals.access import names_of
from approvals.refusals import NotEntitled
from policies.engine.yaml_out import dump
from policies.gates import gates
from policies.models import Policy
from tests.approvals.routing import hired, routed
from tests.builders import action, planned, publish, request_of, sample_plain, vote, work
from traces.models import Entry
from traces.notices.people import _deciders

WANTED = {"department": "finance", "title": "director"}
STEPS = [{"name": "Finance director", "attributes": WANTED}]


def say(cast, first, **said):
    for name, value in said.items():
        set_attribute(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user(first), name=name, value=value)


def ask_directors(cast):
    """Refunds are decided by whoever is a finance director, in the live policy."""
    plain = sample_plain()
    plain["routes"]["refund"]["steps"] = [*STEPS, {"name": "Manager", "group": "managers"}]
    plain["routes"]["refund"].pop("escalation", None)
    return publish(cast, plain)


@pytest.fixture
def refund(cast):
    """Tomás has both since before it was asked, Ken only one of them, Priya neither."""
    say(cast, "tomas", **WANTED)
    say(cast, "ken", department="finance")
    ask_directors(cast)
    return request_of(planned(cast), "desk.refund.create")


def refused(cast, request, first, words):
    with pytest.raises(NotEntitled, match=words), transaction.atomic():
        vote(cast, request, first)


def test_who_has_all_of_it_decides_and_nobody_else(cast, refund):
    assert refund.route["steps"][0]["attributes"] == [["department", "finance"], ["title", "director"]]
    assert names_of(refund.waiting[0], cast.northwind) == ["Tomás Ruiz"]
    for first in ("ken", "priya", "sam"):
        refused(cast, refund, first, "Step 1 is decided by Finance director")
    vote(cast, refund, "tomas")
    vote(cast, refund, "sam")
    refund.refresh_from_db()
    assert refund.state == "approved"


def test_r24_said_after_it_was_asked_counts_for_nothing(cast, refund):
    say(cast, "ken", title="director")
    refused(cast, refund, "ken", "said of you after this was proposed")
    assert names_of(refund.waiting[0], cast.northwind) == ["Ken Abe", "Tomás Ruiz"]
    say(cast, "tomas", title="")
    say(cast, "tomas", title="director")  # Again, and anew.
    refused(cast, refund, "tomas", "said of you after this was proposed")


@pytest.mark.parametrize("lost", [{"title": ""}, {"department": "legal"}])
def test_r24_taken_away_between_the_vote_and_dispatch_nothing_runs(cast, refund, lost):
    vote(cast, refund, "tomas")
    vote(cast, refund, "sam")
    say(cast, "tomas", **lost)
    work(refund.trace)
    found = action(refund.trace, "desk.refund.create")
    assert found.state == State.BLOCKED
    blocked = Entry.objects.get(trace=refund.trace, type="action.blocked")
    assert "Tomás Ruiz may no longer approve this" in str(blocked.record["body"])


def test_the_requester_with_the_attribute_is_kept_out(cast, refund):
    say(cast, "maya", **WANTED)
    refused(cast, refund, "maya", "You asked for this")


def test_a_group_or_the_attribute_either_will_do(cast, refund):
    found = routed(refund, steps=[{"name": "Lead", "group": "support-leads", "attributes": WANTED, "quorum": 2}])
    refused(cast, found, "sam", "Step 1 is decided by Lead")
    vote(cast, found, "priya")
    vote(cast, found, "tomas")
    found.refresh_from_db()
    assert found.state == "approved"


def test_those_who_are_asked_are_told(cast, refund):
    step = refund.route["steps"][0]
    assert [user.name for user in _deciders(cast.northwind, step, refund.created_at)] == ["Tomás Ruiz"]
    hired(cast, "late")
    say(cast, "late", **WANTED)
    assert [user.name for user in _deciders(cast.northwind, step, refund.created_at)] == ["Tomás Ruiz"]


def test_an_attribute_that_nobody_has_is_not_published(cast):
    say(cast, "ken", department="finance")
    plain = sample_plain()
    plain["routes"]["refund"]["steps"] = STEPS
    policy = Policy.objects.get(workspace=cast.northwind, slug="support")
    gate = next(gate for gate in gates(policy, dump(plain), granted=None) if gate.name == "Approvers")
    (said,) = gate.details
    assert not gate.met and said.endswith(
        "column 3: routes.refund: Route refund asks whoever has department finance and title director, and nobody here has. "
        "Say it of somebody under People, or change the route."
    )
    say(cast, "ken", title="director")
    assert next(gate for gate in gates(policy, dump(plain), granted=None) if gate.name == "Approvers").met
