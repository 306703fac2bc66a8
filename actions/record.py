"""Ledger bodies of an action, with sensitive values taken out."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Definition
from actions.models import Action, Tool
from actions.redaction import Secrets, mask, mask_inside, mask_name, mask_path, secrets_of
from actions.words import cut, sentences

# Of what a system said, in characters, once it is masked: what is cut before could leave the beginning of a value.
MOST_SAID = 1_000


def known_secrets(definition: Definition | None, arguments: Mapping[str, Any], *more: Mapping[str, Any]) -> Secrets:
    """What is sensitive in one call."""
    if definition is None:
        return Secrets()
    return secrets_of(definition, arguments, definition.fields(arguments), *more)


def secrets_in(action: Action, *more: Mapping[str, Any]) -> Secrets:
    """What is sensitive in one action: as it was proposed, as it would run, and in the record it is about."""
    before = (action.before or {}).get("fields", {})
    return known_secrets(action.definition, action.proposed, action.arguments, before, *more)


def told(
    action: Action, definition: Definition | None, arguments: Mapping[str, Any], *, unnamed: bool = False
) -> dict[str, str]:
    """The action's three sentences without sensitive values; `unnamed` for an agent, which may not read the name."""
    if definition is None:
        sentence = f"Call {action.tool_name[:80]}"
        return {"imperative": sentence, "present": sentence, "past": sentence}
    known = known_secrets(definition, arguments, (action.before or {}).get("fields", {}))
    forms = sentences(definition, arguments, None if unnamed else (action.before or {}).get("fields"))
    return {form: cut(mask_inside(text, known)) for form, text in forms.items()}


def tool_facts(name: str, tool: Tool | None) -> dict[str, Any]:
    """What a reader must know of the tool, snapshotted so that the page stays true when the tool changes."""
    if tool is None:
        return {"name": name, "title": name, "noun": "Call", "connection": "", "resource_type": "",
                "effect_class": "", "reversibility": "irreversible", "runbook": "", "digest": ""}  # fmt: skip
    definition = Definition(tool.definition)
    return {
        "name": name,
        "title": definition.title,
        "noun": definition.noun,
        "connection": tool.connection.name,
        "resource_type": definition.resource_type,
        "effect_class": definition.effect_class,
        "reversibility": definition.reversibility,
        "runbook": definition.runbook,
        "digest": tool.digest,
    }


def safe(action: Action, sentence: str) -> str:
    """A sentence about a call, such as a system's refusal, without the sensitive values of the call that it repeats (R-33)."""
    return mask_inside(sentence, secrets_in(action))


def said(action: Action, sentence: str) -> str:
    """The same of what a system said: no longer than the ledger keeps of it."""
    return safe(action, sentence)[:MOST_SAID]


def proposed_body(action: Action, definition: Definition | None) -> dict[str, Any]:
    """The body of `action.proposed`."""
    before = action.before or {}
    known = known_secrets(definition, action.proposed, before.get("fields", {}))
    return {
        "action": action.pk,
        "step": action.step,
        "title": mask_inside(action.title, known),
        "plan": action.plan_id,
        "tool": tool_facts(action.tool_name, action.tool),
        "words": told(action, definition, action.proposed),
        "proposed": mask(action.proposed, known),
        "target": _target(before, known) if before else None,
        "rollback_of": action.rollback_of_id,
        "replan_of": action.replan_of_id,
    }


def _target(before: Mapping[str, Any], known: Secrets) -> dict[str, Any]:
    """INVARIANT: a record is named as its values may be: an id that is sensitive is a commitment (R-33, R-42).

    Held by tests/actions/test_masked_target.py.
    """
    return {
        "record_id": mask_name(before["record_id"], known, "id"),
        "name": mask_name(str(before["fields"].get("name", "")), known, "name"),
        "path": mask_path(before["path"], known),
        "link": mask_name(before.get("link", ""), known),
        "version": before["version"],
        "read_at": before["read_at"],
    }
