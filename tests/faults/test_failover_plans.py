"""After a failover a plan keeps its order: nothing goes before its turn, past a canary, or once it stopped (F-05, F-07)."""

from collections.abc import Sequence

from actions.epochs import current
from actions.models import Action
from actions.plans import Step, submit_plan
from tests.builders import opened
from tests.faults.campaign import come_to_rest
from tests.faults.test_failover import bump

ORDER = {"item": "tea", "amount": 1}


def recorded(cast, steps: Sequence[Step]) -> list[Action]:
    """A plan that is recorded and that no worker took up yet, before the database was replaced."""
    plan = submit_plan(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), steps=steps, sources=[])
    found = list(plan.actions.order_by("step"))
    assert {action.state for action in found} == {"authorized"}
    bump(reason="The storage was set back to noon.")
    assert current().number == 2
    return found


def sent(actions: Sequence[Action], remote) -> list[int]:
    """Which steps had an effect, in the order of their effects."""
    steps = {action.pk: action.step for action in actions}
    return [steps[effect["action"]] for effect in remote.truth()["effects"] if effect["action"] in steps]


def test_f07_no_step_is_sent_after_one_that_was_found_not_to_have_run(shop, remote):
    """The first is looked up and was never there, so the plan stops; the second would be sent under its key."""
    steps = [Step("First", "shop.order.b", ORDER), Step("Second", "shop.order.a", ORDER)]
    actions = recorded(shop, steps)
    come_to_rest(actions)
    assert Action.objects.get(pk=actions[0].pk).state == "failed" and sent(actions, remote) == []


def test_f07_nothing_behind_a_canary_is_sent_until_a_person_looked(shop, remote):
    actions = recorded(shop, [Step("Many", "shop.order.a", items=(ORDER,) * 4, canary=2)])
    come_to_rest(actions)
    assert set(sent(actions, remote)) <= {1, 2} and 1 in sent(actions, remote)


def test_f05_the_first_step_is_still_sent_under_its_key(shop, remote):
    actions = recorded(shop, [Step("First", "shop.order.a", ORDER), Step("Second", "shop.order.a", ORDER)])
    come_to_rest(actions[:1])
    assert sent(actions, remote)[:1] == [1]
