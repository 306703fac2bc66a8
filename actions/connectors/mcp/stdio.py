"""A server as a program: started for one attempt without a shell, with a clean environment, ended with all it started.

The program comes from the operator's list alone (`actions.execution.commands`); nothing an agent or a page says starts one
(A-05). It is bounded, in a folder of its own, and where an operator says so another user; what that does not keep from it is
said in docs/bring-your-own-tools.md.
"""

import contextlib
import json
import os
import pwd
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from actions.connectors.base import Command
from actions.connectors.mcp.wire import MODERN, Reply, TalkError, agreed, hello, object_of, reply_of, request
from actions.connectors.records.answers import MAX_ANSWER

# All that one attempt may say, its chatter included.
MAX_OUTPUT = 4 * MAX_ANSWER
PATH = "/usr/local/bin:/usr/bin:/bin"
LAUNCH = str(Path(__file__).with_name("launch.py"))
MIB = 1024 * 1024
# What one attempt of a program may use. Address space is not among them: Node reserves much and uses little of it.
LIMITS = {
    "RLIMIT_CORE": 0, "RLIMIT_CPU": 120, "RLIMIT_DATA": 4096 * MIB, "RLIMIT_FSIZE": 256 * MIB, "RLIMIT_NOFILE": 512,
}  # fmt: skip
# Counted over all processes of a user, so it says something only of a user of its own.
OWN_USER = {"RLIMIT_NPROC": 256}


class StdioTalk:
    """Implements `Talk` with a running program."""

    def __init__(self, process: "subprocess.Popen[bytes]", until: float, secrets: tuple[str, ...]) -> None:
        assert process.stdin is not None and process.stdout is not None  # Asked for where it was started.
        self._in, self._out, self._until, self._secrets = process.stdin, process.stdout, until, secrets
        self._buffer, self._read, self._last, self._modern = b"", 0, 0, False
        for pipe in (self._in, self._out):
            os.set_blocking(pipe.fileno(), False)

    def greet(self) -> None:
        """Agree on a version. Raises TalkError."""
        reply = self.ask("initialize", hello())
        if reply.code is not None and MODERN in reply.message:
            self._modern = True
            return
        agreed(reply)
        self._write(request(None, "notifications/initialized", {}, modern=False))

    def ready(self) -> None:
        """It was greeted when it was started."""

    def forget(self) -> None:
        """Nothing is remembered of a program that ends."""

    def ask(self, method: str, params: Mapping[str, Any]) -> Reply:
        """Send one request, once, and wait for its answer. Raises TalkError."""
        self._last += 1
        self._write(request(self._last, method, params, modern=self._modern))
        while True:
            message = object_of(self._line(), *self._secrets)
            if message is None:
                raise TalkError("The program said something unreadable.")
            reply = reply_of(message, self._last)
            if reply is not None:
                return reply
            self._answer_back(message)

    def _answer_back(self, message: Mapping[str, Any]) -> None:
        """A server may ask whether we live; anything else it may not ask, because we declared nothing."""
        ident = message.get("id")
        if "method" not in message or not isinstance(ident, str | int):
            return
        error = {"error": {"code": -32601, "message": "This client has no such method."}}
        told = {"result": {}} if message["method"] == "ping" else error
        self._write(orjson.dumps({"jsonrpc": "2.0", "id": ident, **told}))

    def _write(self, line: bytes) -> None:
        rest = memoryview(line + b"\n")
        try:
            while rest:
                self._wait(self._in, selectors.EVENT_WRITE)
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self._in.fileno(), rest) :]
        except BrokenPipeError as error:
            raise TalkError("The program ended.") from error

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._wait(self._out, selectors.EVENT_READ)
            chunk = os.read(self._out.fileno(), 65536)
            if not chunk:
                raise TalkError("The program ended before it answered.")
            self._read += len(chunk)
            self._buffer += chunk
            if len(self._buffer) > MAX_ANSWER or self._read > MAX_OUTPUT:
                raise TalkError("The program said more than fits.")
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _wait(self, pipe: IO[bytes], event: int) -> None:
        left = self._until - time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if left <= 0 or not selector.select(left):
                raise TalkError("The program did not answer in time.")


@contextmanager
def stdio_talk(command: Command, secret: str, *, timeout_s: float) -> Iterator[StdioTalk]:
    """A conversation of `timeout_s` seconds with a fresh process, which ends with it. Raises TalkError."""
    until = time.monotonic() + timeout_s
    if timeout_s <= 0:
        raise TalkError("There was no time left to start the program.", sent=False)
    with _own_folder(command) as folder, _running(command, secret, folder) as process:
        talk = StdioTalk(process, until, (secret,))
        try:
            talk.greet()
        except TalkError as error:
            raise TalkError(f"The program could not be talked to. {error}", sent=False) from error
        yield talk


@contextmanager
def _own_folder(command: Command) -> Iterator[str]:
    """A folder that only the program's user may open, gone with the attempt."""
    with tempfile.TemporaryDirectory(prefix="remit-mcp-", ignore_cleanup_errors=True) as folder:
        if command.user:
            uid, gid = _ids(command)
            os.chown(folder, uid, gid)
        yield folder


@contextmanager
def _running(command: Command, secret: str, folder: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = _started(command, secret, folder)
    try:
        yield process
    finally:
        _end(process)


def _ids(command: Command) -> tuple[int, int]:
    """The user and group of a program that has a user of its own. Raises TalkError."""
    try:
        found = pwd.getpwnam(command.user)
    except KeyError as error:
        raise TalkError(f"The program could not be started: there is no user {command.user}.", sent=False) from error
    if os.geteuid() != 0 and found.pw_uid != os.geteuid():
        told = f"only root can start a program as {command.user}"
        raise TalkError(f"The program could not be started: {told}.", sent=False)
    return found.pw_uid, found.pw_gid


def _taken_away(command: Command) -> str:
    """What `launch` takes from the program before it becomes it. Raises TalkError."""
    as_other = bool(command.user) and os.geteuid() == 0
    uid, gid = _ids(command) if command.user else (None, None)
    limits = LIMITS | (OWN_USER if as_other else {})
    return json.dumps({"uid": uid if as_other else None, "gid": gid, "limits": limits})


def _started(command: Command, secret: str, folder: str) -> "subprocess.Popen[bytes]":
    """Raises TalkError."""
    if not os.access(command.argv[0], os.X_OK):
        raise TalkError("The program could not be started: it is not there, or not a program.", sent=False)
    env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder, **command.env}
    if command.secret_env:
        env[command.secret_env] = secret
    try:
        return subprocess.Popen(  # noqa: S603 - the operator's exact arguments, no shell
            [sys.executable, "-I", "-S", LAUNCH, _taken_away(command), *command.argv], env=env, cwd=command.cwd or folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=True,
            start_new_session=True, umask=0o077, bufsize=0,
        )  # fmt: skip
    except OSError as error:
        raise TalkError(f"The program could not be started: {error.strerror}.", sent=False) from error


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole group at once: what the program started ends with it, asked or not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
