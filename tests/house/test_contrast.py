"""Recomputes the contrast of every pair of tokens.css: 4.5 for text, 3.0 for controls and charts."""

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "static"
TOKENS = (STATIC / "css" / "tokens.css").read_text()
PAIRS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", TOKENS))
COLOURS = {name: pair.split(", ") for name, pair in PAIRS.items()} | {"on-solid": ["#ffffff", "#ffffff"]}
GROUNDS = ("surface", "bg", "sunken")
TEXT = [
    *((text, ground) for text in ("text", "text-2", "text-3") for ground in (*GROUNDS, "accent-bg")),
    *((text, "here") for text in ("text", "text-2")),
    *(("accent", ground) for ground in (*GROUNDS, "accent-bg")),
    ("on-solid", "accent-solid"), ("on-solid", "bad-solid"), ("warn", "accent-bg"), ("bad", "accent-bg"),
    *((tone, ground) for tone in ("ok", "warn", "bad", "info") for ground in (*GROUNDS, f"{tone}-bg")),
]  # fmt: skip
SHAPES = [
    *(("control", ground) for ground in GROUNDS), ("accent", "surface"), ("accent", "bg"), ("text-3", "here"),
    ("chart", "surface"), ("chart-amber", "surface"), ("chart-red", "surface"),
]  # fmt: skip
CSS_BYTES, JS_BYTES = 9 * 1024, 6 * 1024


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_the_formula_of_wcag():
    assert round(contrast("#000000", "#ffffff"), 1) == 21 and round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_is_readable(front, back, theme):
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), SHAPES)
def test_controls_and_charts_are_seen(front, back, theme):
    assert contrast(COLOURS[front][theme], COLOURS[back][theme]) >= 3.0


def test_colours_stand_in_tokens_alone():
    for path in (STATIC / "css").glob("*.css"):
        if path.name != "tokens.css":
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b", path.read_text()) == [], path.name


@pytest.mark.parametrize(("kind", "limit"), [("css", CSS_BYTES), ("js", JS_BYTES)])
def test_own_css_and_js_stay_small(kind, limit):
    files = sorted((STATIC / kind).glob(f"*.{kind}"))
    assert files and len(gzip.compress(b"".join(path.read_bytes() for path in files))) <= limit
