"""Messages between a replay and its helpers: eight bytes of length, then JSON."""

from typing import Any, BinaryIO

import orjson

LENGTH = 8


def send(out: BinaryIO, message: Any) -> None:
    """Write one message. Raises OSError when nobody reads any more."""
    body = orjson.dumps(message)
    out.write(len(body).to_bytes(LENGTH, "big") + body)
    out.flush()


def receive(source: BinaryIO) -> Any:
    """The next message. Raises EOFError when there is none, or only a part of one."""
    size = int.from_bytes(_exactly(source, LENGTH), "big")
    return orjson.loads(_exactly(source, size))


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError("The other process ended.")
    return found
