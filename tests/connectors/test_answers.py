"""What an answer proves when the system is broken, hostile or slow (F-02, F11, P8, R-30)."""

import gzip
import json
import random
import time
import tracemalloc
from dataclasses import replace

import pytest

from actions.connectors.base import Credential, ReadFailed
from actions.connectors.operation import parse_operation
from actions.connectors.records.connector import RecordsConnector
from tests.connectors.raw import answer, raw_system

CONNECTOR = RecordsConnector()
SECRET = "desk_aVeryLongCredentialThatNobodyMaySee"
CREDENTIAL = Credential("tok_1", SECRET, ("things:write",), None, 60)
WRITE = parse_operation(
    {"class": "A", "write": {"method": "POST", "path": "/things", "scope": "a:b", "body": "arguments", "ok": [201]}}
)
FACTS = {"version": None, "idempotency_key": "act_1", "action_id": "act_1"}


def dispatch(system, timeout_s=5.0):
    sent = CONNECTOR.compose(WRITE, {"n": 1}, {}, **FACTS)
    return CONNECTOR.dispatch(system.info, WRITE, sent, CREDENTIAL, timeout_s=timeout_s)


def read(system):
    return CONNECTOR.read(system.info, "/things/1", CREDENTIAL, timeout_s=5)


UNREADABLE = {
    "empty": b"",
    "html": b"<html>ok</html>",
    "list": b"[1]",
    "cut": b'{"id": "x',
    "not UTF-8": b'{"id": "\xff"}',
    "UTF-16": '{"id": "x"}'.encode("utf-16"),
    "name twice": b'{"id": "re_1", "id": "re_2"}',
    "NaN": b'{"n": NaN}',
    "infinite": b'{"n": 1e999}',
    "integer too large": b'{"n": 9007199254740992}',
    "5000 digits": b'{"n": ' + b"9" * 5000 + b"}",
    "lone surrogate": b'{"n": "\\udc00"}',
    "NUL": b'{"n": "\\u0000"}',
    "NUL in a name": b'{"\\u0000": 1}',
    "deep": b'{"n": ' + b"[" * 33 + b"]" * 33 + b"}",
    "far too deep": b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_f11_success_that_cannot_be_read_is_unknown(body):
    with raw_system(answer(201, body)) as system:
        outcome = dispatch(system)
    assert (outcome.kind, outcome.status, outcome.body) == ("unknown", 201, None)
    assert outcome.detail == "The system answered 201 with something unreadable."


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_cannot_be_read_is_no_record(body):
    with raw_system(answer(200, body)) as system, pytest.raises(ReadFailed, match="unreadable"):
        read(system)


def test_values_at_the_edge_are_carried():
    body = (
        b'{"n": 9007199254740991, "m": -9007199254740991, "f": 1.5, "s": "\\ud83d\\ude00", "d": '
        + b"[" * 31
        + b"]" * 31
    )
    with raw_system(answer(201, body + b"}")) as system:
        outcome = dispatch(system)
    assert outcome.kind == "done" and outcome.body["n"] == 2**53 - 1 and outcome.body["s"] == "😀"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "unknown"), (202, "unknown"), (204, "unknown"), (206, "unknown"), (301, "unknown"), (307, "unknown")]
    + [(500, "unknown"), (502, "unknown"), (503, "unknown"), (504, "unknown"), (408, "unknown"), (418, "unknown")]
    + [(status, "no_effect") for status in (400, 401, 403, 404, 409, 412, 422, 428, 429)]
    + [(201, "done")],
)
def test_f02_only_a_declared_status_proves_anything(status, kind):
    body = b"" if status == 204 else b'{"title": "Said"}'
    with raw_system(answer(status, body)) as system:
        assert dispatch(system).kind == kind


def test_a_manifest_may_declare_fewer_refusals_effect_free():
    strict = parse_operation({"class": "C", "write": {**_write(), "effect_free": [400]}})
    for status, kind in ((400, "no_effect"), (409, "unknown")):
        with raw_system(answer(status, b"{}")) as system:
            sent = CONNECTOR.compose(strict, {}, {}, **FACTS)
            assert CONNECTOR.dispatch(system.info, strict, sent, CREDENTIAL, timeout_s=5).kind == kind


def _write():
    return {"method": "POST", "path": "/things", "scope": "a:b", "body": "arguments", "ok": [201]}


def test_a_redirect_is_never_followed():
    with raw_system(answer(201, b'{"id": "elsewhere"}')) as other:
        there = f"Location: http://127.0.0.1:{other.port}/things"
        with raw_system(answer(307, b"{}", there)) as system:
            assert dispatch(system).kind == "unknown" and len(system.requests) == 1
        assert other.requests == []


def test_f04_nothing_is_sent_twice():
    with raw_system(b"") as system:
        assert dispatch(system).kind == "unknown"
        time.sleep(0.2)
        assert len(system.requests) == 1


def test_f03_a_dripping_answer_ends_at_the_deadline():
    with raw_system(answer(201, b'{"id": "x"}'), every_s=0.2) as system:
        started = time.monotonic()
        outcome = dispatch(system, timeout_s=1.0)
        assert outcome.kind == "unknown" and time.monotonic() - started < 2.0
        assert 900 <= outcome.elapsed_ms < 2000


@pytest.mark.parametrize(("size", "kind"), [(1024 * 1024, "done"), (1024 * 1024 + 1, "unknown")])
def test_f11_an_answer_is_read_up_to_one_mebibyte(size, kind):
    with raw_system(answer(201, b'{"n": "' + b"x" * (size - 9) + b'"}')) as system:
        assert dispatch(system).kind == kind


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_an_answer_in_an_encoding_not_asked_for_is_unreadable(encoding):
    with raw_system(answer(201, b'{"id": "x"}', f"Content-Encoding: {encoding}")) as system:
        assert dispatch(system).kind == "unknown" and b"accept-encoding: identity" in system.requests[0].lower()


@pytest.mark.parametrize("zipped", [True, False])
def test_f11_bombs_are_neither_unpacked_nor_held(zipped):
    bomb = gzip.compress(b'{"n": "' + b"x" * 50_000_000 + b'"}') if zipped else b'{"n": "' + b"x" * 30_000_000 + b'"}'
    given = answer(201, bomb, *(["Content-Encoding: gzip"] if zipped else []))
    del bomb
    with raw_system(given) as system:
        tracemalloc.start()
        outcome = dispatch(system)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert outcome.kind == "unknown" and peak < 8_000_000


def test_f02_no_bytes_a_system_sends_make_dispatch_raise():
    """1,000 broken answers: cut, flipped and spliced. Done needs a whole, declared, readable answer."""
    whole, chance = answer(201, b'{"id": "re_1"}', "Content-Type: application/json"), random.Random(7)
    answers = [_broken(whole, chance) for _ in range(1000)]
    kinds = []
    with raw_system(*answers, b"") as system:
        for _ in answers:
            kinds.append(dispatch(system, timeout_s=2.0).kind)
    assert len(kinds) == 1000 and set(kinds) <= {"done", "no_effect", "unknown"}
    assert kinds.count("unknown") > 700


def _broken(whole: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(whole))
    ways = (
        lambda: whole[:at],
        lambda: whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :],
        lambda: whole[:at] + chance.randbytes(chance.randrange(1, 30)) + whole[at:],
        lambda: chance.randbytes(chance.randrange(200)),
    )
    return chance.choice(ways)()


@pytest.mark.parametrize("status", [201, 401, 500])
def test_p8_a_system_that_repeats_the_credential_is_masked(status):
    said = b'{"id": "x", "detail": "Authorization: Bearer ' + SECRET.encode() + b' client-secret"}'
    with raw_system(answer(status, said)) as system:
        outcome = dispatch(system)
    assert SECRET not in repr(outcome) and "client-secret" not in repr(outcome) and "[credential]" in repr(outcome.body)
    with raw_system(answer(200, said, f'ETag: "{SECRET}"')) as system:
        found = read(system)
    assert SECRET not in repr(found) and found.version == '"[credential]"'


SLASHED = "tok/en+of=thesystem"


@pytest.mark.parametrize(
    "spelled",
    [
        rb"tok\/en+of=thesystem",
        rb"tok\u002fen\u002bof=thesystem",
        rb"\u0074ok/en+of=thesystem",
        rb"{\"sent\": \"tok\\/en+of=thesystem\"}",
        b"/debug?sent=tok%2Fen%2Bof%3Dthesystem",
    ],
)
def test_p8_r33_a_credential_is_masked_however_it_is_spelled(spelled):
    """Some systems write every slash of a text as `\\/`, and quote what they were sent inside another text."""
    secret = replace(CREDENTIAL, secret=SLASHED)
    said = b'{"id": "x", "detail": "You sent ' + spelled + b'", "' + spelled + b'": [1]}'
    with raw_system(answer(201, said)) as system:
        sent = CONNECTOR.compose(WRITE, {"n": 1}, {}, **FACTS)
        outcome = CONNECTOR.dispatch(system.info, WRITE, sent, secret, timeout_s=5)
    told = json.dumps(outcome.body)
    assert outcome.kind == "done" and told.count("[credential]") == 2 and "en+of" not in told and "en%2Bof" not in told


def test_p8_no_secret_in_any_value_or_error():
    with raw_system(answer(500, b"{}")) as system:
        sent = CONNECTOR.compose(WRITE, {"n": 1}, {}, **FACTS)
        outcome = CONNECTOR.dispatch(system.info, WRITE, sent, CREDENTIAL, timeout_s=5)
        with pytest.raises(ReadFailed) as failed:
            read(system)
        seen = [system.info, CREDENTIAL, sent, outcome, failed.value, failed.value.__cause__]
        text = "".join(f"{value!r}{value!s}" for value in seen)
        assert SECRET not in text and "client-secret" not in text
        assert SECRET.encode() in system.requests[0], "it was really sent"
