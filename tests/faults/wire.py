"""`python -m tests.faults.wire LISTEN UPSTREAM HOW AT`: stands between the application and PostgreSQL and harms it once.

HOW is `never`; `before`, statement AT never arrives; `after`, it was executed and its answer never arrives; `commit`, the
same for commit AT; or `read_only`, the session may only read from statement AT on. It prints what passed on SIGTERM.
UPSTREAM is host:port, or the path of a Unix socket. Both ends speak the plain protocol: version 3, no TLS.
"""

import asyncio
import contextlib
import signal
import struct
import sys
from asyncio import StreamReader, StreamWriter

READ_ONLY = b"SET default_transaction_read_only = on\x00"


class Plan:
    """What is harmed, and what passed so far, over all connections."""

    def __init__(self, upstream: str, how: str, at: int) -> None:
        self.upstream, self.how, self.at = upstream, how, at
        self.statements = self.commits = 0
        self.done = False

    def count(self, text: str) -> str:
        """Counts one statement; what to do with it: `pass`, `drop` or `swallow` its answer."""
        self.statements += 1
        committed = text.strip().upper() == "COMMIT"
        self.commits += committed
        if self.done or self.how in {"never", "read_only"}:
            return "pass"
        number = self.commits if self.how == "commit" else self.statements
        if number != self.at or (self.how == "commit" and not committed):
            return "pass"
        self.done = True
        return "drop" if self.how == "before" else "swallow"

    @property
    def turns_read_only(self) -> bool:
        return self.how == "read_only" and not self.done and self.statements >= self.at


class Link:
    """One client's connection."""

    def __init__(self, plan: Plan, client: StreamWriter, server: StreamWriter) -> None:
        self.plan, self.client, self.server = plan, client, server
        self.swallow = False  # Until the server is ready again; then both ends are cut.
        self.hidden = 0  # Answers to statements of our own, which the client must not see.
        self.idle = True
        self.texts: dict[bytes, bytes] = {}  # Of the statements that were prepared, by name.

    def cut(self) -> None:
        for end in (self.client, self.server):
            end.transport.abort()

    def from_client(self, kind: bytes, message: bytes) -> None:
        body = message[5:]
        text = self.executed(kind, body)
        if text is not None:
            what = self.plan.count(text)
            if what == "drop":
                return self.cut()
            self.swallow = what == "swallow"
            if self.idle and self.plan.turns_read_only:
                self.plan.done, self.hidden = True, self.hidden + 1
                self.server.write(b"Q" + struct.pack("!I", 4 + len(READ_ONLY)) + READ_ONLY)
        self.idle = False
        return self.server.write(message)

    def executed(self, kind: bytes, body: bytes) -> str | None:
        """The statement that this message has executed: a query, or the binding of one that was parsed, maybe long ago."""
        if kind == b"P":
            name, text, _ = body.split(b"\x00", 2)
            self.texts[name] = text
        if kind == b"Q":
            return body.split(b"\x00", 1)[0].decode()
        return self.texts[body.split(b"\x00", 2)[1]].decode() if kind == b"B" else None

    def from_server(self, kind: bytes, message: bytes) -> None:
        ready = kind == b"Z"
        if self.hidden:
            self.hidden -= ready
        elif self.swallow:
            if ready:
                self.cut()
        else:
            self.idle = ready and message[5:6] == b"I"
            self.client.write(message)


async def _messages(reader: StreamReader, take) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readexactly(5)
            size = struct.unpack("!I", head[1:])[0]
            take(head[:1], head + await reader.readexactly(size - 4))


async def _serve(plan: Plan, reader: StreamReader, writer: StreamWriter) -> None:
    host, _, port = plan.upstream.rpartition(":")
    opened = (
        asyncio.open_unix_connection(plan.upstream) if plan.upstream[0] == "/" else asyncio.open_connection(host, port)
    )
    up_reader, up_writer = await opened
    link = Link(plan, writer, up_writer)
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        size = await reader.readexactly(4)
        up_writer.write(size + await reader.readexactly(struct.unpack("!I", size)[0] - 4))
        both = [_messages(reader, link.from_client), _messages(up_reader, link.from_server)]
        await asyncio.wait([asyncio.create_task(one) for one in both], return_when=asyncio.FIRST_COMPLETED)
    link.cut()


async def main(listen: int, plan: Plan) -> None:
    """Serve until SIGTERM."""
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    server = await asyncio.start_server(lambda r, w: _serve(plan, r, w), "127.0.0.1", listen)
    async with server:
        print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
        await end.wait()
    print(f"{plan.statements} {plan.commits} {int(plan.done)}", flush=True)  # noqa: T201 - what passed


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main(int(sys.argv[1]), Plan(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
