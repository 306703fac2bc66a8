"""The mail server that notices use, from one URL: `smtp://user:password@host:587?security=starttls`."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from console.env import SettingError, text

PORTS = {"starttls": 587, "tls": 465, "none": 25}
TIMEOUT_S = 10


def mail_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Django's mail settings. Without REMIT_MAIL_URL no mail is sent at all. Raises SettingError.

    A password needs an encrypted connection, unless the server is on this machine.
    """
    sender = environ.get("REMIT_MAIL_FROM", "Remit <remit@localhost>")
    domain = parseaddr(sender)[1].rpartition("@")[2]
    if not domain:
        raise SettingError(f"REMIT_MAIL_FROM is {sender!r}. Use a mail address, or a name with one in angle brackets.")
    url = text("REMIT_MAIL_URL", default="")
    base = {"REMIT_MAIL": bool(url), "REMIT_MAIL_DOMAIN": domain, "DEFAULT_FROM_EMAIL": sender}
    return {**base, **(_server(url) if url else {})}


def _server(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingError("REMIT_MAIL_URL is not a URL.") from error
    security = parts.query.removeprefix("security=") or "starttls"
    if parts.scheme != "smtp" or not host or security not in PORTS or parts.path not in {"", "/"}:
        raise SettingError("REMIT_MAIL_URL is not smtp://user:password@host:port?security=starttls, tls or none.")
    if parts.password and security == "none" and host not in {"127.0.0.1", "::1", "localhost"}:
        raise SettingError("REMIT_MAIL_URL sends a password without encryption. Use security=starttls or tls.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or PORTS[security],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": security == "starttls",
        "EMAIL_USE_SSL": security == "tls",
        "EMAIL_TIMEOUT": TIMEOUT_S,
    }
