"""The real settings with one more door: a token of their own opens the fixture tools, and only here."""

from console import env
from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.conformance.urls"
REMIT_FIXTURES_TOKEN = env.text("REMIT_FIXTURES_TOKEN")
