"""How a page of a running trace asks for what is new, in the console and by a link alike."""

from django.http import HttpRequest

from traces.models import Trace


def asks_again(request: HttpRequest, trace: Trace) -> bool:
    """Whether this is a poll by a page that has every entry; the answer is 204."""
    return request.headers.get("HX-Request") == "true" and request.GET.get("head") == str(trace.head_seq)


def kept(request: HttpRequest, head: int) -> str:
    """What stands in the URL, so that an update shows the same tab and the same open rows, and the head it has."""
    query = request.GET.copy()
    query["head"] = str(head)
    return query.urlencode()
