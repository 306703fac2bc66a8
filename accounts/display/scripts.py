"""Which characters hide or imitate others (R-23). Pure tables and tests over single words; no HTML here."""

import re
import unicodedata

# Reordering, zero-width, tag and blank-looking characters. Controls and other format characters are found by category.
HIDDEN = frozenset(
    [
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE0F),
        *range(0xE0000, 0xE01F0),
        0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x2028, 0x2029, 0x2800, 0x3164, 0xFEFF, 0xFFA0,
    ]
)  # fmt: skip
# Cyrillic and Greek letters that are drawn like Latin ones.
LOOKALIKES = frozenset(
    map(
        chr,
        [
            0x0430, 0x0435, 0x043E, 0x0440, 0x0441, 0x0443, 0x0445, 0x0455, 0x0456, 0x0458, 0x04BB, 0x04CF, 0x0501,
            0x051B, 0x051D, 0x0410, 0x0412, 0x0415, 0x041A, 0x041C, 0x041D, 0x041E, 0x0420, 0x0421, 0x0422, 0x0425,
            0x0405, 0x0406, 0x0408, 0x0391, 0x0392, 0x0395, 0x0396, 0x0397, 0x0399, 0x039A, 0x039C, 0x039D, 0x039F,
            0x03A1, 0x03A4, 0x03A5, 0x03A7, 0x03BD, 0x03BF, 0x03C1, 0x03C5,
        ],
    )
)  # fmt: skip
ALPHABETS = frozenset(
    [
        "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "CHEROKEE", "COPTIC", "GEORGIAN", "DEVANAGARI",
        "THAI", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "MATHEMATICAL",
    ]
)  # fmt: skip
# East Asian text mixes these with Latin in ordinary words (UTS 39, highly restrictive).
EAST_ASIAN = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
STYLED = frozenset({"FULLWIDTH", "MATHEMATICAL"})
WORD = re.compile(r"(\w+)")


def is_hidden(character: str) -> bool:
    """Whether a character leaves no mark of its own, or moves others. Line breaks and tabs do not count."""
    if ord(character) in HIDDEN:
        return True
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cn", "Cs"} and character not in "\n\t"


def alphabets(word: str) -> set[str]:
    """The alphabets of a word's letters; digits, marks and symbols belong to none."""
    names = (unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha())
    return {name for name in names if name in ALPHABETS}


def imitates(word: str, *, beside_latin: bool) -> bool:
    """Whether a word may be mistaken for another: mixed alphabets, styled letters, or only look-alikes beside Latin."""
    if word.isascii():
        return False
    found = alphabets(word)
    if found & STYLED or (len(found) > 1 and not found <= EAST_ASIAN):
        return True
    letters = [letter for letter in word if letter.isalpha()]
    return beside_latin and bool(letters) and all(letter in LOOKALIKES for letter in letters)


def suspects(word: str) -> list[str]:
    """The letters to name beside an imitating word: those outside the Latin alphabet, each once."""
    return list(dict.fromkeys(letter for letter in word if letter.isalpha() and not _latin(letter)))


def _latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN ")
