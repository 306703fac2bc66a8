"""Many requests are decided by helper processes exactly as one after the other in this process, whatever becomes of a helper."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.engine import checks
from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.recorded import encoded, ruling
from policies.engine.types import Request
from policies.judging import crew as crew_module
from policies.judging.crew import Crew, helpers_for
from policies.judging.verdict import Judge
from policies.replay.rows import Row
from policies.replay.run import Past
from policies.replay.tally import Tally
from policies.replay.windows import Rolling
from tests.policies.past import SUPPORT, refund, update

START = datetime(2026, 11, 1, tzinfo=UTC)
TIGHT = SUPPORT.replace("max: 500000", "max: 30000")


def asked(count: int, seed: int = 1) -> list[Request]:
    """Refunds and updates of three agents, some minutes apart, some out of scope, over a limit or of a role nobody knows."""
    dice, at, found = random.Random(seed), START, []
    for _ in range(count):
        at += timedelta(minutes=dice.randrange(60))
        agent = {"id": f"agt_{dice.randrange(3)}", "slug": "a", "name": "A"}
        region = dice.choice(["EU", "EU", "US"])
        role = dice.choice(["refunds", "refunds", "refunds", "nobody"])
        made = dice.choice(
            [
                refund(dice.choice([900, 4000, 20000]), role=role),
                update(record={"id": "a", "region": region}, role=role),
            ]
        )
        found.append(replace(made, at=at, agent=agent))
    return found


def row(number: int, request: Request, outcome: str = "succeeded") -> Row:
    return Row(
        id=number, at=request.at, action_id=f"act_{number}", agent_id=request.agent["id"], tool=request.tool.name,
        effect="allow", rule="", route="", refused="[]", spoke="[]", version=1, outcome=outcome, waited_s=None,
        finished_at=request.at + timedelta(minutes=3), request_text=encoded(request),
    )  # fmt: skip


def lists(rows: list[Row], size: int = 40) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def ask(one: Row) -> tuple[str, bool]:
    return one.request_text, False


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = [row(number, request) for number, request in enumerate(asked(400))]
    found[7] = found[7]._replace(request_text="{}")
    return found


def alone(rows: list[Row], source: str = TIGHT) -> list:
    with Crew(source, helpers=0) as crew:
        return [verdict for _, verdicts in crew.each(lists(rows), ask) for verdict in verdicts]


def test_helpers_decide_as_this_process_does_and_in_order(rows, monkeypatch):
    wanted = alone(rows)
    assert wanted[7] is None and {verdict.effect for verdict in wanted if verdict} == {"allow", "approval", "deny"}
    with Crew(TIGHT, helpers=2) as crew:
        monkeypatch.setattr(crew, "judge", None)  # Nothing is decided here: it would break.
        found = list(crew.each(lists(rows), ask))
        pids = {helper.process.pid for helper in crew.helpers}
    assert len(pids) == 2 and os.getpid() not in pids
    assert [one.id for items, _ in found for one in items] == [one.id for one in rows]
    assert [_plain(verdict) for _, verdicts in found for verdict in verdicts] == [_plain(one) for one in wanted]


def _plain(verdict):
    """JSON has no tuples."""
    deep = lambda value: [deep(part) for part in value] if isinstance(value, list | tuple) else value  # noqa: E731
    return None if verdict is None else deep(list(verdict))


@pytest.mark.parametrize("killed", [1, 2])
def test_a_helper_that_dies_loses_nothing(rows, killed):
    wanted = [_plain(one) for one in alone(rows)]
    with Crew(TIGHT, helpers=2) as crew:
        found = []
        for items, verdicts in crew.each(lists(rows), ask):
            found += [_plain(one) for one in verdicts]
            if len(found) == 2 * len(items):
                for helper in crew.helpers[:killed]:
                    helper.process.kill()
        assert sum(helper.alive for helper in crew.helpers) == 2 - killed
    assert found == wanted


def test_helpers_end_with_their_replay_and_know_no_secret(rows):
    with pytest.raises(KeyboardInterrupt), Crew(TIGHT, helpers=2) as crew:
        next(iter(crew.each(lists(rows), ask)))
        for helper in crew.helpers:
            environment = Path(f"/proc/{helper.process.pid}/environ").read_bytes()
            assert environment.split(b"=")[0] == b"PYTHONPATH" and environment.count(b"\0") == 1
        raise KeyboardInterrupt
    assert all(helper.process.returncode is not None for helper in crew.helpers)


def test_helpers_are_for_much_work_and_several_cores(monkeypatch):
    monkeypatch.setattr(crew_module.os, "sched_getaffinity", lambda _: {0, 1})
    assert (helpers_for(crew_module.WORTH_IT), helpers_for(crew_module.WORTH_IT - 1)) == (2, 0)
    monkeypatch.setattr(crew_module.os, "sched_getaffinity", lambda _: {0})
    assert helpers_for(10**6) == 0


@pytest.mark.parametrize("seed", range(3))
def test_windows_count_as_if_each_was_decided_in_its_turn(seed):
    """The verdicts are given without what the windows hold; counting them in order makes up for it exactly."""
    document = load(TIGHT)
    past, tally, truth = Past(Judge(document), {}), Tally(document, 1), Rolling()
    outcomes = random.Random(seed)
    changed = 0
    for number, request in enumerate(asked(300, seed)):
        one = row(number, request, outcomes.choice(["succeeded", "failed"]))
        used = truth.usage(checks.counters(document, request), request.at)
        wanted = decide(document, replace(request, usage=used))
        if wanted.holds:
            until = one.finished_at if one.outcome == "failed" else None
            truth.hold([(hold.key, hold.amount) for hold in wanted.holds], request.at, until=until)
        verdict = past.within(one, past.judge.judge(one.request_text, unread=False))
        assert (verdict.effect, verdict.rule) == (wanted.effect, ruling(wanted)), number
        tally.add(one, verdict)
        changed += wanted.effect != decide(document, request).effect
    assert changed > 5 and tally.total == 300
