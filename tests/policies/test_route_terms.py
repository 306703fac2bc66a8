"""Routes beyond their steps: how each change of an escalation, of break glass or of who decides is judged, written and read."""

import copy
from dataclasses import asdict

import pytest

from policies.engine.diff import compare
from policies.engine.document import load
from policies.engine.limits import strictness
from policies.engine.merge import merge
from policies.engine.problems import PolicyError
from policies.engine.routes import recorded, route_of
from policies.engine.schema import STEP_UPS
from policies.engine.yaml_out import dump
from policies.pages import sentences
from tests.policies.browsing import Page, form_of
from traces.canonical import plain as plain_json

TEXT = """policy:
  slug: p
  name: P

roles:
  helper:
    tier: autonomous
    tools: {}

routes:
  two:
    steps:
      - {name: Lead, group: leads, people: [a@x.example, b@x.example]}
      - {name: Finance, group: finance, quorum: 2, with: previous}
    expires: 2h
    separation: [requester]
    remind: 20min
    escalation:
      - {after: 30min, to: managers}
      - {after: 1h, to: board, step: Finance}
    break_glass: {group: on-call, reason_min: 40, review_within: 12h, review_group: audit, notify: [leads]}
"""
BASE = load(TEXT).plain
ROUTE = BASE["routes"]["two"]
LEAD, FINANCE = ROUTE["steps"]
EARLY, LATE = ROUTE["escalation"]
GLASS = ROUTE["break_glass"]
GONE = object()
T, L, N = "tightens", "loosens", "neutral"
CHANGES = [
    ("escalation", GONE, T),
    ("escalation", [EARLY], T),
    ("escalation", [*ROUTE["escalation"], {"after": "90min", "to": "owners"}], L),
    ("escalation", [{**EARLY, "after": "20min"}, LATE], L),
    ("escalation", [{**EARLY, "after": "40min"}, LATE], L),
    ("escalation", [EARLY, {**LATE, "step": "Lead"}], L),
    ("escalation", [EARLY, {"after": "1h", "to": "board"}], L),
    ("escalation", [LATE, EARLY], "none"),
    ("second_above", 20, T),
    ("break_glass", GONE, T),
    ("break_glass", {**GLASS, "group": "others"}, L),
    ("break_glass", {**GLASS, "review_group": "others"}, L),
    ("break_glass", {**GLASS, "reason_min": 39}, L),
    ("break_glass", {**GLASS, "reason_min": 41}, T),
    ("break_glass", {**GLASS, "review_within": "13h"}, L),
    ("break_glass", {**GLASS, "review_within": "11h"}, T),
    ("break_glass", {**GLASS, "notify": []}, L),
    ("break_glass", {**GLASS, "notify": ["leads", "board"]}, T),
    ("break_glass", {**GLASS, "review_within": "720min"}, "none"),
    ("remind", "30min", N),
    ("remind", GONE, N),
    ("steps", [{**LEAD, "people": ["a@x.example"]}, FINANCE], T),
    ("steps", [{**LEAD, "people": [*LEAD["people"], "c@x.example"]}, FINANCE], L),
    ("steps", [{"name": "Lead", "group": "leads"}, FINANCE], T),
    ("steps", [{"name": "Lead", "people": LEAD["people"]}, FINANCE], T),
    ("steps", [{**LEAD, "attributes": {"title": "cfo"}}, FINANCE], L),
    ("steps", [{"name": "Lead", "attributes": {"title": "cfo"}}, FINANCE], L),
    ("steps", [LEAD, {key: FINANCE[key] for key in ("name", "group", "quorum")}], T),
    ("steps", [{key: FINANCE[key] for key in ("name", "group", "quorum")}, LEAD], T),
    ("steps", [LEAD, FINANCE, {"name": "Legal", "group": "legal", "with": "previous"}], T),
    ("steps", [{**LEAD, "people": LEAD["people"][::-1]}, FINANCE], N),
]


@pytest.mark.parametrize(("key", "value", "wanted"), CHANGES)
def test_each_change_of_a_route_is_judged(key, value, wanted):
    new = copy.deepcopy(dict(BASE))
    if value is GONE:
        del new["routes"]["two"][key]
    else:
        new["routes"]["two"][key] = value
    load(dump(new))
    effects = [change.effect for change in compare(BASE, new).changes]
    assert effects == ([] if wanted == "none" else [wanted]), compare(BASE, new).changes


def test_added_where_there_was_none_each_loosens_and_says_so():
    old = copy.deepcopy(dict(BASE))
    for key in ("escalation", "break_glass"):
        del old["routes"]["two"][key]
    told = [(change.effect, change.label) for change in compare(old, BASE).changes]
    assert told == [
        (L, "Route two: who may decide too when nobody does, none becomes managers after 30 minutes and board for Finance "
            "after 1 hour."),
        (L, "Route two: who may skip its steps, nobody becomes on-call with 40 characters of reason, reviewed by audit within "
            "12 hours, telling leads."),
    ]  # fmt: skip


def test_one_after_another_made_parallel_loosens():
    steps = [LEAD, {key: FINANCE[key] for key in ("name", "group", "quorum")}]
    old = {**BASE, "routes": {"two": {**ROUTE, "steps": steps}}}
    assert [change.effect for change in compare(old, BASE).changes] == [L]


def test_names_of_steps_that_trade_places_are_no_way_to_widen_an_escalation():
    steps = [{**LEAD, "name": "Finance"}, {**FINANCE, "name": "Lead"}]
    new = {**BASE, "routes": {"two": {**ROUTE, "steps": steps}}}
    assert compare(BASE, new).verdict == L


CFO = {"name": "Lead", "attributes": {"title": "cfo"}}
EMEA = {"name": "Lead", "attributes": {"title": "cfo", "region": "emea"}}


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        (CFO, EMEA, T), (EMEA, CFO, L), (CFO, {**CFO, "attributes": {"title": "cto"}}, L),
        ({**CFO, "group": "leads"}, CFO, T), (CFO, {**CFO, "group": "leads"}, L),
        (CFO, {**CFO, "people": ["a@x.example"]}, L), (CFO, {**CFO, "name": "Money"}, N),
    ],
)  # fmt: skip
def test_who_has_all_of_more_is_fewer_people(old, new, effect):
    """More to have tightens; another way to be asked, or another value, loosens."""
    before, after = ({**BASE, "routes": {"two": {"steps": [step]}}} for step in (old, new))
    assert [change.effect for change in compare(before, after).changes] == [effect]


@pytest.mark.parametrize(("old", "new", "effect"), [(20, 21, L), (20, 19, T), (20, None, L), (None, 20, T)])
def test_r24_raising_the_hourly_limit_or_dropping_it_loosens(old, new, effect):
    before, after = (
        {**BASE, "routes": {"two": {**ROUTE, **({"second_above": limit} if limit else {})}}} for limit in (old, new)
    )
    (change,) = compare(before, after).changes
    assert change.effect == effect and "a second approver is asked" in change.label
    assert load(dump(after)).routes["two"].second_above == new


def test_steps_that_ask_for_attributes_say_so_and_are_written_on_one_line():
    old, new = ({**BASE, "routes": {"two": {"steps": [step]}}} for step in (CFO, EMEA))
    assert compare(old, new).changes[0].label == (
        "Route two: who decides, 1 of whoever has title cfo becomes 1 of whoever has region emea and title cfo."
    )
    assert "- {name: Lead, attributes: {title: cfo, region: emea}}" in dump(new)
    assert load(dump(new)).routes["two"].steps[0].attributes == (("region", "emea"), ("title", "cfo"))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ("{}", "attributes"),
        ("{shoe: big}", "shoe"),
        ("{title: CFO}", "small letters"),
        ("{title: ' cfo'}", "an attribute of people"),
    ],
)
def test_what_no_person_can_have_does_not_load(attributes, words):
    text = dump({**BASE, "routes": {"two": {"steps": [CFO]}}}).replace("{title: cfo}", attributes)
    with pytest.raises(PolicyError, match=words):
        load(text)


def test_written_and_read_again_it_is_the_same_text():
    assert dump(BASE) == TEXT and dump(load(dump(BASE)).plain) == TEXT


def test_a_recorded_decision_gives_the_route_back_and_an_older_one_asks_for_no_more_than_it_says():
    route = route_of("two", ROUTE)
    assert recorded(plain_json(asdict(route))) == route
    old = {
        "name": "two",
        "steps": [{"name": "Lead", "group": "leads", "quorum": 1}],
        "expires_in_s": 60,
        "separation": [],
    }
    found = recorded(old)
    assert found.break_glass is None and found.escalation == () and not found.steps[0].joins


def test_of_two_routes_that_ask_as_many_the_one_without_a_way_past_it_is_stricter():
    bare = {"steps": [{key: step[key] for key in ("name", "group")} for step in ROUTE["steps"]]}
    strict = strictness(route_of("a", bare))
    for more in (
        {"break_glass": GLASS},
        {"escalation": [EARLY]},
        {"steps": [bare["steps"][0], {**bare["steps"][1], "with": "previous"}]},
    ):
        assert strict > strictness(route_of("z", {**bare, **more}))


def test_a_route_is_one_cell_of_a_merge():
    theirs = {**BASE, "routes": {"two": {**ROUTE, "remind": "30min"}}}
    yours = {**BASE, "routes": {"two": {key: ROUTE[key] for key in ROUTE if key != "break_glass"}}}
    assert [cell.key for cell in merge(BASE, theirs, yours).conflicts] == ["routes/two"]
    assert merge(BASE, theirs, BASE).result["routes"]["two"]["remind"] == "30min"


def test_it_is_told_in_sentences():
    assert sentences.route(ROUTE) == "Lead together with Finance (2 people)"
    assert sentences.route_more(ROUTE, {"managers": "Managers", "board": "Board", "on-call": "On call", "leads": "Leads"}) == [
        "Reminds after 20 minutes, and again each time as much has passed.",
        "After 30 minutes Managers may decide what still waits too.",
        "After 1 hour Board may decide Finance too.",
        "In an emergency On call may run it without the rest, and owes a review that audit, which does not exist confirms "
        "within 12 hours. Leads is told.",
    ]  # fmt: skip


def test_what_approvers_prove_is_told():
    assert [sentences.route_more({"step_up": proof}, {}) for proof in STEP_UPS] == [
        ["Approvers prove what the workspace asks of everybody."],
        ["Approvers give a code or passkey within the 5 minutes before."],
        ["Approvers sign each approval with a passkey."],
    ]


FORM = {
    "name": "hard", "expires": "2 h", "remind": "20 min",
    "step_0": "Lead", "group_0": "support-leads", "people_0": "A@x.example, b@x.example", "quorum_0": "2",
    "step_1": "Second", "people_1": "c@x.example", "with_1": "on", "title_1": "CFO ",
    "second_above": "20",
    "after_0": "30 min", "to_0": "support-leads", "for_0": "Second",
    "glass_group": "support-leads", "glass_review_group": "support-leads", "glass_review_within": "12 h",
    "glass_reason_min": "40", "glass_notify": ["support-leads"],
}  # fmt: skip
WRITTEN = {
    "steps": [{"name": "Lead", "group": "support-leads", "people": ["a@x.example", "b@x.example"], "quorum": 2},
              {"name": "Second", "people": ["c@x.example"], "attributes": {"title": "cfo"}, "with": "previous"}],
    "expires": "2h", "remind": "20min", "second_above": 20,
    "escalation": [{"after": "30min", "to": "support-leads", "step": "Second"}],
    "break_glass": {"group": "support-leads", "reason_min": 40, "review_within": "12h", "review_group": "support-leads",
                    "notify": ["support-leads"]},
}  # fmt: skip


@pytest.fixture
def ken(house):
    return Page(house, "ken").open()


def test_the_form_writes_a_route_reads_it_back_and_names_mistakes_at_their_inputs(ken):
    ken.post("steps/new/", **FORM)
    assert ken.plain()["routes"]["hard"] == WRITTEN
    ken.save("steps/edit/hard/")
    assert ken.plain()["routes"]["hard"] == WRITTEN
    page = ken.get("steps/")
    assert "After 30 minutes" in page and "In an emergency" in page and "Lead (2 people) together with Second" in page
    wrong = [
        ({"after_0": "3 h"}, "expires before it escalates"),
        ({"after_0": "5 min", "to_0": ""}, "Choose who may decide then."),
        ({"for_0": "Nobody"}, "There is no step Nobody in this route."),
        ({"people_0": "not an email"}, "Enter a valid email address."),
        ({"glass_review_group": ""}, "Choose who confirms the review."),
        ({"glass_reason_min": "10"}, "greater than or equal to 20"),
        ({"remind": "1 min"}, "Remind less often."),
        ({"step_1": "", "for_0": "", "quorum_0": "1", "to_0": "support-leads"}, "decides that already"),
    ]
    for changes, words in wrong:
        assert words in ken.post("steps/new/", 422, **FORM | {"name": "other"} | changes), changes
    assert form_of(ken.get("steps/edit/hard/"), "")["glass_reason_min"] == ["40"]
