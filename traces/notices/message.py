"""One message as values: what every kind of channel renders in its own form. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class NotDelivered(Exception):
    """The message did not arrive, as far as we know. Tried again. The sentence holds no secret and nothing of the answer."""


class Undeliverable(NotDelivered):
    """Trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to say. `url` opens a page and decides nothing (R-25)."""

    event: str
    title: str
    facts: tuple[tuple[str, str], ...]
    url: str
    at: datetime
    due: datetime | None
    reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the same at every attempt. `settings_url` is where its reader changes what they are told."""

    id: str
    workspace: str
    items: tuple[Item, ...]
    urgent: bool
    settings_url: str

    @property
    def title(self) -> str:
        """The one title, or how many things there are."""
        if len(self.items) == 1:
            return self.items[0].title
        return f"{len(self.items)} notices from {self.workspace}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one message goes, with the channel's opened secrets. Hold it no longer than the attempt, which began at `at`."""

    at: datetime
    url: str = ""
    key: str = ""
    secrets: tuple[str, ...] = ()
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """One POST of JSON bytes."""

    url: str
    body: bytes
    headers: Mapping[str, str]
