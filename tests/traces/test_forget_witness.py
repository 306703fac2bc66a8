"""A witness that a restored database no longer fits is moved aside by an operator, kept as evidence, and told anew (R-40)."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from actions.epochs import current
from tests.traces.ledgers import attacker, grown
from traces.checkpoints.clock import tick
from traces.checkpoints.health import behind, warning
from traces.checkpoints.registry import log_of
from traces.models import Checkpoint, Delivery, Entry

BACKEND = "django.contrib.auth.backends.ModelBackend"
REASON = "Restored from the backup of Tuesday."


def forget(name: str, reason: str = REASON) -> str:
    out = StringIO()
    call_command("remit_checkpoint", "--forget-witness", name, "--reason", reason, stdout=out)
    return out.getvalue()


@pytest.fixture
def name(settings, tmp_path) -> str:
    settings.REMIT_WITNESS = [f"file:{tmp_path}/witness"]
    return settings.REMIT_WITNESS[0]


def restored(cast) -> None:
    """The database of a backup: without the last checkpoint of one workspace and of the registry."""
    grown(cast)
    tick(force=True)
    tick(force=True)
    with attacker() as cursor:
        cursor.execute("DELETE FROM traces_checkpoint WHERE number = 2")
        cursor.execute("UPDATE traces_delivery SET number = 1")


def test_after_a_restore_the_clock_goes_on_once_the_witness_is_forgotten(cast, name, tmp_path):
    restored(cast)
    assert tick(force=True).failed == 3
    said = forget(name)
    aside = next(tmp_path.glob("witness/remit/*.forgotten-*"))
    assert str(aside) in said and list(aside.rglob("latest.txt"))
    assert tick(force=True).failed == 0 and not behind()
    kept = {
        file.parent.name: file.read_text()
        for file in tmp_path.glob("witness/remit/*/*/latest.txt")
        if file.parent.parent != aside
    }
    assert kept[cast.northwind.pk] == Checkpoint.objects.filter(log=log_of(cast.northwind.pk)).latest("number").note


def test_it_stands_in_every_workspaces_ledger_with_what_the_witness_held(cast, name):
    restored(cast)
    forget(name)
    entries = Entry.objects.filter(type="witness.forgotten")
    bodies = {entry.trace.workspace_id: entry.record["body"] for entry in entries}
    assert set(bodies) == {cast.northwind.pk, cast.lakeside.pk}
    body = bodies[cast.northwind.pk]
    assert (body["witness"], body["reason"], body["held"]) == (name, REASON, "checkpoint 2")
    assert "forgotten" in body["moved_to"] and cast.lakeside.pk not in json.dumps(body)
    assert {entry.record["actor"]["id"] for entry in entries} == {"system:checkpoint"}


def test_witness_that_is_no_longer_named_stops_being_behind(cast, name, settings, tmp_path):
    grown(cast)
    (tmp_path / "witness").write_text("in the way")
    settings.REMIT_WITNESS = [f"git:{tmp_path}/other"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".git").write_text("nonsense")
    tick(force=True)
    assert behind()
    gone, settings.REMIT_WITNESS = settings.REMIT_WITNESS[0], []
    assert forget(gone) == f"{gone} starts again with the next checkpoint.\n"
    assert not behind() and not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("who", "reason", "words"), [("file:/nowhere", REASON, "no witness file:/nowhere"), ("", "why", "10 characters")]
)
def test_nothing_is_forgotten_without_a_known_name_and_a_reason(cast, name, who, reason, words):
    with pytest.raises(CommandError, match=words):
        forget(who or name, reason)
    assert not Entry.objects.filter(type="witness.forgotten").exists()


def test_folder_that_cannot_be_moved_changes_nothing(cast, name, tmp_path, monkeypatch):
    restored(cast)
    told = Delivery.objects.count()

    def refused(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "rename", refused)
    with pytest.raises(CommandError, match="Permission denied"):
        forget(name)
    assert Delivery.objects.count() == told and not Entry.objects.filter(type="witness.forgotten").exists()


def home(cast, first: str) -> str:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client.get("/").content.decode()


def test_home_says_what_is_wrong_with_the_ledger_to_who_may_see_it_and_not_where(cast, name, settings):
    grown(cast)
    assert tick(force=True).failed == 0 and warning(cast.northwind.pk) == ""
    assert 'data-tone="bad"' not in home(cast, "ava")
    Delivery.objects.update(problem=f"{name} cannot be written.")
    assert "A witness outside this database" in home(cast, "ava") and name not in home(cast, "ava")
    assert "A witness outside" not in home(cast, "maya"), "A member sees their own traces alone."
    settings.REMIT_CHECKPOINT_ALARM_S = 0
    assert "Nothing is sent until the ledger is signed again" in home(cast, "ava")


def test_metrics_count_witnesses_that_lack_checkpoints_and_name_none(cast, name):
    grown(cast)
    tick(force=True)
    current()
    Delivery.objects.update(problem=f"{name} cannot be written.")
    told = Client().get("/metrics").content.decode()
    assert "remit_witness_deliveries_failing 3.0" in told and "remit_checkpoints_ok 1.0" in told and name not in told
    assert "remit_checkpoint_age_seconds " in told and "remit_epoch 1.0" in told
