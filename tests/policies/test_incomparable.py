"""An amount that cannot be compared with a limit denies, and the check says what was seen and what to do."""

import pytest

from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.limits import MOST
from policies.engine.selftest import request_from
from policies.engine.yaml_out import dump

LIMIT = {
    "id": "l",
    "name": "Spend",
    "when": {},
    "kind": "money",
    "per": "action",
    "max": 100,
    "currency": "USD",
    "over": "deny",
}
ROLES = {"r": {"tier": "autonomous", "tools": {"a.b": {}}}}
DOCUMENT = load(dump({"policy": {"slug": "a", "name": "A"}, "roles": ROLES, "limits": [LIMIT]}))
TOOL = {
    "name": "a.b",
    "resource_type": "a",
    "effect_class": "write",
    "reversibility": "reversible",
    "moves_money": True,
}
OTHER, NONE = ("other currency", "Use the limit's currency."), ("no amount", "Give an amount.")


@pytest.mark.parametrize(
    ("money", "said"),
    [
        ({"amount": 1, "currency": "EUR"}, OTHER),
        (None, NONE),
        ({"amount": -1, "currency": "USD"}, NONE),
        ({"amount": MOST + 1, "currency": "USD"}, NONE),
    ],
)
def test_p5_what_cannot_be_compared_is_denied_with_what_was_seen(money, said):
    decision = decide(DOCUMENT, request_from({"role": "r", "tool": TOOL, "money": money}))
    (check,) = [check for check in decision.checks if check.rule == "limits.l"]
    assert (decision.effect, check.name, check.outcome) == ("deny", "Spend", "denied")
    assert (check.value, check.remedy, check.threshold) == (*said, 100)
    assert check.reason == "The amount cannot be compared with $1.00, so it is denied."
    assert decision.nearest is None, "Nothing close can be named."
