"""A system that is slow to mint, or to resolve: no credential and no request outlives the lease (P8, F-03, F14, T17)."""

import socket
import time

import pytest

from actions.connectors.base import CredentialError
from actions.connectors.records.connector import RecordsConnector
from actions.execution import left_over
from actions.execution.lease import Bound
from actions.execution.preview import look
from actions.execution.reach import Reach
from actions.models import Action, AttemptCredential
from actions.tasks import run_action
from tests.connectors.raw import answer, raw_system
from tests.faults.campaign import WIDTH, authorized, come_to_rest, delays, killed_all, takes_s, verdict
from tests.remote.running import sign_in_by
from traces.canonical import parse_instant
from traces.models import Entry


@pytest.fixture
def narrow(shop, remote):
    """The shop, signed in by a token for each attempt that lives as long as is asked for."""
    sign_in_by(shop, remote, None)
    yield shop
    remote.tokens()


def lease_end(action: Action) -> float:
    entry = Entry.objects.get(trace=action.trace, type="action.claimed")
    return parse_instant(entry.record["body"]["lease_until"]).timestamp()


@pytest.mark.parametrize("klass", "abc")
def test_t17_a_token_that_is_minted_late_dies_inside_the_lease(narrow, remote, settings, klass):
    settings.REMIT_LEASE_S = 5
    action, before = authorized(narrow, klass), len(remote.truth()["tokens"])
    remote.tokens(slow_s=1.6)
    run_action(action.pk)
    token = remote.truth()["tokens"][before]
    assert remote.effects(action.pk) == 1 and token["ends"] <= lease_end(action)
    kept = action.credentials.get()
    assert kept.expires_at.timestamp() <= lease_end(action) and kept.ended_at is not None and token["revoked"]


@pytest.mark.parametrize("klass", "abc")
def test_f14_who_mints_slower_than_the_lease_allows_is_not_waited_for(narrow, remote, klass):
    action = authorized(narrow, klass)
    remote.tokens(held=True)
    began = time.monotonic()
    run_action(action.pk)
    assert time.monotonic() - began < 2.5, "The lease is two seconds long, and ten were waited before."
    remote.tokens()
    come_to_rest([action])
    found = verdict([action], remote)
    assert found.states == {f"{klass}:blocked": 1} and found.fatal == ()
    assert "could be minted" in Action.objects.get(pk=action.pk).detail


def test_f03_a_look_on_the_way_stays_inside_the_attempt():
    """What is left of the lease bounds the asking, the life of what is asked for, and the read."""
    silent = answer(200, b"{}") + b" "
    for slow in (0.4, 0.0):
        with raw_system(silent, every_s=slow) as system:
            way = Reach(system.info, RecordsConnector(), None, None, Bound.after(1.8 if slow else 0.4))
            began = time.monotonic()
            with pytest.raises(CredentialError, match="minted"):
                look(way, "/accounts/1", scope="accounts:read", record="/accounts/1", reference="act_1")
            assert time.monotonic() - began < 1.8
            assert len(system.requests) == (1 if slow else 0), "Without time for it nothing is asked."


def test_f03_a_name_that_resolves_late_leaves_no_time_to_send(shop, remote, monkeypatch):
    """The resolver has no deadline of its own. Absence was proof by then, so a request that still left would be silent."""
    action, plain, waits = authorized(shop, "b"), socket.getaddrinfo, [1.3]

    def late(*asked, **more):
        time.sleep(waits.pop() if waits else 0)  # Longer than a call may take, which is one second.
        return plain(*asked, **more)

    before = len(remote.truth()["requests"])
    monkeypatch.setattr(socket, "getaddrinfo", late)
    run_action(action.pk)
    monkeypatch.undo()
    assert len(remote.truth()["requests"]) == before
    come_to_rest([action])
    assert verdict([action], remote).fatal == () and remote.effects(action.pk) == 0


def test_t17_killed_workers_leave_no_token_that_is_alive(narrow, remote, count, seed):
    """Killed anywhere, also between the effect and its end: somebody revokes what it held, or it was never in our keeping."""
    remote.chance(0.0, 0, 0.1)
    span_s = takes_s([authorized(narrow, "b") for _ in range(WIDTH)])
    before, actions = len(remote.truth()["tokens"]), [authorized(narrow, "b") for _ in range(max(count, 6))]
    struck = killed_all(actions, delays(len(actions), seed + 17, span_s), run_action)
    remote.chance(0.0, 0)
    come_to_rest(actions)
    until = time.monotonic() + 30
    while (left := set(left_over().values_list("action_id", flat=True))) and time.monotonic() < until:
        for action_id in left:
            run_action(action_id)
    tokens = remote.truth()["tokens"][before:]
    unrevoked = [token for token in tokens if not token["revoked"]]
    print(f"killed with a token: {struck} kills struck, {len(tokens)} tokens, {len(unrevoked)} expired")  # noqa: T201 - published
    assert verdict(actions, remote).fatal == () and not AttemptCredential.objects.filter(ended_at=None).exists()
    # What was killed before it was kept is in nobody's hands, was never used, and is dead with its attempt.
    assert all(token["ends"] <= time.time() for token in unrevoked)
    assert (
        struck and max((one.expires_at - one.minted_at).total_seconds() for one in AttemptCredential.objects.all()) <= 2
    )
