"""The other process of `kill.py`: logs in to a token and does what it reads, a line each.

ready | find LABEL | hold LABEL | use | create LABEL | destroy LABEL | write PREFIX (creates and
destroys without end). Every answer is written after the token's, and ends with a dot where half a
line could be taken for a whole one.
"""

import hashlib
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lib import ck
from lib.pkcs11 import Failure, Module, Session


def main() -> None:
    """Serves until its input ends."""
    path, label, pin = sys.argv[1:]
    with Module(path) as module:
        session = Session(module, module.find_slot(label))
        session.login(pin)
        held = 0
        for line in sys.stdin:
            match line.split():
                case ["ready"]:
                    say("ready")
                case ["find", name]:
                    say(str(len(find(session, name))))
                case ["hold", name]:
                    held = find(session, name)[0]
                    say("held")
                case ["use"]:
                    say(use(session, held))
                case ["create", name]:
                    create(session, name)
                case ["destroy", name]:
                    destroy(session, name)
                case ["write", prefix]:
                    write(session, prefix)


def write(session: Session, prefix: str) -> None:
    """Creates objects, and destroys every third again."""
    for number in itertools.count():
        name = f"{prefix}-{number}"
        create(session, name)
        if number % 3 == 2:
            # Said before, so that a kill in between is not taken for a loss.
            say(f"destroying {name} .")
            destroy(session, name)


def create(session: Session, name: str) -> None:
    """A token object whose value follows from its label."""
    session.create([
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, ck.CKK_GENERIC_SECRET), (ck.CKA_TOKEN, True),
        (ck.CKA_LABEL, name), (ck.CKA_SENSITIVE, False), (ck.CKA_EXTRACTABLE, True),
        (ck.CKA_VALUE, hashlib.sha256(name.encode()).digest()),
    ])
    say(f"created {name} .")


def destroy(session: Session, name: str) -> None:
    """Destroys by label."""
    session.destroy(find(session, name)[0])
    say(f"destroyed {name} .")


def use(session: Session, handle: int) -> str:
    """Encrypts a block, and names the result."""
    try:
        session.encrypt(ck.CKM_AES_ECB, handle, bytes(16))
    except Failure as failure:
        return ck.result_name(failure.code)
    return "CKR_OK"


def find(session: Session, name: str) -> list[int]:
    """Every object with this label."""
    return session.find([(ck.CKA_LABEL, name)])


def say(line: str) -> None:
    """Answers."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
