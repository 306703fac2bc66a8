"""What every request of the token endpoints must be, and how they refuse: RFC 6749, sections 2.3, 3.2 and 5.2."""

from typing import Any, TypeVar

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request

from accounts.models import Agent, AgentClient

MOST_BYTES = 32_768
FORM = "application/x-www-form-urlencoded"
# They may be given more than once: for several addresses (RFC 8707, RFC 8693).
REPEATED = frozenset({"resource", "audience"})


class Refused(Exception):
    """An error answer. `error` is one of the registered codes; the description is plain ASCII without quotes."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(description)

    def answer(self) -> JsonResponse:
        """As section 5.2 has it."""
        body = {"error": self.error, "error_description": self.description}
        head = {"WWW-Authenticate": 'Basic realm="remit"'} if self.status == 401 else {}
        return private(JsonResponse(body, status=self.status, headers=head))


Answer = TypeVar("Answer", bound=HttpResponse)


def private(response: Answer) -> Answer:
    """An answer that nobody keeps (section 5.1)."""
    response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
    return response


def form_of(request: HttpRequest) -> QueryDict:
    """The form, each of its names once. Raises Refused."""
    if request.content_type != FORM:
        raise Refused("invalid_request", f"Send the form as {FORM}.")
    try:
        size, form = len(request.body), request.POST
    except SuspiciousOperation as error:  # Too many bytes, too many fields.
        raise Refused("invalid_request", "The form is too large.") from error
    if size > MOST_BYTES:
        raise Refused("invalid_request", f"The form is too large. Send at most {MOST_BYTES} bytes.")
    twice = [name for name, values in form.lists() if len(values) > 1 and name not in REPEATED]
    if twice:
        raise Refused("invalid_request", "A parameter is there more than once.")
    if any("\0" in text for name, values in form.lists() for text in (name, *values)):
        raise Refused("invalid_request", "A parameter holds U+0000.")
    return form


def client_of(request: HttpRequest, form: QueryDict, *, public: bool = False) -> AgentClient:
    """The agent's client that proves itself: by its secret, or by an assertion it signed. With `public`, one that has nothing to
    prove itself with is taken at its word, because what it shows was told to nobody else. Raises Refused."""
    ways = ("Authorization" in request.headers, "client_secret" in form, "client_assertion" in form)
    if sum(ways) > 1:
        raise Refused(
            "invalid_request", "Prove the client in one way: by the header, a secret in the form, or an assertion."
        )
    core: Any = OAuthLibMixin.get_oauthlib_core()
    asked = Request(request.path, "POST", form.urlencode(), core.extract_headers(request))
    validator = core.server.request_validator
    named = public and not any(ways) and not validator.client_authentication_required(asked)
    if not (
        validator.authenticate_client_id(asked.client_id, asked) if named else validator.authenticate_client(asked)
    ):
        raise Refused("invalid_client", "The client is not known, or it did not prove itself.", status=401)
    found = AgentClient.objects.select_related("agent__workspace", "application").filter(application=asked.client)
    client = found.first()
    if client is None or client.agent.state == Agent.State.DISABLED:
        raise Refused("unauthorized_client", "This client is of no agent that may ask now.")
    return client
