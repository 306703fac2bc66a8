"""R-23, T3: the three hundred hostile values in mail, chat and webhooks. Nothing in them hides, moves, links or runs."""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from accounts.display.plain import plain
from tests.builders import planned
from tests.display.hostile import CODE_POINTS, IMITATIONS, read_as, values
from tests.notices.conftest import channel, round_
from traces.notices.message import Item, Message, Target
from traces.notices.transports import POSTS, email

OURS = "https://remit.example/approvals/apr_1/"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MOST = 400
LIVE = re.compile(r"[a-z]://|www\.", re.IGNORECASE)


def message(value: str) -> Message:
    """As `said` makes it: every value others wrote passes through `plain`, once as the title and once as a fact."""
    item = Item("approval.requested", plain(value), (("Asked by", plain(value)),), OURS, AT, AT, {})
    return Message("msg_1", plain(value), (item,), False, OURS)


def strings(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from (*strings(key), *strings(value))
    elif isinstance(part, list):
        for value in part:
            yield from strings(value)
    elif isinstance(part, str):
        yield part


def said_by_mail(value: str, mailoutbox) -> list[str]:
    """Subject and text as a receiver decodes the bytes."""
    mailoutbox.clear()
    email.send(message(value), Target(AT, to=("ken@northwind.example",)))
    got = message_from_bytes(mailoutbox[0].message().as_bytes(), policy=policy.default)
    assert got.get_content_type() == "text/plain" and len(got.get_all("Subject")) == 1 and got["Bcc"] is None
    return [str(got["Subject"]), got.get_content()]


def said_in_chat(kind: str, value: str) -> list[str]:
    body = POSTS[kind](
        message(value), Target(AT, url="https://hooks.example/", key="k", secrets=("whsec_" + "A" * 32,))
    ).body
    return list(strings(json.loads(body)))


def problems(value: str, texts: list[str]) -> list[str]:
    whole = "\n".join(texts)
    left = {c for c in whole if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn"} and c not in "\n\t"}
    bad = [f"invisible characters reach the reader: {left}"] if left else []
    if any(f"[U+{ord(c):04X}]" not in whole for c in value[:MOST] if ord(c) in CODE_POINTS and not c.isspace()):
        bad.append("a hidden character is not named")
    if any(word in value for word in IMITATIONS) and "look-alike" not in whole:
        bad.append("an imitation is not flagged")
    links = LIVE.findall(whole.replace(OURS, "").replace("http://adaptivecards.io", ""))
    if links:
        bad.append(f"a program would make a link of {links}")
    rest = iter("".join(whole.split()))
    if len(value) < MOST and not all(c in rest for c in read_as(value)):
        bad.append("part of the value cannot be read")
    return bad if len(value) <= MOST or "more characters" in whole else [*bad, "it is cut without a word"]


def test_t3_nothing_is_hidden_or_live_in_a_mail(mailoutbox, settings):
    settings.REMIT_MAIL = True
    found = {value: problems(value, said_by_mail(value, mailoutbox)) for value in values()}
    assert len(found) >= 300 and {repr(value[:60]): bad for value, bad in found.items() if bad} == {}


@pytest.mark.parametrize("kind", POSTS)
def test_t3_nothing_is_hidden_or_live_in_chat(kind):
    found = {value: problems(value, said_in_chat(kind, value)) for value in values()}
    assert len(found) >= 300 and {repr(value[:60]): bad for value, bad in found.items() if bad} == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [("evil.example/pay", "evil[.]example/pay"), ("Pay a.b.evil.example?x=1", "Pay a.b.evil[.]example?x=1"),
     ("evil.example:8443", "evil[.]example:8443"), ("MAILTO:a@b.example", "MAILTO[:]a@b.example"), ("tel:+49", "tel[:]+49"),
     ("Hotel: 2 nights", "Hotel: 2 nights"), ("v1.25/3", "v1.25/3"), ("desk.refund.create", "desk.refund.create")],
)  # fmt: skip
def test_what_programs_link_without_a_scheme_is_no_link_either(value, said):
    assert plain(value) == said


def test_what_an_agent_writes_into_a_title_reaches_the_mail_harmless(cast, post_office, sink):
    """The whole way: from a proposal over the ledger to the mail server."""
    order = "4\u202e8213 https://evil.example/pay"
    channel(cast, sink)
    planned(cast, [{"title": order, "tool": "desk.mail.send", "arguments": {
        "to": "ap@birch.example", "subject": order, "body": order}}])  # fmt: skip
    while round_():
        pass
    assert sink.got
    texts = [text for got in sink.got for text in strings(got.json)]
    assert not any("\u202e" in text or "https://evil" in text for text in texts)
    for mail in post_office.mails:
        assert "\u202e" not in mail.get_content() and "https://evil" not in mail.get_content()
