"""What a server says of a call is masked before it is cut: its reason may repeat a value, and the cut fall into it (R-33)."""

import pytest

from actions.offers import Choice
from actions.record import MOST_SAID
from tests.actions.test_masked_target import clear, declared
from tests.builders import opened
from tests.upstreams.world import TOOL, allow, ask, bring, connect
from traces.models import Entry

SECRET = "Patient Jane Doe, born 1980-02-03, diagnosis: " + "x" * 300


@pytest.mark.parametrize("dry_run", ["", "dryRun"])
def test_a_refusal_that_repeats_a_long_value_holds_no_part_of_it(cast, server, dry_run):
    bring(cast, connect(cast, server), {"note_add": Choice("write", "irreversible", dry_run=dry_run)})
    declared(cast, TOOL, text="health note")
    allow(cast, tools=(TOOL,))
    said = f"{'x' * 290} {SECRET} is too much. {'y' * 5000}"
    server.result = {"content": [{"type": "text", "text": said}], "isError": True}
    trace = opened(cast)
    found = ask(cast, trace, arguments={"text": SECRET})
    assert found["state"] in {"denied", "unknown", "needs_human"} and clear(trace, "Patient") == []
    told = [str(entry.record["body"]) for entry in Entry.objects.filter(trace=trace)]
    assert (
        any("error: [health note]" in one or "[health note] is too much." in one for one in told)
        and max(map(len, told)) < 4 * MOST_SAID
    )
