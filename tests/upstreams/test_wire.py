"""What is written out of the protocol's own package, and what a process that acts does not load."""

import subprocess
import sys

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

from actions.connectors.mcp import wire
from tests.browser.conftest import ROOT

LOADED = "import django, sys; django.setup(); print(*sorted({'mcp_types', 'prompt_toolkit'} & set(sys.modules)))"


def test_the_revisions_written_out_are_those_of_the_package():
    assert (wire.HANDSHAKE, wire.MODERN) == (HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION)


def test_a_process_that_acts_loads_neither_models_of_the_protocol_nor_a_terminal():
    told = subprocess.check_output([sys.executable, "-c", LOADED], cwd=ROOT, text=True)
    assert told.split() == []
