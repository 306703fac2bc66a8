"""The design's template tags: closed vocabulary, escaped values, sign and word beside every colour."""

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from django.utils.html import escape

from accounts.display.vocabulary import LEVELS, STATUSES, UnknownStatus
from accounts.templatetags import remit as tags

AT = datetime(2026, 11, 20, 10, 11, tzinfo=UTC)


def test_unknown_status_and_mode_raise():
    with pytest.raises(UnknownStatus, match="splendid"):
        tags.status("splendid")
    with pytest.raises(UnknownStatus, match="yolo"):
        tags.tier("yolo")


@pytest.mark.parametrize("key", sorted(STATUSES))
def test_every_status_has_word_icon_and_tone(key):
    html = tags.status(key)
    assert escape(STATUSES[key].word) in html and "<svg" in html and 'aria-hidden="true"' in html


def test_escalated_is_never_red():
    assert STATUSES["escalated"].tone == "warn"


@pytest.mark.parametrize(("mode", "level"), LEVELS.items())
def test_tier_fills_its_bars_and_says_the_word(mode, level):
    html = tags.tier(mode)
    assert html.count('class="on"') == level and html.count("<rect") == 4 and mode.capitalize() in html


def test_values_are_escaped_and_empty_ones_named():
    assert "<script>" not in tags.value("<script>") and "&lt;script&gt;" in tags.value("<script>")
    assert "not set" in tags.value(None) and "empty" in tags.value("")
    assert tags.value(True) == "true" and tags.value(["a", "<b>"]) == "a, &lt;b&gt;"


@pytest.mark.parametrize("part", ["a, b", "b}, {id: 2", "two\nlines", " "])
def test_r23_a_text_inside_a_list_or_an_object_passes_for_no_second_part(part):
    quoted = str(tags.value(json.dumps(part)))
    assert tags.value([part, "c"]) == f"[{quoted}, {escape(json.dumps('c'))}]"
    assert tags.value([{"note": part}]) == f"[{{{escape(json.dumps('note'))}: {quoted}}}]"


def test_withheld_value_shows_its_kind_and_nothing_of_itself():
    withheld = tags.value({"$withheld": "card number", "commitment": "c0ffee"})
    assert "card number" in withheld and "c0ffee" not in withheld and 'class="redacted"' in withheld


def test_withheld_values_are_counted_wherever_they_stand():
    calls = [
        {"sent": [("card", {"$withheld": "card number"}), ("amount", 1)], "received": [("to", {"$withheld": "email"})]}
    ]
    assert tags.withheld_count(calls) == 2


def test_diff_values_carry_sign_and_word():
    assert "removed" in tags.removed("a") and "−" in tags.removed("a")
    assert "added" in tags.added("a") and "+" in tags.added("a")


def test_denied_value_stays_beside_the_kept_one():
    html = tags.diff_value("kept_denied", "5,000.00", "5,000.00", "12,000.00")
    assert "5,000.00 kept" in html and "12,000.00 denied" in html and 'data-tone="bad"' in html


def test_every_kind_of_change_has_words_and_an_unknown_one_raises():
    assert "unchanged" in tags.diff_value("unchanged", "a", "a")
    assert "<del>" not in tags.diff_value("added", None, "a")
    assert "<del>" in tags.diff_value("changed", "a", "b") and "<ins>" in tags.diff_value("edited", "a", "b")
    with pytest.raises(LookupError, match="swapped"):
        tags.diff_value("swapped", "a", "b")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.036, "36 ms"), (0.24, "0.2 s"), (59, "59 s"), (382, "6 min 22 s"), (7500, "2 h 5 min"), (None, "")],
)
def test_durations(seconds, text):
    assert tags.duration(seconds) == text


@pytest.mark.parametrize(
    ("amount", "currency", "digits", "text"),
    [(24000, "USD", 2, "$240.00"), (5, "EUR", 2, "€0.05"), (123456789, "SEK", 2, "1,234,567.89 SEK"), (900, "JPY", 0, "900 JPY"),
     (-150, "USD", 2, "−$1.50")],
)  # fmt: skip
def test_money_is_exact_and_names_its_currency(amount, currency, digits, text):
    assert tags.money(amount, currency, digits) == text


@pytest.mark.parametrize("style", ["full", "short", "clock", "day"])
def test_times_name_their_zone(style):
    assert "UTC</time>" in tags.when(AT, style)


def test_times_without_a_zone_have_it_in_the_title():
    assert 'title="20 Nov 2026 10:11:00 UTC">10:11:00</time>' in tags.when(AT, "time")
    assert "Today" in tags.when(timezone.now(), "day") and tags.when(None) == ""


def test_short_id_keeps_the_whole_id_for_copying():
    html = tags.short_id("trc_01K7QZ4M8T2VQ5R8W3X6Y9Z0AB", 10)
    assert ">trc_01K7QZ…Z0AB<" in html and 'data-copy="trc_01K7QZ4M8T2VQ5R8W3X6Y9Z0AB"' in html
    assert tags.short_id("trc_1").count("trc_1") == 4 and "…" not in tags.short_id("trc_1")


def test_sparkline_says_in_words_what_it_draws():
    html = tags.sparkline([3, 4, 9], "Actions <a day>")
    assert "<title>Actions &lt;a day&gt;</title>" in html and "style" not in html and tags.sparkline([1], "x") == ""


def test_step_chip_names_the_step_and_is_absent_without_one():
    assert '<span class="hidden-text">step </span>3' in tags.step_chip(3) and tags.step_chip(None) == ""


def test_avatar_is_decoration():
    assert 'aria-hidden="true">PN<' in tags.avatar("Priya Nair")
