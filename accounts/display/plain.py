"""Texts that others wrote, for places without markup: mail, chat, JSON. The same marks as on pages (R-23)."""

from accounts.display.scripts import WORD, alphabets, imitates, is_hidden, suspects


def plain(text: str, most: int = 400) -> str:
    """One line: hidden characters as code points, imitating words named, what is over `most` characters counted."""
    beside_latin = "LATIN" in alphabets(text)
    marked = "".join(_word(word, beside_latin) for word in WORD.split(text))
    shown = " ".join(marked.split())
    return shown if len(shown) <= most else f"{shown[:most]}… ({len(shown) - most} more characters)"


def _word(word: str, beside_latin: bool) -> str:
    shown = "".join(f"[U+{ord(letter):04X}]" if is_hidden(letter) else letter for letter in word)
    if not imitates(word, beside_latin=beside_latin):
        return shown
    points = " ".join(f"{letter} U+{ord(letter):04X}" for letter in suspects(word))
    return f"{shown} [look-alike {points}]"
