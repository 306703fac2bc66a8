"""Checkpoints: on a clock, chained, signed, only ever extending what was signed (R-40, R-41, F13)."""

import base64
import hashlib
import threading
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, connection, connections, transaction

from accounts.actors import system_actor
from tests.traces.ledgers import GUARDED, attacker, grow, grown, held, judged
from traces.bundles.write import write_workspace
from traces.checkpoints.clock import tick
from traces.checkpoints.errors import LedgerBroken, SignerMissing
from traces.checkpoints.health import checkpoints_healthy, deployment_health
from traces.checkpoints.keys import public_rows, reseal_keys, rotate_key
from traces.checkpoints.registry import deployment, latest, log_of, registry_log
from traces.checkpoints.take import checkpoint_registry, checkpoint_workspace
from traces.checkpoints.tree import consistency_proof, frontier, inclusion_path
from traces.models import Checkpoint, Entry, Leaf, Log, Trace
from verify.remit_verify import Growing, checkpoint_of, consistency_holds, inclusion_holds, leaf_hash, read_notes

ACTOR = system_actor("tests", "")


def test_checkpoint_is_a_c2sp_note_that_anyone_can_check(cast):
    grown(cast)
    point = checkpoint_workspace(cast.northwind.pk)
    text, signature = point.note.split("\n\n")
    origin, size, root, *_ = text.split("\n")
    assert (
        origin == f"{deployment()}/{cast.northwind.pk}" and int(size) == point.size == 2
    )  # With the governance chain.
    dash, name, packed = signature.rstrip("\n").split(" ")
    public, packed = base64.b64decode(public_rows()[0]["public"]), base64.b64decode(packed)
    assert dash == "\u2014" and name == origin and base64.b64decode(root).hex() == point.root
    assert packed[:4] == hashlib.sha256(f"{origin}\n".encode() + b"\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(packed[4:], f"{text}\n".encode())


def test_checkpoints_are_chained_even_when_idle(cast):
    grown(cast)
    points = [checkpoint_of(read_notes(checkpoint_workspace(cast.northwind.pk).note, "n")[0]) for _ in range(3)]
    assert [point.number for point in points] == [1, 2, 3] and len({point.root for point in points}) == 1
    assert [point.previous for point in points[1:]] == [point.note.digest for point in points[:2]]
    assert len({point.time for point in points}) == 3


def test_clock_signs_every_workspace_and_the_registry_and_then_only_what_is_due(cast, settings):
    settings.REMIT_CHECKPOINT_S = 60
    assert tick().signed == 3 and tick().signed == 0
    for number in (2, 3):
        settings.REMIT_CHECKPOINT_S = 0  # The clock is the database's, so the period moves instead.
        tick()
        assert {latest(log).number for log in Log.objects.all()} == {number}


def test_many_entries_are_signed_before_the_time(cast, settings):
    tick()
    settings.REMIT_CHECKPOINT_ENTRIES = 4
    grown(cast, 2)
    assert tick().signed == 0
    grown(cast, 2)
    assert tick().signed > 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_stored_tree_gives_every_proof_of_rfc_9162(cast, size):
    for _ in range(size):
        grown(cast, 0)
        point = checkpoint_workspace(cast.northwind.pk)
    size = point.size
    log, texts = point.log, list(Leaf.objects.order_by("index").values_list("text", flat=True))
    roots, growing = [Growing().root()], Growing()
    for text in texts:
        growing.add(leaf_hash(text))
        roots.append(growing.root())
    assert roots[-1].hex() == point.root and frontier(log, size) == [peak.hex() for _, peak in growing.peaks]
    for end in range(1, size + 1):
        for index in range(end):
            path = inclusion_path(log, index, end)
            assert inclusion_holds(leaf_hash(texts[index]), index, end, path, roots[end])
            assert not inclusion_holds(leaf_hash(texts[index] + "x"), index, end, path, roots[end])
        for first in range(1, end):
            proof = consistency_proof(log, first, end)
            assert consistency_holds(first, end, proof, roots[first], roots[end])
            assert not consistency_holds(first, end, proof, roots[end], roots[end])


def cut_tail(cursor, trace):
    kept = Entry.objects.get(trace=trace, seq=3)
    cursor.execute("DELETE FROM traces_entry WHERE trace_id = %s AND seq > 3", [trace.pk])
    cursor.execute("UPDATE traces_trace SET head_seq = 3, head_hash = %s WHERE id = %s", [kept.hash, trace.pk])


def drop_trace(cursor, trace):
    cursor.execute("DELETE FROM traces_entry WHERE trace_id = %s", [trace.pk])
    cursor.execute("DELETE FROM traces_trace WHERE id = %s", [trace.pk])


def same_length(cursor, trace):
    cursor.execute("UPDATE traces_trace SET head_hash = %s WHERE id = %s", ["a" * 64, trace.pk])


def drop_last_checkpoint(cursor, trace):
    cursor.execute("DELETE FROM traces_checkpoint WHERE number = 2")


def drop_leaf(cursor, trace):
    cursor.execute("DELETE FROM traces_leaf WHERE index = 0")


def other_node(cursor, trace):
    cursor.execute("UPDATE traces_treenode SET hash = %s", ["b" * 64])


def other_root(cursor, trace):
    cursor.execute("UPDATE traces_checkpoint SET root = %s", ["c" * 64])


@pytest.mark.parametrize(
    "harm", [cut_tail, drop_trace, same_length, drop_last_checkpoint, drop_leaf, other_node, other_root]
)
def test_r40_nothing_is_signed_over_what_no_longer_extends_the_last_checkpoint(cast, harm):
    trace = grown(cast)
    checkpoint_workspace(cast.northwind.pk)
    grown(cast)
    checkpoint_workspace(cast.northwind.pk)
    with attacker() as cursor:
        harm(cursor, trace)
    grown(cast)
    before = Checkpoint.objects.count()
    with pytest.raises(LedgerBroken) as raised:
        checkpoint_workspace(cast.northwind.pk)
    assert Checkpoint.objects.count() == before
    assert Log.objects.get(workspace=cast.northwind).problem == str(raised.value)


def test_r40_a_missing_workspace_is_seen_by_the_registry(cast):
    grown(cast)
    tick(force=True)
    log = log_of(cast.lakeside.pk)
    with attacker() as cursor:
        cursor.execute("DELETE FROM traces_checkpoint WHERE log_id = %s", [log.pk])
        cursor.execute("DELETE FROM traces_log WHERE id = %s", [log.pk])
    with pytest.raises(LedgerBroken, match=f"Workspace {cast.lakeside.pk} was registered and is gone"):
        checkpoint_registry()


def test_one_broken_workspace_stops_itself_and_not_the_others(cast, settings):
    trace = grown(cast)
    tick(force=True)
    with attacker() as cursor:
        cut_tail(cursor, trace)
    ticked = tick(force=True)
    assert (ticked.signed, ticked.failed) == (2, 1)
    settings.REMIT_CHECKPOINT_ALARM_S = 0
    assert not checkpoints_healthy(cast.northwind.pk) and trace.pk in deployment_health().sentence


def test_f13_no_checkpoint_for_long_is_unhealthy_whether_there_was_one_or_not(cast, settings):
    assert checkpoints_healthy(cast.northwind.pk)
    trace = grown(cast)
    assert checkpoints_healthy(cast.northwind.pk) and checkpoints_healthy(cast.lakeside.pk)
    Trace.objects.filter(pk=trace.pk).update(created_at=trace.created_at - timedelta(seconds=400))
    assert not checkpoints_healthy(cast.northwind.pk) and "clock does not run" in deployment_health().sentence
    tick()
    assert checkpoints_healthy(cast.northwind.pk) and deployment_health().ok


def test_f13_missing_signing_key_signs_nothing_and_says_so(cast, settings):
    grown(cast)
    tick()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another installation key, long enough", []
    with pytest.raises(SignerMissing, match="Signing key 1 cannot be opened"):
        checkpoint_workspace(cast.northwind.pk)
    assert tick(force=True).failed == 3 and "Signing key 1" in Log.objects.get(workspace=cast.northwind).problem


def test_signing_key_is_sealed_and_resealed_with_the_installation_key(cast, settings):
    tick()
    old, new = settings.SECRET_KEY, "a newer installation key, long enough"
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = new, [old]
    assert reseal_keys() == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert tick(force=True).failed == 0


def test_rotated_key_is_endorsed_and_every_bundle_carries_the_history(cast, tmp_path):
    grown(cast)
    anchor = held(tmp_path, checkpoint_workspace(cast.northwind.pk))
    first = public_rows()[0]["public"]
    rotate_key(actor=ACTOR, deployment=deployment(), reason="Yearly")
    grown(cast)
    path = write_workspace(tmp_path / "b", cast.northwind.pk).path
    ok, sentence = judged(path, anchor, key=first)
    assert ok and "signed by key 2" in sentence
    assert Entry.objects.filter(type="signing_key.rotated").count() == 2


def test_key_replaced_because_it_was_lost_holds_only_for_who_knows_it(cast, tmp_path):
    grown(cast)
    checkpoint_workspace(cast.northwind.pk)
    made = rotate_key(actor=ACTOR, deployment=deployment(), reason="Lost", lost=True)
    path = write_workspace(tmp_path / "b", cast.northwind.pk).path
    assert judged(path) == (False, "Key 2: key 1 did not endorse it. If you know it, give it with --key.")
    assert judged(path, key=made.public)[0]


@pytest.mark.parametrize("table", [name for name in GUARDED if name != "withheldvalue"])
@pytest.mark.parametrize("verb", ["UPDATE traces_{0} SET id = id", "DELETE FROM traces_{0}"])
def test_r43_database_refuses_to_change_what_was_registered_or_signed(cast, table, verb):
    grown(cast)
    grown(cast)
    tick(force=True)
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(table))


def test_r43_application_role_adds_and_reads_and_nothing_else(cast):
    grown(cast)
    tick(force=True)
    for statement in ("UPDATE traces_entry SET type = 'x'", "DELETE FROM traces_checkpoint", "TRUNCATE traces_leaf"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET LOCAL ROLE remit_app")
            cursor.execute(statement)


def test_r41_parallel_checkpoints_never_fork(transactional_db, cast):
    trace, problems = grown(cast), []

    def run(number):
        try:
            for step in range(6):
                if number % 2:
                    checkpoint_workspace(cast.northwind.pk)
                else:
                    grow(cast, Trace.objects.get(pk=trace.pk), 3, start=step)
        except Exception as error:
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    numbers = list(Checkpoint.objects.filter(log__workspace=cast.northwind).values_list("number", flat=True))
    assert sorted(numbers) == list(range(1, 19))
    assert (
        checkpoint_workspace(cast.northwind.pk).entries == Entry.objects.filter(trace__workspace=cast.northwind).count()
    )


def test_registry_covers_every_workspace_that_has_a_tree(cast):
    grown(cast)
    tick(force=True)
    names = set(Leaf.objects.filter(log=registry_log()).values_list("subject", flat=True))
    assert names == {cast.northwind.pk, cast.lakeside.pk}
