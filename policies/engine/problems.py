"""What is wrong with a policy document, with the place in the file."""

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


class PolicyError(Exception):
    """A document that does not load. Nothing of it is used."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
