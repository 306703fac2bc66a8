"""The shell: settings, root urls, ASGI entry, Celery app, home and search pages. Owns no models and no rules."""

from console.celery import app as celery_app

__all__ = ["celery_app"]
