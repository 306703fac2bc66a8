"""Where what people do comes from: the request and the network address, known to whatever it changes.

Set by `accounts.middleware` for the time of one request; nothing at the shell or in a worker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The id that the person's answer carries in X-Request-ID, and the address their request came from."""

    request_id: str
    address: str


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


def current_origin() -> Origin | None:
    """Of the request being answered; None where nobody asked over the network."""
    return _current.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Until the end of the block, changes come from here."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)
