"""Writes a bundle as a folder or a .zip, signed as a whole by its manifest."""

import hashlib
import logging
import shutil
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from traces.bundles.parts import Part, entry_lines, notes, part_of, tree_rows, withheld_lines
from traces.checkpoints.errors import CheckpointFailed
from traces.checkpoints.keys import public_rows, sign_now
from traces.checkpoints.registry import deployment, latest, log_of, registry_log
from traces.checkpoints.take import checkpoint_registry, checkpoint_workspace
from traces.models import Checkpoint, Log
from verify.remit_verify import BUNDLE, plain

logger = logging.getLogger("remit.ledger")


class NothingToExport(ValueError):
    """The scope has no checkpoint, or a trace is not under one."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where the bundle is, the digest of its manifest, and why it may not verify (empty when it should)."""

    path: Path
    manifest: str
    warning: str


def write_workspace(out: Path, workspace_id: str, *, with_values: bool = False) -> Written:
    """Everything of one workspace. Raises CheckpointFailed without a signer, FileExistsError, NothingToExport."""
    point, warning = _point(log_of(workspace_id), lambda: checkpoint_workspace(workspace_id))
    part = part_of(log_of(workspace_id), point, None)
    return _write(out, f"workspace {workspace_id}", [part], with_values=with_values, warning=warning)


def write_traces(
    out: Path, workspace_id: str, traces: Collection[str], *, with_values: bool = False, since: Iterable[int] = ()
) -> Written:
    """Some traces of one workspace; other traces show only how often they grew. Raises as `write_workspace`."""
    log = log_of(workspace_id)
    point, warning = _point(log, lambda: checkpoint_workspace(workspace_id))
    part = part_of(log, point, traces, since)
    missing = sorted(set(traces) - {trace for trace, _ in part.heads()})
    if missing or not traces:
        raise NothingToExport(f"Trace {missing[0]} is under no checkpoint." if missing else "No trace was named.")
    return _write(out, f"traces {workspace_id}", [part], with_values=with_values, warning=warning)


def write_deployment(out: Path, *, with_values: bool = False) -> Written:
    """Every workspace and the registry. Raises as `write_workspace`."""
    parts, warnings = [], []
    for log in Log.objects.filter(workspace__isnull=False).order_by("workspace_id"):
        point, warning = _point(log, _sign_workspace(log))
        parts.append(part_of(log, point, None))
        warnings.append(warning)
    point, warning = _point(registry_log(), checkpoint_registry)
    registry = part_of(registry_log(), point, None)
    told = " ".join(filter(None, [*warnings, warning]))
    return _write(out, "deployment", parts, registry=registry, with_values=with_values, warning=told)


def _sign_workspace(log: Log) -> Callable[[], Checkpoint]:
    return lambda: checkpoint_workspace(str(log.workspace_id))


def _point(log: Log, take: Callable[[], Checkpoint]) -> tuple[Checkpoint, str]:
    """A checkpoint of now; of before, with a warning, when what is stored no longer fits: evidence must stay exportable."""
    try:
        return take(), ""
    except CheckpointFailed as error:
        last = latest(log)
        if last is None:
            raise NothingToExport(str(error)) from error
        return last, str(error)


def _write(
    out: Path, scope: str, parts: list[Part], *, with_values: bool, warning: str, registry: Part | None = None
) -> Written:
    folder = out.with_suffix("") if out.suffix == ".zip" else out
    folder.mkdir(parents=True, exist_ok=False)
    every = [*parts, registry] if registry else parts
    listed = [
        _file(folder, "entries.jsonl", (line for part in parts for line in entry_lines(part))),
        _file(folder, "tree.jsonl", (plain(row) for part in every for row in tree_rows(part))),
        _file(folder, "checkpoints.txt", _apart(note for part in every for note in notes(part)), end=""),
        _file(folder, "keys.json", [plain(public_rows())]),
    ]
    if with_values:
        listed.append(_file(folder, "withheld.jsonl", (line for part in parts for line in withheld_lines(part))))
    traces = sorted(trace for part in parts for trace in part.traces or ())
    note = manifest(BUNDLE, scope, traces, listed, withheld=with_values)
    (folder / "manifest.txt").write_text(note, encoding="utf-8")
    path = _zipped(folder, out) if out.suffix == ".zip" else folder
    return Written(path, hashlib.sha256(note.encode()).hexdigest(), warning)


def manifest(schema: str, scope: str, traces: list[str], files: list[str], *, withheld: bool = False) -> str:
    """The note that signs a bundle as a whole. Raises SignerMissing."""
    held = f"withheld {'included' if withheld else 'left out'}"
    more = [held, *(f"trace {trace}" for trace in traces), *sorted(files)]
    head = [f"{deployment()}/bundle", f"schema {schema}", f"scope {scope}"]
    return sign_now(lambda at: "\n".join([*head, f"exported {at}", *more]) + "\n")


def _file(folder: Path, name: str, lines: Iterable[str], end: str = "\n") -> str:
    """Write the lines; give the manifest's line for the file."""
    digest, size = hashlib.sha256(), 0
    with (folder / name).open("wb") as out:
        for line in lines:
            data = (line + end).encode("utf-8")
            out.write(data)
            digest.update(data)
            size += len(data)
    return f"file {name} {size} {digest.hexdigest()}"


def _apart(texts: Iterable[str]) -> Iterator[str]:
    for place, text in enumerate(texts):
        yield f"\n{text}" if place else text


def _zipped(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    shutil.rmtree(folder)
    return out
