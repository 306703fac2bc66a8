"""The route algebra by itself: monotone, a human once, never fewer than the quorum, in order (R-24)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.algebra import Approver, Vote, approved, may_decide, steps_of, timers, waiting, with_seconds
from approvals.algebra import given as counted

ASKED = datetime(2026, 3, 2, 10, tzinfo=UTC)
ACCOUNTS = [f"u{number}" for number in range(6)]
GROUPS = ["g", "h", "m"]
ATTRIBUTES = [("department", "finance"), ("title", "director"), ("region", "emea")]
one_of = st.sampled_from

steps = st.builds(
    lambda group, people, attributes, quorum, joins: {
        "name": f"{group}{quorum}", "group": group, "quorum": quorum,
        "people": people if group or attributes else people or ["u0@x.y"], "attributes": attributes, "joins": joins,
    },
    one_of([*GROUPS, None]), st.lists(one_of([f"{u}@x.y" for u in ACCOUNTS]), unique=True, max_size=2),
    st.lists(one_of(ATTRIBUTES), unique=True, max_size=2),
    st.integers(1, 3), st.booleans(),
)  # fmt: skip
escalations = st.builds(
    lambda to, step: {"after_s": 60, "to": to, "step": step}, one_of(GROUPS), one_of([None, "g1", "h2"])
)
routes = st.builds(
    lambda steps, escalation: {"steps": steps, "escalation": escalation},
    st.lists(steps, min_size=1, max_size=3), st.lists(escalations, max_size=2),
)  # fmt: skip
members = st.dictionaries(
    one_of(ACCOUNTS), st.dictionaries(one_of(GROUPS), one_of([ASKED - timedelta(1), ASKED + timedelta(1)]), max_size=3)
)
instants = one_of([ASKED - timedelta(1), ASKED + timedelta(1)])
said = st.dictionaries(one_of(ACCOUNTS), st.dictionaries(one_of(ATTRIBUTES), instants, max_size=3))
# Who tries to approve which step, by place.
tries = st.lists(st.tuples(one_of(ACCOUNTS), st.integers(0, 2)), max_size=12)
links = st.lists(st.tuples(one_of(ACCOUNTS), one_of(ACCOUNTS)), max_size=3)


def votes_of(route, people, tried, linked=(), escalated=(), having=None):
    """The votes that count of those tried: entitled, one each account."""
    found, taken = [], set()
    for account, place in tried:
        step = steps_of(route, escalated)[place % len(route["steps"])]
        who = Approver(
            account, f"{account}@x.y", people.get(account, {}), frozenset({account}), (having or {}).get(account, {})
        )
        if account not in taken and may_decide(step, who, ASKED):
            taken.add(account)
            found.append(Vote(step.number, frozenset({account, *(b for a, b in linked if a == account)})))
    return found


def passes(route, people, tried, linked=(), escalated=(), having=None):
    """Whether the route is approved by votes of these people, whatever of their tries they use."""
    return approved(steps_of(route, escalated), votes_of(route, people, tried, linked, escalated, having))


@settings(max_examples=300, deadline=None)
@given(routes, members, said, tries, st.data())
def test_r24_taking_an_approver_away_never_approves_more(route, people, having, tried, data):
    once = list(dict(tried).items())  # One try each account, as one account has one verdict.
    gone = data.draw(one_of(ACCOUNTS))
    fewer = {account: groups for account, groups in people.items() if account != gone}
    unnamed = {
        **route,
        "steps": [{**s, "people": [e for e in s["people"] if e != f"{gone}@x.y"]} for s in route["steps"]],
    }
    unsaid = {account: held for account, held in having.items() if account != gone}
    if any(not step["group"] and not step["people"] and not step["attributes"] for step in unnamed["steps"]):
        return  # Nobody is left to decide it, and no document says so.
    if passes(unnamed, fewer, once, having=unsaid):
        assert passes(route, people, once, having=having)


@settings(max_examples=300, deadline=None)
@given(routes, members, said, tries, st.data())
def test_r24_an_attribute_lost_or_said_too_late_or_one_more_to_have_never_approves_more(
    route, people, having, tried, data
):
    once = list(dict(tried).items())
    account, attribute = data.draw(one_of(ACCOUNTS)), data.draw(one_of(ATTRIBUTES))
    held = {key: at for key, at in having.get(account, {}).items() if key != attribute}
    late = {**having, account: {**held, attribute: ASKED + timedelta(seconds=1)}}
    for fewer in ({**having, account: held}, late):
        if passes(route, people, once, having=fewer):
            assert passes(route, people, once, having=having)
    asking = [{**s, "attributes": [*s["attributes"], attribute]} if s["attributes"] else s for s in route["steps"]]
    if passes({**route, "steps": asking}, people, once, having=having):
        assert passes(route, people, once, having=having)


def test_all_that_a_step_asks_for_and_since_before_it_was_asked():
    (step,) = steps_of(
        {"steps": [{"name": "a", "group": None, "quorum": 1, "attributes": [list(a) for a in ATTRIBUTES[:2]]}]}
    )
    before, after = ASKED, ASKED + timedelta(microseconds=1)
    have = lambda *at: Approver("u", "u@x.y", {}, frozenset({"u"}), dict(zip(ATTRIBUTES, at, strict=False)))  # noqa: E731
    found = [may_decide(step, have(*at), ASKED) for at in ((before, before), (before,), (before, after), ())]
    assert found == [True, False, False, False]


@settings(max_examples=300, deadline=None)
@given(routes, members, tries, links, st.data())
def test_r24_taking_a_vote_away_or_finding_one_human_never_approves_more(route, people, tried, linked, data):
    steps, votes = steps_of(route), votes_of(route, people, tried)
    known = votes_of(route, people, tried, linked)
    if approved(steps, known):
        assert approved(steps, votes)
    left = [vote for vote in known if data.draw(st.booleans())]
    if approved(steps, left):
        assert approved(steps, known)


@settings(max_examples=300, deadline=None)
@given(routes, members, said, tries, st.data())
def test_t25_an_approval_above_the_hourly_limit_never_approves_more_nor_does_taking_it_away(
    route, people, having, tried, data
):
    steps, votes = steps_of(route), votes_of(route, people, tried, having=having)
    above = [(vote, data.draw(st.booleans())) for vote in votes]

    def passing(counted):
        return approved(
            with_seconds(steps, [vote.step for vote, over in counted if over]), [vote for vote, _ in counted]
        )

    if passing(above):
        assert approved(steps, votes)
        asked = {vote.step for vote, over in above if over}
        assert all(
            sum(vote.step == step.number for vote in votes) > step.quorum for step in steps if step.number in asked
        )
    if passing([one for one in above if data.draw(st.booleans())]):
        assert passing(above)


@settings(max_examples=200, deadline=None)
@given(routes, members, tries)
def test_an_escalation_adds_people_and_takes_no_approval_off(route, people, tried):
    every = range(len(route["escalation"]))
    if passes(route, people, tried):
        assert passes(route, people, tried, escalated=every)
    plain, added = steps_of(route), steps_of(route, every)
    assert [step.quorum for step in plain] == [step.quorum for step in added]
    assert all(one.groups <= other.groups for one, other in zip(plain, added, strict=True))


@settings(max_examples=300, deadline=None)
@given(routes, members, tries, links)
def test_r24_no_human_fills_two_places_and_no_step_has_fewer_than_its_quorum(route, people, tried, linked):
    steps, votes = steps_of(route), votes_of(route, people, tried, linked)
    have = counted(steps, votes)
    humans = set()
    for vote in votes:  # Joined by hand: everything reachable over shared accounts.
        touching = [group for group in humans if group & vote.humans]
        humans = (humans - set(touching)) | {frozenset().union(vote.humans, *touching)}
    assert sum(have.values()) <= len(humans)
    assert approved(steps, votes) == all(have[step.number] == step.quorum for step in steps)


@settings(max_examples=200, deadline=None)
@given(routes, members, tries)
def test_a_stage_waits_for_all_before_it(route, people, tried):
    steps, votes = steps_of(route), votes_of(route, people, tried)
    open_now = waiting(steps, votes)
    have = counted(steps, votes)
    assert len({step.stage for step in open_now}) <= 1
    for step in open_now:
        assert all(have[other.number] >= other.quorum for other in steps if other.stage < step.stage)


def test_one_human_on_two_steps_counts_where_it_fills_most():
    route = {"steps": [{"name": n, "group": n, "quorum": 1} for n in ("a", "b")]}
    both = [Vote(1, frozenset({"x"})), Vote(2, frozenset({"x"})), Vote(1, frozenset({"y"}))]
    assert approved(steps_of(route), both) and not approved(steps_of(route), both[:2])


def test_late_joiners_decide_nothing_and_a_named_person_needs_no_group():
    route = {"steps": [{"name": "a", "group": "g", "quorum": 1, "people": ["p@x.y"]}]}
    (step,) = steps_of(route)
    late = Approver("u", "u@x.y", {"g": ASKED + timedelta(seconds=1)}, frozenset({"u"}))
    named = Approver("p", "p@x.y", {}, frozenset({"p"}))
    assert not may_decide(step, late, ASKED) and may_decide(step, named, ASKED)


def test_timers_that_would_come_after_expiry_are_none():
    route = {"steps": [], "remind_s": 60, "escalation": [{"after_s": 90, "to": "m", "step": None},
                                                         {"after_s": 180, "to": "h", "step": None}]}  # fmt: skip
    found = timers(route, timedelta(seconds=180))
    assert [(timer.kind, timer.number) for timer in found] == [("reminder", 1), ("escalation", 0), ("reminder", 2)]
