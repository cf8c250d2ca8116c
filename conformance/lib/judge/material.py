"""Keys that the judge brings along: KEKs and targets made in software, in files, so that every process has the same.

They are for one run, and gone with its folder.
"""

import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lib.keks import Kek
from lib.targets import TARGETS, Secret, Target

KEK_BITS = (2048, 3072, 4096)
# Too small for an AES key under OAEP with SHA-512, and too small for anything today.
SMALL_BITS = 1024
# One more, for blobs that are not meant for the module.
_STRANGER = "stranger"


class Material:
    """A folder with the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Writes every key; once, before the first process starts."""
        for name, bits in (*((str(bits), bits) for bits in (*KEK_BITS, SMALL_BITS)), (_STRANGER, 2048)):
            self._pem(name).write_bytes(rsa.generate_private_key(65537, bits).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ))
        for target in TARGETS:
            self._target(target).write_bytes(_encoded(target))
        (self.folder / "aes-kek").write_bytes(os.urandom(32))

    def kek(self, bits: int) -> Kek:
        """The KEK of this size."""
        return _load(bits, self._pem(str(bits)))

    def stranger(self) -> Kek:
        """A KEK whose private half the module never gets."""
        return _load(2048, self._pem(_STRANGER))

    def aes_kek(self) -> bytes:
        """An AES-256 key that wraps."""
        return (self.folder / "aes-kek").read_bytes()

    def plaintext(self, target: Target) -> bytes:
        """A key of this type as it goes into a blob: PKCS#8, or raw."""
        return self._target(target).read_bytes()

    def _pem(self, name: str) -> Path:
        return self.folder / f"kek-{name}.pem"

    def _target(self, target: Target) -> Path:
        return self.folder / f"target-{target.name}"


def _encoded(target: Target) -> bytes:
    if isinstance(target.kind, Secret):
        return os.urandom(target.kind.length)
    return target.kind.software().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@lru_cache
def _load(bits: int, pem: Path) -> Kek:
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Kek(bits, pem, key)
