"""Comparing texts that an agent chose ends soon and leaves nothing out: a page nobody can open is decided by nobody (P3)."""

import random
import re
from html import unescape

import pytest

from accounts.display.compare import MOST_PARTS, compared, replaced
from accounts.display.lines import lines_changed
from approvals.review import segments

# As many words as fit into the 64 KiB of a call. With difflib alone each of these took minutes.
MANY = 32_000
LONG = [
    ("a " * MANY, "a " * MANY), ("a " * MANY, "b " + "a " * MANY + "b"), ("a b " * (MANY // 2), "b a " * (MANY // 2)),
    ("a\n" * MANY, "b\n" + "a\n" * MANY + "b\n"), ("", "a " * MANY),
]  # fmt: skip


def sides(found) -> tuple[str, str]:
    old = "".join(text for kind, text in found if kind != "added")
    return old, "".join(text for kind, text in found if kind != "removed")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("old", "new"), LONG, ids=["same", "both ends", "shifted", "lines", "from nothing"])
def test_a_text_made_to_be_slow_is_compared_whole_and_soon(old, new):
    assert sides(segments(old, new)) == (old, new)
    if old == new:
        assert segments(old, new) == [("same", old)]


@pytest.mark.timeout(60)
def test_lines_made_to_be_slow_are_all_there():
    html = lines_changed("a\nb\n" * 2000, "b\na\n" * 2000)
    assert html.count("<ins") == html.count("<del") > 0
    assert "3998 unchanged lines" in lines_changed("a\n" * 3998, "a\n" * 3998)


def test_where_looking_closer_would_take_too_long_the_whole_middle_is_another():
    old, new = ["x", *("ab" * MOST_PARTS), "y"], ["x", *("ba" * MOST_PARTS), "z", "y"]
    assert compared(old, new) is None
    assert replaced(old, new) == [
        ("equal", 0, 1, 0, 1), ("replace", 1, len(old) - 1, 1, len(new) - 1),
        ("equal", len(old) - 1, len(old), len(new) - 1, len(new)),
    ]  # fmt: skip


def test_what_a_person_changed_in_a_long_letter_is_still_marked_by_the_word():
    letter = [f"word{n} " for n in range(20_000)]
    changed = [*letter]
    changed[10_000] = "another "
    found = segments("".join(letter), "".join(changed))
    assert [part for part in found if part[0] != "same"] == [("removed", "word10000"), ("added", "another")]


@pytest.mark.parametrize("seed", range(200))
def test_every_word_and_line_of_both_sides_can_be_read(seed):
    made = random.Random(seed)
    old, new = ("".join(made.choices(["a", "b ", "c\n", " ", "d"], k=made.randrange(60))) for _ in range(2))
    assert sides(segments(old, new)) == (old, new)
    shown = unescape(
        re.sub(
            r'<span class="hidden-text">\w+ </span>|<span class="seen">no line end</span>', "", lines_changed(old, new)
        )
    )
    for sign, element, text in (("−", "del", old), ("+", "ins", new)):
        marked = re.findall(rf'<{element} class="whole"><i>{re.escape(sign)}</i> (.*?)</{element}>', shown, re.DOTALL)
        assert all(line in text.split("\n") for line in marked)
