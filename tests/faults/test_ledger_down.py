"""Without a ledger nothing is dispatched: an entry that cannot be written, a lost signing key, a store that is gone (F13)."""

import time

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from actions.models import Action
from actions.tasks import run_action
from tests.faults.campaign import authorized, come_to_rest, verdict
from tests.traces.ledgers import attacker
from traces.checkpoints.clock import sign_due, tick
from traces.checkpoints.health import deployment_health
from traces.models import Entry, SigningKey

# Every entry of an execution, in order, and whether the request has left by then.
PATH = [
    ("action.claimed", False),
    ("credential.minted", False),
    ("action.dispatching", False),
    ("action.succeeded", True),
]


class Refusing:
    """The database refuses entries of one type, as it would with a full disk under that one insert."""

    def __init__(self, type_: str) -> None:
        self.type = type_

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""CREATE FUNCTION refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
                CREATE TRIGGER refuse_entry BEFORE INSERT ON traces_entry FOR EACH ROW
                WHEN (NEW.type = '{self.type}') EXECUTE FUNCTION refuse_entry()"""
            )

    def __exit__(self, *_) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuse_entry ON traces_entry; DROP FUNCTION refuse_entry()")


@pytest.mark.parametrize("klass", "abc")
@pytest.mark.parametrize(("type_", "sent"), PATH, ids=[type_ for type_, _ in PATH])
def test_f13_an_entry_that_cannot_be_written_stops_the_step_it_belongs_to(
    shop, remote, settings, klass, type_, sent, times
):
    actions = [authorized(shop, klass) for _ in range(times)]
    with Refusing(type_):
        for action in actions:
            with pytest.raises(DatabaseError, match="no room"):
                run_action(action.pk)
            assert remote.effects(action.pk) == int(sent)
            assert not Entry.objects.filter(trace=action.trace, type=type_).exists()
            assert Action.objects.get(pk=action.pk).state in ({"dispatching"} if sent else {"authorized", "claimed"})
    settings.REMIT_LEASE_S = (
        10  # What is tried again is not to run out of time on a busy machine: that is another fault.
    )
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"no {type_} can be written: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == () and found.states == {
        f"{klass}:{'needs_human' if sent and klass == 'c' else 'succeeded'}": times
    }


@pytest.mark.parametrize("type_", ["action.proposed", "action.decided"])
def test_f13_a_proposal_that_cannot_be_written_is_no_action(shop, remote, type_, times):
    before = Action.objects.count()
    with Refusing(type_):
        for _ in range(times):
            with pytest.raises(DatabaseError, match="no room"):
                authorized(shop, "a")
    assert Action.objects.count() == before


def lose_signing_key() -> None:
    with attacker() as cursor:
        cursor.execute("UPDATE traces_signingkey SET sealed = 'lost'")


@pytest.fixture
def signed(shop, settings, tmp_path):
    """A ledger that is checkpointed to a witness outside the database, with an alarm after a second or two."""
    settings.REMIT_WITNESS = [f"file:{tmp_path}/witness"]
    settings.REMIT_CHECKPOINT_ALARM_S = 2
    authorized(shop, "c")
    assert tick(force=True).failed == 0
    return tmp_path / "witness"


def held(shop, remote) -> Action:
    """An action that would run, and is not sent for want of checkpoints."""
    time.sleep(2.1)
    assert sign_due(force=True)[1] > 0
    action = authorized(shop, "a")
    run_action(action.pk)
    found = Action.objects.get(pk=action.pk)
    assert (found.state, remote.effects(action.pk)) == ("authorized", 0)
    assert Client().get("/readyz").status_code == 503 and not deployment_health().ok
    assert "remit_checkpoints_ok 0.0" in Client().get("/metrics").content.decode()
    return found


def goes_on(action: Action, remote) -> None:
    assert sign_due(force=True)[1] == 0
    run_action(action.pk)
    assert (Action.objects.get(pk=action.pk).state, remote.effects(action.pk)) == ("succeeded", 1)


def test_f13_lost_signing_key_is_an_alarm_and_then_stops_dispatch(shop, remote, signed, times):
    sealed = SigningKey.objects.get().sealed
    for _ in range(times):
        lose_signing_key()
        action = held(shop, remote)
        with attacker() as cursor:
            cursor.execute("UPDATE traces_signingkey SET sealed = %s", [sealed])
        goes_on(action, remote)


def test_f13_checkpoint_store_that_is_gone_is_an_alarm_and_then_stops_dispatch(shop, remote, signed, times):
    for _ in range(times):
        signed.rename(signed.with_name("elsewhere"))
        signed.write_text("A file lies where the folder was.")
        action = held(shop, remote)
        signed.unlink()
        signed.with_name("elsewhere").rename(signed)
        goes_on(action, remote)


def test_f13_within_the_time_of_the_alarm_dispatch_goes_on(shop, remote, signed, settings):
    settings.REMIT_CHECKPOINT_ALARM_S = 300
    lose_signing_key()
    assert sign_due(force=True)[1] > 0
    action = authorized(shop, "a")
    run_action(action.pk)
    assert remote.effects(action.pk) == 1


def test_f13_doubt_is_not_found_out_either_while_nothing_is_signed(shop, remote, signed):
    action = authorized(shop, "a")
    remote.fault("reset_after")
    run_action(action.pk)
    sealed = SigningKey.objects.get().sealed
    lose_signing_key()
    time.sleep(2.1)
    sign_due(force=True)
    Action.objects.filter(pk=action.pk).update(reconcile_at=None)
    run_action(action.pk)
    found = Action.objects.get(pk=action.pk)
    assert (found.state, found.reconcile_tries) == ("unknown", 0)
    with attacker() as cursor:
        cursor.execute("UPDATE traces_signingkey SET sealed = %s", [sealed])
    sign_due(force=True)
    come_to_rest([action])
    assert verdict([action], remote).states == {"a:succeeded": 1}
