"""`routes.<name>.step_up`: read strictly, carried in the decision, and compared as tightening or loosening (V7.5.3)."""

import pytest

from policies.engine.diff.model import LOOSENS, TIGHTENS
from policies.engine.diff.routes import compare_routes, stricter_route
from policies.engine.document import load
from policies.engine.plain import route_of
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.forms.routes import RouteForm
from policies.forms.rules import Known
from tests.builders import sample_plain

LEVELS = ["none", "totp", "passkey"]
STEPS = [{"name": "Lead", "group": "support-leads"}]


def document(level: str | None) -> dict:
    plain = sample_plain()
    route = plain["routes"][next(iter(plain["routes"]))]
    route.pop("step_up", None)
    if level is not None:
        route["step_up"] = level
    return plain


@pytest.mark.parametrize("level", LEVELS)
def test_level_is_read_written_and_read_again(level):
    plain = document(level)
    name = next(iter(plain["routes"]))
    assert load(dump(load(dump(plain)).plain)).routes[name].step_up == level


@pytest.mark.parametrize("level", ["", "TOTP", "password", 1, None, ["totp"]])
def test_any_other_level_is_no_policy(level):
    plain = document("totp")
    plain["routes"][next(iter(plain["routes"]))]["step_up"] = level
    with pytest.raises(PolicyError):
        load(dump(plain))


@pytest.mark.parametrize("old", LEVELS)
@pytest.mark.parametrize("new", LEVELS)
def test_asking_more_tightens_and_asking_less_loosens(old, new):
    changes = list(compare_routes(document(old), document(new)))
    wanted = [] if old == new else [TIGHTENS if LEVELS.index(new) > LEVELS.index(old) else LOOSENS]
    assert [change.effect for change in changes if change.path[-1] == "step_up"] == wanted
    judged = stricter_route(
        route_of("r", {"steps": STEPS, "step_up": old}), route_of("r", {"steps": STEPS, "step_up": new})
    )
    assert judged is not None and (judged[0] == wanted[0] if wanted else judged[0] not in {TIGHTENS, LOOSENS})


@pytest.mark.parametrize("level", LEVELS)
def test_form_keeps_what_the_route_says(level):
    known = Known((), (), (), (), (("support-leads", "Support lead"),))
    rule = {"steps": STEPS, "step_up": level}
    shown = RouteForm(known=known, rule=rule, initial={"revision": "x"})
    assert shown["step_up"].value() == level
