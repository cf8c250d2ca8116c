"""The matrix: every target × KEK × hash × AES size, out of the module and into it.

What the module wraps is opened outside and must be the key on the token; what is wrapped outside is
unwrapped by the module and must work as the key that it is.
"""

import itertools
from functools import lru_cache, partial

from lib import ck
from lib.judge.bench import Bench
from lib.judge.case import Case, Group, Offer
from lib.judge.material import KEK_BITS
from lib.judge.verdict import Unexpected, may_be_refused
from lib.keks import Kek
from lib.openers import Cryptography, open_blob, seal_blob
from lib.proof import prove
from lib.report import require
from lib.structs import Oaep
from lib.targets import TARGETS, Secret, Target, arrival
from lib.wrapping import Combined, TwoStep, Wrapping

AES_BITS = (128, 192, 256)
HASH_NAMES = {"sha1": "SHA-1", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_COMBINED = (ck.CKM_RSA_AES_KEY_WRAP, "CKM_RSA_AES_KEY_WRAP")
_OAEP = (ck.CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP")
_PAD = (ck.CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD")
_KWP = (ck.CKM_AES_KEY_WRAP_KWP, "CKM_AES_KEY_WRAP_KWP")


def groups(offer: Offer) -> list[Group]:
    """Both directions by the combined mechanism, and both in its two steps."""
    tail = _KWP if _KWP[0] in offer.wraps and _PAD[0] not in offer.wraps else _PAD
    return [
        group
        for way, mechanisms in ((Combined(), (_COMBINED,)), (TwoStep(tail[0]), (_OAEP, tail)))
        for group in _both_directions(way, mechanisms, offer)
    ]


def _both_directions(way: Wrapping, mechanisms: tuple, offer: Offer) -> list[Group]:
    by = " and ".join(name for _, name in mechanisms)
    out, into = offer.why_no_wrap(*mechanisms), offer.why_no_unwrap(*mechanisms)
    return [
        Group(f"wrap by {by}", "Wrapped by the module, opened by Python cryptography: it must be the key on the token.",
              _cases(_wrapped, way, out), matrix=True),
        Group(f"unwrap by {by}", "Wrapped by Python cryptography, unwrapped by the module, used there, and checked "
              "outside.", _cases(_unwrapped, way, into), matrix=True),
    ]


def _cases(check, way: Wrapping, not_offered: str) -> list[Case]:
    return [
        Case(target.name, (f"RSA-{kek}", HASH_NAMES[name], f"AES-{bits}"), partial(check, way, target, kek, name, bits),
             not_offered)
        for target, kek, name, bits in itertools.product(TARGETS, KEK_BITS, HASH_NAMES, AES_BITS)
    ]


def _wrapped(way: Wrapping, target: Target, kek_bits: int, name: str, aes_bits: int, bench: Bench) -> None:
    key, kek, oaep = bench.target(target), bench.wrapping_kek(kek_bits), Oaep(name, name)
    with may_be_refused("refused with these parameters", "CKR_ARGUMENTS_BAD"):
        blob = way.wrap(bench.session, kek, key.handle, oaep, aes_bits)
    plaintext = _opened(bench.kek(kek_bits), blob, oaep, aes_bits)
    _require_no_surplus(target, plaintext)
    require(_proof(target, plaintext) == key.proof, "another key is in the blob")


def _opened(kek: Kek, blob: bytes, oaep: Oaep, aes_bits: int) -> bytes:
    """The plaintext; or why there is none, which is often a hash that was not the one asked for."""
    opener = Cryptography()
    try:
        return open_blob(opener, kek, blob, oaep, aes_bits)
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - the library has one exception for each part
        for other in (Oaep(*pair) for pair in itertools.product(ck.HASHES, repeat=2)):
            try:
                open_blob(opener, kek, blob, other, aes_bits)
            except Exception:  # noqa: BLE001, S112 - not this one either
                continue
            raise Unexpected("C_WrapKey", f"OAEP with {oaep}", f"OAEP with {other}", "the hash was ignored") from error
        raise AssertionError("what C_WrapKey made cannot be opened") from error


def _require_no_surplus(target: Target, plaintext: bytes) -> None:
    """RFC 5649 pads by itself; who pads before has the zeros counted as a part of the key."""
    length = target.kind.length if isinstance(target.kind, Secret) else _der_length(plaintext)
    if len(plaintext) > length and not any(plaintext[length:]):
        raise Unexpected("C_WrapKey", "the key alone", "zeros after the key", "its length in RFC 5649 counts padding")


def _der_length(der: bytes) -> int:
    """Of the outermost element, header included (X.690, section 8.1.3)."""
    require(len(der) > 2, "less than a header is in the blob")
    long = der[1] & 0x7F if der[1] & 0x80 else 0
    return 2 + long + (int.from_bytes(der[2 : 2 + long]) if long else der[1])


def _unwrapped(way: Wrapping, target: Target, kek_bits: int, name: str, aes_bits: int, bench: Bench) -> None:
    (handle, kek), oaep = bench.receiving_kek(kek_bits), Oaep(name, name)
    plaintext = bench.material.plaintext(target)
    blob = seal_blob(bench.opener, kek, plaintext, oaep, bench.material.aes_kek()[: aes_bits // 8])
    template = [*dict([*arrival(target), *bench.own()]).items()]
    with may_be_refused("refused with these parameters", "CKR_ARGUMENTS_BAD"):
        key = way.unwrap(bench.session, handle, kek.size, blob, oaep, aes_bits, template)
    try:
        prove(bench.session, key, target, _proof(target, plaintext))
    finally:
        bench.session.destroy(key)


@lru_cache
def _proof(target: Target, plaintext: bytes) -> bytes:
    """Cached, since reading an RSA key checks its primes."""
    return target.proof(Cryptography(), plaintext)
