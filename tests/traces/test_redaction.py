"""Erasure and retention drop values and keep the proof; each is a ledgered act (R-42, E-02)."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.actors import system_actor
from tests.builders import opened, planned
from tests.traces.ledgers import attacker, held, judged
from traces.bundles.write import write_workspace
from traces.checkpoints.take import checkpoint_workspace
from traces.ledger import Sensitive, append, verify
from traces.models import Entry, Trace, WithheldValue
from traces.redaction import apply_retention, erase_subject

ACTOR = system_actor("tests", "")
BACKEND = "django.contrib.auth.backends.ModelBackend"


def told(cast, trace, value, kind="email"):
    with transaction.atomic():
        append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body={"to": Sensitive(value, kind)})


def acts(type_):
    return [entry.record["body"] for entry in Entry.objects.filter(type=type_)]


def test_r42_erased_person_is_gone_everywhere_and_every_proof_still_holds(cast, tmp_path):
    trace, other = planned(cast), opened(cast)
    told(cast, other, "ap@birch.example")
    told(cast, other, "someone@else.example")
    anchor = held(tmp_path, checkpoint_workspace(cast.northwind.pk))
    before = WithheldValue.objects.count()
    done = erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject="ap@birch.example", reason="Asked to")
    assert done.traces == 2 and WithheldValue.objects.count() == before - done.values
    assert not WithheldValue.objects.filter(value__contains="ap@birch.example").exists()
    assert WithheldValue.objects.get(entry__trace=other).value == '"someone@else.example"'
    (act,) = acts("subject.erased")
    assert act["traces"] == sorted([trace.pk, other.pk]) and act["values"] == done.values
    assert sum(body["values"] for body in acts("trace.redacted")) == done.values
    assert "ap@birch.example" not in "".join(Entry.objects.values_list("canonical", flat=True))
    assert verify(Trace.objects.get(pk=trace.pk)).ok
    assert judged(write_workspace(tmp_path / "b", cast.northwind.pk, with_values=True).path, anchor)[0]


def about(cast, trace, action, type_, body):
    with transaction.atomic():
        append(actor=cast.agent_actor, trace_id=trace.pk, type=type_, body={"action": action, **body})


def test_r42_erasure_by_record_drops_all_that_was_withheld_of_its_actions(cast):
    trace = opened(cast)
    for number, record in ((1, "acct_5521"), (2, "acct_5521x")):
        about(cast, trace, f"act_{number}", "action.proposed", {"target": {"record_id": record}, "n": number})
        about(cast, trace, f"act_{number}", "action.dispatching", {"phone": Sensitive(f"555-01{number}", "phone")})
    told(cast, trace, "ap@birch.example")
    done = erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject="acct_5521", reason="Asked to")
    assert done.values == 1
    assert set(WithheldValue.objects.values_list("value", flat=True)) == {'"555-012"', '"ap@birch.example"'}


def test_p7_erasure_stays_inside_its_workspace(cast):
    trace = opened(cast)
    told(cast, trace, "ap@birch.example")
    done = erase_subject(actor=ACTOR, workspace_id=cast.lakeside.pk, subject="ap@birch.example", reason="Asked to")
    assert done.values == 0 and WithheldValue.objects.filter(entry__trace=trace).count() == 1


def test_erasing_nobody_is_refused_and_erasing_twice_drops_nothing_more(cast):
    trace = opened(cast)
    told(cast, trace, "ap@birch.example")
    for _ in range(2):
        done = erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject="ap@birch.example", reason="r")
    assert done.values == 0 and len(acts("trace.redacted")) == 1 and len(acts("subject.erased")) == 2
    with pytest.raises(ValueError, match="whose"):
        erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject=" ", reason="r")


def age(trace, days):
    with attacker() as cursor:  # No clock of ours may be moved, so the rows become old.
        cursor.execute("UPDATE traces_entry SET at = at - %s WHERE trace_id = %s", [timedelta(days=days), trace.pk])


def test_retention_drops_old_values_only_and_is_ledgered_once(cast):
    old, young = opened(cast), opened(cast)
    for trace in (old, young):
        told(cast, trace, "ap@birch.example")
    age(old, 401)
    done = apply_retention(actor=ACTOR, workspace_id=cast.northwind.pk, days=400)
    assert (done.values, done.traces, done.kinds) == (1, 1, {"email": 1})
    assert [row.entry.trace_id for row in WithheldValue.objects.all()] == [young.pk]
    assert apply_retention(actor=ACTOR, workspace_id=cast.northwind.pk, days=400).values == 0
    assert [(body["days"], body["traces"]) for body in acts("retention.applied")] == [(400, [old.pk])]


def test_page_says_erased_and_took_as_long_as_it_did(cast):
    trace = planned(cast)
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    before = client.get(f"/traces/{trace.pk}/?tab=changes").content.decode()
    erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject="ap@birch.example", reason="Asked to")
    page = client.get(f"/traces/{trace.pk}/?tab=changes").content.decode()
    assert "email, erased" not in before and "email, erased" in page


def command(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_an_export_at_the_shell_leaves_a_line_that_says_whether_values_left(cast, tmp_path):
    trace = opened(cast)
    command("remit_export", str(tmp_path / "a"), "--workspace", "northwind", "--with-values")
    command("remit_export", str(tmp_path / "b"), "--trace", trace.pk)
    acts = [entry.record for entry in Entry.objects.filter(type="export.made").order_by("pk")]
    assert [act["body"] for act in acts] == [
        {"of": "ledger", "form": "bundle with values"},
        {"of": "trace", "form": "bundle", "trace": trace.pk},
    ]
    assert {act["actor"]["name"] for act in acts} == {"Remit operator"}
    with pytest.raises(CommandError):
        command("remit_export", str(tmp_path / "c"), "--trace", "trc_nothing")
    assert Entry.objects.filter(type="export.made").count() == 2


def test_commands_say_what_they_did_and_never_the_subject(cast, tmp_path):
    trace = opened(cast)
    told(cast, trace, "ap@birch.example")
    done = command("remit_erase", "ap@birch.example", "--workspace", "northwind", "--reason", "Asked to")
    assert done == {"values": 1, "traces": 1, "kinds": {"email": 1}, "under_way": 0}
    told(cast, trace, "ap@birch.example")
    age(trace, 500)
    assert command("remit_retention")["northwind"]["values"] == 1
    assert command("remit_export", str(tmp_path / "b"), "--all")["warning"] == ""
    assert command("remit_verify")["ok"]
    assert len(command("remit_ledger_key", "show")) == 1
    assert command("remit_checkpoint", "--once")["failed"] == 0
    with pytest.raises(CommandError, match="no workspace nowhere"):
        command("remit_erase", "x", "--workspace", "nowhere", "--reason", "r")
    with pytest.raises(CommandError, match="Say with --out"):
        command("remit_retention", "--archive", "2026-01")


def test_remit_verify_of_the_database_names_what_is_broken(cast, capsys):
    trace = opened(cast)
    told(cast, trace, "ap@birch.example")
    assert command("remit_verify", "--workspace", "northwind")["ok"]
    with attacker() as cursor:
        cursor.execute("UPDATE traces_entry SET canonical = replace(canonical, 'email', 'phone') WHERE seq = 2")
    with pytest.raises(SystemExit):
        command("remit_verify", "--workspace", "northwind")


def test_application_role_is_granted_and_cannot_change_the_ledger(cast):
    call_command("remit_role", stdout=StringIO())
    trace = opened(cast)
    told(cast, trace, "ap@birch.example")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE remit_app")
    told(cast, trace, "b@birch.example")
    erase_subject(actor=ACTOR, workspace_id=cast.northwind.pk, subject="ap@birch.example", reason="r")
    checkpoint_workspace(cast.northwind.pk)
    for statement in ("UPDATE traces_entry SET type='x'", "DELETE FROM traces_entry", "DELETE FROM traces_trace"):
        with pytest.raises(DatabaseError, match="denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
