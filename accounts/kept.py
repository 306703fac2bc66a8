"""A form that was sent after its session had ended: kept over the sign-in, so that nothing typed is lost.

Only what passed the CSRF check comes here. It is sent again by the person, never by itself.
"""

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
MAX_CHARACTERS = 64 * 1024
_NEVER_KEPT = ("csrfmiddlewaretoken", "password", "secret", "token")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a form was sent to, its fields in order and when."""

    path: str
    fields: tuple[tuple[str, str], ...]
    at: datetime


def keep_form(request: HttpRequest) -> HttpResponse:
    """Keep the sent form in the session and ask for a sign-in; a form that is too long, or holds a secret, is not kept."""
    fields = [[name, value] for name, values in request.POST.lists() for value in values if name != _NEVER_KEPT[0]]
    small = sum(len(name) + len(value) for name, value in fields) <= MAX_CHARACTERS
    harmless = not any(word in name.lower() for name, _ in fields for word in _NEVER_KEPT)
    target = request.get_full_path()
    if small and harmless:
        request.session[KEY] = {"path": target, "fields": fields, "at": database_now().isoformat()}
        target = reverse("accounts:resume")
    address = f"{reverse('accounts:sign_in')}?{urlencode({'next': target})}"
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
    return Kept(data["path"], tuple((name, value) for name, value in data["fields"]), at)


def forget(request: HttpRequest) -> None:
    """Drop the kept form."""
    request.session.pop(KEY, None)
