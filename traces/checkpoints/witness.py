"""Witnesses: where checkpoints go outside this database, so that nobody can cut both (docs/ledger.md).

`file:` and `git:` witnesses keep checkpoints and are asked before the next is signed; a webhook is only told.
"""

import errno
import logging
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from accounts.egress import Egress, EgressRefused
from traces.checkpoints.errors import LedgerBroken
from verify.remit_verify import Bad, Checkpoint, checkpoint_of, read_notes

TIMEOUT_S = 10.0
# A lock in a git repository that nobody wrote for so long belongs to a git that died: ours run TIMEOUT_S at most.
STALE_S = 60.0
logger = logging.getLogger("remit.ledger")


class WitnessFailed(Exception):
    """A witness could not be told. It is told again at the next round."""


class Witness(Protocol):
    """Something outside the database that is told of checkpoints."""

    @property
    def name(self) -> str: ...

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Hand over signed notes in order. Raises WitnessFailed."""


@dataclass(frozen=True)
class Folder:
    """One file a log and day, and the latest checkpoint beside them. Each file is an anchor for the verifier."""

    path: Path

    @property
    def name(self) -> str:
        return f"file:{self.path}"

    def _home(self, origin: str) -> Path:
        return self.path.joinpath(*origin.split("/"))

    def latest(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint kept here. Raises LedgerBroken for one that cannot be read: it may hide a cut."""
        file = self._home(origin) / "latest.txt"
        try:
            return checkpoint_of(read_notes(file.read_text(encoding="utf-8"), str(file))[0])
        except FileNotFoundError:
            return None
        except (Bad, OSError, UnicodeError) as error:
            raise LedgerBroken(f"{file} is not a checkpoint any more: {error}") from error

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Append, then move the latest. Raises WitnessFailed."""
        home = self._home(origin)
        try:
            home.mkdir(parents=True, exist_ok=True)
            for note in notes:
                day = checkpoint_of(read_notes(note, origin)[0]).time[:10]
                _append(home / f"{day}.txt", note)
            _replace(home / "latest.txt", notes[-1])
        except OSError as error:
            raise WitnessFailed(f"{self.name} cannot be written: {error.strerror}.") from error


def _append(file: Path, note: str) -> None:
    """The whole note or nothing of it: half a note would make the file an anchor that no ledger fits.

    Held by tests/traces/test_witness.py.
    """
    with file.open("ab", buffering=0) as out:
        before = out.tell()
        text = (f"\n{note}" if before else note).encode("utf-8")
        try:
            if out.write(text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(out.fileno())
        except OSError:
            out.truncate(before)
            raise


def _replace(file: Path, note: str) -> None:
    fresh = file.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)
        _append(fresh, note)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class Repository(Folder):
    """The same files, committed in a git repository each time."""

    @property
    def name(self) -> str:
        return f"git:{self.path}"

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Write the files and commit them. Raises WitnessFailed.

        A git that was killed leaves its locks behind, and every later one refuses to go on for them, for ever.
        """
        super().tell(origin, notes)
        try:
            self._commit(origin)
        except WitnessFailed:
            if not self._unlocked():
                raise
            self._commit(origin)

    def _commit(self, origin: str) -> None:
        if not all((self.path / ".git" / part).exists() for part in ("HEAD", "objects", "refs")):
            self._git("init", "--quiet")  # Also where one was killed half way: it only adds what is missing.
        self._git("add", "--all", "--", origin)
        if self._git("status", "--porcelain", "--", origin):
            self._git(
                "-c", "user.name=Remit", "-c", "user.email=remit@localhost", "-c", "commit.gpgsign=false", "commit",
                "--quiet", "--no-verify", "-m", f"Checkpoint of {origin}.", "--", origin,
            )  # fmt: skip

    def _unlocked(self) -> bool:
        """Whether a lock was there that is older than anything git may still be doing for us, and is gone now.

        Held by tests/traces/test_git_witness.py.
        """
        home = self.path / ".git"
        found = [*home.glob("*.lock"), *home.glob("refs/**/*.lock")]
        old = [lock for lock in found if _age_s(lock) > STALE_S]
        for lock in old:
            logger.warning("%s was left by a git that died; it is removed.", lock)
            lock.unlink(missing_ok=True)
        return bool(old)

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.path), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise WitnessFailed(f"{self.name}: git did not run: {error}") from error
        if done.returncode:
            raise WitnessFailed(f"{self.name}: {done.stderr.strip()[:200]}")
        return done.stdout


def _age_s(file: Path) -> float:
    """How long nobody wrote it, by the machine's clock, which wrote its time too; nothing for one that is gone meanwhile."""
    try:
        return abs(time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


@dataclass(frozen=True)
class Webhook:
    """POSTs each note as text, under the one rule of outgoing HTTP (R-32)."""

    url: str
    allow_private: bool

    @cached_property
    def name(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Raises WitnessFailed unless every note is answered with 2xx."""
        for note in notes:
            self._post(note)

    def _post(self, note: str) -> None:
        egress = Egress(allow_private=self.allow_private)
        try:
            with egress.client(self.url, timeout_s=TIMEOUT_S) as client:
                headers = {"Content-Type": "text/plain; charset=utf-8"}
                asked = client.build_request("POST", self.url, content=note.encode(), headers=headers)
                # The body of the answer is left unread: it says nothing that is needed, and it may have no end.
                status = client.send(asked, stream=True).status_code
        except EgressRefused as error:
            raise WitnessFailed(f"{error} REMIT_WITNESS_ALLOW_PRIVATE=1 allows private addresses.") from error
        except httpx.HTTPError as error:
            raise WitnessFailed(f"{self.name} was not reached: {type(error).__name__}.") from error
        if not 200 <= status < 300:
            raise WitnessFailed(f"{self.name} answered {status}.")


def witnesses() -> list[Witness]:
    """Those named in REMIT_WITNESS. Raises ValueError for a form that is not known."""
    return [_witness(text) for text in settings.REMIT_WITNESS]


def keepers() -> list[Folder]:
    """Those that keep checkpoints and can be asked."""
    return [witness for witness in witnesses() if isinstance(witness, Folder)]


def _witness(text: str) -> Witness:
    kind, _, rest = text.partition(":")
    if kind == "file" and rest:
        return Folder(Path(rest))
    if kind == "git" and rest:
        return Repository(Path(rest))
    if kind in {"http", "https"}:
        return Webhook(text, settings.REMIT_WITNESS_ALLOW_PRIVATE)
    raise ValueError(f"REMIT_WITNESS has {text!r}. Use file:/path, git:/path or https://host/path.")
