"""What a kept form would do, in people's words. The app whose form it is says so; this one knows no titles.

INVARIANT: the words come beside the form, never in its place: all that is sent stands on the page, and only a person sends it.
Held by tests/approvals/test_resume.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from accounts.access import NotVisible
from accounts.kept import Kept
from accounts.models import User

# Values that programs made for each other: digests and ids; and inputs that say what their page was drawn from.
_MACHINE = re.compile(r"(sha256:)?[0-9a-f]{32,}|[a-z]{3}_[0-9A-Z]{26}")
_CARRIED = frozenset({"revision", "was", "had"})


@dataclass(frozen=True, slots=True)
class Told:
    """A heading, and what was chosen or typed as `(label, value)`."""

    title: str
    lines: tuple[tuple[str, str], ...]


# Gets the person, the form and the parts of its address. Raises NotVisible where the person may not see what it is about.
Describer = Callable[..., Told]
_describers: dict[str, Describer] = {}


def describe_by(view_name: str, describer: Describer) -> None:
    """Called by an app when it starts, for one of its views."""
    _describers[view_name] = describer


def told(user: User, kept: Kept) -> Told:
    """The form in the words of its app; else its fields by their names, without what programs made for each other."""
    try:
        match = resolve(urlsplit(kept.path).path)
        describer = _describers.get(match.view_name)
        return describer(user, kept, **match.kwargs) if describer else _by_name(kept)
    except (Resolver404, NotVisible):
        return _by_name(kept)


def _by_name(kept: Kept) -> Told:
    typed = [(name, value) for name, value in kept.fields if name not in _CARRIED]
    found = [(_label(name), value) for name, value in typed if not _MACHINE.fullmatch(value)]
    return Told("What you typed", tuple(found))


def _label(name: str) -> str:
    return re.sub(r"[-_]+", " ", name).strip().capitalize()
