"""`remit_rotate_keys` killed in the middle: every secret is as it was, and the next run does all of it (point 5 of P8)."""

import os
import signal
import time
from io import StringIO

from django.core.management import call_command
from django.db import connection, transaction

from actions.models import Connection
from actions.sealing import unseal
from actions.tasks import run_action
from tests.faults.campaign import authorized, in_a_process
from traces.checkpoints.clock import tick
from traces.models import SigningKey

NEW_KEY = "another installation key, which is long enough"


def sealed() -> list[str]:
    kept = list(Connection.objects.order_by("pk").values_list("sealed_secret", flat=True))
    return kept + list(SigningKey.objects.order_by("pk").values_list("sealed", flat=True))


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def rotate() -> None:
    call_command("remit_rotate_keys", stdout=StringIO())


def test_p8_killed_between_two_secrets_it_changes_none(shop, remote, settings):
    tick(force=True)
    before, old = sealed(), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [old]
    ready, go = os.pipe()
    pid = in_a_process(lambda: rotate() if os.read(ready, 1) else None)
    with transaction.atomic():
        # The connections come first; it is killed while it waits for the signing key behind them.
        assert list(SigningKey.objects.select_for_update())
        os.write(go, b"1")
        until = time.monotonic() + 20
        while not waits_for_a_lock():
            assert time.monotonic() < until, "It never came to the signing key."
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert sealed() == before
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert not set(sealed()) & set(before) and unseal(Connection.objects.get(slug="shop").sealed_secret)
    action = authorized(shop, "a")
    run_action(action.pk)
    assert remote.effects(action.pk) == 1 and tick(force=True).failed == 0
