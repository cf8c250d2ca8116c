"""The mechanisms that the tables of errors and policy are run with, each with keys, blobs and an opening outside.

`RSA_AES` is the combined mechanism; `OAEP` and `KWP` are the two steps of its specification.
"""

import ctypes
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives import keywrap

from lib import ck, structs
from lib.judge.bench import Bench, OnToken, raw_mechanism
from lib.judge.verdict import NotOffered, may_be_refused
from lib.keks import import_private, import_public
from lib.openers import open_blob, seal_blob
from lib.pkcs11 import Template
from lib.structs import Mechanism, Oaep, OaepParams, RsaAesKeyWrapParams
from lib.targets import TARGETS, Secret, Target

# What every module that has OAEP has, and what Azure asks for.
AZURE = Oaep("sha1", "sha1")
AES_BITS = 256
KEK_BITS = 2048
AES_TARGET = next(target for target in TARGETS if target.name == "AES-256")
EC_TARGET = next(target for target in TARGETS if target.name == "P-256")
RSA_TARGET = next(target for target in TARGETS if target.name == "RSA-2048")


class Scene(Protocol):
    """One mechanism."""

    number: int
    name: str
    takes_private_keys: bool

    def mechanism(self) -> Mechanism:
        """The mechanism with a good parameter."""

    def wrapping(self, bench: Bench, extra: Template = ()) -> int:
        """A new key that wraps."""

    def unwrapping(self, bench: Bench, extra: Template = ()) -> int:
        """A new key that unwraps what `seal` made."""

    def seal(self, bench: Bench, plaintext: bytes) -> bytes:
        """A blob, made outside."""

    def open(self, bench: Bench, blob: bytes) -> bytes:
        """What is in a blob, found outside."""


class _RsaKek:
    """The KEK of both mechanisms that take an RSA key."""

    def wrapping(self, bench: Bench, extra: Template = ()) -> int:
        with may_be_refused("a KEK like this"):
            return import_public(bench.session, bench.kek(KEK_BITS), [*bench.own(), *extra])

    def unwrapping(self, bench: Bench, extra: Template = ()) -> int:
        with may_be_refused("a KEK like this"):
            return import_private(bench.session, bench.kek(KEK_BITS), [*bench.own(), *extra])


class RsaAes(_RsaKek):
    """CKM_RSA_AES_KEY_WRAP"""

    number = ck.CKM_RSA_AES_KEY_WRAP
    name = "CKM_RSA_AES_KEY_WRAP"
    takes_private_keys = True

    def mechanism(self) -> Mechanism:
        return structs.rsa_aes_key_wrap(AZURE, AES_BITS)

    def with_oaep(self, params: OaepParams) -> Mechanism:
        """The mechanism with these OAEP parameters, good or bad."""
        return Mechanism(self.number, RsaAesKeyWrapParams(AES_BITS, ctypes.pointer(params)), params)

    def seal(self, bench: Bench, plaintext: bytes) -> bytes:
        return seal_blob(bench.opener, bench.kek(KEK_BITS), plaintext, AZURE, bench.material.aes_kek())

    def open(self, bench: Bench, blob: bytes) -> bytes:
        return open_blob(bench.opener, bench.kek(KEK_BITS), blob, AZURE, AES_BITS)


class OaepOnly(_RsaKek):
    """CKM_RSA_PKCS_OAEP"""

    number = ck.CKM_RSA_PKCS_OAEP
    name = "CKM_RSA_PKCS_OAEP"
    takes_private_keys = False

    def mechanism(self) -> Mechanism:
        return structs.oaep(AZURE)

    def with_oaep(self, params: OaepParams) -> Mechanism:
        """The mechanism with these parameters, good or bad."""
        return Mechanism(self.number, params)

    def seal(self, bench: Bench, plaintext: bytes) -> bytes:
        return bench.opener.encrypt(bench.kek(KEK_BITS), plaintext, AZURE)

    def open(self, bench: Bench, blob: bytes) -> bytes:
        return bench.opener.decrypt(bench.kek(KEK_BITS), blob, AZURE)


@dataclass(frozen=True)
class Kwp:
    """RFC 5649 under an AES key, by either of its two numbers."""

    number: int = ck.CKM_AES_KEY_WRAP_PAD
    takes_private_keys = True

    @property
    def name(self) -> str:
        return "CKM_AES_KEY_WRAP_PAD" if self.number == ck.CKM_AES_KEY_WRAP_PAD else "CKM_AES_KEY_WRAP_KWP"

    def mechanism(self) -> Mechanism:
        return raw_mechanism(self.number)

    def wrapping(self, bench: Bench, extra: Template = ()) -> int:
        return self._import(bench, {ck.CKA_WRAP: True} | dict(extra))

    def unwrapping(self, bench: Bench, extra: Template = ()) -> int:
        return self._import(bench, {ck.CKA_UNWRAP: True} | dict(extra))

    def seal(self, bench: Bench, plaintext: bytes) -> bytes:
        return keywrap.aes_key_wrap_with_padding(bench.material.aes_kek(), plaintext)

    def open(self, bench: Bench, blob: bytes) -> bytes:
        return keywrap.aes_key_unwrap_with_padding(bench.material.aes_kek(), blob)

    @staticmethod
    def _import(bench: Bench, flags: dict) -> int:
        return bench.create("a KEK like this", [
            (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, ck.CKK_AES), (ck.CKA_VALUE, bench.material.aes_kek()),
            *flags.items(),
        ])


def scenes(numbers: set[int]) -> tuple[Scene, ...]:
    """The three, of which a module with these mechanisms need not have all."""
    kwp = ck.CKM_AES_KEY_WRAP_PAD if ck.CKM_AES_KEY_WRAP_PAD in numbers else ck.CKM_AES_KEY_WRAP_KWP
    return RsaAes(), OaepOnly(), Kwp(kwp if kwp in numbers else ck.CKM_AES_KEY_WRAP_PAD)


def wrapping_key(bench: Bench, scene: Scene) -> int:
    """The scene's ordinary KEK, made once."""
    return bench.once((scene, "wrapping"), lambda: scene.wrapping(bench))


def unwrapping_key(bench: Bench, scene: Scene) -> int:
    """Its other half, made once."""
    return bench.once((scene, "unwrapping"), lambda: scene.unwrapping(bench))


def target_for(bench: Bench, scene: Scene, target: Target = AES_TARGET, extra: Template = ()) -> OnToken:
    """A key to wrap, if the mechanism wraps such."""
    if not (scene.takes_private_keys or isinstance(target.kind, Secret)):
        raise NotOffered(f"{scene.name} has no room for a private key")
    return bench.target(target, extra)


def received(target: Target = AES_TARGET) -> list[tuple[int, int | bool]]:
    """The least that a template for a received key says, and that it may be looked at if it is a secret key."""
    readable = [(ck.CKA_SENSITIVE, False)] if isinstance(target.kind, Secret) else []
    return [
        (ck.CKA_CLASS, target.kind.object_class), (ck.CKA_KEY_TYPE, target.kind.key_type), (ck.CKA_TOKEN, False),
        (ck.CKA_EXTRACTABLE, True), *readable,
    ]
