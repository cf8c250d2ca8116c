"""Blobs that must not be unwrapped: too short, too long, altered, of someone else, or with something else inside.

Each row says how to make one from a good blob, and the codes that PKCS#11 has for it.
"""

import os
from collections.abc import Callable

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lib.judge.bench import Bench
from lib.judge.scenes import AZURE, EC_TARGET, KEK_BITS, RSA_TARGET, Kwp, OaepOnly, RsaAes, Scene, received
from lib.openers import seal_blob
from lib.pkcs11 import Template
from lib.structs import Oaep

# The blob, and another template than the usual if it needs one.
Hurt = Callable[[Bench, bytes], tuple[bytes, Template]]

_INVALID = "CKR_WRAPPED_KEY_INVALID"
# A length that cannot be has a code of its own; one that could be, but is not, is found by the contents.
_LENGTH = "CKR_WRAPPED_KEY_LEN_RANGE CKR_WRAPPED_KEY_INVALID"
_SIZE = KEK_BITS // 8

# Damage that must not be told apart.
INSIDE = frozenset({
    "first bit of the OAEP part flipped", "last bit of the OAEP part flipped", "first bit of the AES part flipped",
    "last bit of the AES part flipped", "another KEK's blob", "OAEP with another hash", "AES part of another AES key",
})


def rows(scene: Scene) -> list[tuple[str, str, Hurt]]:
    """Situation, codes, and how it is made."""
    match scene:
        case RsaAes():
            return [*_lengths(), *_oaep_part(), *_aes_part(_SIZE), *_combined()]
        case OaepOnly():
            return [*_lengths_of_oaep(), *_oaep_part()]
        case Kwp():
            return [*_lengths_of_kwp(), *_aes_part(0), *_inside_kwp()]
    return []


def _plain(hurt: Callable[[bytes], bytes]) -> Hurt:
    return lambda bench, blob: (hurt(blob), ())


def _flip(at: int) -> Hurt:
    def hurt(blob: bytes) -> bytes:
        changed = bytearray(blob)
        changed[at] ^= 1
        return bytes(changed)

    return _plain(hurt)


def _lengths() -> list[tuple[str, str, Hurt]]:
    return [
        ("empty blob", f"{_LENGTH} CKR_ARGUMENTS_BAD", _plain(lambda blob: b"")),
        ("1 byte", _LENGTH, _plain(lambda blob: blob[:1])),
        ("1 byte less than the modulus", _LENGTH, _plain(lambda blob: blob[: _SIZE - 1])),
        ("no AES part", _LENGTH, _plain(lambda blob: blob[:_SIZE])),
        ("AES part of 8 bytes", _LENGTH, _plain(lambda blob: blob[: _SIZE + 8])),
        ("1 byte cut off", _LENGTH, _plain(lambda blob: blob[:-1])),
        ("8 bytes cut off", _LENGTH, _plain(lambda blob: blob[:-8])),
        ("1 byte added", _LENGTH, _plain(lambda blob: blob + b"\0")),
        ("8 bytes added", _LENGTH, _plain(lambda blob: blob + bytes(8))),
        ("64 KiB added", _LENGTH, _plain(lambda blob: blob + bytes(1 << 16))),
    ]


def _lengths_of_oaep() -> list[tuple[str, str, Hurt]]:
    return [
        ("empty blob", f"{_LENGTH} CKR_ARGUMENTS_BAD", _plain(lambda blob: b"")),
        ("1 byte", _LENGTH, _plain(lambda blob: blob[:1])),
        ("1 byte cut off", _LENGTH, _plain(lambda blob: blob[:-1])),
        ("1 byte added", _LENGTH, _plain(lambda blob: blob + b"\0")),
    ]


def _lengths_of_kwp() -> list[tuple[str, str, Hurt]]:
    return [
        ("empty blob", f"{_LENGTH} CKR_ARGUMENTS_BAD", _plain(lambda blob: b"")),
        ("1 byte", _LENGTH, _plain(lambda blob: blob[:1])),
        ("AES part of 8 bytes", _LENGTH, _plain(lambda blob: blob[:8])),
        ("1 byte cut off", _LENGTH, _plain(lambda blob: blob[:-1])),
        ("8 bytes cut off", _LENGTH, _plain(lambda blob: blob[:-8])),
        ("1 byte added", _LENGTH, _plain(lambda blob: blob + b"\0")),
        ("8 bytes added", _LENGTH, _plain(lambda blob: blob + bytes(8))),
    ]


def _oaep_part() -> list[tuple[str, str, Hurt]]:
    def other_kek(bench: Bench, blob: bytes) -> tuple[bytes, Template]:
        part = bench.opener.encrypt(bench.material.stranger(), bench.material.aes_kek(), AZURE)
        return part + blob[_SIZE:], ()

    def other_oaep(oaep: Oaep) -> Hurt:
        return lambda bench, blob: (
            bench.opener.encrypt(bench.kek(KEK_BITS), bench.material.aes_kek(), oaep) + blob[_SIZE:], ()
        )

    return [
        ("first bit of the OAEP part flipped", _INVALID, _plain(lambda blob: bytes([blob[0] ^ 1]) + blob[1:])),
        ("last bit of the OAEP part flipped", _INVALID, _flip(_SIZE - 1)),
        ("OAEP part all zeros", _INVALID, _plain(lambda blob: bytes(_SIZE) + blob[_SIZE:])),
        ("OAEP part above the modulus", _INVALID, _plain(lambda blob: b"\xff" * _SIZE + blob[_SIZE:])),
        ("another KEK's blob", _INVALID, other_kek),
        ("OAEP with another hash", _INVALID, other_oaep(Oaep("sha256", "sha256"))),
        ("OAEP with another MGF", _INVALID, other_oaep(Oaep("sha1", "sha256"))),
        ("OAEP with a label", _INVALID, other_oaep(Oaep("sha1", "sha1", b"label"))),
    ]


def _aes_part(start: int) -> list[tuple[str, str, Hurt]]:
    """`start` is where it starts."""
    def under(key: bytes, plaintext: bytes) -> bytes:
        return keywrap.aes_key_wrap_with_padding(key, plaintext)

    def another_key(bench: Bench, blob: bytes) -> tuple[bytes, Template]:
        return blob[:start] + under(os.urandom(32), bytes(32)), ()

    def rfc3394(bench: Bench, blob: bytes) -> tuple[bytes, Template]:
        return blob[:start] + keywrap.aes_key_wrap(bench.material.aes_kek(), bytes(32)), ()

    def raw(head: bytes, padded: bytes) -> Hurt:
        return lambda bench, blob: (blob[:start] + wrap_raw(bench.material.aes_kek(), head, padded), ())

    def inside(make: Callable[[Bench], bytes], template: Template) -> Hurt:
        return lambda bench, blob: (blob[:start] + under(bench.material.aes_kek(), make(bench)), template)

    def key_length(length: int) -> Hurt:
        return inside(lambda bench: bytes(length), ())

    magic = bytes.fromhex("a65959a6")
    return [
        ("first bit of the AES part flipped", _INVALID, _flip(start)),
        ("last bit of the AES part flipped", _INVALID, _plain(lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]))),
        ("AES part of another AES key", _INVALID, another_key),
        ("RFC 3394 instead of RFC 5649", _INVALID, rfc3394),
        ("padding that is not zero", _INVALID, raw(magic + (31).to_bytes(4), bytes(31) + b"\1")),
        ("length of RFC 5649 too great", _INVALID, raw(magic + (33).to_bytes(4), bytes(32))),
        ("length of RFC 5649 too small", _INVALID, raw(magic + (24).to_bytes(4), bytes(32))),
        ("length of RFC 5649 zero", _INVALID, raw(magic + bytes(4), bytes(32))),
        ("an AES key of 20 bytes inside", f"{_INVALID} CKR_WRAPPED_KEY_LEN_RANGE", key_length(20)),
        ("no PKCS#8 inside", _INVALID, inside(lambda bench: os.urandom(128), received(EC_TARGET))),
        ("PKCS#8 cut short inside", _INVALID,
         inside(lambda bench: bench.material.plaintext(EC_TARGET)[:-1], received(EC_TARGET))),
        ("an RSA key inside, EC asked for", _INVALID,
         inside(lambda bench: bench.material.plaintext(RSA_TARGET), received(EC_TARGET))),
        ("an EC key inside, RSA asked for", _INVALID,
         inside(lambda bench: bench.material.plaintext(EC_TARGET), received(RSA_TARGET))),
    ]


def _combined() -> list[tuple[str, str, Hurt]]:
    def short_aes(bench: Bench, blob: bytes) -> tuple[bytes, Template]:
        # An OAEP part that is right, with a key that AES does not have.
        return bench.opener.encrypt(bench.kek(KEK_BITS), bytes(20), AZURE) + blob[_SIZE:], ()

    def whole(bench: Bench, blob: bytes) -> tuple[bytes, Template]:
        sealed = seal_blob(bench.opener, bench.material.stranger(), bytes(32), AZURE, os.urandom(32))
        return sealed, ()

    return [
        ("whole blob of another KEK", _INVALID, whole),
        ("parts exchanged", _INVALID, _plain(lambda blob: blob[_SIZE:] + blob[:_SIZE])),
        ("an AES key of 160 bits in the OAEP part", _INVALID, short_aes),
    ]


def _inside_kwp() -> list[tuple[str, str, Hurt]]:
    return [("all zeros", _INVALID, _plain(lambda blob: bytes(len(blob))))]


def wrap_raw(key: bytes, head: bytes, padded: bytes) -> bytes:
    """The wrapping function W of RFC 3394, section 2.2.1, with any first block: what a careful maker never makes."""
    blocks = [padded[at : at + 8] for at in range(0, len(padded), 8)]
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    for step in range(6 * len(blocks)):
        at = step % len(blocks)
        out = aes.update(head + blocks[at])
        head, blocks[at] = (int.from_bytes(out[:8]) ^ (step + 1)).to_bytes(8), out[8:]
    return head + b"".join(blocks)
