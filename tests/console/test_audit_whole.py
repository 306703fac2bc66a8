"""The audit log leaves out no act of a person, and each kind of act can be asked for."""

from actions.rollback import roll_back
from tests.actions.test_story import finished
from tests.builders import action
from traces.audit.acts import IN_TRACES
from traces.audit.listing import FAMILIES
from traces.entry_types import LABELS
from traces.models import Entry

# Minted, revoked and expired by Remit itself for one call; no person does it.
NO_ACTS = {"credential"}
# What follows at once from a verdict or a rollback, which are the lines.
FOLLOWS = {"approval.settled", "rollback.finished"}


def test_each_kind_of_entry_that_may_be_an_act_is_a_choice_of_the_filter():
    kinds = {type_.partition(".")[0] for type_ in LABELS}
    assert kinds - NO_ACTS == set(FAMILIES)
    assert {type_ for type_ in IN_TRACES if type_ not in LABELS} == set()


def test_what_people_did_in_traces_is_in_the_log(cast):
    trace = finished(cast)
    update = action(trace, "desk.account.update")
    roll_back(actor=cast.actor("priya"), user=cast.user("priya"), action=update, reason="Wrong customer.")
    # The rollback's own trace holds what follows from its request, which is the line.
    acts = {entry.type for entry in Entry.objects.filter(trace=trace) if entry.record["actor"]["kind"] == "user"}
    assert {"approval.verdict_recorded", "rollback.requested"} <= acts
    assert acts - IN_TRACES - FOLLOWS == set()
