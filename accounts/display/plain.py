"""Texts that others wrote, for places without markup: mail, chat, JSON. The same marks as on pages (R-23)."""

import re

from accounts.display.scripts import WORD, alphabets, imitates, is_hidden, suspects

# What mail and chat programs turn into a link by themselves: a scheme, www, and a host with a path behind it.
_LINK = re.compile(
    r"(?<=[a-z])://|(?<=www)\.|(?<=[a-z0-9-])\.(?=[a-z]{2,24}(?:[/?#]|:[0-9]))|(?<=mailto):|(?<=\btel):", re.IGNORECASE
)


def plain(text: str, most: int = 400) -> str:
    """One line: hidden characters as code points, imitating words named, links that no program opens, what is over `most`
    characters counted.
    """
    beside_latin = "LATIN" in alphabets(text)
    marked = "".join(_word(word, beside_latin) for word in WORD.split(text))
    shown = _LINK.sub(lambda found: f"[{found[0]}]", " ".join(marked.split()))
    return shown if len(shown) <= most else f"{shown[:most]}… ({len(shown) - most} more characters)"


def _word(word: str, beside_latin: bool) -> str:
    shown = "".join(f"[U+{ord(letter):04X}]" if is_hidden(letter) else letter for letter in word)
    if not imitates(word, beside_latin=beside_latin):
        return shown
    points = " ".join(f"{letter} U+{ord(letter):04X}" for letter in suspects(word))
    return f"{shown} [look-alike {points}]"


def disguised(text: str) -> list[str]:
    """What hides or imitates in a text, each character once, for where the text itself cannot be marked."""
    beside_latin = "LATIN" in alphabets(text)
    words = [word for word in WORD.split(text) if imitates(word, beside_latin=beside_latin)]
    hidden = [f"U+{ord(letter):04X}" for letter in text if is_hidden(letter)]
    return list(
        dict.fromkeys([*hidden, *(f"{letter} U+{ord(letter):04X}" for word in words for letter in suspects(word))])
    )


# Of empty lines in a row more than this many are counted instead.
MOST_EMPTY = 3


def plain_lines(text: str) -> list[str]:
    """A text for a terminal, whole and line by line: the same marks, tabs too, and no line that could pass for ours.

    Nothing is cut or folded but empty lines, which are counted. Every line begins with a bar.
    """
    beside_latin = "LATIN" in alphabets(text)
    shown: list[str] = []
    empty = 0
    for line in [*text.split("\n"), None]:
        if line == "":
            empty += 1
            continue
        if empty:
            shown += ["|"] * empty if empty <= MOST_EMPTY else [f"| ({empty} empty lines)"]
            empty = 0
        if line is not None:
            marked = "".join(_word(word, beside_latin) for word in WORD.split(line))
            shown.append("| " + marked.replace("\t", "[U+0009]"))
    return shown
