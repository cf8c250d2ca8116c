"""How a module makes and opens a blob: with CKM_RSA_AES_KEY_WRAP, or in the two steps of its specification.

The two steps (an AES session key, RFC 5649 under it, the AES key under RSA-OAEP) serve modules that
lack the combined mechanism.
"""

from dataclasses import dataclass
from typing import Protocol

from lib import ck
from lib.pkcs11 import Session
from lib.structs import Mechanism, Oaep, oaep, rsa_aes_key_wrap


class Wrapping(Protocol):
    """A way to the blob."""

    def wrap(self, session: Session, kek: int, key: int, params: Oaep, aes_bits: int) -> bytes:
        """The blob of a key."""

    def unwrap(self, session: Session, kek: int, modulus: int, blob: bytes, params: Oaep, aes_bits: int,
               template: list) -> int:
        """A key from a blob; `modulus` is the length of the KEK in bytes."""


class Combined:
    """CKM_RSA_AES_KEY_WRAP"""

    def wrap(self, session: Session, kek: int, key: int, params: Oaep, aes_bits: int) -> bytes:
        return session.wrap(rsa_aes_key_wrap(params, aes_bits), kek, key)

    def unwrap(self, session: Session, kek: int, modulus: int, blob: bytes, params: Oaep, aes_bits: int,
               template: list) -> int:
        return session.unwrap(rsa_aes_key_wrap(params, aes_bits), kek, blob, template)


@dataclass(frozen=True)
class TwoStep:
    """CKM_RSA_PKCS_OAEP, and RFC 5649 by either of its two numbers"""

    tail: int = ck.CKM_AES_KEY_WRAP_PAD

    def wrap(self, session: Session, kek: int, key: int, params: Oaep, aes_bits: int) -> bytes:
        aes = session.generate(ck.CKM_AES_KEY_GEN, [
            (ck.CKA_VALUE_LEN, aes_bits // 8), (ck.CKA_TOKEN, False), (ck.CKA_EXTRACTABLE, True), (ck.CKA_WRAP, True),
        ])
        try:
            tail = session.wrap(Mechanism(self.tail), aes, key)
            return session.wrap(oaep(params), kek, aes) + tail
        finally:
            session.destroy(aes)

    def unwrap(self, session: Session, kek: int, modulus: int, blob: bytes, params: Oaep, aes_bits: int,
               template: list) -> int:
        aes = session.unwrap(oaep(params), kek, blob[:modulus], [
            (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, ck.CKK_AES), (ck.CKA_TOKEN, False),
            (ck.CKA_UNWRAP, True),
        ])
        try:
            return session.unwrap(Mechanism(self.tail), aes, blob[modulus:], template)
        finally:
            session.destroy(aes)
