"""Sending: signatures, retries with a cap, crashes, slow receivers, what stays secret (R-32, R-33)."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta

import pytest
from django.db import connection

from accounts.clock import database_now
from actions.connections import rotate_keys
from tests.builders import planned
from tests.notices.conftest import channel, round_
from traces.canonical import instant, parse_instant
from traces.models import Entry, WithheldValue
from traces.notices import send as sending
from traces.notices.models import Channel, Delivery
from traces.notices.project import project
from traces.notices.reach import deliver, opened, sealed
from traces.notices.send import BACK_OFF_S, MOST_ATTEMPTS, due, message_of, send
from traces.notices.services import NoticeRefused, make_test, rotate_secret, send_again, set_state
from traces.notices.signing import signature


def trial(cast, made) -> Delivery:
    """A test message of this channel, not sent yet."""
    return make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=made.pk)


def elapse(delivery: Delivery) -> None:
    """The pause before the next attempt is over."""
    Delivery.objects.filter(pk=delivery.pk).update(next_at=database_now())


def verified(got, secret: str) -> bool:
    """As a receiver verifies it, by the text of Standard Webhooks and not by our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in got.headers["webhook-signature"].split(" ")


def test_the_signature_is_that_of_the_published_example():
    body = b'{"test": 2432232314}'
    found = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_signed_with_its_id_and_the_time(cast, sink):
    made, secret = channel(cast, sink)
    delivery = trial(cast, made)
    assert send(delivery.pk).state == "sent"
    got = sink.got[0]
    assert got.headers["webhook-id"] == delivery.pk and verified(got, secret)
    assert abs(time.time() - int(got.headers["webhook-timestamp"])) < 60
    began = database_now() - timedelta(hours=1)
    deliver(delivery.channel, message_of(delivery), instant(began))
    assert int(sink.got[1].headers["webhook-timestamp"]) == int(
        began.timestamp()
    )  # The database's clock, not this process's.
    assert not verified(got, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_while_a_secret_is_rotated_both_verify_and_then_only_the_new_one(cast, sink):
    made, old = channel(cast, sink)
    _, new = rotate_secret(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=made.pk)
    send(trial(cast, made).pk)
    assert verified(sink.got[0], old) and verified(sink.got[0], new) and old != new
    until = parse_instant(Entry.objects.get(type="channel.secret_rotated").record["body"]["old_valid_until"])
    assert timedelta(hours=23) < until - database_now() <= timedelta(hours=24)
    made.refresh_from_db()
    held = opened(made)
    held["secrets"][1]["until"] = "2020-01-01T00:00:00.000000Z"
    Channel.objects.filter(pk=made.pk).update(sealed=sealed(held))
    send(trial(cast, made).pk)
    assert not verified(sink.got[1], old) and verified(sink.got[1], new)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again_later(cast, sink, status):
    made, _ = channel(cast, sink)
    sink.status = status
    delivery = send(trial(cast, made).pk)
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("queued", 1, f"127.0.0.1 answered {status}.")
    assert timedelta(seconds=3) < delivery.next_at - database_now() <= timedelta(seconds=BACK_OFF_S[0])
    assert due() == [] and send(delivery.pk).attempts == 1


def test_the_last_attempt_ends_it_and_a_person_sends_it_again_under_the_same_id(cast, sink):
    made, _ = channel(cast, sink)
    sink.status = 500
    delivery, pauses = trial(cast, made), []
    for _ in range(MOST_ATTEMPTS):
        elapse(delivery)
        delivery = send(delivery.pk)
        pauses.append(round((delivery.next_at - database_now()).total_seconds()))
    assert pauses[:-1] == pytest.approx(BACK_OFF_S, abs=3) and delivery.state == "failed"
    assert delivery.last_error == f"127.0.0.1 answered 500. {MOST_ATTEMPTS} attempts were made."
    elapse(delivery)
    assert due() == [] and len(sink.got) == MOST_ATTEMPTS
    sink.status = 200
    send_again(actor=cast.actor("dana"), user=cast.user("dana"), delivery_id=delivery.pk)
    assert [one.state for one in round_()] == ["sent"]
    assert {got.headers["webhook-id"] for got in sink.got} == {delivery.pk}
    with pytest.raises(NoticeRefused, match="failed or was skipped"):
        send_again(actor=cast.actor("dana"), user=cast.user("dana"), delivery_id=delivery.pk)


def test_410_and_a_broken_seal_end_it_at_once(cast, sink):
    made, _ = channel(cast, sink)
    sink.status = 410
    assert send(trial(cast, made).pk).state == "failed"
    Channel.objects.filter(pk=made.pk).update(sealed="gAAAAAB-not-ours")
    broken = send(trial(cast, made).pk)
    assert broken.state == "failed" and "cannot be opened" in broken.last_error and len(sink.got) == 1


def test_a_message_whose_attempts_all_died_ends(cast, sink):
    made, _ = channel(cast, sink)
    delivery = trial(cast, made)
    Delivery.objects.filter(pk=delivery.pk).update(
        attempts=MOST_ATTEMPTS, round=MOST_ATTEMPTS, claimed_until=database_now()
    )
    assert send(delivery.pk).state == "failed" and sink.got == []


def test_a_late_attempt_does_not_overwrite_a_newer_one(cast, sink):
    made, _ = channel(cast, sink)
    old = sending._claim(trial(cast, made).pk)
    Delivery.objects.filter(pk=old.pk).update(claimed_until=database_now())
    assert send(old.pk).state == "sent"
    sending._again(old, "The late one failed.")
    old.refresh_from_db()
    assert (old.state, old.last_error) == ("sent", "")


def test_a_paused_channel_gets_nothing_and_its_queue_is_skipped(cast, sink):
    made, _ = channel(cast, sink)
    delivery, owner = trial(cast, made), cast.user("dana")
    set_state(actor=cast.actor("dana"), user=owner, channel_id=made.pk, state=Channel.State.PAUSED)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.last_error) == ("skipped", "The channel was paused.")
    planned(cast)
    project()
    assert due() == [] and send(delivery.pk).state == "skipped" and sink.got == []
    set_state(actor=cast.actor("dana"), user=owner, channel_id=made.pk, state=Channel.State.REMOVED)
    made.refresh_from_db()
    assert made.sealed == "" and Entry.objects.filter(type="channel.removed").count() == 1


@pytest.mark.parametrize("kind", ["slack", "teams", "pagerduty", "webhook"])
def test_r33_urls_keys_and_secrets_are_in_no_row_page_log_or_ledger_entry(cast, sink, client, caplog, kind):
    caplog.set_level("DEBUG")
    made, secret = channel(cast, sink, kind=kind)
    for status in (500, 200):
        sink.status = status
        send(trial(cast, made).pk)
    sink.release.set()
    client.force_login(cast.user("dana"), backend="django.contrib.auth.backends.ModelBackend")
    pages = [client.get(path).content.decode() for path in ("/notices/", f"/notices/{made.pk}/", "/notices/log/")]
    with connection.cursor() as cursor:
        rows = []
        for table in ("notices_channel", "notices_delivery", "notices_notice", "notices_untold"):
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608 - fixed names
            rows += [row[0] for row in cursor.fetchall()]
    ledger = [
        *Entry.objects.values_list("canonical", flat=True),
        *WithheldValue.objects.values_list("value", flat=True),
    ]
    everything = "\n".join([*pages, *rows, *ledger, caplog.text])
    for hidden in filter(None, ("s3cret-path-5f1e", "routing-key-5f1e", secret, secret.removeprefix("whsec_"))):
        assert hidden not in everything, hidden
    assert "127.0.0.1 answered 500." in everything


def test_each_kind_says_the_same_with_a_link_and_no_button_that_decides(cast, sink):
    for kind in ("slack", "teams", "pagerduty", "webhook"):
        channel(cast, sink, kind=kind)
    planned(cast)
    while round_():
        pass
    bodies = [got.body.decode() for got in sink.got]
    refunds = [body for body in bodies if "Refund $240.00 on order 48213" in body]
    assert len(refunds) == 4
    for body in refunds:
        assert "/approvals/apr_" in body and "decide" not in body.replace("decides", "").replace("decide by", "")
        assert not {"actions", "Action.Submit", "Action.Http", "Action.Execute", "button"} & keys(json.loads(body))


def keys(value) -> set[str]:
    """Every key and every `type` in a JSON value."""
    if isinstance(value, list):
        return set().union(*map(keys, value), set())
    if not isinstance(value, dict):
        return set()
    return {*value, str(value.get("type", ""))}.union(*map(keys, value.values()))


def test_a_new_installation_key_seals_channels_anew(cast, sink, settings):
    made, secret = channel(cast, sink)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-key-that-is-long-enough-98765"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert rotate_keys(actor=cast.actor("dana")) >= 1
    settings.SECRET_KEY_FALLBACKS = []
    send(trial(cast, made).pk)
    assert verified(sink.got[0], secret)
