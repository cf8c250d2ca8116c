#!/usr/bin/env python3
"""Independent opening: what the module wraps is opened by programs that share no code with it, and back.

Every KEK size, target type, OAEP hash and AES size; opened by Python `cryptography` and by the OpenSSL
command line, and proved to be the key on the token. Then Azure packages, by the vendor-defined mechanism
and by the command line. The OpenSSL command line opens each combination of target, hash and AES size under
one KEK size only; with `--full`, under all three.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives import serialization

from lib import byok, ck
from lib.ceremony import Setting, fresh_token, own_folder, read_arguments
from lib.keks import Kek, import_private, import_public, make_kek
from lib.openers import Cryptography, Opener, OpenSsl, open_blob, seal_blob
from lib.pkcs11 import Session
from lib.proof import prove
from lib.report import Group, Report, require
from lib.structs import Mechanism, Oaep
from lib.targets import OLD_RSA, TARGETS, Secret, Target, arrival

AES_BITS = (128, 192, 256)
AZURE = Oaep("sha1", "sha1")
KID = "https://conformance.managedhsm.azure.net/keys/kek/0123456789abcdef0123456789abcdef"
OAEPS = (*(Oaep(name, name) for name in ck.HASHES), Oaep("sha256", "sha1"))
OPENERS: tuple[Opener, ...] = (Cryptography(), OpenSsl())


@dataclass(frozen=True)
class OnToken:
    """A target that the token made, and what proves it."""

    target: Target
    handle: int
    proof: bytes
    label: str = ""


@dataclass(frozen=True)
class Wrapped:
    """A blob, and how it was made."""

    key: OnToken
    oaep: Oaep
    aes_bits: int
    blob: bytes

    def __str__(self) -> str:
        return f"{self.key.target.name} {self.oaep} AES-{self.aes_bits}"


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    oaeps = OAEPS if setting.combined else (AZURE,)
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        keys = [OnToken(target, *generate(session, target)) for target in TARGETS]
        for turn, bits in enumerate((2048, 3072, 4096)):
            kek = make_kek(bits, folder)
            third = None if setting.full else turn
            outward(report, setting, session, kek, keys, list(itertools.product(oaeps, AES_BITS)), third)
            inward(report, setting, session, kek, oaeps)
            if setting.combined:
                packages(report, setting, session, kek, folder)
        largest = make_kek(8192, folder)
        outward(report, setting, session, largest, keys, [(oaep, 256) for oaep in oaeps])
        inward(report, setting, session, largest, oaeps)
        edges(report, setting, session, folder, keys)


def generate(session: Session, target: Target, label: str = "", token: bool = False) -> tuple[int, bytes]:
    """A key on the token that may leave it."""
    extra = [(ck.CKA_TOKEN, token), (ck.CKA_LABEL, label or target.name), (ck.CKA_EXTRACTABLE, True)]
    return target.kind.generate(session, extra)


def outward(report: Report, setting: Setting, session: Session, kek: Kek, keys: list[OnToken],
            ways: list[tuple[Oaep, int]], third: int | None = None) -> None:
    """Out of the module, opened by the others; by the OpenSSL command line, which is slow, only a third."""
    public = import_public(session, kek)
    wrapped: list[Wrapped] = []
    with report.group(f"wrapped under RSA-{kek.bits}") as group:
        for key, (oaep, aes_bits) in itertools.product(keys, ways):
            with group.case(f"{key.target.name} {oaep} AES-{aes_bits}"):
                blob = setting.wrapping.wrap(session, public, key.handle, oaep, aes_bits)
                wrapped.append(Wrapped(key, oaep, aes_bits, blob))
    for opener in OPENERS:
        with report.group(f"RSA-{kek.bits} blobs opened by {opener.name}") as group:
            whole = third is None or not isinstance(opener, OpenSsl)
            # the three AES sizes follow each other: the second term moves the third on to another one
            mine = [one for at, one in enumerate(wrapped) if whole or (at + at // 3) % 3 == third]
            in_parallel(group, mine, lambda one, opener=opener: open_and_compare(opener, kek, one))


def open_and_compare(opener: Opener, kek: Kek, one: Wrapped) -> None:
    """Raises unless the blob holds the key on the token."""
    plaintext = open_blob(opener, kek, one.blob, one.oaep, one.aes_bits)
    require(one.key.target.proof(opener, plaintext) == one.key.proof, "another key is in the blob")


def in_parallel(group: Group, cases: list[Wrapped], check: Callable[[Wrapped], None]) -> None:
    """Runs a check on every case, several at once."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for one, future in [(one, pool.submit(check, one)) for one in cases]:
            with group.case(str(one)):
                future.result()


def inward(report: Report, setting: Setting, session: Session, kek: Kek, oaeps: tuple[Oaep, ...]) -> None:
    """Made by the others, unwrapped by the module, proved by use."""
    private = import_private(session, kek)
    for opener in OPENERS:
        with report.group(f"RSA-{kek.bits} blobs of {opener.name} unwrapped") as group:
            sizes = itertools.cycle(AES_BITS)
            for target, oaep in itertools.product(TARGETS, oaeps):
                aes_bits = next(sizes)
                with group.case(f"{target.name} {oaep} AES-{aes_bits}"):
                    plaintext = outside_key(target)
                    blob = seal_blob(opener, kek, plaintext, oaep, os.urandom(aes_bits // 8))
                    key = setting.wrapping.unwrap(
                        session, private, kek.size, blob, oaep, aes_bits, arrival(target)
                    )
                    prove(session, key, target, target.proof(opener, plaintext))
                    session.destroy(key)


_outside: dict[str, bytes] = {}


def outside_key(target: Target) -> bytes:
    """A key that the token has never seen, encoded for wrapping; made once."""
    if target.name not in _outside:
        if isinstance(target.kind, Secret):
            _outside[target.name] = os.urandom(target.kind.length)
        else:
            _outside[target.name] = target.kind.software().private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
    return _outside[target.name]


def edges(report: Report, setting: Setting, session: Session, folder: Path, keys: list[OnToken]) -> None:
    """A modulus that does not fill its bytes, the oldest target, labels, MGF1 of another hash."""
    small = [key for key in keys if key.target.name in ("RSA-2048", "P-256", "AES-256")]
    odd = make_kek(2052, folder)
    outward(report, setting, session, odd, small, [(AZURE, 256)])
    inward(report, setting, session, odd, (AZURE,))
    old = OnToken(OLD_RSA, *generate(session, OLD_RSA))
    kek = make_kek(3072, folder)
    outward(report, setting, session, kek, [old], [(AZURE, 256)])
    if setting.combined:
        labelled = [Oaep(name, name, b"a label of the peer's") for name in ck.HASHES]
        mixed = [Oaep(*pair) for pair in itertools.permutations(ck.HASHES, 2)]
        outward(report, setting, session, kek, small, [(oaep, 256) for oaep in (*labelled, *mixed)])


def packages(report: Report, setting: Setting, session: Session, kek: Kek, folder: Path) -> None:
    """Azure packages by both makers, opened; and one of another producer's taken in."""
    kek_handle = import_public(session, kek, [(ck.CKA_KEYFERRY_KID, KID)])
    azure_targets = [target for target in TARGETS if target.for_azure]
    for name, make in (
        ("CKM_KEYFERRY_AZURE_BYOK", lambda key: by_mechanism(session, kek_handle, key)),
        ("keyferry export azure", lambda key: by_command(setting, kek, key, folder)),
    ):
        with report.group(f"packages of {name}, RSA-{kek.bits}") as group:
            for target, opener in itertools.product(azure_targets, OPENERS):
                with group.case(f"{target.name}, opened by {opener.name}"):
                    label = f"{target.name} for {opener.name} {kek.bits}"
                    key = OnToken(target, *generate(session, target, label, token=True), label)
                    blob = byok.read_package(make(key), KID)
                    open_and_compare(opener, kek, Wrapped(key, AZURE, 256, blob))
                    session.destroy(key.handle)
    with report.group(f"packages of another producer unwrapped, RSA-{kek.bits}") as group:
        for target, opener in itertools.product(azure_targets, OPENERS):
            with group.case(f"{target.name}, made by {opener.name}"):
                take_package(session, kek, target, opener)


def by_mechanism(session: Session, kek: int, key: OnToken) -> bytes:
    """The whole file out of one C_WrapKey."""
    return session.wrap(Mechanism(ck.CKM_KEYFERRY_AZURE_BYOK), kek, key.handle)


def by_command(setting: Setting, kek: Kek, key: OnToken, folder: Path) -> bytes:
    """The file that the command line writes."""
    output = folder / f"{key.label}.byok"
    done = subprocess.run(
        [setting.cli, "export", "azure", "--kek", kek.public_pem, "--kid", KID, "--key", key.label, "-o", output],
        env={**os.environ, "KEYFERRY_PIN": setting.pin}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )
    require(done.returncode == 0, done.stderr.strip())
    require("az keyvault key import" in done.stdout, "no az command in the output")
    require(output.stat().st_mode & 0o777 == 0o600, "the package is not 0600")
    return output.read_bytes()


def take_package(session: Session, kek: Kek, target: Target, opener: Opener) -> None:
    """Unwraps a package with the vendor-defined mechanism and proves the key."""
    plaintext = outside_key(target)
    file = byok.write_package(seal_blob(opener, kek, plaintext, AZURE, os.urandom(32)), KID)
    private = import_private(session, kek)
    key = session.unwrap(Mechanism(ck.CKM_KEYFERRY_AZURE_BYOK), private, file, arrival(target))
    prove(session, key, target, target.proof(opener, plaintext))
    session.destroy(key)
    session.destroy(private)


if __name__ == "__main__":
    main()
