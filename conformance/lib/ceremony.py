"""What every script starts with: its arguments, a folder of its own, a fresh token with a user logged in."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lib import ck
from lib.pkcs11 import Module, Session
from lib.wrapping import Combined, TwoStep, Wrapping

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Setting:
    """What the script was asked to judge."""

    module: Path
    cli: Path
    so_pin: str
    pin: str
    label: str
    wrapping: Wrapping
    oaep: tuple[str, ...]
    counts_padding: bool
    processes: int
    full: bool

    @property
    def combined(self) -> bool:
        """Whether the module is judged by the combined mechanism."""
        return isinstance(self.wrapping, Combined)


def read_arguments(about: str) -> Setting:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--module", type=Path, default=ROOT / "target/release/libkeyferry.so",
                        help="the PKCS#11 module to judge (default: ours, built)")
    parser.add_argument("--cli", type=Path, help="the keyferry command (default: beside the module)")
    parser.add_argument("--so-pin", default="12345678")
    parser.add_argument("--pin", default="1234-5678")
    parser.add_argument("--label", default="conformance", help="label of the token that is made")
    parser.add_argument("--two-step", action="store_true", help="for modules without CKM_RSA_AES_KEY_WRAP")
    parser.add_argument("--oaep", choices=tuple(ck.HASHES), nargs="+", default=tuple(ck.HASHES),
                        help="the hashes that the module's OAEP takes (default: all)")
    parser.add_argument("--counts-padding", action="store_true",
                        help="its CKM_AES_KEY_WRAP_PAD counts the padding into the key")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1,
                        help="how many programs may use the module at once (SoftHSM 2.6: 1)")
    parser.add_argument("--full", action="store_true", help="the whole sweep, where a script has a short one")
    given = parser.parse_args()
    cli = given.cli or given.module.parent / "keyferry"
    wrapping = TwoStep() if given.two_step else Combined()
    return Setting(given.module.resolve(), cli.resolve(), given.so_pin, given.pin, given.label, wrapping,
                   tuple(given.oaep), given.counts_padding, given.processes, given.full)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A temporary folder, with keyferry's store in it, and SoftHSM's."""
    with tempfile.TemporaryDirectory(prefix="keyferry-conformance-") as name:
        folder = Path(name)
        os.environ["KEYFERRY_STORE"] = f"sqlite:{folder / 'store'}"
        softhsm = folder / "softhsm2.conf"
        (folder / "softhsm").mkdir()
        softhsm.write_text(f"directories.tokendir = {folder / 'softhsm'}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(softhsm)
        yield folder


@contextmanager
def fresh_token(setting: Setting) -> Iterator[Session]:
    """A session of a logged-in user on a new token."""
    with Module(str(setting.module)) as module:
        slot = next(slot for slot in module.slots() if not module.is_initialized(slot))
        module.init_token(slot, setting.so_pin, setting.pin, setting.label)
        session = Session(module, module.find_slot(setting.label))
        session.login(setting.pin)
        yield session
