"""What a document says of a call whose target was never read: certain where no rule has to look at the target. Pure.

A tool that was off had its target not read. A rule that looks at the target may then say anything, so where only such rules
are left to decide, nothing is decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from policies.engine.decide import decide
from policies.engine.expressions import Context, EvaluationFailed, Expression
from policies.engine.parts import Document
from policies.engine.plan import values
from policies.engine.types import Decision, Request

RECORD = "record"


class Blind:
    """Decides under one document without the target."""

    def __init__(self, document: Document) -> None:
        self.document = document
        roles = {name: replace(role, scopes={}) for name, role in document.roles.items()}
        seeing = tuple(rule for rule in document.invariants if RECORD not in rule.expression.reads)
        self.bare = replace(document, roles=roles, invariants=seeing, plans={})

    def decide(self, request: Request) -> tuple[Decision, tuple[str, ...]]:
        """The decision, and the paths of the rules it hangs on: none where it is certain.

        Where it hangs on some, the decision is the one there would be if the target passed them all.
        """
        bare = decide(self.bare, request)
        if bare.effect == "deny":
            return bare, ()
        hangs_on: list[str] = []
        for path, expression, wanted in self._looking(request):
            said = _said(expression, request)
            if said is None:
                hangs_on.append(path)
            elif said != wanted:
                return decide(self.document, request), ()
        return bare, tuple(hangs_on)

    def _looking(self, request: Request) -> Iterator[tuple[str, Expression, bool]]:
        """Path, expression and wanted answer of every rule that speaks of the call and was left out."""
        role, kind = self.document.roles[request.role], request.tool.resource_type
        if kind in role.scopes and not request.tool.returns_rows:
            yield f"roles.{role.name}.scopes.{kind}", role.scopes[kind], True
        for rule in self.document.invariants:
            if RECORD in rule.expression.reads and rule.when.covers(request):
                yield f"invariants.{rule.id}", rule.expression, not rule.forbid


def _said(expression: Expression, request: Request) -> bool | None:
    """What an expression says whatever the target is; None where it would have to look.

    In CEL a name without a value is an error, and `true || error` is true: an answer that comes about without it holds for
    every value.
    """
    reads = {name: members for name, members in expression.reads.items() if name != RECORD}
    try:
        return expression.holds(Context(values(request), reads))
    except EvaluationFailed:
        return None
