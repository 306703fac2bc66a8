"""What an operation of a document refers to, as one digest, so that a change of any of it is a change of the operation. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from actions.closed_schema import SchemaProblem, resolved
from actions.openapi.document import Document
from traces.canonical import digest_of

NOTHING = "nothing"


class References:
    """The parts of one document by their pointers; each is read once, whatever refers to it."""

    def __init__(self, document: Document) -> None:
        self._root = document.value
        self._parts: dict[str, tuple[str, frozenset[str]]] = {}

    def digest(self, source: Mapping[str, Any]) -> str:
        """Of a part of the document and of everything it refers to, directly or not; circles are followed once."""
        found: dict[str, str] = {}
        waiting = set(_named(source))
        while waiting:
            pointer = waiting.pop()
            found[pointer], further = self._part(pointer)
            waiting |= further - found.keys()
        return digest_of({"itself": digest_of(source), "parts": found})

    def _part(self, pointer: str) -> tuple[str, frozenset[str]]:
        if pointer not in self._parts:
            try:
                node = resolved(self._root, pointer)
                self._parts[pointer] = digest_of(node), frozenset(_named(node))
            except SchemaProblem:
                self._parts[pointer] = NOTHING, frozenset()
        return self._parts[pointer]


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from _named(part)
    elif isinstance(node, list):
        for part in node:
            yield from _named(part)
