"""How far an agent's token reaches: everything the agent may do, or only some classes of effect. Pure, and imports no Django."""

from collections.abc import Iterable

# To use the agent's tools. What the agent may do with them, policy says.
AGENT = "agent"
# The five classes of effect, as policy has them (tests/accounts/test_scopes.py).
EFFECTS = ("read", "draft", "write", "side_effect", "continuous")
EVERYTHING = frozenset(EFFECTS)
WORDS = {
    AGENT: "Use the agent's tools",
    "read": "Use the agent's tools that read",
    "draft": "Use the agent's tools that draft",
    "write": "Use the agent's tools that change records",
    "side_effect": "Use the agent's tools that reach other people or move money",
    "continuous": "Use the agent's tools that go on by themselves",
}
# What each class of effect is, as a person reads it who is asked to allow it.
IN_WORDS = {
    "read": "Read records",
    "draft": "Prepare drafts, which a person looks at before they go out",
    "write": "Change records",
    "side_effect": "Reach other people, or move money",
    "continuous": "Start what goes on by itself",
}


class UnknownScope(ValueError):
    """A word that is no scope here."""


def effects_of(scope: str) -> frozenset[str]:
    """The classes of effect a scope reaches. Raises UnknownScope."""
    words = frozenset(scope.split())
    unknown = sorted(words.difference(WORDS))
    if unknown:
        raise UnknownScope(f"Use some of {', '.join(WORDS)}.")
    return EVERYTHING if AGENT in words else words


def in_words(effects: Iterable[str]) -> list[str]:
    """A sentence for each of these classes, in their order."""
    found = frozenset(effects)
    return [IN_WORDS[effect] for effect in EFFECTS if effect in found]


def scope_of(effects: Iterable[str]) -> str:
    """The shortest scope that reaches exactly these classes; "" for none."""
    found = frozenset(effects)
    return AGENT if found == EVERYTHING else " ".join(effect for effect in EFFECTS if effect in found)
