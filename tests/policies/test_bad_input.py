"""Documents that are no policy: each refused with line, path and remedy, in little time, whatever the bytes."""

import os
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.engine.yaml_source import MAX_BYTES

EXAMPLES = int(os.environ.get("REMIT_EXAMPLES", "60"))
HEAD = "policy: {slug: a, name: A}\nroles:\n  r:\n    tier: autonomous\n    tools: {a.b: {}}\n"
SUPPORT = (Path(__file__).parents[2] / "sample" / "world" / "support.policy.yaml").read_text()
LIMIT = "limits: [{id: l, when: {}, kind: count, per: agent, max: %s, window: 1h, over: deny}]\n"
MONEY = "kind: money, per: action, over: deny"
FREEZE = "freezes: [{id: f, when: {}, reason: Shut., %s}]\n"
TWO = "freezes:\n- {id: f, when: {}, reason: Shut., %s}\n- {id: g, when: {}, reason: Shut., %s}\n"
RULE = "invariants: [{id: i, when: {}, reason: No., require: '%s'}]\n"
ROLE = "policy: {slug: a, name: A}\nroles:\n  r:\n    tier: autonomous\n    tools: %s\n"

# Text, line, path, words of the message.
BAD = {
    "unknown section": (HEAD + "bogus: 1\n", 6, "bogus", "not known here. Use one of: breakers"),
    "unknown name deep inside": (HEAD + "limits: [{id: l, maxx: 1}]\n", 6, "limits.0.maxx", "Use one of: currency"),
    "empty name": (HEAD + '"": 1\n', 6, "", "An empty name"),
    "missing part": (HEAD + "limits: [{id: l}]\n", 6, "limits.0", "Add it."),
    "duplicate name": (HEAD + "roles: {}\n", 6, "roles", "stands twice"),
    "duplicate name, quoted": (ROLE % "{a.b: {}, 'a.b': {}}", 5, "roles.r.tools.a.b", "stands twice"),
    "duplicate rule": (HEAD + RULE[:12].strip() + " [{id: i, when: {}, reason: A., require: 'true'}, {id: i, when: {}, reason: B., require: 'true'}]\n", 6, "invariants.1.id", "used twice"),
    "anchor": (HEAD + "redact: &a {}\n", 6, "", "Anchors"),
    "alias": (HEAD + "redact: *a\n", 6, "", "Anchors"),
    "cycle": ("&a [*a]\n", 1, "", "Anchors"),
    "anchor on a name": (HEAD + "&a redact: {}\n", 6, "", "Anchors"),
    "tag": (HEAD + "redact: !!map {}\n", 6, "", "tags are not allowed"),
    "bare tag": (HEAD + "redact: ! {}\n", 6, "", "tags are not allowed"),
    "merge": (HEAD + "<<: {a: 1}\n", 6, "", "A name is plain text"),
    "name that is a list": (HEAD + "? [a]\n: 1\n", 6, "", "A name is plain text"),
    "two documents": (HEAD + "---\n" + HEAD, 6, "", "another document"),
    "tab": (HEAD + "redact:\n\tx: {}\n", 7, "", "Not YAML"),
    "unclosed": (HEAD + "redact: {\n", 7, "", "Not YAML"),
    "only a text": ("hello\n", 1, "", "This is a text. Write a record."),
    "nothing": ("# nothing\n", 1, "", "empty"),
    "too large": ("#" * (MAX_BYTES + 1), 1, "", "256 KiB"),
    "too large in bytes": ("é" * (MAX_BYTES // 2 + 1), 1, "", "256 KiB"),
    "mark of byte order inside": (HEAD + "\ufeffredact: {}\n", 6, "", "control character"),
    "control character": (HEAD + "redact: {}\x07\n", 6, "", "control character"),
    "half a character": (HEAD + "redact: {a: {b: '\ud800'}}\n", 6, "", "control character"),
    "escaped half": (HEAD + 'redact: {a: {b: "\\ud800"}}\n', 6, "redact.a.b", "control character"),
    "escaped zero": (HEAD + 'redact: {a: {b: "x\\0"}}\n', 6, "redact.a.b", "control character"),
    "text that turns around": (HEAD + 'redact: {a: {b: "\\u202e"}}\n', 6, "redact.a.b", "control character"),
    "control character in a name": (HEAD + 'redact: {"a\\u200b": {}}\n', 6, "redact", "control character"),
    "escape of no character": (HEAD + 'redact: {a: {b: "\\U00110000"}}\n', 6, "", "Write the character itself"),
    "yes": (HEAD + LIMIT % "yes", 6, "limits.0.max", "true or false"),
    "on": (HEAD.replace("autonomous", "on"), 4, "roles.r.tier", "Quote a text"),
    "True": (HEAD + LIMIT % "True", 6, "limits.0.max", "true or false"),
    "octal": (HEAD + LIMIT % "010", 6, "limits.0.max", "plain digits"),
    "new octal": (HEAD + LIMIT % "0o10", 6, "limits.0.max", "This is a text. Write a whole number."),
    "hexadecimal": (HEAD + LIMIT % "0x10", 6, "limits.0.max", "plain digits"),
    "binary": (HEAD + LIMIT % "0b10", 6, "limits.0.max", "plain digits"),
    "base sixty": (HEAD + LIMIT % "1:30", 6, "limits.0.max", "plain digits"),
    "base sixty time": (HEAD + FREEZE % "days: [mon], start: 12:00, end: '13:00'", 6, "freezes.0.start", "Quote a text"),
    "fraction": (HEAD + LIMIT % "10.0", 6, "limits.0.max", "whole number"),
    "exponent": (HEAD + LIMIT % "1.0e+3", 6, "limits.0.max", "whole number"),
    "infinity": (HEAD + LIMIT % ".inf", 6, "limits.0.max", ".inf"),
    "not a number": (HEAD + LIMIT % ".nan", 6, "limits.0.max", ".nan"),
    "huge number": (HEAD + LIMIT % ("9" * 5000), 6, "limits.0.max", "plain digits"),
    "number beyond 53 bits": (HEAD + LIMIT % "9007199254740992", 6, "limits.0.max", "plain digits"),
    "number beyond any limit": (HEAD + LIMIT % "9007199254740991", 6, "limits.0.max", "maximum"),
    "negative": (HEAD + LIMIT % "-1", 6, "limits.0.max", "minimum"),
    "truth for a number": (HEAD + LIMIT % "true", 6, "limits.0.max", "This is true or false. Write a whole number."),
    "nothing for a record": (HEAD + "redact: ~\n", 6, "redact", "This is nothing. Write a record."),
    "line break at the end of a name": (HEAD + LIMIT.replace("id: l", 'id: "l\\n"') % 1, 6, "limits.0.id", "is not a name"),
    "digits of another script": (HEAD + FREEZE % "from: ٢٠٢٦-01-01T00:00Z, until: 2026-01-02T00:00Z", 6, "freezes.0.from", "is not a time"),
    "name of a role": (HEAD.replace("  r:", "  Bad Role:"), 3, "roles.Bad Role", "is not a name"),
    "very long name": (HEAD.replace("  r:", "  " + "r" * 81 + ":"), 3, "roles." + "r" * 81, "80 at most"),
    "extremely long name": (HEAD + "redact: {? " + "x" * 100_000 + " : {}}\n", 6, "redact." + "x" * 100_000, "is not a name"),
    "field path": (ROLE % "{}" + "    fields: {a: {write: ['a..b']}}\n", 6, "roles.r.fields.a.write.0", "Join the names of a path by dots"),
    "field twice": (ROLE % "{}" + "    fields: {a: {write: [b, b]}}\n", 6, "roles.r.fields.a.write", "stands twice"),
    "no such tier": (HEAD.replace("autonomous", "yolo"), 4, "roles.r.tier", "read-only"),
    "no such route": (ROLE % "{a.b: {route: x}}", 5, "roles.r.tools.a.b.route", "Add it under routes"),
    "approval without a route": (ROLE % "{a.b: {mode: approval}}", 5, "roles.r.tools.a.b.mode", "Name who decides"),
    "role that vanished": (HEAD + RULE.replace("when: {}", "when: {roles: [gone]}") % "true", 6, "invariants.0.when.roles.0", "Use one of: r."),
    "control that is not": (HEAD + "waivers:\n- id: w\n  control: write.undo\n  reason: R.\n  by: B\n  expires: 2026-01-01T00:00Z\n", 8, "waivers.0.control", "There is no control write.undo. Use one of: read.data_access_logging,"),
    "role of a waiver": (HEAD + "waivers: [{id: w, control: write.diffs, role: gone, reason: R., by: B, expires: 2026-01-01T00:00Z}]\n", 6, "waivers.0.role", "no role gone"),
    "role of a test": (HEAD + "tests: [{name: T, given: {role: gone, tool: {name: a, resource_type: a, effect_class: read, reversibility: reversible}}, expect: {effect: allow}}]\n", 6, "tests.0.given.role", "no role gone"),
    "route of a test": (HEAD + "tests: [{name: T, given: {role: r, tool: {name: a, resource_type: a, effect_class: read, reversibility: reversible}}, expect: {effect: allow, route: x}}]\n", 6, "tests.0.expect.route", "no route x"),
    "money without a currency": (HEAD + f"limits: [{{id: l, when: {{}}, max: 1, {MONEY}}}]\n", 6, "limits.0", "needs a currency"),
    "currency in words": (HEAD + f"limits: [{{id: l, when: {{}}, max: 1, {MONEY}, currency: dollars}}]\n", 6, "limits.0.currency", "ISO 4217"),
    "currency of a count": (HEAD + (LIMIT % 1).replace("max: 1", "max: 1, currency: USD"), 6, "limits.0", "Only a money limit"),
    "two currencies": (HEAD + f"limits:\n- {{id: l, when: {{tools: [a.b]}}, max: 1, {MONEY}, currency: USD}}\n- {{id: m, when: {{tools: [a.b]}}, max: 1, {MONEY}, currency: EUR}}\n", 8, "limits.1", "Use one currency"),
    "breaker on spend": (HEAD + "breakers: [{id: b, when: {}, on: spend, per: agent, max: 1, window: 1h}]\n", 6, "breakers.0", "names its currency"),
    "currency of a limit that is none": (HEAD + f"limits:\n- {{id: l, when: {{}}, max: 1, {MONEY}, currency: USX}}\n", 7, "limits.0.currency", "USX is no currency of ISO 4217. Write one"),
    "currency that was given up": (HEAD + f"limits:\n- {{id: l, when: {{}}, max: 1, {MONEY}, currency: HRK}}\n", 7, "limits.0.currency", "HRK is no currency"),
    "currency of a breaker that is none": (HEAD + "breakers: [{id: b, when: {}, on: spend, per: agent, max: 1, window: 1h, currency: ABC}]\n", 6, "breakers.0.currency", "ABC is no currency"),
    "same limit twice": (HEAD + "limits:\n" + "".join(f"- {{id: {name}, when: {{}}, kind: count, per: agent, max: 1, window: {window}, over: deny}}\n" for name, window in (("l", "1h"), ("m", "60min"))), 8, "limits.1", "Keep one of them"),
    "window of an action": (HEAD + (LIMIT % 1).replace("agent", "action"), 6, "limits.0", "has no window"),
    "no window": (HEAD + (LIMIT % 1).replace(", window: 1h", ""), 6, "limits.0", "needs one"),
    "duration": (HEAD + (LIMIT % 1).replace("1h", "1 hour"), 6, "limits.0.window", "15min"),
    "day that is not": (HEAD + FREEZE % "from: 2026-02-30T00:00Z, until: 2026-03-01T00:00Z", 6, "freezes.0", "Write UTC as"),
    "hour that is not": (HEAD + FREEZE % "from: 2026-02-20T25:00Z, until: 2026-03-01T00:00Z", 6, "freezes.0", "Write UTC as"),
    "time of a waiver": (HEAD + "waivers: [{id: w, control: write.diffs, reason: R., by: B, expires: 2025-02-29T00:00Z}]\n", 6, "waivers.0.expires", "Write UTC as"),
    "time without a zone": (HEAD + FREEZE % "from: 2026-02-20T00:00, until: 2026-03-01T00:00Z", 6, "freezes.0.from", "is not a time"),
    "time of day": (HEAD + FREEZE % "days: [mon], start: '24:00', end: '01:00'", 6, "freezes.0.start", "is not a time of day"),
    "freeze that ends first": (HEAD + FREEZE % "from: 2026-02-20T00:00Z, until: 2026-02-20T00:00Z", 6, "freezes.0", "Swap from and until"),
    "freeze of both kinds": (HEAD + FREEZE % "from: 2026-02-20T00:00Z, until: 2026-02-21T00:00Z, days: [mon], start: '01:00', end: '02:00'", 6, "freezes.0", "either from and until"),
    "overlapping freezes": (HEAD + TWO % ("from: 2026-02-20T00:00Z, until: 2026-02-22T00:00Z", "from: 2026-02-21T23:59Z, until: 2026-02-23T00:00Z"), 8, "freezes.1", "Join the two"),
    "overlapping nights": (HEAD + TWO % ("days: [sun], start: '22:00', end: '06:00'", "days: [mon], start: '05:59', end: '07:00'"), 8, "freezes.1", "Join the two"),
    "rule of both kinds": (HEAD + RULE.replace("}]", ", forbid: 'true'}]") % "true", 6, "invariants.0", "either require or forbid"),
    "escalation that is no list": (HEAD + "routes: {x: {steps: [{name: N, group: g}], escalation: {}}}\n", 6, "routes.x.escalation", "Write a list"),
    "no expression": (HEAD + RULE % "record.a ==", 6, "invariants.0.require", "not a CEL expression"),
    "name no expression knows": (HEAD + RULE % "intent == 1", 6, "invariants.0.require", "Use one of agent, args"),
    "function no expression has": (HEAD + RULE % "now() > 1", 6, "invariants.0.require", "Use one of all"),
    "macro without a list": (HEAD + RULE % "all(x, x > 1)", 6, "invariants.0.require", "is written list.all"),
    "macro of a path": (HEAD + RULE % "record.a.all(x.y, true)", 6, "invariants.0.require", "is written list.all"),
    "macros too deep": (HEAD + RULE % "record.a.all(x, x.a.all(y, y.a.all(z, z)))", 6, "invariants.0.require", "nested deeper than 2"),
    "expression too deep": (HEAD + RULE % ("!" * 60 + "true"), 6, "invariants.0.require", "nested deeper than 40"),
    "parentheses too deep": (HEAD + RULE % ("(" * 900 + "true" + ")" * 900), 6, "invariants.0.require", "not a CEL expression"),
    "expression too wide": (HEAD + RULE % ("[" + "1, " * 600 + "1] == []"), 6, "invariants.0.require", "more than 500 parts"),
    "expression that grows": (HEAD + RULE % "SUM.all(x, SUM.all(y, true))".replace("SUM", "(" + "+".join(["record.a"] * 20) + ")"), 6, "invariants.0.require", "joins too many"),
    "long expression": (HEAD + RULE % ("true || " * 300 + "true"), 6, "invariants.0.require", "longer than 2000 characters"),
    "message literal": (HEAD + RULE % "Foo{a: 1} == 1", 6, "invariants.0.require", "not allowed in a policy"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "path", "words"), BAD.values(), ids=BAD)
def test_bad_document(text: str, line: int, path: str, words: str):
    problems = refused(text)
    assert any((found.line, found.path) == (line, path) and words in found.message for found in problems), problems
    for problem in problems:
        assert problem.message.endswith(".") and problem.line >= 1 and problem.column >= 1


def refused(text: str):
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert str(caught.value)
    return caught.value.problems


def test_a_mark_of_byte_order_before_a_document_changes_nothing():
    assert load("\ufeff" + HEAD).digest == load(HEAD).digest == load(HEAD.replace("\n", "\r\n")).digest


def test_freezes_that_touch_do_not_overlap_nor_do_those_of_other_calls():
    touching = ("days: [sun], start: '22:00', end: '06:00'", "days: [mon], start: '06:00', end: '07:00'")
    assert len(load(HEAD + TWO % touching).freezes) == 2
    same = ("days: [sun], start: '22:00', end: '06:00'",) * 2
    assert len(load((HEAD + TWO % same).replace("when: {}", "when: {tools: [a.b]}", 1)).freezes) == 2
    assert load(HEAD + TWO % (same[0], "from: 2026-02-22T00:00Z, until: 2026-03-01T00:00Z"))


def many(section: str, item: str, count: int) -> str:
    return HEAD + section + ":\n" + "".join(item.replace("NR", str(number)) + "\n" for number in range(count))


# As large as a document may be; each within the seconds that a person waits.
LARGE = {
    "tools": HEAD.replace("{a.b: {}}", "{" + ", ".join(f"t{number}: {{}}" for number in range(10_000)) + "}"),
    "invariants": many("invariants", '- {id: iNR, when: {tools: [tNR]}, forbid: "fields.fNR > NR", reason: No.}', 3000),
    "limits": many(
        "limits", "- {id: iNR, when: {tools: [tNR]}, kind: count, per: agent, max: 1, window: 1h, over: deny}", 2500
    ),
}
LARGE_BAD = {
    "freezes over each other": many("freezes", "- {id: iNR, when: {}, days: [mon, tue, sun], start: '00:00', end: '00:00', reason: No.}", 2400),
    "fields of all kinds": ROLE % "{}" + f"    fields: {{a: {{write: [{', '.join(f'{n}, a{n}' for n in range(12_000))}, 1]}}}}\n",
    "deep list": "[" * 5000,
    "deep names": "? " * 5000 + "a",
    "deep records": "{a: " * 5000,
    "deep dashes": "- " * 100_000,
    "wrong names": many("limits", "- {NR: 1}", 8000),
}  # fmt: skip


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_document_loads_in_seconds(text: str):
    started = time.process_time()
    assert load(text).digest
    assert time.process_time() - started < 15


@pytest.mark.parametrize("text", LARGE_BAD.values(), ids=LARGE_BAD)
def test_a_large_bad_document_is_refused_in_seconds(text: str):
    started = time.process_time()
    assert refused(text)
    assert time.process_time() - started < 15


FLOODS = {
    "roles that vanished": HEAD.replace("  r:\n    tier: autonomous\n    tools: {a.b: {}}\n", "".join(f"  r{n}: {{tier: read-only, tools: {{}}}}\n" for n in range(3000)))
    + f"invariants: [{{id: i, reason: No., require: 'true', when: {{roles: [{', '.join(f'x{n}' for n in range(15_000))}]}}}}]\n",
    "wrong names": many("limits", "- {NR: 1}", 8000),
}  # fmt: skip


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_mistakes_is_told_in_a_page_not_in_megabytes(text: str):
    """Each of 15,000 wrong roles once named 3,000 right ones: 300 MB of sentences from a quarter of a megabyte."""
    problems = refused(text)
    assert len(problems) == 101 and re.search(r"^[\d,]+ more mistakes follow. Mend these first.$", problems[-1].message)
    assert sum(len(str(problem)) for problem in problems) < 100_000


few = settings(max_examples=EXAMPLES * 3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
signs = st.sampled_from(
    [*"{}[]:,-?&*!|>'\"%@`#~\n\t \\", "\r", "\u2028", "\x00", "\ud800", "\ufeff", "é", "<<", "---", "...", "0o7"]
)


def settle(text: str) -> None:
    """Either a document or a PolicyError that says where; nothing else, ever."""
    try:
        load(text)
    except PolicyError as error:
        assert error.problems and all(problem.message for problem in error.problems)


@few
@given(st.text(max_size=200) | st.lists(signs | st.text(max_size=3), max_size=60).map("".join))
def test_any_text_loads_or_is_refused(text: str):
    settle(text)


@few
@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused(data: bytes):
    settle(data.decode("latin-1"))
    settle(data.decode("utf-8", "surrogateescape"))


@few
@given(st.integers(), st.lists(signs | st.text(max_size=5), min_size=1, max_size=4))
def test_a_damaged_document_loads_or_is_refused(seed: int, junk: list[str]):
    pick, text = random.Random(seed), SUPPORT
    for part in junk:
        at = pick.randrange(len(text))
        text = text[:at] + part + text[at + pick.choice((0, 0, 1, 1, 40)) :]
    settle(text)


@few
@given(st.integers())
def test_a_document_with_its_lines_mixed_loads_or_is_refused(seed: int):
    pick, lines = random.Random(seed), SUPPORT.splitlines()
    at, to = pick.randrange(len(lines)), pick.randrange(len(lines))
    lines[at : at + pick.randint(0, 2)], lines[to:to] = (
        [lines[to]] * pick.randint(0, 2),
        [" " * pick.randint(0, 3) + lines[at]],
    )
    settle("\n".join(lines))
