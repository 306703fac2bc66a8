"""The verbs that need no database and no server: check, test, diff and eval."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from policies.catalog import ToolEntry, tools_in
from policies.commands.said import FAILED, LOOSENS, OK, UNTESTED, Said, Stop, read_document, read_text
from policies.engine.celtypes import type_problems
from policies.engine.decide import decide
from policies.engine.diff import Diff, compare
from policies.engine.document import Document, load, request_problems
from policies.engine.problems import PolicyError
from policies.engine.selftest import request_from, run_tests
from policies.engine.windows import instant
from policies.engine.yaml_source import placing
from traces.canonical import strict_loads

_NO_TESTS = "Nothing was tested: the document has no tests. Add some under tests."
_SIGNS = {"loosens": "+", "tightens": "−", "neutral": " "}
VERDICTS = {
    "tightens": "Only tightens.", "loosens": "Loosens.", "mixed": "Loosens and tightens.",
    "same": "Allows exactly the same.", "first": "First version.",
}  # fmt: skip


_NO_TOOLS = (
    "Its expressions were held against no tools: name a tool file with --tools, or a workspace with --workspace."
)


def check(path: Path, tool_files: Sequence[Path] = ()) -> Said:
    """Whether a document loads, and its expressions fit the tools of the files. Raises Stop or PolicyError."""
    source = read_text(path)
    document, tools = load(source), _tools_of(tool_files)
    problems = type_problems(document, tools, placing(source))
    if problems:
        raise PolicyError(problems)
    names = [str(file) for file in tool_files]
    data = {"file": str(path), "ok": True, "slug": document.slug, "digest": document.digest, "tools": names}
    held = f"Its expressions fit the tools of {', '.join(names)}." if names else _NO_TOOLS
    return Said(data, f"{path}: {document.slug} loads: {document.digest}\n{held}")


def _tools_of(files: Sequence[Path]) -> dict[str, ToolEntry]:
    found: dict[str, ToolEntry] = {}
    for file in files:
        try:
            found |= tools_in(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise Stop(f"{file} cannot be read: {error.strerror}.") from error
        except ValueError as error:  # What is no tool file, and what is no text.
            raise Stop(f"{file} is no tool file: {error}") from error
    return found


def self_test(path: Path, *, allow_empty: bool) -> Said:
    """The document's own tests; a document without any has shown nothing. Raises Stop or PolicyError."""
    results = run_tests(read_document(path))
    if not results:
        data = {"file": str(path), "ok": allow_empty, "passed": 0, "failed": []}
        return Said(data, f"{path}: {_NO_TESTS}", OK if allow_empty else UNTESTED)
    failed = [{"name": result.name, "failure": result.failure} for result in results if result.failure]
    passed = len(results) - len(failed)
    text = "\n".join([*(f"{f['name']}: {f['failure']}" for f in failed), f"{passed} passed, {len(failed)} failed"])
    data = {"file": str(path), "ok": not failed, "passed": passed, "failed": failed}
    return Said(data, text, FAILED if failed else OK)


def diff(old: Document, new: Document, *, fail_on_loosening: bool) -> Said:
    """What the second document changes of the first, and whether it loosens. `+` allows more, `−` allows less."""
    found = compare(old.plain, new.plain, {})
    loosens = any(change.effect == "loosens" for change in found.changes)
    data = {"verdict": found.verdict, "changes": [asdict(change) for change in found.changes]}
    return Said(data, "\n".join(_lines(found)), LOOSENS if loosens and fail_on_loosening else OK)


def _lines(found: Diff) -> Iterator[str]:
    for change in found.changes:
        yield f"{_SIGNS[change.effect]} {change.label}"
    yield VERDICTS[found.verdict]


def evaluate(document: Document, lines: Iterable[bytes]) -> Iterator[tuple[bool, str]]:
    """A decision for every request, as `(fine, JSON)`: a line that is no request gives its number and what is wrong."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            given = request_from(_request(line))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            yield False, json.dumps({"line": number, "error": _sentence(error)})
        else:
            yield True, json.dumps(decide(document, given).to_json(), default=str)


def _request(line: bytes) -> Mapping[str, Any]:
    """One line as a request. Raises ValueError: what is read leniently here would be decided otherwise than it is live."""
    try:
        value = strict_loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("This line is not UTF-8. Write it as UTF-8.") from error
    for problem in request_problems(value):
        raise ValueError(f"{problem.path or 'request'}: {problem.message}")
    try:
        instant(value.get("at", "2026-01-01T00:00Z"))
    except ValueError as error:
        raise ValueError(f"at: This is no time: {error}. Write UTC as 2026-11-21T08:00Z.") from error
    return value  # type: ignore[no-any-return] # The schema says it is an object.


def _sentence(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".") + "."
