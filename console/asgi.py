"""ASGI entry point: `uvicorn console.asgi:application`."""

import os
import warnings

from django.core.asgi import get_asgi_application

from console import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
# A call asks too many statements to pay for a connection of its own, and its plans, each time.
os.environ.setdefault("REMIT_DB_POOL", "32")

# WhiteNoise gives files as plain iterators, which Django reads at once and warns of: a style sheet is small.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")

application = get_asgi_application()
telemetry.begin()
