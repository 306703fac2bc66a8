"""Values with parts: what differs looks different, nothing hides in them, and a change of one is read part by part (R-23)."""

import re
from html import unescape
from itertools import combinations

import pytest

from accounts.display.structure import as_words
from accounts.templatetags import remit as tags
from approvals.as_text import _row, _value

# Pairs of neighbours that a plain join, or Python's own words, would show alike or wrongly.
VALUES = [
    ["a@b.example, c@d.example"], ["a@b.example", "c@d.example"], [], [[]], {}, [1], ["1"], [True], ["true"], [None],
    ["null"], [""], [" "], {"a": 1}, {"a": "1"}, {"a": None}, {"a": {"b": 1}}, {"a": [{"b": 1}]},
    ["x\ny"], ["x", "y"], {"a": "b, c: d"}, {"a": "b", "c": "d"},
]  # fmt: skip


def text(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_no_two_values_with_parts_read_the_same():
    parts = [value for value in VALUES if not isinstance(value, str)]
    alike = [
        (one, other)
        for one, other in combinations(parts, 2)
        if text(tags.value(one)) == text(tags.value(other)) or as_words(one) == as_words(other)
    ]
    assert alike == []


def test_json_is_written_as_json_and_not_as_a_programming_language():
    assert text(tags.value({"b": None, "a": [True, 0.1, "x"]})) == '{"a": [true, 0.1, "x"], "b": null}'


@pytest.mark.parametrize(("old", "new"), [(5, "5"), ('{"a": 1}', {"a": 1}), (True, "true"), ([1], "[1]")])
def test_a_change_of_type_alone_is_seen(old, new):
    told = tags.diff_value("changed", old, new)
    before, after = re.findall(r"<(?:del|ins)>.*?</(?:del|ins)>", told)
    assert text(before).split("− ")[1] != text(after).split("+ ")[1]


def test_r23_nothing_hides_in_a_part_and_withheld_parts_are_chips():
    shown = tags.value({"to\u202e": ["p\u0430ypal", {"$withheld": "email"}, "<b>"]})
    assert "U+202E" in shown and "U+0430" in shown and 'class="redacted"' in shown and "&lt;b&gt;" in shown
    assert "$withheld" not in shown and "<b>" not in shown


def test_an_object_that_changes_is_read_line_by_line():
    old = {"city": "Bonn", "lines": ["a", "b"], "zip": "53111"}
    told = tags.diff_value("changed", old, {**old, "city": "Köln"})
    assert re.findall(r"<del.*?</del>", told)[0].count("Bonn") == 1 and "Köln" in told
    assert told.count("<del") == told.count("<ins") == 1, "what stays is not marked"


def test_an_object_with_withheld_parts_is_not_compared_by_what_is_withheld():
    kept = {"$withheld": "email", "commitment": "beef"}
    told = tags.diff_value("changed", {"to": kept, "n": 1}, {"to": kept, "n": 2})
    assert "beef" not in told and told.count('class="redacted"') == 2


def test_a_terminal_says_what_is_not_set_what_is_empty_and_what_the_agent_had_proposed():
    assert [list(_value("x", "now", one))[1].strip() for one in (None, "", "[not set]")] == [
        "[not set]", "[empty]", "| [not set]",
    ]  # fmt: skip
    lines = list(_row({"field": "amount", "kind": "changed", "old": 1, "new": 3, "agents": 2}))
    assert "  amount, the agent proposed:" in lines and "      | 2" in lines


def test_names_of_fields_are_marked_as_values_are():
    from tests.display.rendering import rendered

    row = {"field": "to\u202e", "kind": "added", "old": None, "new": "x"}
    assert "U+202E" in rendered("shared/_change_rows.html", {"rows": [row]})
