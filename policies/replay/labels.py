"""Short words for a rule in a list of changes: a field, a tool, or the rule's own name. Pure."""

from collections.abc import Mapping

from policies.engine.document import Document


def names_of(document: Document) -> dict[str, str]:
    """Rule path -> the name people gave the rule."""
    found = {f"invariants.{rule.id}": rule.name for rule in document.invariants}
    found |= {f"limits.{rule.id}": rule.name for rule in document.limits}
    found |= {f"freezes.{rule.id}": rule.name for rule in document.freezes}
    return found | {f"breakers.{rule.id}": rule.name for rule in document.breakers}


def label(rule: str, tool: str, names: Mapping[str, str], field: str) -> str:
    """What a group of changes is headed with; `field` is the one a denial names."""
    if field:
        return f"Write {field}"
    if rule in names:
        return names[rule]
    if ".scopes." in rule:
        return "Row scope"
    return tool if not rule or rule.startswith("roles") else rule
