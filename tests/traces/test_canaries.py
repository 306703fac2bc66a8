"""R-33, T14, the ledger's part: 200 planted secrets are in no entry, checkpoint, export, page, witness or error."""

import json

from django.conf import settings
from django.db import transaction
from django.test import Client

from tests.builders import opened, planned
from traces.bundles.write import write_deployment
from traces.checkpoints.clock import tick
from traces.export import bundle
from traces.ledger import Sensitive, append
from traces.models import Checkpoint, Entry, SigningKey, WithheldValue

CANARIES = [f"canary-{number:03}-5f1e" for number in range(200)]


def planted(cast):
    """Each in another place of a body: alone, deep, in lists, as the key's neighbour."""
    trace = opened(cast)
    for number, secret in enumerate(CANARIES):
        leaf = Sensitive(secret, "card number")
        shapes = [{"v": leaf}, {"a": {"b": {"c": leaf}}}, {"l": [1, [leaf]]}, {"m": [{"x": leaf}, {"x": "plain"}]}]
        with transaction.atomic():
            append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body=shapes[number % 4])
    return trace


def test_t14_no_planted_secret_leaves_by_any_way_of_the_ledger(cast, tmp_path, settings, caplog):
    settings.REMIT_WITNESS = [f"file:{tmp_path}/witness"]
    trace = planted(cast)
    tick(force=True)
    write_deployment(tmp_path / "bundle")
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    pages = [client.get(f"/traces/{trace.pk}/{query}").content.decode() for query in ("", "?tab=events", "export/")]
    said = [
        *Entry.objects.values_list("canonical", flat=True), *Checkpoint.objects.values_list("note", flat=True),
        *(file.read_text() for file in tmp_path.rglob("*") if file.is_file()), *pages, json.dumps(bundle(trace)), caplog.text,
    ]  # fmt: skip
    everything = "\n".join(said)
    assert [secret for secret in CANARIES if secret in everything] == []
    assert WithheldValue.objects.filter(value__startswith='"canary-').count() == len(CANARIES)


def test_signing_key_and_connection_secrets_leave_by_no_bundle(cast, desk, tmp_path):
    planned(cast)
    path = write_deployment(tmp_path / "bundle", with_values=True).path
    texts = "".join(file.read_text() for file in path.iterdir())
    key = SigningKey.objects.get()
    assert key.public in texts
    for secret in (key.sealed, desk.client_secret, cast.token, settings.SECRET_KEY):
        assert secret not in texts
