"""A document that is pasted into the form: what is wrong with it is named by its place, and nothing that was typed is lost."""

from html import unescape
from urllib.parse import quote_plus

import pytest

from policies.engine.yaml_out import dump
from policies.engine.yaml_source import MAX_BYTES
from tests.policies.browsing import Page, errors, form_of
from tests.policies.kit import BASE, changed

TEXT = "# As I typed it\n" + dump(BASE)


@pytest.fixture
def ken(house):
    return Page(house, "ken").open()


def sent(ken, body: bytes, status: int = 422) -> str:
    """The form as a browser sends it, with these bytes as its text."""
    inputs = {name: value[0] for name, value in form_of(ken.get("document/"), "").items() if name != "source"}
    fields = "&".join(f"{name}={quote_plus(value)}" for name, value in inputs.items())
    data = fields.encode() + b"&source=" + b"".join(b"%%%02X" % byte for byte in body)
    answer = ken.client.post("/policies/support/document/", data, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == status, (answer.status_code, errors(unescape(answer.content.decode())))
    return unescape(answer.content.decode())


def test_bytes_that_are_not_utf_8_are_refused_at_their_place(ken):
    text = TEXT.encode().replace(b"As I typed", b"As \xff typed").replace(b"name: Support", b"name: Supp\xe9rt")
    page = sent(ken, text)
    assert "line 1, column 6" in page and "not UTF-8" in page and "save the file as UTF-8" in page
    assert form_of(page, "")["source"].replace("\r", "") == text.decode("utf-8", "replace"), (
        "All that was typed is there."
    )
    assert ken.plain() == BASE and ken.draft().revision == 1


def test_the_same_bytes_in_a_value_are_refused_too(ken):
    page = sent(ken, TEXT.encode().replace(b"name: Support", b"name: Supp\xe9rt"))
    assert "line 4, column 13" in page and "not UTF-8" in page


def test_a_mark_of_byte_order_is_no_part_of_the_text(ken):
    text = TEXT.replace("name: Support", "name: Desk")
    sent(ken, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), 302)
    assert ken.plain()["policy"]["name"] == "Desk" and "\ufeff" not in ken.draft().source


@pytest.mark.parametrize("sign", ["\ufeff", "\x00", "\u202e"])
def test_an_unseen_character_further_down_is_refused_at_its_place(ken, sign):
    text = TEXT.replace("name: Support", f"name: Supp{sign}ort")
    page = sent(ken, text.encode())
    assert "line 4, column " in page and "control character" in page
    kept = form_of(page, "")["source"]
    assert kept.startswith("# As I typed it") and kept.rstrip().endswith(TEXT.rstrip()[-20:])
    assert ken.plain() == BASE


@pytest.mark.parametrize("filler", ["# 0123456789\n", "# é é é é é\n"])
def test_what_is_larger_than_a_document_may_be_says_at_which_line_and_stays_whole(ken, filler):
    text = TEXT + filler * (MAX_BYTES // len(filler.encode()) + 1)
    page = ken.save("document/", 422, source=text)
    line = text.encode()[:MAX_BYTES].count(b"\n") + 1
    assert f"line {line}, column 1" in page and "larger than 256 KiB" in page and "Split it" in page
    assert form_of(page, "")["source"].replace("\r", "") == text
    assert ken.plain() == BASE


def test_the_browser_cuts_nothing_off_what_is_pasted(ken):
    assert "maxlength" not in ken.get("document/").split("<textarea", 1)[1].split(">", 1)[0]


def test_a_document_as_large_as_may_be_is_taken_however_the_form_writes_it(ken):
    """In a form every one of these characters is three, so the body is much larger than the document."""
    room = MAX_BYTES - len(TEXT.encode()) - 1
    text = TEXT + "#" + "é" * ((room - 1) // 2) + "\n"
    named = text.replace("name: Support\n", "name: Sup\n")
    assert MAX_BYTES - 16 < len(named.encode()) <= MAX_BYTES
    sent(ken, named.encode(), 302)
    assert ken.plain() == changed((("policy", "name"), "Sup"))
