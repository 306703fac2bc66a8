"""Credentials and connection secrets: ended when a worker can't, sealed with the newest key, nowhere in clear (P8, R-33)."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from psycopg import sql

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.connections import BadConnection, save_connection
from actions.execution import run as run_module
from actions.models import Action, AttemptCredential, Connection
from actions.sealing import SealBroken, unseal
from actions.services import call_tool, run_and_advance
from actions.sweep import sweep
from tests.actions.doubt import REFUND, find_out, in_doubt, its_time_comes
from tests.builders import opened
from traces.models import Entry

TOOL = "desk.refund.create"
NEW_KEY = "a-new-key-that-is-long-enough-0123456789-0123456789"


def called(cast) -> Action:
    return call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)


def alive(desk, action: Action) -> list[str]:
    return [t["id"] for t in desk.audit() if t["reference"] == action.pk and t["revoked_at"] is None and t["ttl"] > 30]


def test_t17_what_a_dead_worker_left_is_revoked_by_another(cast, desk, monkeypatch):
    """The worker dies between its outcome and the end of its credential."""
    monkeypatch.setattr(run_module.__globals__["credentials"], "end", lambda *given: None)
    found = called(cast)
    monkeypatch.undo()
    row = AttemptCredential.objects.get(action=found)
    assert found.state == "succeeded" and row.ended_at is None and row.sealed_secret and alive(desk, found)
    AttemptCredential.objects.update(minted_at=database_now() - timedelta(seconds=5))
    assert sweep().left_over == 1
    run_and_advance(actor=system_actor("worker", found.workspace_id), action_id=found.pk)
    row.refresh_from_db()
    assert row.ended_at is not None and row.sealed_secret == "" and alive(desk, found) == []
    assert Entry.objects.filter(trace=found.trace, type="credential.revoked").count() == 1
    assert sweep().left_over == 0


def test_what_expired_is_closed_and_said(cast, desk, monkeypatch):
    monkeypatch.setattr(run_module.__globals__["credentials"], "end", lambda *given: None)
    found = called(cast)
    monkeypatch.undo()
    then = database_now() - timedelta(minutes=10)
    AttemptCredential.objects.update(minted_at=then, expires_at=then + timedelta(seconds=60))
    run_and_advance(actor=system_actor("worker", found.workspace_id), action_id=found.pk)
    assert Entry.objects.filter(trace=found.trace, type="credential.expired").exists()
    assert not AttemptCredential.objects.exclude(sealed_secret="").exists()


def rotate(**options) -> str:
    out = StringIO()
    call_command("remit_rotate_keys", stdout=out, **options)
    return out.getvalue()


def test_keys_rotate_and_the_old_one_can_be_thrown_away(cast, desk, settings):
    before = Connection.objects.get(workspace=cast.northwind).sealed_secret
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], NEW_KEY
    assert "2 secrets are sealed" in rotate()
    settings.SECRET_KEY_FALLBACKS = []
    after = Connection.objects.get(workspace=cast.northwind).sealed_secret
    assert after != before and unseal(after) == desk.client_secret and called(cast).state == "succeeded"
    with pytest.raises(SealBroken):
        unseal(before)
    assert Entry.objects.filter(type="connection.resealed").count() == 2


def test_a_key_that_is_missing_changes_nothing(cast, settings):
    before = list(Connection.objects.order_by("pk").values_list("sealed_secret", flat=True))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, []
    with pytest.raises(CommandError, match="REMIT_SECRET_KEY_OLD"):
        rotate()
    assert list(Connection.objects.order_by("pk").values_list("sealed_secret", flat=True)) == before


def everything_stored() -> str:
    """Every row of every table, as text."""
    with database.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        texts = []
        for name in names:
            cursor.execute(sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(name)))
            texts += [row for (row,) in cursor.fetchall()]
    return "\n".join(texts)


def test_r33_no_secret_stands_in_any_table_log_queue_or_page(cast, desk, monkeypatch, caplog, live_queue):
    minted = []
    keep = run_module.__globals__["credentials"]._keep
    monkeypatch.setattr(
        run_module.__globals__["credentials"], "_keep",
        lambda actor, action, credential, purpose: (minted.append(credential.secret), keep(actor, action, credential, purpose)),
    )  # fmt: skip
    caplog.set_level("DEBUG")
    called(cast)
    found = in_doubt(cast, desk, "reset_after", "desk.ticket.update")
    its_time_comes(found)
    find_out(found)
    sweep()
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    pages = "".join(
        client.get(path).content.decode()
        for path in ("/", f"/traces/{found.trace_id}/", f"/traces/{found.trace_id}/export/", "/pause/", "/metrics")
    )
    api = json.dumps(
        Client().get(f"/api/v1/actions/{found.pk}", headers={"Authorization": f"Bearer {cast.token}"}).json()
    )
    places = {"tables": everything_stored(), "log": caplog.text, "pages": pages, "api": api, "queue": live_queue()}
    assert len(minted) >= 3
    for secret in (*minted, desk.client_secret):
        assert [place for place, text in places.items() if secret in text] == []


@pytest.fixture
def live_queue(settings):
    """Everything that lies in the broker, as text."""

    def read() -> str:
        with redis.Redis.from_url(settings.REDIS_URL) as wire:
            return " ".join(str(wire.lrange(key, 0, -1)) for key in wire.keys("*") if wire.type(key) == b"list")

    return read


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "magic"},
        {"base_url": "ftp://desk.example"},
        {"base_url": "https://user:pw@desk.example"},
        {"options": {"auth": {"kind": "static"}}},
        {"kind": "http", "options": {"auth": {"kind": "static", "header": "Host"}}},
    ],
)
def test_a_connection_that_could_not_be_used_is_not_saved(cast, changed):
    given = {"kind": "records", "base_url": "https://desk.example", "options": {}, **changed}
    with pytest.raises(BadConnection):
        save_connection(
            actor=cast.actor("dana"),
            workspace=cast.northwind,
            slug="new",
            name="New",
            client_id="x",
            client_secret="y",
            **given,
        )
    assert not Connection.objects.filter(slug="new").exists()


def test_connection_command_takes_its_secret_from_a_file(cast, tmp_path):
    file, out = tmp_path / "secret", StringIO()
    file.write_text("a-long-lived-secret\n")
    options = '{"auth": {"kind": "static", "header": "X-Api-Key", "prefix": ""}}'
    call_command(
        "remit_connection", "shop", workspace="northwind", base_url="https://shop.example", secret_file=file,
        options=options, stdout=out,
    )  # fmt: skip
    made = Connection.objects.get(slug="shop")
    assert made.kind == "http" and unseal(made.sealed_secret) == "a-long-lived-secret"
    assert "a-long-lived-secret" not in out.getvalue() + everything_stored()
    with pytest.raises(CommandError, match="no workspace"):
        call_command("remit_connection", "shop", workspace="nowhere", base_url="https://shop.example")
