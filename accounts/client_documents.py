"""Clients that are named by an address (OAuth Client ID Metadata Document): the document there says how they prove themselves,
with which keys they sign, and where people who sign in for them are sent back to.

Off where REMIT_CIMD_HOSTS is empty. Only the address of a client that somebody registered is ever asked, and only while its
host is on that list; what stands there grants nothing, it only proves who asks.

INVARIANT: nobody can make Remit ask an address by naming it. Held by tests/gateway/test_client_documents.py.
"""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from accounts.consents.redirects import RedirectRefused, checked_redirect
from accounts.egress import Egress, EgressRefused

TIMEOUT_S = 5
MOST_BYTES = 16 * 1024
# A document is asked for once in this time, however many requests name its client. So long a key that was withdrawn counts.
KEPT_S = 60.0
# One that proved nobody is asked for again sooner: its maker mends it and tries.
REFUSED_KEPT_S = 10.0
PRIVATE = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})

# How a client proves itself: by its keys; or by nothing, so that only people who sign in for it get it anything (PKCE).
SIGNS, NONE = "private_key_jwt", "none"
LONGEST_NAME = 80

Keys = list[dict[str, Any]]
_kept: dict[str, tuple[float, "ClientDocument | DocumentRefused"]] = {}
# One for each registered client: of many requests at once one asks, and a slow host holds up its own client alone.
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class DocumentRefused(Exception):
    """The client cannot be known by its document. The sentence names no value of it."""


@dataclass(frozen=True, slots=True)
class ClientDocument:
    """What a client's document says of it. `name` is "" where it names none that can be shown; `keys` are of one that signs."""

    method: str
    name: str
    redirects: tuple[str, ...]
    keys: Keys


def checked_url(url: str) -> str:
    """The address, where a client may be named by it. Raises DocumentRefused."""
    try:
        _egress().check(url)
    except EgressRefused as error:
        raise DocumentRefused(f"{error} Hosts of client documents are listed in REMIT_CIMD_HOSTS.") from error
    parts = urlsplit(url)
    dots = any(segment in {".", ".."} for segment in parts.path.split("/"))
    if not parts.path.strip("/") or dots or parts.fragment or len(url) > 255:
        raise DocumentRefused("A client's address has a path, no fragment, no dot segments and at most 255 characters.")
    return url


def keys_of(url: str) -> Keys:
    """The public keys that the client at this address signs with now. Raises DocumentRefused."""
    found = document_of(url)
    if found.method != SIGNS:
        raise DocumentRefused("The document's token_endpoint_auth_method is not private_key_jwt.")
    return found.keys


def document_of(url: str) -> ClientDocument:
    """What the client at this address is now. Raises DocumentRefused."""
    checked_url(url)
    with _locks[url]:
        until, found = _kept.get(url, (0.0, None))
        if found is None or time.monotonic() >= until:
            found = _asked(url)
            _kept[url] = (time.monotonic() + (KEPT_S if isinstance(found, ClientDocument) else REFUSED_KEPT_S), found)
    if isinstance(found, DocumentRefused):
        raise found
    return found


def forget_documents() -> None:
    """Ask anew for the next client."""
    _kept.clear()


def _asked(url: str) -> "ClientDocument | DocumentRefused":
    try:
        return _read_document(url, _object(url))
    except DocumentRefused as refused:
        return refused


def _read_document(url: str, document: dict[str, Any]) -> ClientDocument:
    """The document is about this very address, and its client never proves itself by a shared secret."""
    if document.get("client_id") != url:
        raise DocumentRefused("The document is about another client than the address it stands at.")
    method = document.get("token_endpoint_auth_method")
    if method not in (SIGNS, NONE) or "client_secret" in document:
        raise DocumentRefused("The document's token_endpoint_auth_method is neither private_key_jwt nor none.")
    keys = _public(_document_keys(document)) if method == SIGNS else []
    return ClientDocument(method, _name(document.get("client_name")), _redirects(document.get("redirect_uris")), keys)


def _document_keys(document: dict[str, Any]) -> Any:
    inside, elsewhere = document.get("jwks"), document.get("jwks_uri")
    if (inside is None) == (elsewhere is None):
        raise DocumentRefused("The document has either jwks or jwks_uri.")
    if elsewhere is not None:
        inside = _object(checked_url(elsewhere) if isinstance(elsewhere, str) else "")
    return inside.get("keys") if isinstance(inside, dict) else None


def _name(told: Any) -> str:
    """Cut to what stands in one line."""
    return told.strip()[:LONGEST_NAME] if isinstance(told, str) and told.isprintable() else ""


def _redirects(told: Any) -> tuple[str, ...]:
    """Those that an answer may be sent to at all; a document may name others for other servers."""
    return tuple(uri for uri in told if isinstance(uri, str) and _may_be(uri)) if isinstance(told, list) else ()


def _may_be(uri: str) -> bool:
    try:
        return bool(checked_redirect(uri))
    except RedirectRefused:
        return False


def _public(keys: Any) -> Keys:
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise DocumentRefused("The document names no keys.")
    if any(PRIVATE.intersection(key) for key in keys):
        raise DocumentRefused("The document shows a private key. Replace the key everywhere.")
    return keys


def _egress() -> Egress:
    return Egress(allow_private=settings.REMIT_CIMD_ALLOW_PRIVATE, ports=[443], hosts=settings.REMIT_CIMD_HOSTS)


def _object(url: str) -> dict[str, Any]:
    """One GET without redirects, of a bounded JSON object (R-32). Raises DocumentRefused."""
    try:
        with _egress().client(url, timeout_s=TIMEOUT_S) as client, client.stream("GET", url) as answer:
            return _read(answer)
    except (EgressRefused, httpx.HTTPError) as error:
        raise DocumentRefused("The client's document could not be read.") from error


def _read(answer: httpx.Response) -> dict[str, Any]:
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if answer.status_code != 200 or not (kind == "application/json" or kind.endswith("+json")):
        raise DocumentRefused("The client's address does not answer with a JSON document.")
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise DocumentRefused("The client's document is too large.")
    try:
        found = json.loads(bytes(body), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DocumentRefused("The client's document is not JSON.") from error
    if not isinstance(found, dict):
        raise DocumentRefused("The client's document is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice two readers may take two values (R-31)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice.")
    return found
