"""What is not plain I-JSON never reaches a record, and never breaks the desk (R-05, R-30)."""

import json

import pytest

from tests.desk.test_money_and_mail import MAIL

WHOLE = json.dumps(MAIL)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 30_000, 400),
        (WHOLE.encode("utf-16"), 400),
        (b"\xef\xbb\xbf" + WHOLE.encode(), 400),
        (WHOLE.replace("Hello", "\\ud800").encode(), 400),
        (WHOLE.replace("Hello", "\xff").encode("latin-1"), 400),
        (WHOLE[:-1].encode() + b', "to": "x@evil.example"}', 400),
        (WHOLE[:-1].encode() + b', "n": NaN}', 400),
        (WHOLE[:-1].encode() + b', "n": 1e999}', 400),
        (WHOLE[:-1].encode() + b', "n": ' + b"9" * 5000 + b"}", 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (WHOLE.encode() + b" " * 65536, 413),
    ],
)
def test_refused_bodies(http, desk, content, status):
    head = {**desk.bearer("mail:send"), "Idempotency-Key": "k1", "Content-Type": "application/json"}
    answer = http.post("/mail", content=content, headers=head)
    assert answer.status_code == status and answer.headers["Content-Type"] == "application/problem+json"
    assert desk.read("/mail?reference=k1") == {"mail": []}


def test_other_content_types_are_refused(http, desk):
    head = {**desk.bearer("mail:send"), "Idempotency-Key": "k1", "Content-Type": "text/plain"}
    assert http.post("/mail", content=WHOLE, headers=head).status_code == 415
