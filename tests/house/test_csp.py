"""What the browser gets obeys the content security policy: nothing inline, nothing evaluated, nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from tests.display import samples
from tests.display.rendering import rendered

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES, SCRIPTS = sorted((ROOT / "static/css").glob("*.css")), sorted((ROOT / "static/js").glob("*.js"))
EMBEDDED = sorted((ROOT / "static/embed").glob("*.js"))  # Loaded by other products' pages, never by ours.
INLINE = re.compile(
    r"<style|\sstyle=|<script(?![^>]*\ssrc=\"/static/)|\son[a-z]+=|javascript:|data:image|hx-on|hx-vars", re.I
)
# Trigger filters and js: values are evaluated; trusted markup from scripts would undo the templates' escaping.
EVALUATED = re.compile(r"hx-trigger=\"[^\"]*\[|hx-(vals|headers)=[\"']js:")
UNSAFE_SCRIPT = re.compile(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?://")
UNSAFE_STYLE = re.compile(r"@import|url\(|expression\(")
PAGES = {
    "ledger": ("traces/trace_detail.html", samples.trace_page(all_checks=True)),
    "broken": ("traces/trace_detail.html", samples.trace_page(sound=False)),
    "running": ("traces/trace_detail.html", samples.trace_page(finished=False, outcome="running")),
    "events": ("traces/trace_detail.html", samples.trace_page(tab="events")),
    "review": ("approvals/queue.html", samples.review_page()),
    "edit": ("approvals/queue.html", samples.review_page() | {"editing": True, "edit_form": samples.edit_form()}),
    "home": ("console/home.html", samples.home_page()),
    "gallery": ("gallery/gallery.html", samples.gallery_page()),
    "failed": ("500.html", {"request_id": "ab"}),
    "not understood": ("400.html", {"request_id": "ab"}),
}


@pytest.mark.parametrize("name", PAGES)
def test_rendered_pages_have_nothing_inline(name):
    html = rendered(*PAGES[name])
    assert INLINE.findall(html) == [] and EVALUATED.findall(html) == []


@pytest.mark.parametrize("name", PAGES)
def test_rendered_pages_load_from_here_only(name):
    html = rendered(*PAGES[name])
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*?(?:src|href)="([^"]+)"', html)
    assert loaded and all(address.startswith("/static/") for address in loaded)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "failed"])
def test_rendered_pages_have_one_heading_and_unique_ids(name):
    html = rendered(*PAGES[name])
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert html.count("<h1") == 1 and sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_evaluate_nothing(path):
    assert EVALUATED.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [*SCRIPTS, *EMBEDDED], ids=lambda path: path.name)
def test_scripts_build_no_markup_and_reach_nobody(path):
    assert UNSAFE_SCRIPT.findall(path.read_text()) == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_load_nothing(path):
    assert UNSAFE_STYLE.findall(path.read_text()) == []


def test_every_style_is_loaded_and_every_script_imported():
    head = (ROOT / "templates/shared/_styles.html").read_text()
    assert [path.name for path in STYLES if f"css/{path.name}" not in head] == []
    imported = "".join(path.read_text() for path in SCRIPTS)
    assert [
        path.name
        for path in SCRIPTS
        if path.name not in {"remit.js", "shown.js"} and f'"./{path.name}"' not in imported
    ] == []


@pytest.mark.parametrize(
    "bad",
    [
        '<p style="x">',
        "<script>1</script>",
        '<script src="//cdn.example/x.js">',
        '<a onclick="x">',
        '<b hx-on:click="x">',
    ],
)
def test_rule_sees_bad_samples(bad):
    assert INLINE.search(bad)


@pytest.mark.parametrize("bad", ['<p hx-trigger="click[x]">', "<p hx-vals='js:{}'>", '<body hx-headers="js:x">'])
def test_evaluation_rule_sees_bad_samples(bad):
    assert EVALUATED.search(bad)
