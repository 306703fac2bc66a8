"""An intent that was confirmed is on disk: the connection asks for it, the check and /readyz say when it is not so (F-05)."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import Client

from console import durability, env


def setting(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {name} = {value}")


def test_every_connection_asks_for_synchronous_commits_whatever_the_server_does(db):
    assert "synchronous_commit=on" in str(env.database("postgres://u@h/d")["OPTIONS"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'")
        assert cursor.fetchone()[0] == "client"


@pytest.mark.parametrize("value", ["off", "local", "remote_write"])
def test_f05_connection_that_does_not_wait_is_not_ready_and_fails_the_deployment_check(db, value):
    assert Client().get("/readyz").json()["durable"] is True
    setting("synchronous_commit", value)
    answer = Client().get("/readyz")
    assert answer.status_code == 503 and answer.json()["durable"] is False
    with pytest.raises(SystemCheckError, match=f"synchronous_commit is {value}"):
        call_command("check", deploy=True, tags=["security"])


def test_what_waits_for_more_is_well(db):
    setting("synchronous_commit", "remote_apply")
    assert durability.lost_commits() == ""


def test_without_a_standby_there_is_nothing_to_wait_for(db):
    assert durability.lost_in_failover() == ""
