"""Everything that was found, as the writers of reports take it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lib.judge.case import Group
from lib.judge.verdict import Result, Verdict


def printable(text: str) -> str:
    """A module's strings may steer neither a terminal nor a parser: no control characters, no halves of pairs."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


@dataclass(frozen=True)
class Judgement:
    """A run."""

    module: str
    about: dict[str, str]
    started: datetime
    groups: list[Group]
    results: list[Result] = field(default_factory=list)

    def by_group(self) -> Iterator[tuple[Group, list[Result]]]:
        """Every group with its results, in the plan's order."""
        for group in self.groups:
            yield group, [result for result in self.results if result.group == group.name]

    def number(self, verdict: Verdict) -> int:
        """How many."""
        return sum(result.verdict is verdict for result in self.results)
