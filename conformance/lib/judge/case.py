"""Cases and groups of them, and what a module offers: the words in which the plan is written."""

from collections.abc import Callable
from dataclasses import dataclass

from lib.judge.bench import Bench


@dataclass(frozen=True)
class Case:
    """One case: where it stands in its group's table, what is done, and why not if it is not."""

    row: str
    column: tuple[str, ...]
    run: Callable[[Bench], str | None]
    not_offered: str = ""


@dataclass(frozen=True)
class Group:
    """A table of cases. In a `matrix`, cases that differ in the last part of the column share a cell."""

    name: str
    about: str
    cases: list[Case]
    matrix: bool = False


@dataclass(frozen=True)
class Offer:
    """What the module says it has, as far as the plan depends on it."""

    wraps: frozenset[int]
    unwraps: frozenset[int]
    so_pin: bool

    def why_no_wrap(self, *mechanisms: tuple[int, str]) -> str:
        """Empty if C_GetMechanismInfo has all of these with CKF_WRAP; else which it has not."""
        return _missing(self.wraps, "CKF_WRAP", mechanisms)

    def why_no_unwrap(self, *mechanisms: tuple[int, str]) -> str:
        """The same with CKF_UNWRAP."""
        return _missing(self.unwraps, "CKF_UNWRAP", mechanisms)


def _missing(have: frozenset[int], flag: str, mechanisms: tuple[tuple[int, str], ...]) -> str:
    return next((f"no {name} with {flag}" for number, name in mechanisms if number not in have), "")
