"""What the judge says of one case: passed, failed or not offered, with the call, what it should answer and what it did.

A case is a function that returns if all is well and raises otherwise; `judged` turns that into a `Result`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from lib import ck
from lib.pkcs11 import Failure

# What a module answers to something well-formed that it does not have.
_REFUSALS = frozenset("""
    CKR_ATTRIBUTE_TYPE_INVALID CKR_ATTRIBUTE_VALUE_INVALID CKR_CURVE_NOT_SUPPORTED CKR_DOMAIN_PARAMS_INVALID
    CKR_FUNCTION_NOT_SUPPORTED CKR_KEY_NOT_WRAPPABLE CKR_KEY_SIZE_RANGE CKR_MECHANISM_INVALID
    CKR_MECHANISM_PARAM_INVALID CKR_TEMPLATE_INCONSISTENT CKR_UNWRAPPING_KEY_SIZE_RANGE CKR_WRAPPING_KEY_SIZE_RANGE
    CKR_ACTION_PROHIBITED
""".split())


class Verdict(StrEnum):
    """The three."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Result:
    """One case. `column` has several parts where a table's columns have."""

    group: str
    row: str
    column: tuple[str, ...]
    verdict: Verdict
    call: str = ""
    expected: str = ""
    got: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Unique within its group."""
        return ", ".join((self.row, *self.column))

    @property
    def complaint(self) -> str:
        """One line on a case that did not pass."""
        answer = f"{self.call} answered {self.got}, expected {self.expected}" if self.got else self.call
        return "; ".join(part for part in (answer, self.detail) if part)


class NotOffered(Exception):
    """The module does not have what the case is about."""


class Unexpected(Exception):
    """A call answered what it must not."""

    def __init__(self, call: str, expected: str, got: str, detail: str = "") -> None:
        super().__init__(f"{call}: {got} instead of {expected}")
        self.call, self.expected, self.got, self.detail = call, expected, got, detail


def judged(group: str, row: str, column: tuple[str, ...], run: Callable[[], str | None]) -> Result:
    """Runs a case, which may answer the code that it got."""
    started = time.monotonic()

    def result(verdict: Verdict, **more: str) -> Result:
        return Result(group, row, column, verdict, seconds=round(time.monotonic() - started, 4), **more)

    try:
        got = run() or ""
    except NotOffered as reason:
        return result(Verdict.NOT_OFFERED, detail=str(reason))
    except Unexpected as answer:
        return result(Verdict.FAILED, call=answer.call, expected=answer.expected, got=answer.got, detail=answer.detail)
    except Failure as failure:
        return result(Verdict.FAILED, call=failure.function, expected="CKR_OK", got=ck.result_name(failure.code))
    except Exception as error:  # noqa: BLE001 - whatever went wrong is the verdict
        return result(Verdict.FAILED, detail=str(error) or type(error).__name__)
    return result(Verdict.PASSED, got=got)


def expect(call: str, code: int, allowed: str, detail: str = "") -> str:
    """The code's name, which must be one of those in `allowed`."""
    got = ck.result_name(code)
    if got not in allowed.split():
        raise Unexpected(call, " or ".join(allowed.split()), got, detail)
    return got


@contextmanager
def may_be_refused(what: str, *more: str) -> Iterator[None]:
    """A refusal in here (or one of the codes in `more`) means that the module does not have `what`."""
    try:
        yield
    except Failure as failure:
        if ck.result_name(failure.code) in _REFUSALS.union(more):
            raise NotOffered(f"{what}: {failure}") from failure
        raise
