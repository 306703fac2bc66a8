"""The data folder: where things lie, one supervisor a folder, secrets made once and readable by their owner only."""

import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


class StartError(Exception):
    """Remit cannot start here. The message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the data folder, and the short run folder for sockets."""

    data: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def desk(self) -> Path:
        return self.data / "desk"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def run_file(self) -> Path:
        return self.data / "run.json"

    @property
    def sockets(self) -> Path:
        """A short path: a Unix socket path over 107 bytes fails, and a clone may lie deep."""
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"remit-{os.geteuid()}-{digest}"


def prepare(data: Path) -> Layout:
    """Make the folders. Raises StartError where the data folder cannot be written."""
    layout = Layout(data.absolute())
    try:
        for folder in (layout.data, layout.logs, layout.desk):
            folder.mkdir(parents=True, exist_ok=True)
        probe = layout.data / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"The data folder {data} cannot be written ({error.strerror}). Make it writable, or set REMIT_DATA_DIR."
        ) from error
    return layout


def lock(layout: Layout) -> IO[bytes]:
    """Hold the data folder for this process; the lock ends with it. Raises StartError when another one holds it."""
    file = (layout.data / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StartError(
            f"Another Remit already runs on {layout.data}. Stop it with Ctrl-C, or set REMIT_DATA_DIR to another folder."
        ) from error
    return file


def tell_run(layout: Layout, run: Mapping[str, Any]) -> None:
    """Say what runs here, for its owner only: addresses, pids, sign-ins. Whoever reads it finds all of it or nothing."""
    new = layout.run_file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(run, file, indent=2)
    new.replace(layout.run_file)


def secret(layout: Layout, name: str) -> str:
    """A random secret, made at the first start and kept in a file only its owner may read."""
    path = layout.data / f"{name}.secret"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    value = path.read_text().strip()
    if len(value) < 32:
        raise StartError(f"{path} is damaged. Restore it from a backup: connection secrets are sealed with it.")
    return value
