"""A call whose target was never read is decided only where no rule has to look at it; else it is said to be undecided."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from actions.mandate import PERSON, SCOPE, TOKEN
from actions.models import Tool
from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.unread import Blind
from policies.history import OUTSIDE_ENGINE
from policies.models import DecisionRecord, Replay
from policies.replay import run_replay
from policies.replay.unknown import at_least, unknown_text, unknowns_of
from tests.policies.browsing import Page
from tests.policies.past import SUPPORT, Past, refund, update
from tests.policies.test_replay import replayed

OFF = SUPPORT.replace("{mode: auto}", "{mode: 'off'}")
SCOPE_LINE = '    scopes:\n      desk.account: record.region == "EU"\n'
FREE = SUPPORT.replace(SCOPE_LINE, "")


def with_rule(expression: str, key: str = "require") -> str:
    """The policy without scopes, with one rule about updates."""
    rule = f"""invariants:
  - id: looked.at
    name: Looks at the target
    when: {{tools: [desk.account.update]}}
    {key}: '{expression}'
    reason: Not so.
"""
    return FREE.replace("invariants:\n", rule)


@pytest.fixture
def off(house) -> Past:
    """Three calls of two tools that were off; no target was read."""
    past = Past(house.workspace, OFF)
    past.add(update(record=None))
    past.add(update({"credit_limit": "1"}, record=None))
    past.add(refund(24000, record=None))
    return past


def test_what_hangs_on_the_target_is_undecided_by_tool_and_the_figures_are_lower_bounds(house, off):
    result = replayed(house, SUPPORT)
    assert (result["untested"], result["newly_allowed"], result["newly_waiting"], result["same"]) == (2, 0, 0, 1)
    assert at_least(result) == {"newly_allowed", "newly_waiting"}
    assert {(line.tool, line.count, line.why.split(" would")[0]) for line in unknowns_of(result)} == {
        ("desk.account.update", 1, "Row scope"),
        ("desk.refund.create", 1, "Never refund more than was charged"),
    }
    assert unknown_text(result).startswith("2 past actions could not be decided: their target was never read")
    assert "newly allowed and waiting for approval are lower bounds" in unknown_text(result)


def test_what_does_not_hang_on_the_target_is_decided(house, off):
    result = replayed(house, FREE)
    assert (result["untested"], result["newly_allowed"], result["same"]) == (1, 1, 1)
    assert at_least(result) == {"newly_waiting"} and "is a lower bound" in unknown_text(result)


@pytest.mark.parametrize(
    ("expression", "key", "effect", "hangs"),
    [
        ("record.locked == false", "require", "allow", True),
        ("record == null", "require", "allow", True),
        ("!has(record.locked)", "require", "allow", True),
        ("record.locked == true", "forbid", "allow", True),
        ('record.locked || args.account_id == "acct_1"', "require", "allow", False),
        ('record.locked && args.account_id == "acct_2"', "forbid", "allow", False),
        ('record.locked && args.account_id == "acct_2"', "require", "deny", False),
        ('record.locked || args.account_id == "acct_1"', "forbid", "deny", False),
        ('args.account_id == "acct_2"', "require", "deny", False),
        ("args.missing == 1", "require", "deny", False),
    ],
)
def test_only_what_no_target_could_change_is_certain(expression, key, effect, hangs):
    document = load(with_rule(expression, key))
    decision, hangs_on = Blind(document).decide(update(record=None))
    assert (decision.effect, hangs_on) == (effect, ("invariants.looked.at",) if hangs else ())
    if not hangs:
        for record in ({"locked": True}, {"locked": False}, {}):
            assert decide(document, update(record=record)).effect == effect


def test_a_search_and_a_role_that_is_not_there_hang_on_nothing():
    rows = {"name": "desk.account.find", "resource_type": "desk.account", "effect_class": "read",
            "reversibility": "reversible", "returns_rows": True}  # fmt: skip
    document = load(SUPPORT.replace("    fields:\n", "      desk.account.find: {mode: auto}\n    fields:\n", 1))
    decision, hangs_on = Blind(document).decide(update(tool=rows, fields={}, record=None))
    assert (decision.effect, hangs_on) == ("allow", ())
    assert Blind(document).decide(update(role="nobody", record=None))[0].effect == "deny"


def test_a_tool_without_a_target_had_none_to_read(house, off):
    """Nothing was left unread there, so a scope denies it as it would deny the call."""
    DecisionRecord.objects.update(tool="desk.refund.lookup")
    assert replayed(house, SUPPORT)["untested"] == 2  # Of a tool that nobody knows: it may have had one.
    tool = Tool.objects.get(name="desk.account.update")
    operation = {key: value for key, value in tool.definition["operation"].items() if key != "read"}
    text = json.dumps({**tool.definition, "operation": operation})
    Tool.objects.filter(pk=tool.pk).update(definition_text=text)
    DecisionRecord.objects.update(tool="desk.account.update")
    result = replayed(house, SUPPORT, days=29)
    assert (result["untested"], result["same"]) == (0, 3)


def test_a_role_and_a_policy_that_were_not_there_left_the_target_unread_too(house, off):
    for number, rule in enumerate(("roles", "policy"), 1):
        DecisionRecord.objects.update(rule=rule)
        assert replayed(house, SUPPORT, days=number)["untested"] == 2, rule


def test_what_is_beyond_token_or_person_is_decided_by_no_document():
    assert {TOKEN, SCOPE, PERSON} <= OUTSIDE_ENGINE


def test_the_pages_say_what_could_not_be_decided(house, off):
    ken = Page(house, "ken").open()
    ken.post("impact/start/")
    replay = Replay.objects.latest("created_at")
    Replay.objects.filter(pk=replay.pk).update(source=SUPPORT)
    run_replay(replay.pk)
    for page in ("tiers/", "publish/"):
        panel = ken.get(page)
        assert "2 past actions could not be decided" in panel and "<dd>at least 0</dd>" in panel
        assert "<dt>New approvals</dt><dd>not known</dd>" in panel
        assert "Could not be decided</dt><dd>2</dd>" in panel
    table = ken.get(f"impact/{replay.pk}/")
    assert 'id="undecided"' in table and "Row scope would have to look at a target that was never read" in table


def test_the_command_says_it_and_a_gate_that_cannot_tell_does_not_open(house, off, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(SUPPORT)
    place = [str(file), "--workspace", "northwind"]
    text, data = StringIO(), StringIO()
    call_command("remit_policy", "replay", *place, stdout=text)
    assert "2 past actions could not be decided" in text.getvalue() and "0 newly allowed, at least" in text.getvalue()
    assert "1 desk.account.update: Row scope would have to look" in text.getvalue()
    with pytest.raises(SystemExit) as stopped:
        call_command("remit_policy", "replay", *place, "--json", "--fail-on-newly-allowed", stdout=data)
    found = json.loads(data.getvalue())
    assert stopped.value.code == 1 and found["at_least"] == ["newly_allowed", "newly_waiting"]
    assert (found["untested"], found["newly_allowed"]) == (2, 0)
    assert {item["tool"] for item in found["untested_by_tool"]} == {"desk.account.update", "desk.refund.create"}
