"""Counting cases: one line per group, failures with what was called, and the sum as the last line."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class Report:
    """Every case that ran; a context manager around them that ends the program with the sum."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    @contextmanager
    def group(self, name: str) -> Iterator["Group"]:
        """Runs cases under one name and prints their sum."""
        group = Group(name)
        try:
            yield group
        except Exception as error:  # noqa: BLE001 - a case must not take the others with it
            group.fail("the group itself", error)
        self.passed += group.passed
        self.failed += len(group.failures)
        print(f"  {name}: {group.passed} passed, {len(group.failures)} failed", flush=True)
        for failure in group.failures:
            print(f"    FAILED {failure}", flush=True)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        """Prints the sum and ends the program: non-zero if anything failed, or if nothing ran."""
        if error is not None:
            traceback.print_exception(error)
            self.failed += 1
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(0 if self.passed and not self.failed else 1)


class Group:
    """Cases of one kind."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.passed = 0
        self.failures: list[str] = []

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """One case: passed if its body does not raise."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the verdict
            self.fail(name, error)
        else:
            self.passed += 1

    def fail(self, name: str, error: Exception) -> None:
        """Notes a failure and why."""
        self.failures.append(f"{name}: {type(error).__name__}: {error}")


def require(condition: bool, complaint: str) -> None:
    """An assertion that `python -O` keeps."""
    if not condition:
        raise AssertionError(complaint)
