"""Scopes and what people may have done for them: small sets, closed under what anybody asks (A-03)."""

import pytest

from accounts.permissions import Role, effects_for
from accounts.scopes import AGENT, EFFECTS, EVERYTHING, UnknownScope, effects_of, scope_of
from policies.engine.types import EFFECT_CLASSES


def test_scopes_are_the_effect_classes_of_policy():
    assert EFFECTS == EFFECT_CLASSES


@pytest.mark.parametrize(
    ("said", "reaches"),
    [
        ("agent", EVERYTHING),
        ("read", {"read"}),
        ("read agent", EVERYTHING),
        (" write  read ", {"read", "write"}),
        ("", set()),
    ],
)
def test_a_scope_reaches_what_its_words_say(said, reaches):
    assert effects_of(said) == reaches and effects_of(scope_of(reaches)) == reaches


@pytest.mark.parametrize("said", ["admin", "read,write", "READ", "agent\x00", "read admin"])
def test_another_word_is_no_scope(said):
    with pytest.raises(UnknownScope):
        effects_of(said)


def test_an_auditor_reads_and_nobody_without_a_role_does_anything():
    assert effects_for([]) == frozenset() and effects_for(["a role of tomorrow"]) == frozenset()
    assert effects_for([Role.AUDITOR]) == {"read"}
    assert effects_for(["auditor", "member"]) == EVERYTHING
    assert all(effects_for([role]) == EVERYTHING for role in Role if role is not Role.AUDITOR)
    assert scope_of(effects_for([Role.MEMBER])) == AGENT
