"""Recomputes the contrast of every pair of tokens.css: 4.5 for text, 3.0 for controls (ui.md 7)."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "static" / "css" / "tokens.css").read_text()
PAIRS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", TOKENS))
COLOURS = {name: pair.split(", ") for name, pair in PAIRS.items()} | {"on-solid": ["#ffffff", "#ffffff"]}
TEXT = [
    *((text, ground) for text in ("text", "text-2", "text-3") for ground in ("surface", "bg", "sunken", "accent-bg")),
    ("accent", "surface"), ("accent", "accent-bg"), ("accent", "bg"), ("on-solid", "accent-solid"),
    *((tone, ground) for tone in ("ok", "warn", "bad", "info") for ground in ("surface", f"{tone}-bg", "bg", "sunken")),
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_is_readable(front, back, theme):
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("front", ["control", "accent"])
def test_controls_are_seen(front, theme):
    assert contrast(COLOURS[front][theme], COLOURS["surface"][theme]) >= 3.0


def test_own_css_and_js_stay_small():
    import gzip

    static = Path(__file__).parents[2] / "static"
    css = gzip.compress(b"".join(path.read_bytes() for path in sorted(static.glob("css/*.css"))))
    js = gzip.compress(b"".join(path.read_bytes() for path in sorted(static.glob("js/*.js"))))
    assert len(css) <= 9 * 1024 and len(js) <= 6 * 1024
