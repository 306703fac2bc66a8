"""Runs one replay: each past request in time order under the candidate, against what was really decided. Calls no tool."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import OperationalError

from policies.catalog import tools_of
from policies.documents import parsed
from policies.history import OUTSIDE_ENGINE, Outcome
from policies.judging.crew import Ask, Crew, helpers_for
from policies.judging.verdict import Judge, Verdict
from policies.models import Replay
from policies.replay.lifecycle import Claim, beat, claim, end, ring_next
from policies.replay.rows import Row, chunks, decisions_of
from policies.replay.tally import Tally
from policies.replay.windows import Rolling

logger = logging.getLogger("remit.replay")
State = Replay.State
Targets = Mapping[str, bool]
_ASKS = frozenset({"approval", "draft"})


def run_replay(replay_id: str) -> None:
    """Run a replay if it waits to be run, else do nothing. A database that stops answering leaves it to be taken up again."""
    taken = claim(replay_id)
    if taken is None:
        return
    try:
        if not _run(taken):
            logger.info("Replay %s was cancelled or taken over.", replay_id)
    except OperationalError:
        raise
    except Exception as error:
        end(taken, State.FAILED, detail=f"The replay stopped ({type(error).__name__}). Start it again.")
        raise
    ring_next()


def _run(taken: Claim) -> bool:
    replay = taken.replay
    total = decisions_of(replay).count()
    if not beat(taken, total=total):
        return False
    found, first = Tally(parsed(replay.digest, replay.source), replay.live), None
    targets = _targets(replay.policy.workspace_id)
    with Crew(replay.source, helpers=helpers_for(total)) as crew:
        past = Past(crew.judge, targets)
        for rows, verdicts in crew.each(chunks(replay), past.ask):
            first = first or rows[0].at
            for row, verdict in zip(rows, verdicts, strict=True):
                past.count(row, verdict, found)
            if not beat(taken, done=found.total):
                return False
    result = found.result(since=replay.since, until=replay.until, first=first)
    return end(taken, State.DONE, done=found.total, total=found.total, result=result)


def _targets(workspace_id: str) -> Targets:
    """Which tools are about one record, by name."""
    return {name: entry.has_target for name, entry in tools_of(workspace_id).items()}


class Past:
    """Counts what was decided of past requests, with the candidate's own usage of its windowed limits.

    Breakers hold as they really did: they answer to people, not to a document.
    """

    def __init__(self, judge: Judge, targets: Targets) -> None:
        self.judge, self.targets, self.rolling = judge, targets, Rolling()

    def ask(self, row: Row) -> Ask:
        """What is asked about an action: its request, and whether its target was not looked at.

        It was not where the tool was off, or the role or the policy was not there. A tool that nobody knows any more counts as
        one with a target.
        """
        return row.request_text, _was_off(row) and self.targets.get(row.tool, True)

    def count(self, row: Row, verdict: Verdict | None, tally: Tally) -> None:
        """One action, in the order of time."""
        if row.effect == "deny" and row.rule in OUTSIDE_ENGINE:
            tally.same(row)
        elif verdict is None:
            tally.unread(row)
        else:
            tally.add(row, self.within(row, verdict) if verdict.windows else verdict)

    def within(self, row: Row, verdict: Verdict) -> Verdict:
        """The verdict with what the limits' windows hold at that time. It was given with none, so only more changes it."""
        used = self.rolling.usage({key: seconds for key, seconds, _, _ in verdict.windows}, row.at)
        if any(used[key] + added > most for key, _, added, most in verdict.windows):
            text, unread = self.ask(row)
            verdict = self.judge.judge(text, unread=unread, usage=used)
        if verdict.effect != "deny" and not verdict.hangs_on:
            until = _given_back(row, verdict.effect)
            self.rolling.hold([(key, added) for key, _, added, _ in verdict.windows], row.at, until=until)
        return verdict


def _was_off(row: Row) -> bool:
    of_tool = row.rule.startswith("roles.") and ".tools" in row.rule and ".scopes." not in row.rule
    return row.effect == "deny" and (of_tool or row.rule in ("roles", "policy"))


def _given_back(row: Row, effect: str) -> datetime | None:
    """When the action came to nothing, where it would have under `effect` too; None where that cannot be known.

    What people refused counts if nobody would have been asked, and so does what policy refused.
    """
    if row.effect == "deny":
        return None
    if row.outcome == Outcome.FAILED:
        return row.finished_at
    if row.outcome in (Outcome.REJECTED, Outcome.NOT_RUN) and (effect in _ASKS or effect == row.effect):
        return row.finished_at
    return None
