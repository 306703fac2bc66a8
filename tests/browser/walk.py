"""Every page somebody can reach by links, one address of each view, and what is asked of each page in the browser itself."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

_LINK = re.compile(r'<a\s[^>]*?href="([^"]+)"')
MOST_PAGES = 150
# Addresses whose answers are files.
FILES = ("export", "raw", "outline", "metrics")

# Elements that Tab should stop at. A radio group is one stop, and a cell of a grid is reached by arrows.
STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter((each) =>
  each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.tabIndex >= 0 && each.type !== 'radio'
  && !each.closest('dialog:not([open])'))"""
# Each is given the focus as a keyboard gives it. What shows no ring, or lies under a bar, cannot be found by eye.
UNSEEN = f"""async () => {{
  const found = [];
  for (const each of ({STOPS})()) {{
    each.focus({{focusVisible: true}});
    const name = `${{each.tagName}} ${{(each.textContent || each.name || '').trim().slice(0, 40)}}`;
    const style = getComputedStyle(each);
    const box = each.getClientRects()[0];
    const ring = (one) => getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) >= 2;
    if (!ring(each) && !(each.nextElementSibling && ring(each.nextElementSibling))) found.push(`no ring: ${{name}}`);
    if (!box || !box.width) {{ found.push(`no place: ${{name}}`); continue; }}
    const top = document.elementFromPoint(box.x + Math.min(box.width / 2, 20), box.y + box.height / 2);
    const free = !top || each.contains(top) || top.contains(each) || top.closest('label');
    if (!free) found.push(`hidden by ${{top.outerHTML.slice(0, 60)}}: ${{name}}`);
  }}
  return found;
}}"""
# Tab is pressed through a page: what had the focus, how many stops there are, and which of them never had it.
REMEMBER = (
    "() => { window.had = new Set(); document.addEventListener('focusin', (event) => window.had.add(event.target)); }"
)
LEFT = f"() => ({STOPS})().length"
MISSED = f"() => ({STOPS})().filter((each) => !window.had.has(each)).map((each) => each.outerHTML.slice(0, 120))"
# Transitions and animations that take time. What is not rendered does not count.
MOVING = """() => [...document.querySelectorAll('*')].filter((each) => {
  const style = getComputedStyle(each);
  const takes = (text) => text.split(',').some((one) => parseFloat(one) > 0.01);
  return takes(style.transitionDuration) || takes(style.animationDuration) || style.scrollBehavior === 'smooth';
}).map((each) => each.outerHTML.slice(0, 120))"""
# Where colours are the person's own, a thing to press, a card and a mark are told apart by a border alone.
_BORDERED = "button:not([data-kind=plain]):not(.plain), input, select, textarea, .card, .note, .pill, .chip, .step"
BORDERLESS = """() => [...document.querySelectorAll('BORDERED')].filter((each) => {
  if (!each.checkVisibility() || ['checkbox', 'radio', 'hidden', 'file'].includes(each.type)) return false;
  const style = getComputedStyle(each);
  return !['Top', 'Left'].some((side) => style[`border${side}Style`] !== 'none' && parseFloat(style[`border${side}Width`]) > 0);
}).map((each) => each.outerHTML.slice(0, 160))""".replace("BORDERED", _BORDERED)
# What reaches beyond the page sideways and is not in something that scrolls by itself.
TOO_WIDE = """() => { const wide = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth <= wide ? [] :
  [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > wide + 1)
  .map((each) => each.outerHTML.slice(0, 120)).slice(0, 5).concat([`${document.documentElement.scrollWidth} of ${wide} px`]); }"""
# A finger needs 44 px. What is kept small on purpose stands in a line of text and is no .btn.
SMALL = """() => [...document.querySelectorAll('.btn')].filter((each) => each.checkVisibility())
  .map((each) => [Math.round(each.getBoundingClientRect().height), each.outerHTML.slice(0, 120)])
  .filter(([height]) => height < 44).map(([height, text]) => `${height} px: ${text}`)"""
# What a card cuts off at its edge: a table that is wider than it, without a way to scroll there.
CUT = """() => [...document.querySelectorAll('.card table')].filter((each) => each.checkVisibility()
  && each.getBoundingClientRect().right > each.closest('.card').getBoundingClientRect().right + 1
  && !each.closest('.matrix-scroll')).map((each) => `cut off: ${each.textContent.trim().slice(0, 80)}`)"""
# A stacked row's labels stand in a column of their own: one that is too long runs into its value or breaks.
LABELS = """() => { const pen = document.createElement('canvas').getContext('2d');
  return [...document.querySelectorAll('td[data-head]')].filter((each) => {
    const style = getComputedStyle(each, '::before');
    if (!each.checkVisibility() || style.content === 'none' || getComputedStyle(each).display !== 'grid') return false;
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    const [column, ...rest] = getComputedStyle(each).gridTemplateColumns.split(' ').map(parseFloat);
    return rest.length && pen.measureText(each.dataset.head).width > column;
  }).map((each) => each.dataset.head); }"""
# Buttons that only a script would hear: without scripts they must not be there.
DEAD = """() => [...document.querySelectorAll('button')].filter((each) => each.checkVisibility() && !each.popoverTargetElement
  && (each.type === 'button' || !each.form)).map((each) => each.outerHTML.slice(0, 160))"""


def every_page(person, *starts: str) -> dict[str, str]:
    """View -> one address of it, of every view that answers with a page, in the order in which links lead to them."""
    waiting, found = [*starts, "/"], {}
    while waiting and len(found) < MOST_PAGES:
        path = waiting.pop(0)
        name = _view(path)
        if name in found:
            continue
        answer = person.context.request.get(f"{person.base}{path}")
        if answer.ok and "text/html" in answer.headers["content-type"]:
            found[name] = path
            links = (unescape(link) for link in _LINK.findall(answer.text()))
            waiting += [_inside(path, link) for link in links if _view(_inside(path, link)) not in {*found, ""}]
    return found


def _inside(path: str, link: str) -> str:
    """The address of a link without its fragment; "" where it leads elsewhere."""
    parts = urlsplit(urljoin(f"http://here{path}", link))
    return (f"{parts.path}?{parts.query}" if parts.query else parts.path) if parts.netloc == "here" else ""


def _view(path: str) -> str:
    try:
        name = resolve(urlsplit(path).path).view_name
    except Resolver404:
        return ""
    return "" if name.endswith(FILES) else name
