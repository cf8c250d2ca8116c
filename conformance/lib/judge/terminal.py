"""The judge's words on the terminal: a line per group, failures, why something is not offered, and the sum."""

from collections import Counter
from collections.abc import Iterable

from lib.judge.report import printable
from lib.judge.verdict import Result, Verdict

# Reasons of one group that are worth a line each.
_REASONS = 12


def counts(results: Iterable[Result]) -> str:
    """`3 passed, 0 failed, 1 not offered`"""
    found = Counter(result.verdict for result in results)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict)


def print_group(name: str, results: list[Result]) -> None:
    """One group, when it is done."""
    print(f"  {name}: {counts(results)}", flush=True)
    for result in results:
        if result.verdict is Verdict.FAILED:
            print(f"    FAILED {printable(result.name)}: {printable(result.complaint)}", flush=True)
    reasons = Counter(result.detail for result in results if result.verdict is Verdict.NOT_OFFERED)
    for reason, cases in reasons.most_common(_REASONS):
        print(f"    not offered: {printable(reason)} ({cases} cases)", flush=True)


def print_about(about: dict[str, str]) -> None:
    """What the module says of itself."""
    for name, value in about.items():
        print(f"  {name}: {printable(value)}", flush=True)
