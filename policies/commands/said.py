"""What a verb says: the same as data and as text, and the exit code. Reads policy files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.engine.document import Document, load
from policies.engine.problems import PolicyError, Problem
from policies.engine.yaml_source import MAX_BYTES, check_size

OK, FAILED, USAGE, LOOSENS, UNTESTED = 0, 1, 2, 3, 4


class Stop(Exception):
    """A verb that cannot go on: the command was used wrongly, or a file cannot be read."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a verb found."""

    data: Mapping[str, Any]
    text: str
    code: int = OK


def read_text(path: Path) -> str:
    """A policy file's text. Raises Stop when it cannot be read, PolicyError when it is not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # One more than may be: enough for the refusal to come from `load`.
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}.") from error
    check_size(data)
    return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise PolicyError((Problem(line, column, "", "This byte is not UTF-8. Save the file as UTF-8."),)) from error


def stopped(path: Path, error: Stop) -> Said:
    """Why a verb cannot go on, for whoever reads data."""
    return Said({"file": str(path), "ok": False, "error": str(error)}, str(error), USAGE)


def read_document(path: Path) -> Document:
    """A policy file, loaded. Raises Stop or PolicyError."""
    return load(read_text(path))


def problems(path: Path, error: PolicyError) -> Said:
    """Every mistake of a document, each with its place."""
    rows = [{"line": p.line, "column": p.column, "path": p.path, "message": p.message} for p in error.problems]
    text = "\n".join(f"{path}: {problem}" for problem in error.problems)
    return Said({"file": str(path), "ok": False, "problems": rows}, text, FAILED)
