"""What a text has to be before it may be kept as a draft, beyond loading: asked again, with the rest, where it is published."""

from accounts.actors import Actor
from accounts.clock import database_now
from policies.catalog import tools_of
from policies.documents import document_of
from policies.engine.celtypes import check_types, type_problems
from policies.engine.document import Document, load
from policies.engine.problems import PolicyError, Problem
from policies.engine.yaml_source import Place, placing
from policies.models import Policy
from policies.waivers import grants, too_long, unproven


def admitted(*, actor: Actor, policy: Policy, source: str, before: str = "") -> Document:
    """A text as the document of a draft: its expressions fit the tools, and who brings its new waivers grants them.

    What the text before it had already is left to publication, so that mistakes can be mended one at a time. Raises
    PolicyError with the place of every problem.
    """
    document, old = document_of(policy, source), _loaded(before)
    kept = old.plain.get("waivers") or () if old else ()
    granted, place = grants(policy, actor, kept), placing(source)
    found = [*_types(policy, document, place, old), *unproven(document, place, granted)]
    found += too_long(document, place, at=database_now(), granted=granted)
    if found:
        raise PolicyError(tuple(sorted(found, key=lambda problem: (problem.line, problem.column))))
    return document


def _loaded(text: str) -> Document | None:
    """None where there is none, or none that this release can read."""
    try:
        return load(text) if text else None
    except PolicyError:
        return None


def _types(policy: Policy, document: Document, place: Place, old: Document | None) -> tuple[Problem, ...]:
    """The expressions that do not fit the tools, unless the text before had every one of these mistakes."""
    tools = tools_of(policy.workspace_id)
    found = check_types(document, tools)
    known = check_types(old, tools) if found and old else ()
    return () if set(found) <= set(known) else type_problems(document, tools, place)
