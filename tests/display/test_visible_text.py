"""R-23: what others wrote is shown as it is, and nothing in it can hide, reorder or pass for something else."""

import re
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.display.scripts import is_hidden
from accounts.display.text import visible

HIDDEN = [
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x00AD, 0xE0041, 0xE007F, 0xE0100,
    0x1B, 0x07, 0x00, 0x85, 0x9B, 0x0D, 0x2028, 0x3164, 0xFE00,
]  # fmt: skip


@pytest.mark.parametrize("point", HIDDEN)
def test_hidden_characters_are_shown_as_code_points(point):
    html = visible(f"pay{chr(point)}ments")
    assert chr(point) not in html and f"U+{point:04X}" in html


def test_line_breaks_and_tabs_are_text():
    assert visible("a\n\tb") == "a\n\tb"


@pytest.mark.parametrize(
    ("text", "letter"),
    [("p\u0430ypal", "U+0430"), ("\u0391pple", "U+0391"), ("to \u0440\u0430\u0443 now", "U+0440"), ("\uff50ay", "U+FF50"),
     ("\U0001d429ay", "U+1D429")],
)  # fmt: skip
def test_words_that_imitate_others_are_flagged_with_their_letters(text, letter):
    html = visible(text)
    assert 'class="mixed"' in html and letter in html


@pytest.mark.parametrize(
    "text",
    [
        "Zürich naïve café",
        "Привет, как дела",
        "сор",
        "東京タワー",
        "Tシャツ",
        "שלום",
        "5 µm",
        "Birch & Co",
        "§3",
        "Ωμέγα",
    ],
)
def test_ordinary_words_of_any_language_are_not_flagged(text):
    assert 'class="mixed"' not in visible(text)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://paypal.example@evil.example/login", "evil.example"),
        ("see http://a.example:8000/x?y=1", "a.example:8000"),
    ],
)
def test_host_of_an_address_stands_apart(address, host):
    assert f'<b class="host">{host}</b>' in visible(address)


def test_markup_is_text():
    assert visible("<b>bold</b> **x** &amp;") == "&lt;b&gt;bold&lt;/b&gt; **x** &amp;amp;"
    assert "<script" not in visible("https://<script>alert(1)</script>/") and "<i>" not in visible("p\u0430<i>")


@given(st.text(max_size=60))
def test_nothing_invisible_is_left_and_nothing_is_lost(text):
    html = str(visible(text))
    words = iter(unescape(re.sub(r"</?(?:span|b)[^>]*>", "", html)))
    left = [c for c in html if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} and c not in "\n\t"]
    assert left == []
    assert all(any(shown == c for shown in words) for c in text if not is_hidden(c))  # In order: a subsequence.
