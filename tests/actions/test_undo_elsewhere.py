"""A connection that points at another system: what was done in the first is not undone in the second (P10, R-22)."""

import pytest
import yaml

from actions.connections import save_connection
from actions.models import Action, Rollback
from actions.rollback import RollbackRefused, preview
from actions.rollback import run as rollback_run
from actions.tools import load_tools
from tests.actions.test_undo import reload
from tests.actions.undoing import ESCALATE, TICKET, UPDATE, undo, undo_all, with_compensation, wrote
from tests.builders import opened, planned, request_of, vote, work
from tests.cast import WORLD

ACCOUNT, WORDS = "/accounts/acct_5521", "points at another system since"


def connect(cast, desk, slug: str, base_url: str, *, same_system: bool = False) -> None:
    save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug=slug, name="Support desk", kind="records",
        base_url=base_url, link_url=desk.base_url, client_id=desk.client_id, client_secret=desk.client_secret,
        allow_private=True, same_system=same_system,
    )  # fmt: skip


def repoint(cast, desk, *, same_system: bool = False, slug: str = "desk") -> None:
    """To a copy that answers at another address and holds records that look the same."""
    connect(cast, desk, slug, desk.base_url.replace("127.0.0.1", "localhost"), same_system=same_system)


def closed_with_help_elsewhere(cast, desk):
    """A ticket was closed; the tool that makes up for it has a connection of its own."""
    with_compensation(cast)
    connect(cast, desk, "second", desk.base_url)
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    tool = next(tool for tool in data["tools"] if tool["name"] == TICKET)
    text = yaml.safe_dump({"connection": "second", "tools": [tool]})
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=text, approve=True)
    step = {"title": "Close", "tool": ESCALATE, "arguments": {"ticket_id": "88213", "fields": {"status": "closed"}}}
    trace = planned(cast, [step])
    vote(cast, request_of(trace, ESCALATE), "ken")
    work(trace)
    assert desk.read("/tickets/88213")["status"] == "closed"
    return trace.actions.get()


def test_nothing_is_restored_in_a_copy_whose_record_looks_the_same(cast, desk):
    action = wrote(cast, owner_note="a")
    repoint(cast, desk)
    seen = len(desk.audit())
    item = preview(reload(action))
    assert (item.how, WORDS in item.why) == ("none", True) and len(desk.audit()) == seen
    with pytest.raises(RollbackRefused, match=WORDS):
        undo(cast, reload(action), ["owner_note"])
    assert desk.read(ACCOUNT)["owner_note"] == "a" and not Rollback.objects.exists()


def test_nothing_is_made_up_for_in_another_system(cast, desk):
    with_compensation(cast)
    step = {"title": "Close", "tool": ESCALATE, "arguments": {"ticket_id": "88213", "fields": {"status": "closed"}}}
    trace = planned(cast, [step])
    vote(cast, request_of(trace, ESCALATE), "ken")
    work(trace)
    repoint(cast, desk)
    with pytest.raises(RollbackRefused, match=WORDS):
        undo_all(cast, trace, {trace.actions.get().pk: []})
    assert desk.read("/tickets/88213")["status"] == "closed"


def test_what_makes_up_for_it_is_not_called_in_another_system_either(cast, desk):
    action = closed_with_help_elsewhere(cast, desk)
    repoint(cast, desk, slug="second")
    item = preview(action)
    assert (item.how, item.why) == ("none", f"{TICKET} reaches another system since.")
    with pytest.raises(RollbackRefused, match="reaches another system since"):
        undo_all(cast, action.trace, {action.pk: []})
    assert desk.read("/tickets/88213")["status"] == "closed" and not Rollback.objects.exists()


def test_of_an_older_record_only_a_tool_on_the_same_connection_is_known_to_reach_the_same_system(cast, desk):
    action = closed_with_help_elsewhere(cast, desk)
    assert preview(action).how == "call"
    older = {key: value for key, value in action.inverse.items() if key != "goes_to"}
    Action.objects.filter(pk=action.pk).update(inverse=older)
    assert preview(reload(action)).why == f"It is not recorded which system {TICKET} reached when this ran."


def test_a_run_that_waits_stops_when_the_connection_moves_before_the_next_turn(cast, desk, monkeypatch):
    """The last change is undone at once; then the connection moves, before the earlier one's turn."""
    trace = opened(cast)
    first = wrote(cast, TICKET, "88213", trace, note="a")
    second = wrote(cast, UPDATE, "acct_5521", trace, owner_note="a")
    real = rollback_run.finish

    def then_moved(**given):
        real(**given)
        repoint(cast, desk)

    monkeypatch.setattr(rollback_run, "finish", then_moved)
    made = undo_all(cast, trace, {first.pk: ["note"], second.pk: ["owner_note"]})
    assert (made.state, WORDS in made.detail) == ("stopped", True)
    assert (desk.read("/tickets/88213")["note"], desk.read(ACCOUNT)["owner_note"]) == ("a", "")


def test_the_same_system_at_another_address_is_undone_there(cast, desk):
    action = wrote(cast, owner_note="a")
    repoint(cast, desk, same_system=True)
    undo(cast, reload(action))
    assert desk.read(ACCOUNT)["owner_note"] == "" and reload(action).rollback_state == "rolled_back"
