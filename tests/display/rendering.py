"""Renders a template as a signed-in page would be, without a database."""

from django.template.loader import render_to_string
from django.test import RequestFactory


def rendered(template: str, context: dict, query: str = "") -> str:
    request = RequestFactory().get(f"/{query}")
    request.htmx = False
    return render_to_string(template, context, request=request)
