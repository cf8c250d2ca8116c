"""What is judged: groups of cases in the order in which they run, for a module that offers certain mechanisms.

Both sides of the judge make the same plan: the one that runs the cases, and the one that watches it.
"""

from lib.judge import matrix, policy, unwrap_errors, wrap_errors
from lib.judge.case import Group, Offer


def plan(offer: Offer) -> list[Group]:
    """Everything."""
    return [
        *matrix.groups(offer), wrap_errors.group(offer), unwrap_errors.group(offer), policy.group(offer),
        policy.trusted(offer),
    ]
