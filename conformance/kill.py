#!/usr/bin/env python3
"""A process that writes to a token is killed again and again; and two processes share a token.

What was answered CKR_OK must be there afterwards, whole; what was destroyed must be gone; what was
never answered may or may not be there, but not by half.
"""

import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lib import ck
from lib.ceremony import Setting, fresh_token, own_folder, read_arguments
from lib.pkcs11 import Failure, Session
from lib.report import Report, require

ROUNDS = 25
WORKER = Path(__file__).parent / "lib" / "worker.py"
# A key destroyed elsewhere stops working within 100 ms; ten times that for a busy machine.
STOPS_WITHIN = 1.0


def main() -> None:
    """Runs both."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder(), fresh_token(setting) as session:
        killed(report, setting, session)
        shared(report, setting, session)


class Worker:
    """Another process, logged in to the same token; `lib/worker.py` says what it understands."""

    def __init__(self, setting: Setting) -> None:
        self.process = subprocess.Popen(
            [sys.executable, WORKER, setting.module, setting.label, setting.pin],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, line: str) -> str:
        """One command, one answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> list[str]:
        """kill -9, and what it had still said."""
        self.process.kill()
        # Not `communicate`, which passes over what `readline` has already read ahead.
        rest = self.process.stdout.read()
        self._close()
        return rest.splitlines()

    def end(self) -> None:
        """Lets it end by itself."""
        self._close()

    def _close(self) -> None:
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it is dead and has not read everything
        self.process.wait(timeout=60)
        self.process.stdout.close()


def killed(report: Report, setting: Setting, session: Session) -> None:
    """Writes and kills; then looks."""
    there: set[str] = set()
    touched: set[str] = set()
    with report.group(f"{ROUNDS} processes killed while writing") as group:
        for number in range(ROUNDS):
            with group.case(f"process {number} writes"):
                worker = Worker(setting)
                require(worker.ask("ready") == "ready", "the token does not open")
                worker.process.stdin.write(f"write round-{number}\n")
                worker.process.stdin.flush()
                first = worker.process.stdout.readline()
                time.sleep(random.uniform(0, 0.3))
                account([first, *worker.kill()], there, touched)
    with report.group("what is on the token afterwards") as group:
        with group.case("something was written"):
            require(len(there) >= ROUNDS, f"only {len(there)} objects were acknowledged")
        with group.case("what was created is there, whole"):
            wrong = [label for label in sorted(there) if not is_whole(session, label)]
            require(not wrong, f"{len(wrong)} of {len(there)} are not: {wrong[:5]}")
        with group.case("nothing else but what was under way"):
            found = len(session.find([(ck.CKA_CLASS, ck.CKO_SECRET_KEY)]))
            require(found <= len(there) + ROUNDS, f"{found} objects, {len(there)} acknowledged")
        with group.case("what was destroyed is gone"):
            gone = sorted(touched - there)
            require(bool(gone), "nothing was destroyed")
            left = [label for label in gone if find(session, label)]
            require(not left, f"{len(left)} of {len(gone)} are still there: {left[:5]}")


def account(lines: list[str], there: set[str], touched: set[str]) -> None:
    """Reads what a killed process had been answered. The last, broken line is not an answer."""
    for line in lines:
        match line.split():
            case ["created", label, "."]:
                there.add(label)
                touched.add(label)
            case ["destroying", label, "."]:
                # From here until `destroyed` it may be there or not.
                there.discard(label)
                touched.discard(label)
            case ["destroyed", label, "."]:
                touched.add(label)


def shared(report: Report, setting: Setting, session: Session) -> None:
    """Two processes on one token."""
    other = Worker(setting)
    with report.group("two processes") as group:
        with group.case("the other process opens the token"):
            require(other.ask("ready") == "ready", "it does not")
        key = session.generate(ck.CKM_AES_KEY_GEN, [
            (ck.CKA_TOKEN, True), (ck.CKA_LABEL, "ours"), (ck.CKA_VALUE_LEN, 32), (ck.CKA_ENCRYPT, True),
        ])
        with group.case("an object created here is found there"):
            require(other.ask("find ours") == "1", "it is not")
        with group.case("and works there"):
            require(other.ask("hold ours") == "held" and other.ask("use") == "CKR_OK", "it does not")
        session.destroy(key)
        with group.case("destroyed here, it stops working there"):
            wait_until(lambda: other.ask("use") in ("CKR_KEY_HANDLE_INVALID", "CKR_OBJECT_HANDLE_INVALID"))
        with group.case("destroyed here, it is not found there"):
            require(other.ask("find ours") == "0", "it is")
        with group.case("an object created there is found here"):
            require(other.ask("create theirs") == "created theirs .", "it was not created")
            require(len(find(session, "theirs")) == 1, "it is not found")
        with group.case("destroyed there, it stops working here"):
            handle = find(session, "theirs")[0]
            require(other.ask("destroy theirs") == "destroyed theirs .", "it was not destroyed")
            wait_until(lambda: is_dead(session, handle))
    other.end()


def wait_until(condition: Callable[[], bool]) -> None:
    """Raises if it does not come true in time."""
    deadline = time.monotonic() + STOPS_WITHIN
    while not condition():
        require(time.monotonic() < deadline, f"not within {STOPS_WITHIN} s")
        time.sleep(0.02)


def is_dead(session: Session, handle: int) -> bool:
    """Whether a handle no longer names an object."""
    try:
        session.attribute(handle, ck.CKA_LABEL)
    except Failure as failure:
        return failure.code == ck.CKR_OBJECT_HANDLE_INVALID
    return False


def find(session: Session, label: str) -> list[int]:
    """Every object with this label."""
    return session.find([(ck.CKA_LABEL, label)])


def is_whole(session: Session, label: str) -> bool:
    """Whether there is one object with this label, with the value that the worker gives it."""
    found = find(session, label)
    return len(found) == 1 and session.attribute(found[0], ck.CKA_VALUE) == hashlib.sha256(label.encode()).digest()


if __name__ == "__main__":
    main()
