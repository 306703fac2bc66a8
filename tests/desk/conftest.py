"""The desk over plain HTTP, with its seed records fresh."""

import httpx
import pytest


@pytest.fixture
def http(desk):
    desk.reset()
    with httpx.Client(base_url=desk.base_url, trust_env=False, timeout=10) as opened:
        yield opened
