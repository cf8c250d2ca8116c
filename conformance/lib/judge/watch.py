"""Runs the cases in processes of their own, each with a deadline, and goes on after those that died.

A case in which the process died or did not answer has failed; the next case starts in a new process.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.judge.case import Case, Group
from lib.judge.probe import Info, Refused, Token
from lib.judge.verdict import Result, Verdict

_CHILD = Path(__file__).with_name("child.py")
# So many processes in a row may fail to finish a single case before the rest of the group is given up.
_PATIENCE = 8
# A hanging case costs its whole deadline.
_HANGS = 5


class Died(Exception):
    """A process ended, or was ended, before it said that it had finished."""

    def __init__(self, call: str, how: str, hung: bool) -> None:
        super().__init__(f"{call}: {how}")
        self.call, self.how, self.hung = call, how, hung

    def told(self, group: str, row: str, column: tuple[str, ...] = ()) -> Result:
        """As the result of a case."""
        return Result(group, row, column, Verdict.FAILED, call=self.call, expected="an answer", got=self.how)


@dataclass(frozen=True)
class Watch:
    """What every process is told, and how long a case may take."""

    module: Path
    pin: str
    so_pin: str | None
    label: str
    folder: Path
    deadline: float

    def probe(self, token: Token) -> Info:
        """What is known of the module, or why it cannot be judged."""
        try:
            for event in self._run("probe", token=vars(token)):
                if "info" in event:
                    info = Info.from_json(event["info"])
        except Died as died:
            raise Refused(f"the module cannot be looked at: {died}") from died
        return info

    def group(self, info: Info, number: int, group: Group) -> Iterator[Result]:
        """Every case of a group. If none is offered, no process starts."""
        offered = [at for at, case in enumerate(group.cases) if not case.not_offered]
        yield from (
            _result(group, case, Verdict.NOT_OFFERED, case.not_offered) for case in group.cases if case.not_offered
        )
        deaths = hangs = 0
        while offered:
            current = offered[0]
            try:
                for event in self._run("group", info=info.as_json(), group=number, cases=offered):
                    if "start" in event:
                        current = event["start"]
                    if "result" in event:
                        offered.remove(current)
                        deaths = 0
                        yield _read(event["result"])
                break
            except Died as died:
                if not offered:
                    yield died.told(group.name, "the end")
                    break
                offered.remove(current)
                yield died.told(group.name, group.cases[current].row, group.cases[current].column)
                deaths, hangs = deaths + 1, hangs + died.hung
            if deaths == _PATIENCE or hangs == _HANGS:
                why = f"not run, since the {'last' if deaths == _PATIENCE else 'hanging'} cases before it failed so"
                yield from (_result(group, group.cases[at], Verdict.FAILED, why) for at in offered)
                break

    def sweep(self, info: Info) -> Result:
        """Nothing of the judge's may be left on the token."""
        case = Result("after the judging", "nothing is left on the token", (), Verdict.FAILED)
        left = 0
        try:
            for event in self._run("sweep", info=info.as_json()):
                left = event.get("left", left)
        except Died as died:
            return died.told(case.group, case.row)
        if left:
            found = f"{left} objects labelled {self.label}"
            return Result(case.group, case.row, (), Verdict.FAILED, call="C_DestroyObject", detail=found)
        return Result(case.group, case.row, (), Verdict.PASSED)

    def _run(self, what: str, **more: object) -> Iterator[dict[str, Any]]:
        """Starts a process, answers what it says, and raises `Died` unless it ends well."""
        job = {
            "what": what, "module": str(self.module), "pin": self.pin, "so_pin": self.so_pin, "label": self.label,
            "folder": str(self.folder), **more,
        }
        inside, outside = os.pipe()
        errors = self.folder / "stderr"
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, _CHILD, str(outside)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=stderr, pass_fds=(outside,),
            )
        os.close(outside)
        call, ended, since = "loading the module", False, time.monotonic()
        try:
            with process.stdin as line:
                line.write(json.dumps(job).encode())
            for event in _events(inside, self.deadline):
                if "refused" in event:
                    raise Refused(event["refused"])
                ended |= "end" in event
                if "call" not in event:
                    since = time.monotonic()
                elif time.monotonic() - since > self.deadline:
                    # It answers each call, and never enough: a search without an end, for instance.
                    raise TimeoutError(f"no end within {self.deadline:g} s")
                call = event.get("call", call)
                yield event
            self._reap(process, errors, ended, call)
        except TimeoutError as late:
            raise Died(call, str(late), hung=True) from late
        finally:
            os.close(inside)
            process.kill()
            process.wait()

    def _reap(self, process: subprocess.Popen, errors: Path, ended: bool, call: str) -> None:
        try:
            code = process.wait(self.deadline)
        except subprocess.TimeoutExpired:
            raise Died("the end of the process", f"not within {self.deadline:g} s", hung=True) from None
        if code < 0:
            raise Died(call, signal.Signals(-code).name, hung=False)
        if code or not ended:
            said = errors.read_text(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
            raise Died(call, said[0], hung=False)


def _events(inside: int, deadline: float) -> Iterator[dict[str, Any]]:
    """Lines of JSON as they come, until the other end is closed; none may take longer."""
    rest = b""
    while True:
        ready, *_ = select.select([inside], [], [], deadline)
        if not ready:
            raise TimeoutError(f"nothing within {deadline:g} s")
        chunk = os.read(inside, 1 << 16)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(json.loads, lines)


def _result(group: Group, case: Case, verdict: Verdict, detail: str) -> Result:
    return Result(group.name, case.row, case.column, verdict, detail=detail)


def _read(made: dict[str, Any]) -> Result:
    return Result(**made | {"column": tuple(made["column"]), "verdict": Verdict(made["verdict"])})
