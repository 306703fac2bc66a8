"""What tests of MCP servers share."""

import pytest

from tests.upstreams.server import upstream


@pytest.fixture
def server():
    """A server of today's era that lists what an honest one would."""
    with upstream() as found:
        yield found
