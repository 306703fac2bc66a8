"""R-23, T3: three hundred hostile values in real Chromium. Nothing in them hides, moves, links or runs."""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.display.hostile import CODE_POINTS, IMITATIONS, read_as, values
from tests.display.rendering import rendered
from tests.display.samples import review_page

ROOT = Path(__file__).parents[2]
HOME = "http://remit.test/"
SHEET = re.compile(r'<link rel="stylesheet"[^>]*>')
# The product's own styles in one, so that a hundred pages load quickly.
STYLES = "".join(path.read_text() for path in sorted((ROOT / "static/css").glob("*.css")))


@pytest.fixture(scope="module")
def page(chromium):
    """A page whose every request is answered here: the markup under test, the product's own styles, nothing else."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    yield opened
    context.close()


def shown(page, payload: dict) -> dict:
    """What a browser makes of it, without the security policy: a script that could run would."""
    html = rendered("approvals/queue.html", review_page(payload=payload, opened=True))
    html = SHEET.sub("", html).replace("</head>", f'<link rel="stylesheet" href="{HOME}all.css"></head>', 1)
    page.route("**/*", lambda route: _answer(route, html))
    page.goto(HOME)
    page.unroute("**/*")
    return page.evaluate(LOOK)


def _answer(route, html: str) -> None:
    address = route.request.url.removeprefix(HOME)
    if not address:
        route.fulfill(body=html, content_type="text/html; charset=utf-8")
    elif address == "all.css":
        route.fulfill(body=STYLES, content_type="text/css")
    else:
        route.abort()


LOOK = """() => {
    const card = [...document.querySelectorAll('.card')].find((one) => /What will/.test(one.textContent));
    const unseen = (part) => [part, ...part.querySelectorAll('*')].filter((e) => {
        const style = getComputedStyle(e);
        return !e.closest('svg') && !e.classList.contains('hidden-text') &&
            (style.display === 'none' || style.visibility === 'hidden' || +style.opacity === 0 ||
             parseFloat(style.fontSize) < 11 || (e.textContent.trim() && e.getClientRects().length === 0));
    });
    const parts = [...card.querySelectorAll('.field > div, .mail dd, .letter')];
    return {parts: parts.map((part) => ({text: part.innerText, raw: part.textContent, unseen: unseen(part).length})),
            title: document.title, styled: getComputedStyle(document.body).margin === '0px',
            wide: document.documentElement.scrollWidth,
            links: [...card.querySelectorAll('a[href]')].map((a) => a.getAttribute('href')),
            foreign: card.querySelectorAll('script, img, iframe, style, base, meta, object, form').length};
}"""


def problems(value: str, part: dict) -> list[str]:
    bad = ["part of it is not drawn"] if part["unseen"] else []
    left = {c for c in part["raw"] if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn"} and c not in "\n\t"}
    if left:
        bad.append(f"invisible characters reach the reader: {left}")
    points = {f"U+{ord(c):04X}" for c in value if ord(c) in CODE_POINTS}
    if any(point not in part["text"] for point in points):
        bad.append("a hidden character is not named")
    if any(word in value for word in IMITATIONS) and "look-alike" not in part["text"]:
        bad.append("an imitation is not flagged")
    rest = iter("".join(part["text"].split()))
    if not all(c in rest for c in read_as(value)):
        bad.append("part of the value cannot be read")
    return bad


def email(group: Sequence[str]) -> dict:
    parts = dict(
        zip(("to_segments", "subject_segments", "body_segments"), ([("same", one)] for one in group), strict=True)
    )
    return {"kind": "email", "title": "What will be sent", **parts}


def record(group: Sequence[str]) -> dict:
    kinds = itertools.cycle(["changed", "kept_denied", "added"])
    rows = [
        {"field": "note", "kind": kind, "old": "before", "new": value, "denied": value}
        for kind, value in zip(kinds, group, strict=False)
    ]
    return {"kind": "record", "title": "What will change", "rows": rows, "record": "", "read_at": None}


@pytest.mark.parametrize(("payload", "at_once"), [(email, 3), (record, 30)])
def test_t3_nothing_is_hidden_in_what_a_reviewer_reads(page, payload, at_once):
    every, found = values(), {}
    every += every[: -len(every) % at_once]  # The last page is full, too.
    for start in range(0, len(every), at_once):
        group = every[start : start + at_once]
        seen = shown(page, payload(group))
        assert (seen["title"] == "ran", seen["foreign"], seen["styled"], len(seen["parts"])) == (
            False,
            0,
            True,
            at_once,
        )
        assert seen["wide"] <= 1440 and not any("evil" in link for link in seen["links"])
        found |= {value: problems(value, part) for value, part in zip(group, seen["parts"], strict=True)}
    assert len(found) >= 300 and {repr(v[:60]): bad for v, bad in found.items() if bad} == {}
