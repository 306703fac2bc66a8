"""The replay verb: what a document would have decided of past actions. Calls no tool; the run is kept like any other."""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accounts.actors import system_actor
from accounts.models import Workspace
from policies.commands.said import FAILED, OK, Said, Stop, read_text
from policies.engine.document import load
from policies.models import Policy, Replay
from policies.replay import run_replay, start_replay
from policies.replay.lifecycle import UNFINISHED
from policies.replay.loads import earlier_text, loads_of
from policies.replay.unknown import FIGURES, at_least, unknown_text, unknowns_of

POLL_S = 0.5
_COUNTS = {
    "newly_allowed": "newly allowed", "newly_draft": "newly a draft", "newly_waiting": "newly waiting",
    "newly_denied": "newly denied", "rerouted": "asked of other people", "newly_refused_fields": "with a field newly refused",
    "newly_written_fields": "with a field newly written",
}  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--fail-on-newly-allowed", action="store_true")


def replay(path: Path, workspace: Workspace, options: Mapping[str, Any]) -> Said:
    """Replay a document over the policy's past. Raises Stop or PolicyError."""
    source = read_text(path)
    policy = _policy(workspace, load(source).slug)
    actor = system_actor("operator", workspace.pk)
    try:
        started = start_replay(actor=actor, user=None, policy=policy, source=source, days=options["days"])
    except ValueError as error:
        raise Stop(str(error)) from error
    done = _finished(started)
    if done.state != Replay.State.DONE:
        raise Stop(f"The replay did not finish: {done.detail}")
    bounds = at_least(done.result)
    # What could not be decided may be allowed: a gate that cannot tell does not open.
    allowed = done.result["newly_allowed"] or FIGURES["allow"] in bounds
    code = FAILED if allowed and options["fail_on_newly_allowed"] else OK
    data = {"file": str(path), "replay": done.pk, **done.result, "at_least": sorted(bounds)}
    return Said(data, _text(done), code)


def _policy(workspace: Workspace, slug: str) -> Policy:
    found = Policy.objects.filter(workspace=workspace, slug=slug).select_related("workspace").first()
    if found is None:
        raise Stop(f"{workspace.name} has no policy {slug}, so there is no past to replay.")
    return found


def _finished(started: Replay) -> Replay:
    """Run it here; where a worker was quicker, or runs another one, wait for the turn."""
    while True:
        run_replay(started.pk)
        started.refresh_from_db()
        if started.state not in UNFINISHED:
            return started
        time.sleep(POLL_S)


def _text(done: Replay) -> str:
    result, bounds = done.result, at_least(done.result)
    counts = [
        f"  {result[name]:>7,} {words}{', at least' if name in bounds else ''}"
        for name, words in _COUNTS.items()
        if result[name] or name in bounds
    ]
    head = f"{result['changed']:,} of {result['total']:,} past actions would change."
    unknown = [f"  {item.count:>7,} {item.tool}: {item.why}" for item in unknowns_of(result)]
    people = [f"  Approvals by {load.route}: {load.text}." for load in loads_of(result)]
    said = [
        head,
        *(counts or ["  Nothing would be decided otherwise."]),
        unknown_text(result),
        *unknown,
        earlier_text(result),
        *people,
    ]
    return "\n".join(filter(None, said))
