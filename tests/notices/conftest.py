"""Sinks on loopback, the setting that lets notices reach them, and a channel made as an owner makes it."""

import pytest

from tests.notices.sinks import MailSink, http_sink
from traces.notices.models import Channel, Delivery
from traces.notices.project import project
from traces.notices.schedule import Schedule
from traces.notices.send import due, send
from traces.notices.services import Wanted, allow_host, save_channel


@pytest.fixture
def loopback(settings):
    """Development's explicit setting, without which nothing on this machine is reached."""
    settings.REMIT_NOTICES_ALLOW_PRIVATE = True


@pytest.fixture
def sink(loopback):
    with http_sink() as found:
        yield found


@pytest.fixture
def post_office(settings):
    found = MailSink()
    settings.REMIT_MAIL = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", found.port, 5
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield found
    found.close()


def channel(cast, sink, kind="webhook", events=("approval.requested",), hours=None, **more) -> tuple[Channel, str]:
    """A channel to a sink, made by the owner through the product's own services; with a webhook's signing secret."""
    actor, owner = cast.actor("dana"), cast.user("dana")
    allow_host(actor=actor, user=owner, workspace=cast.northwind, host="127.0.0.1")
    wanted = Wanted(
        kind=kind, name=more.pop("name", kind), events=tuple(events), schedule=hours or Schedule(), url=sink.url,
        key="routing-key-5f1e" if kind == "pagerduty" else "",
    )  # fmt: skip
    return save_channel(actor=actor, user=owner, workspace=cast.northwind, wanted=wanted)


def round_() -> list[Delivery]:
    """One round of the notices clock in this thread, each message tried once; gives them as they stand."""
    project()
    return [send(delivery_id) for delivery_id in due()]
