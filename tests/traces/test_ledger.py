"""The ledger: dense, chained, insert-only; every tampering found (R-40, R-41, R-43, T5)."""

import json
import os
import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import opened
from traces.canonical import canonical_text, sha256_hex
from traces.entry_types import UnknownEntryType
from traces.ledger import Sensitive, append, check_chain, commit, verify
from traces.models import Entry, WithheldValue

# `make tamper` runs 32 writers of 1,000 records (T6).
WRITERS, EACH = (32, 1000) if os.environ.get("REMIT_TAMPER") == "full" else (8, 20)


def rows_of(trace):
    return list(Entry.objects.filter(trace=trace).order_by("seq").values_list("seq", "type", "canonical", "hash"))


def grow(cast, count=12):
    trace = opened(cast)
    for number in range(count):
        with transaction.atomic():
            append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body={"n": number})
    trace.refresh_from_db()
    return trace


def test_chain_of_a_trace_holds(cast):
    trace = grow(cast)
    found = verify(trace)
    assert found.ok and found.records == 13 and found.head == trace.head_hash


@pytest.mark.parametrize("kind", ["edit", "edit_rehashed", "drop", "swap", "duplicate", "tail", "retype"])
@pytest.mark.parametrize("place", [0, 5, 12])
def test_t5_every_tampering_is_found(cast, kind, place):
    trace = grow(cast)
    rows = rows_of(trace)
    seq, type_, canonical, digest = rows[place]
    changed = canonical.replace('"v":1', '"v":2')
    if kind == "edit":
        rows[place] = (seq, type_, changed, digest)
    elif kind == "edit_rehashed":
        rows[place] = (seq, type_, changed, sha256_hex(changed.encode()))
    elif kind == "drop":
        del rows[place]
    elif kind == "swap":
        rows[place], rows[place - 1] = rows[place - 1], rows[place]
    elif kind == "duplicate":
        rows.insert(place, rows[place])
    elif kind == "tail":
        rows = rows[:place]
    elif kind == "retype":
        rows[place] = (seq, "plan.submitted", canonical, digest)
    assert not check_chain(rows, trace_id=trace.pk, head_seq=trace.head_seq, head_hash=trace.head_hash).ok


@pytest.mark.parametrize(
    "statement",
    ["UPDATE traces_entry SET type = 'x'", "DELETE FROM traces_entry", "TRUNCATE traces_entry CASCADE"],
)
def test_r43_database_refuses_to_change_entries(cast, statement):
    opened(cast)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Nothing may be pending when a table is truncated.
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_entry_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError, match="in the transaction"):
        append(actor=None, trace_id="trc_x", type="trace.refused", body={})


def test_unregistered_verb_is_refused(cast):
    trace = opened(cast)
    with pytest.raises(UnknownEntryType):
        append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.invented", body={})


def test_r42_sensitive_leaf_is_a_commitment_that_still_proves_when_its_value_is_gone(cast):
    trace = opened(cast)
    body = {"to": Sensitive("ap@birch.example", "email")}
    entry = append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body=body)
    leaf = json.loads(entry.canonical)["body"]["to"]
    kept = WithheldValue.objects.get(entry=entry)
    assert leaf == {"$withheld": "email", "commitment": commit(kept.salt, canonical_text("ap@birch.example"))}
    kept.delete()
    trace.refresh_from_db()
    assert verify(trace).ok


@pytest.mark.timeout(3600)
def test_r41_parallel_writers_never_fork_a_chain(transactional_db, cast):
    trace = opened(cast)

    def write():
        for number in range(EACH):
            with transaction.atomic():
                append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body={"n": number})
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trace.refresh_from_db()
    found = verify(trace)
    assert found.ok and found.records == WRITERS * EACH + 1


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8), max_size=5))
def test_canonical_text_is_stable_under_reading_back(value):
    try:
        text = canonical_text(value)
    except ValueError:
        return  # Lone surrogates have no canonical form; the strict parser refuses them before.
    assert canonical_text(json.loads(text)) == text
