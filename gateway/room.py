"""A place for each request of an agent at the REST door, and the answer where there is none."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.room import Full, left, taken
from gateway import problems

__all__ = ["Full", "left", "of_request", "refused", "taken"]


def refused() -> JsonResponse:
    """The answer to Full."""
    return problems.unavailable("Remit is at work on as many calls as it has room for.")


def of_request(route: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A route of the API with a place of its own; 503 where there is none."""

    @wraps(route)
    def placed(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        try:
            with taken():
                return route(request, *args, **named)
        except Full:
            return refused()

    return placed
