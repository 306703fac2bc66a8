"""How an operation of a document wants to be signed in to, against the one header that a connection signs in with. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from actions.openapi.schemas import Schemas, Unfit, listed, named

_SCOPE = re.compile(r"[a-z][a-z0-9_:.-]{0,60}\Z")


def scope_of(schemas: Schemas, operation: Mapping[str, Any], default: str) -> tuple[str, list[str]]:
    """`(the one scope of an attempt's credential, what to know about it)`. Raises Unfit or SchemaProblem."""
    root = schemas.document.value
    said = operation.get("security", root.get("security")) or []
    ways = [way for way in listed(said) if isinstance(way, dict)]
    if not ways or {} in ways:
        return default, []
    fitting = [way for way in ways if all(_in_a_header(schemas, name) for name in way) and len(way) == 1]
    if not fitting:
        names = ", ".join(sorted({str(name) for way in ways for name in way}))[:120]
        raise Unfit(f"It is signed in to by {names}. A connection signs in with one header.")
    scopes = [scope for scope in listed(next(iter(fitting[0].values()))) if isinstance(scope, str)]
    if len(scopes) == 1 and _SCOPE.match(scopes[0]):
        return scopes[0], []
    note = f"It wants the scopes {', '.join(scopes)[:200]}. A connection that asks for a token asks for {default}."
    return default, [note] if scopes else []


def _in_a_header(schemas: Schemas, name: str) -> bool:
    schemes = named(named(schemas.document.value.get("components")).get("securitySchemes"))
    scheme = schemas.referred(schemes.get(name))
    kind = scheme.get("type")
    return kind in ("http", "oauth2", "openIdConnect") or (kind == "apiKey" and scheme.get("in") == "header")
