"""`remit_approve`: the page's display with nothing hidden, the same service, the person's own proof (R-23, R-24, V7.5.3)."""

import copy
import io
import json
import unicodedata
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from accounts.display.plain import plain_lines
from approvals.as_text import request_as_text
from approvals.models import Verdict
from approvals.statement import broken
from approvals.stepup.services import Here
from approvals.terms import set_terms, terms_of
from tests.approvals.routing import entries
from tests.browser.test_hostile_values import CODE_POINTS, IMITATIONS, read_as, values
from tests.builders import request_of
from tests.cast import PASSWORD
from tests.stepup.conftest import enrol_app, next_code, session


@pytest.fixture
def phone(cast):
    """Priya's authenticator app."""
    return enrol_app(Here(cast.user("priya"), session()))[0]


@pytest.fixture(autouse=True)
def typed(monkeypatch, phone):
    """What is typed where nothing is echoed: her password and the next code of her app, unless a test types something else."""
    answers = {"Password": lambda: PASSWORD, "Code": lambda: next_code(phone)}
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers[prompt.split()[0]]())
    return answers


def run(request, *arguments, first="priya"):
    out = io.StringIO()
    call_command("remit_approve", request.pk, "--as", f"{first}@northwind.example", *arguments, stdout=out)
    return out.getvalue()


def begins(request):
    return request.digest.removeprefix("sha256:")[:8]


def test_it_shows_what_the_page_shows_and_records_where_it_was_given(refund):
    text = run(refund, "--digest", begins(refund))
    assert (
        refund.title in text
        and refund.digest in text
        and "240.00" in text
        and "Recorded: approve by Priya Nair" in text
    )
    body = entries(refund, "verdict_recorded")[0][1]
    assert body["via"].endswith("at the command line") and body["signed"] and body["opened_at"]
    said = body["signed"]["statement"]
    assert said["via"] == body["via"] and said["step_up"]["method"] == "totp"


def test_r25_where_it_was_given_cannot_be_rewritten(refund):
    run(refund, "--digest", begins(refund))
    found = Verdict.objects.get()
    assert broken(found, found.request, found.request.bound) == ""
    for elsewhere in ("", "somebody else at the command line"):
        found.via = elsewhere
        assert broken(found, found.request, found.request.bound) == "it was given for something else"


@pytest.mark.parametrize(
    ("prompt", "answer", "words"),
    [
        ("Password", "not it", "not the password"),
        ("Password", "", "not the password"),
        ("Code", "000000", "code is not right"),
    ],
)
def test_r24_a_name_without_the_persons_own_proof_decides_nothing(refund, typed, prompt, answer, words):
    typed[prompt] = lambda: answer
    for choice in ((), ("--reject", "--reason", "No.")):
        with pytest.raises(CommandError, match=words):
            run(refund, "--digest", begins(refund), *choice)
    assert not Verdict.objects.exists()


def test_a05_five_wrong_passwords_and_no_right_one_counts(refund, typed):
    right, typed["Password"] = typed["Password"], lambda: "not it"
    for _ in range(5):
        with pytest.raises(CommandError, match="not the password"):
            run(refund, "--digest", begins(refund))
    typed["Password"] = right
    with pytest.raises(CommandError, match="5 wrong answers"):
        run(refund, "--digest", begins(refund))
    assert not Verdict.objects.exists()


def test_who_has_no_app_or_no_password_here_uses_the_console(cast, refund):
    with pytest.raises(CommandError, match="no authenticator app"):
        run(refund, "--digest", begins(refund), first="ken")
    cast.user("priya").set_unusable_password()
    cast.user("priya").save()
    with pytest.raises(CommandError, match="signs in with their organisation"):
        run(refund, "--digest", begins(refund))


def test_nobody_types_and_nothing_is_decided(refund, typed):
    def nobody():
        raise EOFError

    typed["Password"] = nobody
    with pytest.raises(CommandError, match="Nobody proved"):
        run(refund, "--digest", begins(refund))


def test_it_asks_for_the_digest_and_takes_nothing_else(refund, monkeypatch):
    for typed in ("", begins(refund)[:7], "y", "00000000"):
        monkeypatch.setattr("builtins.input", lambda _, typed=typed: typed)
        with pytest.raises(CommandError, match="not how the digest begins"):
            run(refund)
    with pytest.raises(CommandError, match="not how the digest begins"):
        run(refund, "--digest", "sha256:" + "0" * 64)
    monkeypatch.setattr("builtins.input", lambda _: begins(refund))
    assert "Recorded" in run(refund)


def test_nobody_at_the_keyboard_decides_nothing(refund, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="Nobody confirmed"):
        run(refund)
    with pytest.raises(CommandError, match="--digest"):
        run(refund, "--json")
    assert not Verdict.objects.exists()


def test_reject_needs_a_reason_and_json_is_one_object_of_ascii(refund):
    with pytest.raises(CommandError, match="Write a reason"):
        run(refund, "--reject", "--digest", begins(refund))
    shown = json.loads(run(refund, "--show", "--json"))
    assert shown["digest"] == refund.digest and not Verdict.objects.exists()
    answer = run(refund, "--reject", "--reason", "Nö.", "--json", "--digest", shown["digest"])
    assert answer.isascii() and json.loads(answer)["state"] == "rejected"


@pytest.mark.parametrize(
    ("first", "words"), [("maya", "You asked"), ("tomas", "Step 1 is decided"), ("omar", "sees no approval")]
)
def test_the_rules_of_the_console_hold(refund, first, words):
    domain = "lakeside" if first == "omar" else "northwind"
    with pytest.raises(CommandError, match=words):
        call_command("remit_approve", refund.pk, "--as", f"{first}@{domain}.example", "--digest", begins(refund))


@pytest.mark.parametrize("floor", ["by_risk", "totp", "passkey"])
def test_it_reaches_what_a_code_reaches(cast, refund, floor):
    terms = replace(terms_of(cast.northwind.pk), step_up_floor=floor)
    set_terms(actor=cast.actor("dana"), workspace=cast.northwind, terms=terms)
    if floor != "passkey":
        assert "Recorded" in run(refund, "--digest", begins(refund))
        return
    with pytest.raises(CommandError, match="passkey"):
        run(refund, "--digest", begins(refund))
    assert not Verdict.objects.exists()


def problems(value: str, text: str) -> list[str]:
    """What a terminal that shows `text` would hide of the value, or obey in it."""
    obeyed = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn", "Cs"} and c != "\n"}
    bad = [f"a terminal obeys {obeyed!r}"] if obeyed else []
    points = {f"[U+{ord(c):04X}]" for c in value if ord(c) in CODE_POINTS}
    bad += [f"{point} is not named" for point in points if point not in text]
    if any(word in value for word in IMITATIONS) and "look-alike" not in text:
        bad.append("an imitation is not flagged")
    rest = iter("".join(text.split()))
    return bad if all(c in rest for c in read_as(value)) else [*bad, "part of it cannot be read"]


def test_r23_nothing_is_hidden_in_a_terminal():
    every = [
        *values(),
        "\x1b[2J\x1b[H",
        "\x1b]0;title\x07",
        "\x1b[8mhidden\x1b[0m",
        "a\rb",
        "a\x08b",
        "\x9b31m",
        "1\n| 2\nDigest: x",
    ]
    found = {value: problems(value, "\n".join(plain_lines(value))) for value in every}
    assert len(found) >= 300 and {repr(v[:60]): bad for v, bad in found.items() if bad} == {}
    assert all(line.startswith("|") for value in every for line in plain_lines(value))


def test_r23_hostile_values_of_a_request_reach_the_terminal_marked_and_whole(cast, refund):
    """Everywhere a value may stand: titles, records, arguments beside them and messages."""
    mail = request_of(refund.trace, "desk.mail.send")
    for value in values()[::9]:
        if "\x00" in value:
            continue
        shown = copy.deepcopy(refund.displayed)
        shown["payload"]["rows"] = [{"field": "note", "kind": "changed", "old": value, "new": value, "note": ""}]
        shown["payload"]["beside"] = {"memo": value}
        refund.displayed, refund.title = shown, value
        assert problems(value, "\n".join(request_as_text(cast.user("priya"), refund))) == []
        mail.displayed["payload"] |= {"body": value, "edits": {}}
        assert problems(value, "\n".join(request_as_text(cast.user("maya"), mail))) == []


def test_b01_a_dry_run_and_where_the_record_was_read_are_printed_too(cast, refund):
    """What the page shows of a call, the terminal shows: the system's own words about what it would do."""
    payload = refund.displayed["payload"] | {"dry_run": "Would refund 24000\u202e cents."}
    refund.displayed = refund.displayed | {"payload": payload}
    refund.save()
    lines = request_as_text(cast.user("priya"), refund)
    assert "      | Would refund 24000[U+202E] cents." in lines
    assert any(line.startswith(f"  Read from {payload['record']} at 20") for line in lines)
    assert any(line.startswith("The agent says it used: ") for line in lines)
