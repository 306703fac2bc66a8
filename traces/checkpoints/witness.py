"""Witnesses: where checkpoints go outside this database, so that nobody can cut both (docs/ledger.md).

`file:` and `git:` witnesses keep checkpoints and are asked before the next is signed; a webhook is only told.
"""

import ipaddress
import os
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from accounts.addresses import is_public
from traces.checkpoints.errors import LedgerBroken
from verify.remit_verify import Bad, Checkpoint, checkpoint_of, read_notes

TIMEOUT_S = 10.0


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
    with file.open("a", encoding="utf-8") as out:
        out.write(f"\n{note}" if out.tell() else note)
        out.flush()
        os.fsync(out.fileno())


def _replace(file: Path, note: str) -> None:
    fresh = file.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as out:
        out.write(note)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


@dataclass(frozen=True)
class Repository(Folder):
    """The same files, committed in a git repository each time."""

    @property
    def name(self) -> str:
        return f"git:{self.path}"

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Write the files and commit them. Raises WitnessFailed."""
        super().tell(origin, notes)
        if not (self.path / ".git").exists():
            self._git("init", "--quiet")
        self._git("add", "--all", "--", origin)
        if self._git("status", "--porcelain", "--", origin):
            self._git(
                "-c", "user.name=Remit", "-c", "user.email=remit@localhost", "-c", "commit.gpgsign=false", "commit",
                "--quiet", "--no-verify", "-m", f"Checkpoint of {origin}.", "--", origin,
            )  # fmt: skip

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.path), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise WitnessFailed(f"{self.name}: git did not run: {error}") from error
        if done.returncode:
            raise WitnessFailed(f"{self.name}: {done.stderr.strip()[:200]}")
        return done.stdout


@dataclass(frozen=True)
class Webhook:
    """POSTs each note as text. The name resolves once, every address is checked, and the checked one is used (R-32)."""

    url: str
    allow_private: bool

    @cached_property
    def name(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    def tell(self, origin: str, notes: Sequence[str]) -> None:
        """Raises WitnessFailed unless every note is answered with 2xx."""
        parts = urlsplit(self.url)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise WitnessFailed(f"{self.name} is not an http address.")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(parts.hostname, port)
        target = parts._replace(netloc=f"[{address}]:{port}" if ":" in address else f"{address}:{port}").geturl()
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            for note in notes:
                self._post(client, target, parts.netloc.rpartition("@")[2], parts.hostname, note)

    def _post(self, client: httpx.Client, target: str, host: str, name: str, note: str) -> None:
        try:
            answer = client.post(
                target, content=note.encode(), headers={"Host": host, "Content-Type": "text/plain; charset=utf-8"},
                extensions={"sni_hostname": name},
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise WitnessFailed(f"{self.name} was not reached: {type(error).__name__}.") from error
        if not answer.is_success:
            raise WitnessFailed(f"{self.name} answered {answer.status_code}.")

    def _address(self, host: str, port: int) -> str:
        try:
            found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError) as error:
            raise WitnessFailed(f"{host} does not resolve.") from error
        private = [address for address in found if not is_public(address)]
        if not self.allow_private and (private or urlsplit(self.url).scheme == "http"):
            raise WitnessFailed(f"{host} is not a public https address; REMIT_WITNESS_ALLOW_PRIVATE=1 allows it.")
        return str(ipaddress.ip_address(found[0].partition("%")[0]))


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
