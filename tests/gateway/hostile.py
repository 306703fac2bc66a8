"""Documents that parsers disagree about, each made hostile in one known way, and controls that every parser reads alike."""

import json
import random
from collections.abc import Callable, Iterator

Made = tuple[str, bytes]
NAMES = ["amount", "to", "é", "a b", "x" * 40, "名", "\U0001f600", "__proto__", "", "0"]
SAFE = [
    0,
    1,
    -1,
    2**53 - 1,
    -(2**53 - 1),
    0.5,
    -12.25,
    1e-7,
    True,
    False,
    None,
    "",
    "text",
    "é名\U0001f600",
    'q"\\/\b\f\n\r\t',
]


def value(pick: random.Random, depth: int = 0):
    """A value within every bound."""
    kind = pick.random()
    if depth > 4 or kind < 0.6:
        return pick.choice(SAFE)
    if kind < 0.8:
        return [value(pick, depth + 1) for _ in range(pick.randrange(4))]
    return {name: value(pick, depth + 1) for name in pick.sample(NAMES, pick.randrange(4))}


def control(pick: random.Random) -> tuple[bytes, object]:
    """A sound document and its value, written with or without escapes and blanks."""
    made = {"arguments": value(pick), "more": value(pick)}
    text = json.dumps(made, ensure_ascii=pick.random() < 0.5, indent=pick.choice([None, 1]))
    return text.encode(), made


def _around(pick: random.Random, inner: str) -> str:
    """The same hazard at the top, in a list, in an object, beside sound values."""
    shape = pick.choice(["%s", "[%s]", '{"a": %s}', '{"a": [1, {"b": %s}], "c": true}', '[null, "x", %s, {"k": 1}]'])
    return shape % inner


def _name(pick: random.Random) -> str:
    return json.dumps(pick.choice([name for name in NAMES if name]))


def _escaped(quoted: str) -> str:
    """The same name written as escapes: another text, the same name."""
    units = json.loads(quoted).encode("utf-16-be")
    return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'


def _twice(pick: random.Random) -> bytes:
    name = _name(pick)
    second = pick.choice([name, _escaped(name)])
    return _around(pick, f'{{{name}: 1, "other": 2, {second}: 3}}').encode()


def _number(pick: random.Random) -> bytes:
    beyond = str(2**53 + pick.randrange(10**6))
    wrong = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e400",
        beyond,
        f"-{beyond}",
        f"{beyond}.0",
        "9" * 5000,
        "1e300",
    ]
    wrong += ["01", "+1", ".5", "1.", "0x10", "1_000", "--1", "1e", "nan", "True"]
    return _around(pick, pick.choice(wrong)).encode()


def _text(pick: random.Random) -> bytes:
    wrong = [
        '"\\ud800"',
        '"a\\udfffb"',
        '"\\udc00\\ud800"',
        '"\\u0000"',
        '"\\x41"',
        "'a'",
        '"a\nb"',
        '"\t"',
        '"\\u12"',
        '"open',
    ]
    return _around(pick, pick.choice(wrong)).encode()


def _bytes(pick: random.Random) -> bytes:
    sound = _around(pick, '"é"')
    wrong = [b"\xef\xbb\xbf" + sound.encode(), sound.encode("utf-16"), sound.encode("utf-32"), sound.encode("latin-1")]
    wrong += [
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"\x00" + sound.encode(),
        sound.encode() + b"\x00",
    ]
    return pick.choice(wrong)


def _shape(pick: random.Random) -> bytes:
    sound = _around(pick, "1")
    wrong = [sound + sound, sound + ",", sound[:-1] + ",]", "// a\n" + sound, "/**/" + sound, sound + "}", "{" + sound]
    wrong += [
        "",
        " ",
        '{"a" 1}',
        "{'a': 1}",
        "{a: 1}",
        '{1: "a"}',
        "[1 2]",
        "[,1]",
        '{"a": }',
        "\u00a0" + sound,
        "[" * 33 + "]" * 33,
    ]
    wrong += ['{"a":' * 40 + "1" + "}" * 40, "[" * 30_000, '{"a": "' + "a" * 66_000 + '"}']
    return pick.choice(wrong).encode()


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    "a name twice": _twice, "a number": _number, "a text": _text, "bytes": _bytes, "a shape": _shape,
}  # fmt: skip


def hostile(seed: int, many: int) -> Iterator[Made]:
    """`many` hostile documents with the hazard's kind, the same for the same seed."""
    pick = random.Random(seed)
    while many:
        kind = pick.choice(list(KINDS))
        made = KINDS[kind](pick)
        if kind != "a shape" or not _is_sound(made):
            many -= 1
            yield kind, made


def _is_sound(made: bytes) -> bool:
    """A shape that came out sound after all: `1` beside `1` is 11."""
    try:
        json.loads(made)
    except (ValueError, RecursionError):
        return False
    return len(made) < 60_000 and made.count(b"[") < 30 and made.count(b"{") < 30
