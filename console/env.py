"""Reads settings from the environment, strictly: an unknown boolean or a number out of range is an error (house rule)."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

TRUE = {"1", "true", "yes", "on"}
# An intent counts as written when it is on disk, whatever the server's default is (F-05; `console.durability` checks it).
# What is prepared is planned once, for any value; else PostgreSQL plans its first five uses on each connection, for theirs.
PLANS = "-c plan_cache_mode=force_generic_plan"
SESSION = f"-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on {PLANS}"
# Refused after so many seconds without a connection; each is made anew every minute, so that none outlives a failover for long.
POOL = {"timeout": 5.0, "max_lifetime": 60.0, "max_idle": 30.0, "reconnect_timeout": 3.0}
FALSE = {"0", "false", "no", "off", ""}
SCHEME = re.compile(r"[a-z][a-z0-9+.-]+")
BROWSERS_OWN = {
    "about", "blob", "chrome", "data", "file", "filesystem", "ftp", "http", "https", "intent", "javascript", "mailto", "sms",
    "tel", "vbscript", "view-source", "ws", "wss",
}  # fmt: skip


class SettingError(SystemExit):
    """A setting has a value that cannot be used. Exits with one sentence instead of a traceback."""


def text(name: str, default: str | None = None) -> str:
    """The variable `name`, or the content of the file named by `name_FILE` (so that secrets can be mounted)."""
    file_name = os.environ.get(f"{name}_FILE")
    if file_name:
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE names {file_name}, which cannot be read: {error.strerror}.") from error
    value = os.environ.get(name, default)
    if value is None:
        raise SettingError(
            f"{name} is not set. Set it; `make run` and, for commands, `make manage ARGS=…` set it by themselves."
        )
    return value


def flag(name: str, *, default: bool) -> bool:
    """A boolean variable. Raises SettingError for any other word."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise SettingError(f"{name} is {value!r}. Use 1 or 0.")


def number(name: str, *, default: int, minimum: int, maximum: int) -> int:
    """A whole number of seconds or items, inclusive bounds. Raises SettingError outside them."""
    value = os.environ.get(name, str(default))
    try:
        parsed = int(value)
    except ValueError as error:
        raise SettingError(f"{name} is {value!r}. Use a whole number from {minimum} to {maximum}.") from error
    if not minimum <= parsed <= maximum:
        raise SettingError(f"{name} is {parsed}. Use a whole number from {minimum} to {maximum}.")
    return parsed


def words(name: str, *, default: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def ports(name: str, *, default: str) -> list[int]:
    """A comma-separated list of TCP ports. Raises SettingError for anything else."""
    found = words(name, default=default)
    if not found or not all(word.isdecimal() and 1 <= int(word) <= 65535 for word in found):
        raise SettingError(f"{name} is {','.join(found)!r}. Use ports from 1 to 65535, separated by commas.")
    return [int(word) for word in found]


def schemes(name: str, *, default: str) -> list[str]:
    """A comma-separated list of schemes that open programs. Raises SettingError for what a browser itself takes up."""
    found = words(name, default=default)
    if not all(SCHEME.fullmatch(word) and word not in BROWSERS_OWN for word in found):
        raise SettingError(
            f"{name} is {','.join(found)!r}. Use schemes of programs such as cursor, separated by commas."
        )
    return found


def receiver(name: str) -> str:
    """An http or https address without credentials, or "". Raises SettingError."""
    value = text(name, default="").strip()
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment):
        raise SettingError(f"{name} is no address. Use https://HOST/v1/traces; credentials go into REMIT_OTLP_HEADERS.")
    return value


def headers(name: str) -> dict[str, str]:
    """Headers as `name=value`, separated by commas. Raises SettingError, which repeats no value."""
    found = {}
    for pair in filter(None, (part.strip() for part in text(name, default="").split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip() or not (key + value).isprintable():
            raise SettingError(f"{name} cannot be read. Use name=value, separated by commas.")
        found[key.strip()] = value.strip()
    return found


def database(url: str, *, kept: int = 0) -> dict[str, object]:
    """Django's database entry for a postgres:// URL. `?host=/run/folder` selects a Unix socket folder.

    `kept` is how many connections this process keeps open and shares among its requests at most; 0: each makes its own.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingError(f"DATABASE_URL starts with {parts.scheme!r}. Remit runs on PostgreSQL: use postgresql://…")
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(options.pop("host", "") or parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "remit",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": 0,  # Under ASGI each request has a thread of its own; kept connections would pile up.
        "CONN_HEALTH_CHECKS": bool(kept),
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "options": SESSION,
            **({"pool": POOL | {"min_size": min(4, kept), "max_size": kept}} if kept else {}),
            **options,
        },
    }
