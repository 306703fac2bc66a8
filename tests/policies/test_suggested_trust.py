"""Trust that is suggested is scoped and ends by itself; what spoils it suggests to end it at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.clock import database_now
from policies.engine.decide import decide
from policies.engine.diff import compare
from policies.engine.document import Document, load
from policies.engine.yaml_out import dump
from policies.models import DecisionRecord, PolicyVersion
from policies.suggestions import Suggestion, suggestions
from policies.views import suggestions as views
from tests.policies.browsing import Page
from tests.policies.past import Past, refund, update
from tests.policies.test_suggestions import ASKED, TOOLS

TOOL = "desk.refund.create"


@pytest.fixture
def past(house) -> Past:
    return Past(house.workspace, ASKED)


def found(house, document: Document, now=None) -> list[Suggestion]:
    """What is said of the tool."""
    made = suggestions(house.workspace.pk, "support", document, TOOLS, now or database_now())
    return [one for one in made if TOOL in (one.edit.get("tool"), *one.edit.get("tools", ()))]


def approve(past, times: int = 20) -> None:
    for number in range(times):
        past.add(refund(1000), outcome="succeeded", at=past.ago(days=1, minutes=number))


def trusted(house, past) -> Document:
    """The suggestion's document, live."""
    approve(past)
    (loosening,) = found(house, load(ASKED))
    source = dump(loosening.plain_after)
    house.policy().versions.update(is_live=False)
    put_live(house, source, 7)
    return load(source)


def put_live(house, source: str, number: int) -> None:
    PolicyVersion.objects.create(
        policy=house.policy(), number=number, source=source, digest=load(source).digest, message="Trust", is_live=False,
        published_by={"kind": "system", "id": "x", "name": "X"}, published_at=database_now(),
    )  # fmt: skip


def test_what_people_always_approve_is_suggested_for_thirty_days_and_ends_by_itself(house, past):
    approve(past)
    now = database_now()
    (loosening,) = found(house, load(ASKED), now)
    end = now + timedelta(days=30)
    rule = loosening.plain_after["roles"]["refunds"]["tools"][TOOL]
    assert rule == {"mode": "auto", "route": "refund", "until": f"{end:%Y-%m-%dT%H:%MZ}", "then": "approval"}
    after = load(dump(loosening.plain_after))
    at = [decide(after, replace(refund(1000), at=when)).effect for when in (now, end - timedelta(minutes=1), end)]
    assert at == ["allow", "allow", "approval"]
    assert loosening.evidence[3] == (
        f"It ends by itself on {end:%Y-%m-%d %H:%M} UTC, and the route refund decides again. "
        "One rejection or rollback before that suggests ending it at once."
    )
    assert compare(load(ASKED).plain, loosening.plain_after).verdict == "mixed", "The limit beside it tightens."


def test_the_suggestion_is_the_same_one_a_minute_later(house, past):
    approve(past)
    now = database_now()
    (one,), (other,) = found(house, load(ASKED), now), found(house, load(ASKED), now + timedelta(minutes=1))
    assert one.edit == other.edit and one.plain_after != other.plain_after


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [("rolled_back", "1 rolled back and 0 rejected"), ("rejected", "0 rolled back and 1 rejected")],
)
def test_one_later_rollback_or_rejection_suggests_to_end_it_at_once(house, past, outcome, counted):
    live = trusted(house, past)
    assert found(house, live) == []
    past.add(refund(1000), outcome=outcome, at=database_now())
    (ending,) = found(house, live)
    assert (ending.kind, ending.edit["op"], ending.edit["mode"]) == ("tighten", "end_rule", "approval")
    assert ending.evidence[0].startswith(f"{counted} since ")
    after = load(dump(ending.plain_after))
    assert decide(after, refund(1000)).effect == "approval"
    assert compare(live.plain, ending.plain_after).verdict == "tightens", "One person may publish it."


def test_what_was_approved_before_and_is_taken_back_later_spoils_it_too(house, past):
    live = trusted(house, past)
    old = DecisionRecord.objects.order_by("at").first()
    DecisionRecord.objects.filter(pk=old.pk).update(outcome="rolled_back", finished_at=database_now())
    assert [one.edit["op"] for one in found(house, live)] == ["end_rule"]


@pytest.mark.parametrize("outcome", ["failed", "unknown", "not_run", "succeeded"])
def test_other_outcomes_end_nothing(house, past, outcome):
    live = trusted(house, past)
    past.add(refund(1000), outcome=outcome, at=database_now())
    assert found(house, live) == []


def test_what_went_wrong_before_the_rule_went_live_ends_nothing(house, past):
    past.add(refund(1000), outcome="rolled_back", at=past.ago(days=31))
    live = trusted(house, past)
    DecisionRecord.objects.filter(outcome="rolled_back").update(finished_at=past.ago(days=29))
    assert found(house, live) == []


def test_a_later_version_with_the_same_rule_does_not_forgive(house, past):
    live = trusted(house, past)
    past.add(refund(1000), outcome="rejected", at=database_now())
    other = dump({**live.plain, "policy": {"slug": "support", "name": "Renamed"}})
    put_live(house, other, 8)
    assert [one.edit["op"] for one in found(house, load(other))] == ["end_rule"]


def test_a_rule_that_ended_is_not_ended_again_and_may_be_earned_anew(house, past):
    live = trusted(house, past)
    past.add(refund(1000), outcome="rejected", at=database_now())
    later = database_now() + timedelta(days=31)
    DecisionRecord.objects.update(at=later - timedelta(days=1))
    assert found(house, live, later) == []
    DecisionRecord.objects.filter(outcome="rejected").delete()
    assert [(one.kind, one.edit["op"]) for one in found(house, live, later)] == [("loosen", "guard_auto")]


def test_a_person_opens_it_as_a_draft_with_its_evidence(house):
    past = Past(house.workspace, house.live().source)
    for number in range(20):
        past.add(update(role="clerk"), outcome="succeeded", at=past.ago(days=1 + number % 4))
    ken = Page(house, "ken")
    assert "for 30 days" in ken.get("suggestions/")
    ken.send("suggestions/", "suggestions/open/")
    rule = ken.plain()["roles"]["clerk"]["tools"]["desk.account.update"]
    assert (rule["mode"], rule["then"], rule["route"]) == ("auto", "approval", "lead")
    page = ken.get("publish/")
    assert "It ends by itself on" in page and "Let it run by itself, limited, for 30 days." in page


def test_many_suggestions_stand_on_several_pages_and_each_can_be_opened(house, monkeypatch):
    past, write = Past(house.workspace, house.live().source), update(role="clerk")
    get = replace(write, tool=replace(write.tool, name="desk.account.get"))
    for number in range(20):
        past.add(write, outcome="succeeded", at=past.ago(days=1 + number % 4))
        past.add(get, outcome="rejected", at=past.ago(days=1 + number % 4))
    monkeypatch.setattr(views, "PAGE", 1)
    ken = Page(house, "ken")
    first, second = ken.get("suggestions/"), ken.get("suggestions/?page=2")
    assert "1 to 1 of 2" in first and "Tightens" in first and "Loosens" not in first
    assert "2 to 2 of 2" in second and "Loosens" in second and "Tightens" not in second
    assert "2 to 2 of 2" in ken.get("suggestions/?page=99") and "1 to 1 of 2" in ken.get("suggestions/?page=x")
    ken.send("suggestions/?page=2", "suggestions/open/")
    assert ken.plain()["roles"]["clerk"]["tools"]["desk.account.update"]["mode"] == "auto"
