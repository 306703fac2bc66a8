"""The real URLs, with an MCP endpoint whose door knows the fixtures too."""

import hmac

from django.conf import settings
from django.urls import path

from console.urls import urlpatterns as real
from gateway.mcp.toolbox import Toolbox
from gateway.mcp.view import agents_only, endpoint
from tests.conformance.fixture_tools import FixtureBox


def door(token: str) -> Toolbox:
    if hmac.compare_digest(token.encode(), settings.REMIT_FIXTURES_TOKEN.encode()):
        return FixtureBox()
    return agents_only(token)


urlpatterns = [path("mcp", endpoint(door)), *real]
