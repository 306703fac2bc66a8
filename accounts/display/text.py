"""Texts that others wrote, made safe to read (R-23): everything escaped, nothing invisible, imitations named.

Must not shorten, translate or link anything: what the bytes say is what the page shows.
"""

import re
from collections.abc import Iterator
from html import escape

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.display.scripts import WORD, alphabets, imitates, is_hidden, suspects

ADDRESS = re.compile(r"(https?://(?:[^\s/?#]*@)?)([^\s/?#@]+)")


def visible(text: str) -> SafeString:
    """`text` escaped, hidden characters as code points, imitating words flagged, the host of an address set apart."""
    if _is_plain(text):
        # What `format_html` would make of it, without its way through lazy texts: a long page has thousands.
        return SafeString(escape(text))
    beside_latin = "LATIN" in alphabets(text)
    return format_html_join("", "{}", ((part,) for part in _parts(text, beside_latin)))


def _is_plain(text: str) -> bool:
    """Whether nothing in it could mislead: the alphabet of this sentence, lines, and no address."""
    return text.isascii() and "://" not in text and text.replace("\n", "").isprintable()


def _parts(text: str, beside_latin: bool) -> Iterator[SafeString | str]:
    end = 0
    for address in ADDRESS.finditer(text):
        yield from _words(text[end : address.start(2)], beside_latin)
        yield format_html('<b class="host">{}</b>', visible_host(address[2], beside_latin))
        end = address.end()
    yield from _words(text[end:], beside_latin)


def visible_host(host: str, beside_latin: bool) -> SafeString:
    """A host name, marked like any other word."""
    return format_html_join("", "{}", ((part,) for part in _words(host, beside_latin)))


def _words(text: str, beside_latin: bool) -> Iterator[SafeString | str]:
    for word in WORD.split(text):
        shown = format_html_join("", "{}", ((_mark(run),) for run in _runs(word)))
        yield _flagged(word, shown) if imitates(word, beside_latin=beside_latin) else shown


def _runs(text: str) -> Iterator[str]:
    """Runs of plain characters, and each hidden character alone."""
    plain = ""
    for character in text:
        if is_hidden(character):
            yield from filter(None, (plain, character))
            plain = ""
        else:
            plain += character
    if plain:
        yield plain


def _mark(run: str) -> SafeString | str:
    return format_html('<span class="seen">U+{}</span>', f"{ord(run):04X}") if is_hidden(run[0]) else run


def _flagged(word: str, shown: SafeString) -> SafeString:
    """The word, then which of its letters are not what they look like."""
    points = " ".join(f"{letter} U+{ord(letter):04X}" for letter in suspects(word))
    return format_html('<span class="mixed">{}</span><span class="seen">look-alike {}</span>', shown, points)
