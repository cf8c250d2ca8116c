#!/usr/bin/env python3
"""Judges any PKCS#11 module: what it wraps and unwraps, what it answers to errors, and whether it keeps to its policy.

Works with session objects on an initialised token, and leaves nothing on it. `conformance/README.md` has the details.
"""

import argparse
import os
import secrets
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lib.judge.case import Group
from lib.judge.junit import write_junit
from lib.judge.material import Material
from lib.judge.page import write_page
from lib.judge.plan import plan
from lib.judge.probe import NEW_LABEL, Refused, Token
from lib.judge.report import Judgement
from lib.judge.terminal import counts, print_about, print_group
from lib.judge.verdict import Verdict
from lib.judge.watch import Watch


def main() -> int:
    """0: nothing failed and something passed; 1: otherwise; 2: it could not begin."""
    given = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="keyferry-judge-") as folder:
            judgement = _judge(given, Path(folder))
    except Refused as why:
        print(f"cannot judge {given.module}: {why}", file=sys.stderr)
        return 2
    if given.junit:
        write_junit(judgement, given.junit)
    if given.html:
        write_page(judgement, given.html)
    print(counts(judgement.results), flush=True)
    return 0 if judgement.number(Verdict.PASSED) and not judgement.number(Verdict.FAILED) else 1


def _judge(given: argparse.Namespace, folder: Path) -> Judgement:
    label = f"{NEW_LABEL}-{secrets.token_hex(8)}"
    watch = Watch(given.module.resolve(), given.pin, given.so_pin, label, folder, given.deadline)
    info = watch.probe(Token(given.slot, given.token_label, given.initialise))
    print(f"judging {given.module}", flush=True)
    print_about(info.about)
    Material(folder).make()
    groups = {
        number: group for number, group in enumerate(plan(info.offer(given.so_pin is not None)))
        if not given.only or any(map(group.name.startswith, given.only))
    }
    after = Group("after the judging", "What the judge made is gone.", [])
    judgement = Judgement(str(given.module), info.about, datetime.now(UTC), [*groups.values(), after])
    try:
        for number, group in groups.items():
            results = list(watch.group(info, number, group))
            judgement.results.extend(results)
            print_group(group.name, results)
    finally:
        swept = watch.sweep(info)
    judgement.results.append(swept)
    print_group(after.name, [swept])
    return judgement


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance/run", description=__doc__.splitlines()[0])
    parser.add_argument("--module", type=Path, required=True, help="the PKCS#11 module to judge")
    parser.add_argument("--pin", type=_pin, required=True, help="the user's PIN, or env:NAME")
    parser.add_argument("--so-pin", type=_pin, help="the SO's PIN, or env:NAME; without it, no trusted KEKs")
    parser.add_argument("--slot", type=lambda word: int(word, 0), help="the slot of the token")
    parser.add_argument("--token-label", help="the label of the token")
    parser.add_argument("--initialise", action="store_true",
                        help="make a new token, with these PINs, in a slot whose token is not initialised")
    parser.add_argument("--only", action="append", metavar="TEXT",
                        help="only the groups whose names start so; may be repeated")
    parser.add_argument("--deadline", type=float, default=60, help="seconds that one case may take (default: 60)")
    parser.add_argument("--junit", type=Path, help="write the report as JUnit XML")
    parser.add_argument("--html", type=Path, help="write the report as one page of HTML")
    return parser.parse_args()


def _pin(word: str) -> str:
    name = word.removeprefix("env:")
    if name == word:
        return word
    if name not in os.environ:
        raise argparse.ArgumentTypeError(f"the environment has no {name}")
    return os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
