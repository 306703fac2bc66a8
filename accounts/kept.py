"""A form that was sent after its session had ended, or before a step-up: kept meanwhile, so that nothing typed is lost.

Only what passed the CSRF check comes here, or what a browser says our own page sent. It is sent again by the person, never by
itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from accounts.clock import database_now

KEY = "kept_form"
KEPT_FOR = timedelta(hours=1)
# The largest text a form takes is a whole policy document of 256 KiB; the rest is for what stands beside it.
MAX_CHARACTERS = 272 * 1024
# What a person allows stands on the page that asks, so that page is shown again instead.
_ASKED_ANEW = "/oauth/"
_NEVER_KEPT = ("csrfmiddlewaretoken", "password", "secret", "token")
SESSION_ENDED = "The session had ended when you sent it"
OUT_OF_DATE = "You had signed in again since its page was drawn"
STEP_UP = "You had not proven who you are when you sent it"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a form was sent to, its fields in order, when, and why it waits."""

    path: str
    fields: tuple[tuple[str, str], ...]
    at: datetime
    why: str = SESSION_ENDED

    @property
    def data(self) -> dict[str, str]:
        """The last value of each field."""
        return dict(self.fields)

    @property
    def again(self) -> str:
        """Where the person goes on: a verdict and an emergency have a page of their own for the proof they lack."""
        decide = self.path.removesuffix("decide/").removesuffix("break-glass/")
        return f"{decide}confirm/" if self.why == STEP_UP and decide != self.path else reverse("accounts:resume")


def keep(request: HttpRequest, why: str) -> bool:
    """Keep the sent form in the session; one that is too long, holds a secret, or is a person's yes to an app is not kept."""
    if request.path.startswith(_ASKED_ANEW):
        return False
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name != _NEVER_KEPT[0]]
    small = sum(len(name) + _length(value) for name, value in fields) <= MAX_CHARACTERS
    harmless = not any(word in name.lower() for name, _ in fields for word in _NEVER_KEPT)
    if small and harmless:
        _store(request, request.get_full_path(), fields, why)
    return small and harmless


def _length(value: str) -> int:
    """Characters as people count them: browsers send every end of a line as two."""
    return len(value) - value.count("\r\n")


def keep_fields(request: HttpRequest, path: str, fields: Mapping[str, str], why: str) -> None:
    """Keep a form that was checked already, to be sent to `path`."""
    _store(request, path, list(fields.items()), why)


def _store(request: HttpRequest, path: str, fields: list[tuple[str, str]], why: str) -> None:
    at = database_now().isoformat()
    request.session[KEY] = {"path": path, "fields": fields, "at": at, "why": why}


def keep_form(request: HttpRequest) -> HttpResponse:
    """Keep the sent form and ask for a sign-in."""
    target = reverse("accounts:resume") if keep(request, SESSION_ENDED) else request.get_full_path()
    return lead_to(request, f"{reverse('accounts:sign_in')}?{urlencode({'next': target})}")


def lead_to(request: HttpRequest, address: str) -> HttpResponse:
    """The whole page goes there, also where only a part of it asked."""
    return HttpResponseClientRedirect(address) if getattr(request, "htmx", False) else redirect(address)


def kept_form(request: HttpRequest) -> Kept | None:
    """The form kept in this session, if it is not too old."""
    data: dict[str, Any] | None = request.session.get(KEY)
    if data is None:
        return None
    at = datetime.fromisoformat(data["at"])
    if database_now() - at > KEPT_FOR:
        forget(request)
        return None
    fields = tuple((name, value) for name, value in data["fields"])
    return Kept(data["path"], fields, at, data.get("why", SESSION_ENDED))


def forget(request: HttpRequest) -> None:
    """Drop the kept form."""
    request.session.pop(KEY, None)
