"""The design's template tags: closed vocabulary, escaped values, hidden characters made visible (R-23)."""

from datetime import UTC, datetime

import pytest

from accounts.templatetags import remit as tags


def test_unknown_status_and_mode_raise():
    with pytest.raises(tags.UnknownStatus):
        tags.status("splendid")
    with pytest.raises(tags.UnknownStatus):
        tags.tier("yolo")


@pytest.mark.parametrize("key", sorted(tags.STATUSES))
def test_every_status_has_word_icon_and_tone(key):
    html = tags.status(key)
    assert tags.STATUSES[key][2].replace("'", "&#x27;") in html and "<svg" in html and 'aria-hidden="true"' in html


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\U000e0041", "\x1b", "\x07"])
def test_r23_hidden_characters_are_shown_as_code_points(character):
    html = tags.visible_text(f"pay{character}ments")
    assert character not in html and f"U+{ord(character):04X}" in html


def test_values_are_escaped_and_kinds_named():
    assert "<script>" not in tags.value("<script>")
    withheld = tags.value({"$withheld": "card number", "commitment": "ab"})
    assert "card number" in withheld and "ab<" not in withheld
    assert "not set" in tags.value(None) and "empty" in tags.value("")


def test_diff_values_carry_sign_and_word():
    assert "removed" in tags.removed("a") and "- " in tags.removed("a")
    assert "added" in tags.added("a") and "+ " in tags.added("a")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.24, "0.2 s"), (59, "59 s"), (382, "6 min 22 s"), (7500, "2 h 5 min"), (None, "")]
)
def test_durations(seconds, text):
    assert tags.duration(seconds) == text


def test_times_name_their_zone():
    assert "UTC" in tags.when(datetime(2026, 11, 20, 10, 11, tzinfo=UTC))
