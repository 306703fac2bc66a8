"""ASGI entry point: `uvicorn console.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from console import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
# A call asks too many statements to pay for a connection of its own, and its plans, each time.
os.environ.setdefault("REMIT_DB_POOL", "32")

application = get_asgi_application()
telemetry.begin()
