"""What is wrong with a policy document, with the place in the file."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands and a sentence with the remedy. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.path or 'document'}: {self.message}"


# As many mistakes as a person mends before looking again; a document may have tens of thousands.
MOST = 100
# As many names as a sentence offers to choose from.
NAMED = 20


def named(names: Iterable[str]) -> str:
    """Names to choose from, sorted: all of them, or the first with how many more there are."""
    found = sorted(names)
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more


class PolicyError(Exception):
    """A document that does not load; nothing of it is used. Of very many problems it has the first, and how many more."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems if len(problems) <= MOST else _first(problems)
        super().__init__("\n".join(map(str, self.problems)))


def _first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    found = sorted(problems, key=lambda problem: (problem.line, problem.column))
    last, more = found[MOST - 1], len(found) - MOST
    told = f"{more:,} more mistake{'s follow' if more > 1 else ' follows'}. Mend these first."
    return (*found[:MOST], Problem(last.line, last.column, "", told))
