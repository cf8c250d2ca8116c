"""Key exchange keys: made by the OpenSSL command line, put on a token as a public or a private key."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers

from lib import ck
from lib.pkcs11 import Session, Template, Value


@dataclass(frozen=True)
class Kek:
    """One KEK: both halves, and the file with the private one."""

    bits: int
    pem: Path
    private: RSAPrivateKey | None
    # Of a KEK whose private half never leaves its token
    token_public: RSAPublicKey | None = None

    @property
    def public(self) -> RSAPublicKey:
        """The half that wraps."""
        return self.token_public or self.private.public_key()

    @property
    def size(self) -> int:
        """Length of the modulus in bytes."""
        return (self.bits + 7) // 8

    @property
    def public_pem(self) -> Path:
        """SubjectPublicKeyInfo PEM, as a cloud hands it out."""
        return self.pem.with_suffix(".pub.pem")


def make_kek(bits: int, folder: Path) -> Kek:
    """Makes a KEK in a folder."""
    pem = folder / f"kek-{bits}.pem"
    _openssl("genrsa", "-out", pem, bits)
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    kek = Kek(bits, pem, key)
    _openssl("rsa", "-in", pem, "-pubout", "-out", kek.public_pem)
    return kek


def generate_kek(session: Session, bits: int, extra: Template = ()) -> tuple[int, Kek]:
    """A KEK that the token makes: the handle of the half that unwraps, and the other half."""
    exponent = (ck.CKA_PUBLIC_EXPONENT, b"\x01\x00\x01")
    public, private = session.generate_pair(
        ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
        [(ck.CKA_MODULUS_BITS, bits), exponent, *_with(extra, {ck.CKA_TOKEN: False, ck.CKA_WRAP: True})],
        _with(extra, {ck.CKA_TOKEN: False, ck.CKA_UNWRAP: True, ck.CKA_SENSITIVE: True}),
    )
    modulus = int.from_bytes(session.attribute(public, ck.CKA_MODULUS))
    return private, Kek(bits, Path(), None, RSAPublicNumbers(65537, modulus).public_key())


def import_public(session: Session, kek: Kek, extra: Template = ()) -> int:
    """The half that wraps, as a session object."""
    numbers = kek.private.public_key().public_numbers()
    return session.create([
        (ck.CKA_CLASS, ck.CKO_PUBLIC_KEY), (ck.CKA_KEY_TYPE, ck.CKK_RSA),
        (ck.CKA_MODULUS, octets(numbers.n)), (ck.CKA_PUBLIC_EXPONENT, octets(numbers.e)),
        *_with(extra, {
            ck.CKA_TOKEN: False, ck.CKA_LABEL: f"kek-{kek.bits}", ck.CKA_WRAP: True, ck.CKA_ENCRYPT: True,
        }),
    ])


def import_private(session: Session, kek: Kek, extra: Template = ()) -> int:
    """The half that unwraps, as a session object."""
    numbers = kek.private.private_numbers()
    parts = {
        ck.CKA_MODULUS: numbers.public_numbers.n, ck.CKA_PUBLIC_EXPONENT: numbers.public_numbers.e,
        ck.CKA_PRIVATE_EXPONENT: numbers.d, ck.CKA_PRIME_1: numbers.p, ck.CKA_PRIME_2: numbers.q,
        ck.CKA_EXPONENT_1: numbers.dmp1, ck.CKA_EXPONENT_2: numbers.dmq1, ck.CKA_COEFFICIENT: numbers.iqmp,
    }
    return session.create([
        (ck.CKA_CLASS, ck.CKO_PRIVATE_KEY), (ck.CKA_KEY_TYPE, ck.CKK_RSA),
        *((kind, octets(number)) for kind, number in parts.items()),
        *_with(extra, {
            ck.CKA_TOKEN: False, ck.CKA_LABEL: f"vault-{kek.bits}", ck.CKA_UNWRAP: True, ck.CKA_DECRYPT: True,
            ck.CKA_SENSITIVE: True,
        }),
    ])


def _with(extra: Template, defaults: dict[int, Value]) -> Template:
    """The defaults, unless `extra` says otherwise, and what else it says."""
    return list((defaults | dict(extra)).items())


def octets(number: int) -> bytes:
    """A big integer as PKCS#11 has it: big-endian, no leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
