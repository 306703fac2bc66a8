"""A breach of the policy's own terms demotes the role: a version that only tightens, published by Remit; people promote."""

import pytest

from accounts.actors import actor_for_user
from accounts.models import Agent
from console.home import needs
from policies.demotions import counted, demote, watch
from policies.engine.demotion import demoted
from policies.engine.diff import compare
from policies.engine.document import load, load_plain
from policies.engine.plain import effective_mode
from policies.engine.problems import PolicyError
from policies.engine.types import EFFECT_CLASSES, STRENGTH, TIERS, ToolFacts
from policies.engine.yaml_out import dump
from policies.models import DecisionRecord
from policies.publishing import agree, propose
from tests.policies.browsing import Page, form_of
from tests.policies.kit import changed
from tests.policies.past import Past, update
from tests.policies.test_diff import BASE as WIDE

RULE = {
    "id": "bad",
    "role": "clerk",
    "on": "rollbacks",
    "above": 10,
    "window": "30d",
    "at_least": 10,
    "to": "read-only",
}
UPDATE = "desk.account.update"


def with_rule(**terms) -> dict:
    return changed((("demotions",), [RULE | terms]))


@pytest.fixture
def agent(house) -> Agent:
    house.publish(with_rule())
    return house.agent("clerk")


@pytest.fixture
def ended(house, django_capture_on_commit_callbacks):
    """Changes of an agent that ended so, each watched as the product watches it, once committed."""

    def end(agent: Agent, *outcomes: str, **more) -> None:
        document, past = load(house.live().source), Past(house.workspace)
        for outcome in outcomes:
            record = past.add(update(), outcome=outcome)
            terms = {"agent_id": agent.pk, "role": agent.role, **more}
            DecisionRecord.objects.filter(pk=record.pk).update(**terms)
            record.refresh_from_db()
            with django_capture_on_commit_callbacks(execute=True):
                watch(document=document, record=record, event=outcome)

    return end


def test_the_one_that_is_too_many_publishes_a_version_that_only_tightens(house, agent, ended):
    ended(agent, *["succeeded"] * 18, "rolled_back", "rolled_back")
    assert house.live().number == 2  # 2 of 20 are not more than 10 %.
    ended(agent, "rolled_back")
    live = house.live()
    assert (live.number, live.verdict, live.published_by["id"]) == (3, "tightens", "system:demotion")
    role = load(live.source).plain["roles"]["clerk"]
    assert role["tier"] == "read-only" and role["tools"][UPDATE]["mode"] == "off"
    assert role["tools"]["desk.account.get"] == {"mode": "auto"}
    verb, body = house.last()
    assert (verb, body["how"], body["verdict"]) == ("policy.published", "by rule demotions.bad", "tightens")
    assert live.message == (
        "clerk-agent: 3 of 21 changes rolled back in the last 30 days, more than 10 %. Role clerk is demoted to read-only."
    )


def test_nothing_is_published_twice_nor_for_too_few_nor_for_what_does_not_count(house, agent, ended):
    ended(agent, *["rolled_back"] * 9)
    assert house.live().number == 2  # Fewer than `at_least`.
    ended(agent, *["rolled_back"] * 3, effect_class="read")
    assert house.live().number == 2
    ended(agent, *["failed"] * 3, policy="other")
    assert counted(load(house.live().source).demotions[0], agent) == (9, 9)
    ended(agent, "rolled_back")
    assert house.live().number == 3
    ended(agent, "rolled_back")
    assert house.live().number == 3 and house.verbs().count("policy.published") == 3


def test_an_agents_record_is_its_own_and_old_ones_do_not_count(house, agent, ended):
    other = house.agent("clerk", "other-agent")
    ended(agent, *["rolled_back"] * 9)
    ended(other, "rolled_back")
    assert house.live().number == 2
    DecisionRecord.objects.filter(agent_id=agent.pk).update(at=Past(house.workspace).ago(days=31))
    assert demote(workspace_id=house.workspace.pk, slug="support", agent_id=agent.pk) is None


def test_its_own_tests_do_not_keep_a_policy_from_demoting(house, agent, ended):
    """The document's test expects an approval where a demoted clerk is denied."""
    ended(agent, *["rolled_back"] * 10)
    assert house.live().number == 3 and load(house.live().source).plain["tests"]


def test_what_may_not_be_published_is_said_once(house, agent, ended):
    ended(agent, *["rolled_back"] * 9)
    house.agent("clerk", "late-agent")
    Agent.objects.filter(slug="late-agent").update(role="gone")  # The gate on agents' roles does not hold any more.
    ended(agent, "rolled_back", "rolled_back")
    verb, body = house.last()
    assert (verb, body["rule"], house.live().number) == ("policy.not_published", "bad", 2)
    assert "was not published: Roles that agents have would vanish." in body["why"]
    assert house.verbs().count("policy.not_published") == 1


def test_owner_and_admins_are_told_until_people_publish_again(house, agent, ended):
    ended(agent, *["rolled_back"] * 10)

    def told(first: str) -> list[str]:
        return [need.title for need in needs(house.users[first], house.workspace) if "is demoted" in need.title]

    assert told("ken") and told("dana") and not told("maya")
    draft = house.save(house.draft(), with_rule())
    asked = propose(**house.who("ken"), draft_id=draft.pk, revision=draft.revision, message="Back", reason="Mended")
    assert asked.version is None and told("ken")  # Promotion loosens, so it takes a second person.
    second = {"actor": actor_for_user(house.users["noor"], house.workspace), "user": house.users["noor"]}
    agree(**second, draft_id=draft.pk, revision=asked.draft.revision, digest=asked.draft.digest)
    assert house.live().number == 4 and not told("ken")


@pytest.mark.parametrize("to", [tier for tier in TIERS if tier != "autonomous"])
def test_a_demoted_document_asks_at_least_as_much_for_every_tool(to):
    facts = {
        name: ToolFacts(name, "desk.order", effect, "reversible")
        for name, effect in zip(
            WIDE["roles"]["refunds"]["tools"], ("read", "draft", "write", "side_effect") * 9, strict=False
        )
    }
    low = demoted(WIDE, "refunds", to, facts)
    load_plain(low)
    assert compare(WIDE, low, facts).verdict in {"tightens", "same"}
    for name, fact in facts.items():
        before, after = (effective_mode(plain["roles"]["refunds"], name, fact.effect_class) for plain in (WIDE, low))
        assert STRENGTH[after] >= max(STRENGTH[before], STRENGTH[TIERS[to][fact.effect_class]])


RULES = (
    {}, {"route": "low"}, {"mode": "auto"}, {"mode": "draft"}, {"mode": "approval", "route": "low"},
    {"mode": "auto", "until": "2099-01-01T00:00Z", "then": "approval", "route": "low"},
)  # fmt: skip
ROUTES = {
    "low": {"steps": [{"name": "One", "group": "a"}]},
    "high": {"steps": [{"name": "One", "group": "a"}, {"name": "Two", "group": "b"}]},
}


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("effect", EFFECT_CLASSES)
@pytest.mark.parametrize("tier", TIERS)
def test_every_demotion_loads_and_loosens_nothing(tier, effect, rule):
    """A tool that follows its tier to approval names no route: demoted, it asks whom it asked."""
    plain = {"policy": WIDE["policy"], "roles": {"r": {"tier": tier, "tools": {"a.b": rule}}}, "routes": ROUTES}
    facts = {"a.b": ToolFacts("a.b", "a", effect, "reversible")}
    for to in (lower for lower in TIERS if lower != "autonomous"):
        low = demoted(plain, "r", to, facts)
        assert load_plain(low) and compare(plain, low, facts).verdict in {"tightens", "same"}, (to, low)
        if rule == {} and tier == "execute-with-approval" and effect == "write" and to != "read-only":
            assert low["roles"]["r"]["tools"]["a.b"] == {"mode": "approval", "route": "high"}


def test_a_tool_nobody_knows_is_off_and_so_is_an_approval_nobody_gives():
    plain = {"policy": WIDE["policy"], "roles": {"r": {"tier": "autonomous", "tools": {"a.b": {}, "a.c": {}}}}}
    low = demoted(plain, "r", "execute-with-approval", {"a.b": ToolFacts("a.b", "a", "write", "reversible")})
    assert low["roles"]["r"]["tools"] == {"a.b": {"mode": "off"}, "a.c": {"mode": "off"}}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"role": "nobody"}, "There is no role nobody"),
        ({"to": "autonomous"}, "is not one of"),
        ({"above": 100}, "maximum of 99"),
    ],
)
def test_terms_that_say_nothing_do_not_load(terms, said):
    with pytest.raises(PolicyError, match=said):
        load(dump(with_rule(**terms)))


def test_the_tab_of_breakers_says_what_demotes(house):
    ken = Page(house, "ken")
    assert "No demotion." in ken.get("breakers/")
    house.publish(with_rule(to="draft-only", on="failures", above=5))
    page = ken.get("breakers/")
    said = "clerk goes down to Draft-only when more than 5 % of an agent’s changes in 30 days are failed or in doubt, of 10 or more."
    assert said in page and "demotions/new/" not in page, "There is no draft to write it in."


FORM = {
    "id": "worse", "name": "Too many failures", "role": "clerk", "above": "5", "on": "failures", "window": "7 d", "at_least": "20",
    "to": "draft-only",
}  # fmt: skip
WRITTEN = {**FORM, "above": 5, "window": "7d", "at_least": 20}


def test_a_demotion_is_written_read_back_changed_and_removed_by_a_form(house):
    ken = Page(house, "ken").open()
    assert 'href="/policies/support/demotions/new/"' in ken.get("breakers/")
    ken.save("demotions/new/", **FORM)
    assert ken.plain()["demotions"] == [WRITTEN]
    page = ken.get("breakers/")
    assert (
        "Too many failures" in page and "agents with role clerk" in page and "added" in page.split('id="demotions"')[1]
    )
    ken.save("demotions/edit/worse/")
    assert ken.plain()["demotions"] == [WRITTEN], "The form of a rule, sent unchanged, changes nothing."
    ken.save("demotions/edit/worse/", to="read-only", name="")
    assert ken.plain()["demotions"] == [
        {name: value for name, value in WRITTEN.items() if name != "name"} | {"to": "read-only"}
    ]
    ken.send("breakers/", "demotions/remove/worse/")
    assert "demotions" not in ken.plain()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"above": "100"}, "less than or equal to 99"),
        ({"at_least": "0"}, "greater than or equal to 1"),
        ({"window": "soon"}, "Write a number and s, min, h or d"),
        ({"to": "autonomous"}, "Select a valid choice"),
        ({"role": "nobody"}, "Select a valid choice"),
        ({"id": "Worse!"}, "Use small letters"),
    ],
)
def test_a_demotion_that_says_nothing_is_refused_at_its_input(house, inputs, said):
    ken = Page(house, "ken").open()
    text = ken.post("demotions/new/", 422, **FORM | inputs)
    assert said in text and "demotions" not in ken.plain()


def test_a_demotion_changed_meanwhile_is_put_to_the_writer(house):
    ken = Page(house, "ken").open()
    ken.save("demotions/new/", **FORM)
    form = form_of(ken.get("demotions/edit/worse/"), "")
    Page(house, "noor").save("demotions/edit/worse/", above="9")
    text = ken.post("demotions/edit/worse/", 409, **{**form, "above": "7"})
    assert "more than 9 %" in text and form_of(text, "")["above"] == ["7"]


def test_a_role_that_a_demotion_names_is_not_removed_before_it(house):
    ken = Page(house, "ken").open()
    ken.send("tiers/", "roles/add/", role="night", tier="read-only")
    ken.save("demotions/new/", **FORM | {"role": "night"})
    ken.send("roles/night/", "roles/night/remove/")
    assert (
        "night is named by worse. Remove or change that rule first." in ken.get("tiers/")
        and "night" in ken.plain()["roles"]
    )
