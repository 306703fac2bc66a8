"""The trace page checks its trace against the last checkpoint with the stranger's code, and says what it found."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.builders import planned
from tests.traces.ledgers import attacker, grow, grown
from traces.checkpoints.proof import proof_of
from traces.checkpoints.registry import latest, log_of
from traces.checkpoints.take import checkpoint_workspace
from traces.models import Trace

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def priya(cast):
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    return client


def page(client, trace):
    return " ".join(client.get(f"/traces/{trace.pk}/").content.decode().split())


def test_page_names_checkpoint_time_key_and_what_it_covers(cast, priya):
    trace = grown(cast)
    assert "Not under a checkpoint yet. The next one covers it." in page(priya, trace)
    point = checkpoint_workspace(cast.northwind.pk)
    html = page(priya, trace)
    leaf = proof_of(trace)
    assert leaf.state == "verified" and leaf.sentence in html and "<dt>Checkpoint</dt><dd>number 1, " in html
    assert f"{point.at:%-d %b %H:%M} UTC" in html and "key 1" in html and point.key.public in html
    assert "records 1 to 6" in html and "newer" not in html
    grow(cast, trace, 2, start=5)
    assert "records 1 to 6; 2 newer wait for the next" in page(priya, trace)


def break_entry(cursor, trace):
    """The chain is made whole again, so only the checkpoint knows."""
    cursor.execute("DELETE FROM traces_entry WHERE trace_id = %s AND seq > 4", [trace.pk])
    cursor.execute(
        "UPDATE traces_trace SET head_seq = 4, head_hash = (SELECT hash FROM traces_entry WHERE trace_id = %s AND seq = 4) "
        "WHERE id = %s", [trace.pk, trace.pk],
    )  # fmt: skip


def break_leaf(cursor, trace):
    cursor.execute("UPDATE traces_leaf SET text = replace(text, ' 6 ', ' 5 ') WHERE subject = %s", [trace.pk])


def break_root(cursor, trace):
    cursor.execute("UPDATE traces_checkpoint SET note = replace(note, 'number 1', 'number 7')")


def break_tree(cursor, trace):
    cursor.execute("DELETE FROM traces_leaf WHERE subject <> %s", [trace.pk])


@pytest.mark.parametrize("harm", [break_entry, break_leaf, break_root, break_tree])
def test_chain_that_holds_in_itself_but_not_under_its_checkpoint_is_a_red_banner(cast, priya, harm):
    trace = grown(cast)
    checkpoint_workspace(cast.northwind.pk)
    with attacker() as cursor:
        harm(cursor, trace)
    html = page(priya, trace)
    assert "The ledger of this trace does not hold" in html and "Does not hold" in html
    said = priya.post(f"/traces/{trace.pk}/verify/", follow=True).content.decode()
    assert "The chain does not hold." in said


def test_verify_again_says_what_was_checked(cast, priya):
    trace = planned(cast)
    point = checkpoint_workspace(cast.northwind.pk)
    said = priya.post(f"/traces/{trace.pk}/verify/", follow=True).content.decode()
    assert f"of {point.size} under checkpoint {point.number}." in said and "Verified" in said


def test_f13_readyz_says_when_checkpoints_stopped(cast, client):
    assert client.get("/readyz").json()["checkpoints"] is True
    trace = grown(cast)
    Trace.objects.filter(pk=trace.pk).update(created_at=trace.created_at - timedelta(days=1))
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["checkpoints"] is False
    checkpoint_workspace(cast.northwind.pk)
    assert latest(log_of(cast.northwind.pk)) is not None
