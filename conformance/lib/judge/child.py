"""The process that loads the module and calls it. It may die or hang at any moment; `watch.py` sees that.

It reads a job as JSON from its input, and writes a line of JSON per event to the file descriptor that it is given, of
which the module knows nothing: each call before it is made, each case before and after, the end. A job says what to
do, the module, pin, so_pin, and what else the function for it takes.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lib.judge.bench import Bench, Pins
from lib.judge.material import Material
from lib.judge.plan import plan
from lib.judge.probe import Info, Refused, Token, find, probe
from lib.judge.verdict import judged
from lib.pkcs11 import Failure, Module


def main() -> None:
    """Does the job."""
    out = int(sys.argv[1])
    # A process that the module starts must not hold the line open.
    os.set_inheritable(out, False)
    job = json.load(sys.stdin)
    with os.fdopen(out, "w", encoding="utf-8") as line, _Announced(job["module"], partial(_say, line)) as module:
        say = module.say
        try:
            {"probe": _probe, "group": _group, "sweep": _sweep}[job["what"]](module, job, say)
        except Refused as why:
            say(refused=str(why))
        say(end=True)


class _Announced(Module):
    """A module of which each call is told before it is made: it may be the last."""

    def __init__(self, path: str, say: Callable[..., None]) -> None:
        self.say = say
        super().__init__(path)

    def result(self, name: str, *arguments: object) -> int:
        self.say(call=f"C_{name}")
        return super().result(name, *arguments)


def _probe(module: Module, job: dict[str, Any], say: Any) -> None:
    """token: the fields of `Token`"""
    say(info=probe(module, Token(**job["token"]), _pins(job)).as_json())


def _group(module: Module, job: dict[str, Any], say: Any) -> None:
    """group: its number in the plan; cases: the numbers of those to run"""
    bench = _bench(module, job)
    group = plan(Info.from_json(job["info"]).offer(bench.so_pin is not None))[job["group"]]
    for number in job["cases"]:
        case = group.cases[number]
        say(start=number)
        say(result=asdict(judged(group.name, case.row, case.column, partial(case.run, bench))))


def _sweep(module: Module, job: dict[str, Any], say: Any) -> None:
    """Destroys what is left of this run, which is token objects only."""
    bench = _bench(module, job)
    for handle in bench.leftovers():
        bench.session.destroy(handle)
    say(left=len(bench.leftovers()))


def _bench(module: Module, job: dict[str, Any]) -> Bench:
    info = Info.from_json(job["info"])
    try:
        return Bench(module, find(module, info), _pins(job), job["label"], Material(Path(job["folder"])))
    except Failure as failure:
        # The PIN was right before; whatever it is now, it must not be tried again and again.
        raise Refused(f"no session of the user any more: {failure}") from failure


def _pins(job: dict[str, Any]) -> Pins:
    return Pins(job["pin"], job["so_pin"])


def _say(line: Any, **event: object) -> None:
    line.write(json.dumps(event) + "\n")
    line.flush()


if __name__ == "__main__":
    main()
