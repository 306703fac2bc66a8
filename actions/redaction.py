"""Takes sensitive values out of what the ledger and the agent are given, wherever they occur. Pure."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Definition
from traces.ledger import Sensitive


def sensitive_values(definition: Definition, *sources: Mapping[str, Any]) -> dict[str, str]:
    """Value -> kind, for every sensitive field found in the given arguments, records or answers."""
    found: dict[str, str] = {}
    for source in sources:
        for name, kind in definition.sensitive.items():
            for value in _texts(source.get(name)):
                found[value] = kind
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def mask(value: Any, known: Mapping[str, str]) -> Any:
    """The same value with each known one as a `Sensitive` leaf, or as `[kind]` where it stands inside a longer text."""
    if isinstance(value, str):
        return _mask_text(value, known)
    if isinstance(value, Mapping):
        return {key: mask(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item, known) for item in value]
    return value


def _mask_text(text: str, known: Mapping[str, str]) -> Any:
    if text in known:
        return Sensitive(text, known[text])
    return mask_inside(text, known)


def mask_inside(text: str, known: Mapping[str, str]) -> str:
    """Replace known values inside a sentence by their kind in brackets."""
    for secret, kind in sorted(known.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(secret, f"[{kind}]")
    return text
