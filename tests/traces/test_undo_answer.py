"""What the answer to "Can it be undone?" says, of every mix of what was rolled back and what stands."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.traces.test_brief import NEWEST, told
from traces.story import answers
from traces.story.facts import ActionFacts

AT = datetime(2026, 11, 21, tzinfo=UTC)


def change(step, reversibility="reversible", rollback="", inverse=None):
    tool = {"noun": "Email" if reversibility == "irreversible" else "Account", "effect_class": "write"}
    found = ActionFacts(f"act_{step}", step, "", tool | {"reversibility": reversibility}, {}, None, AT, "succeeded")
    found.rollback, found.inverse = rollback, inverse or {}
    return found


def said(*actions):
    answer = answers._undo(SimpleNamespace(in_order=list(actions), standing=list(actions)))
    return answer["value"], answer["detail"]


def test_a_rolled_back_trace_reads_as_a_sentence():
    answer = told(NEWEST["rolled_back"]).answers[-1]
    assert answer["value"] == "1 of 3 changes was rolled back"
    assert answer["detail"] == "The other 2 stand; the email can't be undone"


UNDONE, PART, DOUBT = "rolled_back", "partly_rolled_back", "rollback_unknown"
MIXES = [
    ([UNDONE], "The change was rolled back", ""),
    ([UNDONE, UNDONE], "All changes were rolled back", ""),
    ([UNDONE, ""], "1 of 2 changes was rolled back", "The other stands"),
    ([UNDONE, UNDONE, "rollback_conflict"], "2 of 3 changes were rolled back", "The other stands"),
    ([PART, UNDONE, ""], "1 of 3 changes was rolled back in part", "1 was rolled back; 1 stands"),
    ([DOUBT, UNDONE, UNDONE], "1 of 3 changes was rolled back with an unknown outcome", "2 were rolled back"),
]


@pytest.mark.parametrize(("rollbacks", "value", "detail"), MIXES)
def test_what_was_rolled_back_and_what_stands_are_counted_from_what_was_recorded(rollbacks, value, detail):
    assert said(*(change(n, rollback=one) for n, one in enumerate(rollbacks, start=1))) == (value, detail)


def test_before_any_rollback_it_says_how_many_and_which_never():
    assert said(change(1), change(2, "irreversible")) == ("1 of 2 changes", "The email can't be undone")
    assert said(change(1, "irreversible")) == ("No", "The email can't be undone")
    two = [change(step, "irreversible") for step in (1, 2)]
    assert said(*two) == ("None of 2 changes", "Steps 1 and 2 can't be undone")
    assert said(change(1, "compensable")) == ("Only by a new action", "Nothing of it can be restored")


def test_what_a_call_of_its_tool_makes_up_for_can_be_undone():
    assert said(change(1, "compensable", inverse={"how": "call", "tool": "refund.cancel"}))[0] == "1 of 1 change"


def test_beside_what_can_be_undone_stands_what_is_in_doubt():
    doubtful = change(2)
    doubtful.state = "unknown"
    assert said(change(1), doubtful) == (
        "1 of 1 change", "By restoring fields or a new action; what step 2 did is not known yet"
    )  # fmt: skip


def test_the_changes_themselves_say_what_was_undone_and_what_never_happened():
    rolled, denied, doubt = (told(NEWEST[name]) for name in ("rolled_back", "denied", "unknown"))
    assert [record["state_text"] for record in rolled.changes][1] == "Done, then rolled back."
    assert rolled.changes_text == "3 records" and denied.changes_text == "1 record, 1 not changed"
    assert doubt.changes_text == "3 records"


def test_what_was_denied_says_why_also_where_the_rest_was_not_run():
    actions = [change(1), change(2), change(3)]
    for action, state in zip(actions, ("cancelled", "denied", "withdrawn"), strict=True):
        action.state = state
    facts = SimpleNamespace(in_order=actions, standing=actions, checked=[])
    assert answers._why(facts)["label"] == "Why it was denied"
    actions[0].state = "succeeded"
    assert answers._why(facts)["label"] == "Why it was allowed"
