"""Runs one replay: each past request in time order under the candidate, against what was really decided. Calls no tool."""

import logging
from datetime import datetime

from django.db import OperationalError

from policies.documents import live_version, parsed
from policies.engine import checks
from policies.engine.decide import decide
from policies.engine.document import Document
from policies.history import OUTSIDE_ENGINE, Outcome, decoded
from policies.models import Replay
from policies.replay.lifecycle import Claim, beat, claim, end, ring_next
from policies.replay.rows import Row, chunks, decisions_of
from policies.replay.tally import Tally
from policies.replay.windows import Rolling

logger = logging.getLogger("remit.replay")
State = Replay.State
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
    if not beat(taken, total=decisions_of(replay).count()):
        return False
    document = parsed(replay.digest, replay.source)
    live = live_version(replay.policy)
    tally, past, first = Tally(document, live.number if live else 0), Past(document), None
    for chunk in chunks(replay):
        first = first or chunk[0].at
        past.play(chunk, tally)
        if not beat(taken, done=tally.total):
            return False
    result = tally.result(since=replay.since, until=replay.until, first=first)
    return end(taken, State.DONE, done=tally.total, total=tally.total, result=result)


class Past:
    """Decides past requests under one document, with that document's own usage of windowed limits."""

    def __init__(self, document: Document) -> None:
        self.document, self.rolling = document, Rolling()
        self.windowed = any(limit.per != "action" for limit in document.limits)

    def play(self, rows: list[Row], tally: Tally) -> None:
        """Each row decided and counted. Breakers hold as they really did: they answer to people, not to a document."""
        for row in rows:
            if row.effect == "deny" and row.rule in OUTSIDE_ENGINE:
                tally.same(row)
                continue
            used: dict[str, int] = {}
            try:
                request = decoded(row.request_text, used)
            except ValueError:
                tally.unread(row)
                continue
            if self.windowed:
                used.update(self.rolling.usage(checks.counters(self.document, request), row.at))
            decision = decide(self.document, request)
            if decision.holds:
                self.rolling.hold(decision.holds, row.at, until=_given_back(row, decision.effect))
            tally.add(row, request, decision)


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
