"""Stored ledgers of every release, folded by today's code, give the states they had (T21).

`make ledger-fixtures` stores those of this release: exports of the main story in every outcome, with the states of the machine.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Agent
from accounts.services import set_agent_state
from actions.attest import answer, attest
from actions.epochs import bump
from actions.models import Action
from actions.rollback import roll_back
from actions.services import call_tool
from actions.sweep import sweep
from tests.actions.doubt import as_class_c, find_out, its_time_comes, reload_as
from tests.builders import action, opened, planned, request_of, vote, work
from tests.traces.ledgers import judged
from traces.canonical import instant, parse_instant
from traces.export import bundle
from traces.models import Trace
from traces.services import record_refused_request
from traces.story import build_story
from traces.story.facts import fold

HOME = Path(__file__).parents[1] / "fixtures" / "ledgers"
RELEASE = "0.1.0-2"  # The second time this release was stored; what was stored before stays.
STORED = sorted(HOME.glob("*/*.json"))


def approved(cast):
    trace = planned(cast)
    vote(cast, request_of(trace, "desk.refund.create"), "priya")
    vote(cast, request_of(trace, "desk.refund.create"), "tomas")
    return trace


def completed(cast, desk):
    trace = approved(cast)
    work(trace)
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    return trace


def settle(cast, found, *, succeeded: bool):
    """One person says what happened, another who looked too confirms."""
    said = attest(
        actor=cast.actor("priya"), user=cast.user("priya"), action=found, succeeded=succeeded,
        evidence="I looked at the order in the desk.", link="https://desk.example/orders/48213",
    )  # fmt: skip
    answer(actor=cast.actor("dana"), user=cast.user("dana"), attestation_id=said.pk, agree=True, reason="")


def waiting(cast, desk):
    return planned(cast)


def rejected(cast, desk):
    trace = planned(cast)
    vote(cast, request_of(trace, "desk.refund.create"), "priya", "reject", "The customer withdrew.")
    return trace


def denied(cast, desk):
    trace = opened(cast)
    arguments = {"account_id": "acct_7001", "fields": {"refund_status": "refunded"}}
    call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool="desk.account.update", arguments=arguments)
    return trace


def unknown(cast, desk):
    trace = approved(cast)
    desk.fault("reset_after")
    work(trace)
    return trace


def blocked(cast, desk):
    trace = approved(cast)
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.PAUSED)
    work(trace)
    return trace


def rolled_back(cast, desk):
    trace = completed(cast, desk)
    roll_back(
        actor=cast.actor("priya"), user=cast.user("priya"), action=action(trace, "desk.account.update"), reason="Wrong"
    )
    return trace


def rolling_back(cast, desk):
    return Trace.objects.get(rollback_of=rolled_back(cast, desk))


def refused(cast, desk):
    record_refused_request(
        actor=cast.agent_actor, agent=cast.agent, title="Unreadable", detail="The body is not JSON.", problems=[]
    )
    return Trace.objects.get(agent=cast.agent, kind=Trace.Kind.REFUSALS)


def needs_human(cast, desk):
    reload_as(cast, "desk.refund.create", as_class_c)
    return unknown(cast, desk)


def attested(cast, desk, *, succeeded: bool):
    trace = needs_human(cast, desk)
    settle(cast, action(trace, "desk.refund.create"), succeeded=succeeded)
    return trace


def succeeded_attested(cast, desk):
    return attested(cast, desk, succeeded=True)


def failed_attested(cast, desk):
    return attested(cast, desk, succeeded=False)


def found_out(cast, desk):
    trace = unknown(cast, desk)
    its_time_comes(action(trace, "desk.refund.create"))
    find_out(action(trace, "desk.refund.create"))
    return trace


def stale(cast, desk):
    trace = planned(cast)
    reload_as(cast, "desk.refund.create", lambda operation: operation.update(key_window_s=600))
    sweep()
    sweep()
    return trace


def failed_over(cast, desk):
    trace = approved(cast)
    bump(actor=system_actor("tests", ""), reason="A standby took over.")
    sweep()
    return trace


MAKERS = [
    completed, waiting, rejected, denied, unknown, needs_human, succeeded_attested, failed_attested, found_out, stale,
    blocked, failed_over, rolled_back, rolling_back, refused,
]  # fmt: skip
# Each is stored in the state it is named for, and no stored ledger lacks one of the doubtful states.
DOUBTFUL = {"unknown", "needs_human", "succeeded_attested", "failed_attested", "stale", "blocked"}


@pytest.mark.ledger_fixtures
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_store(cast, desk, make):
    """What the machine said is stored beside what the ledger says: the fold must find it again from the ledger alone."""
    trace = make(cast, desk)
    trace.refresh_from_db()
    states = dict(Action.objects.filter(trace=trace).values_list("pk", "state"))
    exported, at = bundle(trace), instant(database_now())
    expected = {"outcome": trace.outcome, "states": states, "at": at, **told(exported, at)}
    file = HOME / RELEASE / f"{make.__name__}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"expected": expected, "bundle": exported}, indent=1, ensure_ascii=False) + "\n")


def told(exported, at):
    """What the page says of it."""
    rows = [(json.loads(entry["canonical"]), entry["hash"]) for entry in exported["entries"]]
    story = build_story(trace_id=exported["trace"], rows=rows, tab="", now=parse_instant(at))
    return {
        "answers": [answer["value"] for answer in story.answers], "exceptions": [item["text"] for item in story.exceptions],
        "waited_s": story.waited_s, "rollback_items": [item["status"] for item in story.rollback_items],
        "finished": story.finished, "title": story.title,
    }  # fmt: skip


def test_this_release_has_every_outcome_and_every_doubtful_state():
    stored = {file.stem: json.loads(file.read_text()) for file in (HOME / RELEASE).glob("*.json")}
    assert set(stored) == {make.__name__ for make in MAKERS}
    states = {name: set(one["expected"]["states"].values()) for name, one in stored.items()}
    assert {name for name in DOUBTFUL if name in states[name]} == DOUBTFUL
    assert "unknown" in states["failed_over"] and "succeeded" in states["found_out"]


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_t21_stored_ledger_folds_to_the_states_it_had(file):
    stored = json.loads(file.read_text())
    expected, exported = stored["expected"], stored["bundle"]
    rows = [(json.loads(entry["canonical"]), entry["hash"]) for entry in exported["entries"]]
    facts = fold(record for record, _ in rows)
    assert {found.id: found.state for found in facts.in_order} == expected["states"]
    now = parse_instant(expected["at"])
    story = build_story(trace_id=exported["trace"], rows=rows, tab="", now=now)
    assert story.outcome == expected["outcome"]
    assert told(exported, expected["at"]) == {name: expected[name] for name in told(exported, expected["at"])}
    assert now.tzinfo == UTC and isinstance(now, datetime)


@pytest.mark.parametrize("file", STORED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_stored_ledger_still_verifies(file, tmp_path):
    alone = tmp_path / "trace.json"
    alone.write_text(json.dumps(json.loads(file.read_text())["bundle"]))
    assert judged(alone)[0], judged(alone)
