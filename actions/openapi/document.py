"""Reads an OpenAPI 3.0 or 3.1 document as text, strictly; nothing that it names is fetched (R-31, R-32). Pure."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml
from yaml.reader import ReaderError

from actions.offers import plain_words
from policies.engine.problems import PolicyError
from policies.engine.yaml_source import MAX_INTEGER, UNSEEN, made_of
from traces.canonical import sha256_hex

MAX_DOCUMENT = 1024 * 1024
MAX_DEPTH = 64
MOST_SERVERS = 20
_VERSION = re.compile(r"3\.[01]\.[0-9]{1,3}\Z")
_DIALECTS = {"https://spec.openapis.org/oas/3.1/dialect/base", "https://json-schema.org/draft/2020-12/schema"}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadDocument(ValueError):
    """A document that is not read; nothing of it is used. The message names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Document:
    """One OpenAPI document. `servers` are its own words and no request goes there; `digest` is of its text."""

    value: Mapping[str, Any]
    digest: str
    version: str
    title: str
    servers: tuple[str, ...]

    @property
    def is_3_0(self) -> bool:
        """Whether its schemas are in the older dialect (`nullable`, `exclusiveMinimum: true`)."""
        return self.version.startswith("3.0")

    def to_json(self) -> dict[str, Any]:
        """What is told about where offers come from."""
        return {"title": self.title, "openapi": self.version, "servers": list(self.servers), "digest": self.digest}


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Stands in parsed JSON where something is not taken, so that its place can be told."""

    message: str


def read_openapi(text: str) -> Document:
    """Raises BadDocument."""
    text = text.removeprefix("\ufeff")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DOCUMENT:
        raise BadDocument(f"The document has more than {MAX_DOCUMENT // 1024} KiB. Cut it to what agents need.")
    if not text.strip():
        raise BadDocument("The document is empty. Give a file, or paste it.")
    value = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    _check(value, "", 0)
    if not isinstance(value, dict):
        raise BadDocument("/: An OpenAPI document is an object with `openapi`, `info` and `paths`.")
    return _document(value, "sha256:" + sha256_hex(text.encode("utf-8")))


def _document(value: Mapping[str, Any], digest: str) -> Document:
    version, info = value.get("openapi"), value.get("info")
    if not isinstance(version, str) or not _VERSION.match(version):
        said = f"Swagger {value['swagger']}" if "swagger" in value else str(version)[:40]
        raise BadDocument(f"/openapi: Only 3.0 and 3.1 are read, not {said}. Convert the document.")
    if not isinstance(info, dict) or not isinstance(info.get("title"), str):
        raise BadDocument("/info/title: It has no title. Say what the document describes.")
    if value.get("jsonSchemaDialect", next(iter(_DIALECTS))) not in _DIALECTS:
        raise BadDocument("/jsonSchemaDialect: Only the dialect of OpenAPI 3.1 is read. Leave it out.")
    for name in ("paths", "webhooks", "components"):
        if not isinstance(value.get(name, {}), dict):
            raise BadDocument(f"/{name}: It is not an object.")
    return Document(value, digest, version, plain_words(info["title"], 200), servers_of(value))


def servers_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses that a part of a document names, to be shown."""
    said = part.get("servers")
    listed = said if isinstance(said, list) else []
    return tuple(plain_words(one.get("url"), 300) for one in listed[:MOST_SERVERS] if isinstance(one, dict))


def pointer(at: str, name: str | int) -> str:
    """The JSON Pointer of a part of what stands at `at`."""
    return f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _check(node: Any, at: str, depth: int) -> None:
    """Raises BadDocument at the place of what is nested too deep, hidden, not taken, or elsewhere than in this document."""
    if depth > MAX_DEPTH:
        raise BadDocument(f"{at[:200]}: Nested deeper than {MAX_DEPTH} levels. Make it flatter.")
    if isinstance(node, _Wrong):
        raise BadDocument(f"{at[:200]}: {node.message}")
    if isinstance(node, str) and UNSEEN.search(node):
        raise BadDocument(f"{at[:200]}: This text holds a control character, or one that nobody sees. Remove it.")
    if isinstance(node, list):
        for index, part in enumerate(node):
            _check(part, pointer(at, index), depth + 1)
    if isinstance(node, dict):
        _check_names(node, at)
        for name, part in node.items():
            _check(part, pointer(at, name), depth + 1)


def _check_names(node: Mapping[str, Any], at: str) -> None:
    if any(UNSEEN.search(name) for name in node):
        raise BadDocument(f"{at[:200] or '/'}: A name holds a control character, or one that nobody sees. Remove it.")
    target = node.get("$ref")
    if isinstance(target, str) and target != "#" and not target.startswith("#/"):
        raise BadDocument(
            f"{pointer(at, '$ref')[:200]}: {plain_words(target, 120)} is not in this document, and nothing is fetched. "
            "Write it out here."
        )


def _json(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise BadDocument(f"Line {error.lineno}, column {error.colno}: Not JSON: {error.msg}.") from error
    except RecursionError as error:
        raise BadDocument(f"Nested deeper than {MAX_DEPTH} levels. Make it flatter.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _Wrong("It stands twice. Keep one of them.") if name in found else value
    return found


def _integer(text: str) -> Any:
    value = int(text) if len(text) < 20 else MAX_INTEGER + 1
    return (
        value if abs(value) <= MAX_INTEGER else _Wrong(f"{text[:40]} is beyond what JSON carries exactly. Remove it.")
    )


def _number(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _Wrong(f"{text[:40]} is beyond what JSON carries. Remove it.")


def _constant(name: str) -> Any:
    return _Wrong(f"{name} is not a JSON number. Remove it.")


def _yaml(text: str) -> Any:
    try:
        _refuse_expansion(text)
        node = yaml.compose(text, Loader=_Loader)
        return None if node is None else made_of(node).value
    except PolicyError as error:
        wrong = error.problems[0]
        raise BadDocument(
            f"Line {wrong.line}, column {wrong.column}: {wrong.path[:200] or 'document'}: {wrong.message}"
        ) from error
    except ReaderError as error:
        raise BadDocument("A control character stands in it. Remove it.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadDocument(f"{place}Not YAML: {error.problem or error.context}.") from error


def _refuse_expansion(text: str) -> None:
    """Raises BadDocument at the first alias, anchor, tag or level too deep, before anything is made of the text."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
            _stop(event, "Anchors, aliases and tags are not allowed. Write the value out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            _stop(event, f"Nested deeper than {MAX_DEPTH} levels. Make it flatter.")


def _stop(event: Any, message: str) -> NoReturn:
    mark = event.start_mark
    raise BadDocument(f"Line {mark.line + 1}, column {mark.column + 1}: {message}")
