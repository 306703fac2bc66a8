"""The shell: settings, root urls, ASGI entry, Celery app, home and search pages. Owns no models and no rules."""
