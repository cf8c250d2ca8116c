"""What is wrapped: a row per type of key, how a token makes one, and what proves that it is the same key.

The proof of a private key is its public half, of an AES key a block it encrypted, of any other secret
its value.
"""

import os
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lib import ck
from lib.openers import Opener
from lib.pkcs11 import Session, Template, Value

_SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True)
class Rsa:
    """An RSA key of a size."""

    bits: int
    object_class: int = ck.CKO_PRIVATE_KEY
    key_type: int = ck.CKK_RSA

    def generate(self, session: Session, extra: Template) -> tuple[int, bytes]:
        """A new key on the token, and its proof."""
        size = [(ck.CKA_MODULUS_BITS, self.bits), (ck.CKA_PUBLIC_EXPONENT, b"\x01\x00\x01")]
        public = [*size, (ck.CKA_VERIFY, True), (ck.CKA_TOKEN, False)]
        handle, key = session.generate_pair(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, public, [(ck.CKA_SIGN, True), *extra])
        modulus, exponent = (
            int.from_bytes(session.attribute(handle, kind)) for kind in (ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT)
        )
        return key, rsa.RSAPublicNumbers(exponent, modulus).public_key().public_bytes(*_SPKI)

    def software(self) -> rsa.RSAPrivateKey:
        """A new key outside the token."""
        return rsa.generate_private_key(65537, self.bits)


@dataclass(frozen=True)
class Ec:
    """A key on a named curve."""

    curve: ec.EllipticCurve
    oid: bytes
    object_class: int = ck.CKO_PRIVATE_KEY
    key_type: int = ck.CKK_EC

    def generate(self, session: Session, extra: Template) -> tuple[int, bytes]:
        """A new key on the token, and its proof."""
        public = [(ck.CKA_EC_PARAMS, self.oid), (ck.CKA_VERIFY, True), (ck.CKA_TOKEN, False)]
        handle, key = session.generate_pair(ck.CKM_EC_KEY_PAIR_GEN, public, [(ck.CKA_SIGN, True), *extra])
        # CKA_EC_POINT is an OCTET STRING; the point is its last 1 + 2n bytes.
        point = session.attribute(handle, ck.CKA_EC_POINT)[-(1 + 2 * ((self.curve.key_size + 7) // 8)) :]
        return key, ec.EllipticCurvePublicKey.from_encoded_point(self.curve, point).public_bytes(*_SPKI)

    def software(self) -> ec.EllipticCurvePrivateKey:
        """A new key outside the token."""
        return ec.generate_private_key(self.curve)


@dataclass(frozen=True)
class Edwards:
    """A key on the curve edwards25519."""

    oid: bytes = bytes.fromhex("06032b6570")
    object_class: int = ck.CKO_PRIVATE_KEY
    key_type: int = ck.CKK_EC_EDWARDS

    def generate(self, session: Session, extra: Template) -> tuple[int, bytes]:
        """A new key on the token, and its proof."""
        public = [(ck.CKA_EC_PARAMS, self.oid), (ck.CKA_VERIFY, True), (ck.CKA_TOKEN, False)]
        handle, key = session.generate_pair(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, public, [(ck.CKA_SIGN, True), *extra])
        # Bare, or in an OCTET STRING, as versions of the standard differ: the point is the last 32 bytes.
        point = session.attribute(handle, ck.CKA_EC_POINT)[-32:]
        return key, ed25519.Ed25519PublicKey.from_public_bytes(point).public_bytes(*_SPKI)

    def software(self) -> ed25519.Ed25519PrivateKey:
        """A new key outside the token."""
        return ed25519.Ed25519PrivateKey.generate()


@dataclass(frozen=True)
class Secret:
    """A secret key of a length in bytes."""

    key_type: int
    length: int
    object_class: int = ck.CKO_SECRET_KEY

    @property
    def is_aes(self) -> bool:
        """Whether the token can encrypt with it."""
        return self.key_type == ck.CKK_AES

    def generate(self, session: Session, extra: Template) -> tuple[int, bytes]:
        """A new key on the token, and its proof."""
        match self.key_type:
            case ck.CKK_AES:
                usage = [(ck.CKA_ENCRYPT, True), (ck.CKA_SENSITIVE, True), (ck.CKA_VALUE_LEN, self.length)]
                key = session.generate(ck.CKM_AES_KEY_GEN, [*usage, *extra])
            case ck.CKK_GENERIC_SECRET:
                template = [(ck.CKA_VALUE_LEN, self.length), (ck.CKA_SENSITIVE, False), *extra]
                key = session.generate(ck.CKM_GENERIC_SECRET_KEY_GEN, template)
            case other:
                key = session.create([
                    (ck.CKA_CLASS, self.object_class), (ck.CKA_KEY_TYPE, other), (ck.CKA_SENSITIVE, False),
                    (ck.CKA_VALUE, os.urandom(self.length)), *extra,
                ])
        return key, self.proof_on_token(session, key)

    def proof_on_token(self, session: Session, key: int) -> bytes:
        """What shows which key this is."""
        if self.is_aes:
            return session.encrypt(ck.CKM_AES_ECB, key, bytes(16))
        return session.attribute(key, ck.CKA_VALUE)


@dataclass(frozen=True)
class Target:
    """A row of the table."""

    name: str
    kind: Rsa | Ec | Edwards | Secret
    for_azure: bool = True

    def proof(self, opener: Opener, plaintext: bytes) -> bytes:
        """The proof, as an independent program makes it from the unwrapped bytes."""
        match self.kind:
            case Secret(is_aes=True):
                return opener.encrypt_zeros(plaintext)
            case Secret():
                return plaintext
            case _:
                return opener.public_half(plaintext)


def arrival(target: Target) -> list[tuple[int, Value]]:
    """The template of a key that arrives."""
    is_secret = isinstance(target.kind, Secret)
    use = (ck.CKA_ENCRYPT, True) if is_secret else (ck.CKA_SIGN, True)
    return [
        (ck.CKA_CLASS, target.kind.object_class), (ck.CKA_KEY_TYPE, target.kind.key_type), (ck.CKA_TOKEN, False),
        (ck.CKA_SENSITIVE, not is_secret), (ck.CKA_EXTRACTABLE, True), use,
    ]


TARGETS = (
    Target("RSA-2048", Rsa(2048)),
    Target("RSA-3072", Rsa(3072)),
    Target("RSA-4096", Rsa(4096)),
    Target("P-256", Ec(ec.SECP256R1(), bytes.fromhex("06082a8648ce3d030107"))),
    Target("P-384", Ec(ec.SECP384R1(), bytes.fromhex("06052b81040022"))),
    Target("P-521", Ec(ec.SECP521R1(), bytes.fromhex("06052b81040023"))),
    Target("secp256k1", Ec(ec.SECP256K1(), bytes.fromhex("06052b8104000a"))),
    Target("Ed25519", Edwards(), for_azure=False),
    Target("AES-128", Secret(ck.CKK_AES, 16)),
    Target("AES-192", Secret(ck.CKK_AES, 24)),
    Target("AES-256", Secret(ck.CKK_AES, 32)),
    Target("generic-61", Secret(ck.CKK_GENERIC_SECRET, 61), for_azure=False),
    Target("HMAC-SHA-256", Secret(ck.CKK_SHA256_HMAC, 32), for_azure=False),
)
OLD_RSA = Target("RSA-1024", Rsa(1024), for_azure=False)
