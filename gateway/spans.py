"""The span of one REST request, a child of its caller's where the caller says so (W3C Trace Context)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts import telemetry

Route = Callable[..., HttpResponse]


def of_request(route: Route) -> Route:
    """A route of the API inside its span. Names hold the pattern of the address, never what stood in it."""

    @wraps(route)
    def spanned(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        where = request.resolver_match.route if request.resolver_match else ""
        said = {"http.request.method": request.method or "", "http.route": f"/{where}"}
        span = telemetry.begin(
            f"{request.method} /{where}", parent=telemetry.caller_context(request.headers), kind=telemetry.SERVER,
            attributes=said,
        )  # fmt: skip
        with telemetry.current(span):
            answer = route(request, *args, **named)
            telemetry.note({"http.response.status_code": answer.status_code})
            if answer.status_code >= 500:
                telemetry.failed(span, str(answer.status_code))
            return answer

    return spanned
