"""What C_WrapKey answers when something is wrong, and the convention of its two calls: a row per situation.

The codes are those of PKCS#11 3.2, section 5.18.2 and the mechanism's own; where it leaves a choice, all of them.
"""

import ctypes
from collections.abc import Callable
from ctypes import byref, c_ulong
from functools import partial
from typing import NamedTuple

from lib import ck, structs
from lib.judge.bench import ROOM, Bench, raw_mechanism
from lib.judge.case import Case, Group, Offer
from lib.judge.material import SMALL_BITS
from lib.judge.scenes import (
    AES_TARGET,
    AZURE,
    EC_TARGET,
    RSA_TARGET,
    OaepOnly,
    RsaAes,
    Scene,
    scenes,
    target_for,
    wrapping_key,
)
from lib.judge.verdict import Unexpected, expect
from lib.report import require
from lib.structs import Mechanism, OaepParams, RsaAesKeyWrapParams

# A handle that no object and no session has.
NO_HANDLE = (1 << 64) - 8
_SHA1, _MGF1_SHA1 = ck.HASHES["sha1"]
_BAD = "CKR_ARGUMENTS_BAD"
_PARAM = "CKR_MECHANISM_PARAM_INVALID"
# It is no key to wrap, or not one that is extractable: the standard does not say which of the two is found first.
_NO_KEY = "CKR_KEY_NOT_WRAPPABLE CKR_KEY_HANDLE_INVALID CKR_KEY_UNEXTRACTABLE"


class Call(NamedTuple):
    """A call of C_WrapKey in which one thing is wrong."""

    mechanism: Mechanism
    kek: int
    key: int


Spoil = Callable[[Bench, Scene, Call], Call]


def group(offer: Offer) -> Group:
    """Every situation with every mechanism it can arise with."""
    cases = []
    for scene in scenes(offer.wraps):
        why_not = offer.why_no_wrap((scene.number, scene.name))
        rows = [(row, partial(_refused, scene, expected, spoil)) for row, expected, spoil in _rows(scene)]
        rows += [(row, partial(check, scene)) for row, check in _CHECKS if check is not _null_parameter
                 or isinstance(scene, RsaAes)]
        cases += [Case(row, (scene.name,), run, why_not) for row, run in rows]
    return Group("errors of C_WrapKey", "One thing is wrong, and the answer must name it; and the convention of the "
                 "two calls.", cases)


def _refused(scene: Scene, expected: str, spoil: Spoil, bench: Bench) -> str:
    good = Call(scene.mechanism(), wrapping_key(bench, scene), target_for(bench, scene).handle)
    bad = spoil(bench, scene, good)
    code, *_ = bench.wrap_code(*bad)
    return expect("C_WrapKey", code, expected)


def _rows(scene: Scene) -> list[tuple[str, str, Spoil]]:
    """Situation, codes, and what makes it."""
    return [
        ("key handle 0", "CKR_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(key=0)),
        ("key handle of nothing", "CKR_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(key=NO_HANDLE)),
        ("key destroyed", "CKR_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(key=destroyed(b))),
        ("KEK handle 0", "CKR_WRAPPING_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(kek=0)),
        ("KEK handle of nothing", "CKR_WRAPPING_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(kek=NO_HANDLE)),
        ("KEK destroyed", "CKR_WRAPPING_KEY_HANDLE_INVALID", lambda b, s, c: c._replace(kek=destroyed(b))),
        ("KEK of another type", "CKR_WRAPPING_KEY_TYPE_INCONSISTENT",
         lambda b, s, c: c._replace(kek=another_type(b, s, ck.CKA_WRAP))),
        ("KEK without CKA_WRAP", "CKR_KEY_FUNCTION_NOT_PERMITTED",
         lambda b, s, c: c._replace(kek=s.wrapping(b, [(ck.CKA_WRAP, False)]))),
        *_too_small_for_sha512(scene),
        ("a public key as the key", _NO_KEY,
         lambda b, s, c: c._replace(key=b.wrapping_kek(2048))),
        ("a data object as the key", _NO_KEY,
         lambda b, s, c: c._replace(key=b.create("data objects", [(ck.CKA_CLASS, ck.CKO_DATA), (ck.CKA_VALUE, b"x")]))),
        ("a mechanism that wraps nothing", "CKR_MECHANISM_INVALID",
         lambda b, s, c: c._replace(mechanism=Mechanism(ck.CKM_AES_KEY_GEN))),
        ("a mechanism that does not exist", "CKR_MECHANISM_INVALID",
         lambda b, s, c: c._replace(mechanism=Mechanism(0x7FFF_FF00))),
        *((row, codes, lambda b, s, c, make=make: c._replace(mechanism=make())) for row, codes, make in
          bad_parameters(scene)),
    ]


def _too_small_for_sha512(scene: Scene) -> list[tuple[str, str, Spoil]]:
    """OAEP needs two hashes and two bytes besides the AES key (RFC 8017, section 7.1.1)."""
    if not isinstance(scene, RsaAes):
        return []
    sha512 = structs.rsa_aes_key_wrap(structs.Oaep("sha512", "sha512"), 256)
    return [(
        "KEK of 1024 bits for SHA-512", "CKR_WRAPPING_KEY_SIZE_RANGE CKR_KEY_SIZE_RANGE",
        lambda b, s, c: c._replace(mechanism=sha512, kek=b.wrapping_kek(SMALL_BITS)),
    )]


def bad_parameters(scene: Scene) -> list[tuple[str, str, Callable[[], Mechanism]]]:
    """Situation, codes, and the mechanism; of both functions."""
    if not isinstance(scene, RsaAes | OaepOnly):
        return []
    rows = [
        ("OAEP hash 0", _PARAM, lambda: scene.with_oaep(_oaep(digest=0))),
        ("OAEP hash that is no hash", _PARAM, lambda: scene.with_oaep(_oaep(digest=ck.CKM_RSA_PKCS))),
        ("OAEP MGF 0", _PARAM, lambda: scene.with_oaep(_oaep(mgf=0))),
        ("OAEP MGF that is a hash", _PARAM, lambda: scene.with_oaep(_oaep(mgf=_SHA1))),
        ("OAEP source 2", _PARAM, lambda: scene.with_oaep(_oaep(source=2))),
        ("OAEP label NULL with a length", f"{_PARAM} {_BAD}", lambda: scene.with_oaep(_oaep(length=8))),
        ("parameter cut short", f"{_PARAM} {_BAD}", lambda: _length(scene, 8)),
        ("parameter too long", f"{_PARAM} {_BAD}", lambda: _length(scene, 48)),
        ("parameter of length 0", f"{_PARAM} {_BAD}", lambda: _length(scene, 0)),
        ("parameter NULL with a length", f"{_PARAM} {_BAD}", lambda: raw_mechanism(scene.number, length=16)),
    ]
    if isinstance(scene, RsaAes):
        rows += [
            (f"AES key of {bits} bits", _PARAM, lambda bits=bits: structs.rsa_aes_key_wrap(AZURE, bits))
            for bits in (0, 64, 127, 257, 512)
        ]
        rows.append(("pOAEPParams NULL", f"{_PARAM} {_BAD}", lambda: Mechanism(scene.number, RsaAesKeyWrapParams(256))))
    return rows


def _oaep(
    digest: int = _SHA1, mgf: int = _MGF1_SHA1, source: int = ck.CKZ_DATA_SPECIFIED, length: int = 0,
) -> OaepParams:
    return OaepParams(digest, mgf, source, None, length)


def _length(scene: Scene, length: int) -> Mechanism:
    made = scene.mechanism()
    made.struct.length = length
    return made


def destroyed(bench: Bench) -> int:
    """The handle of a key that is no more."""
    handle = bench.create("AES keys from outside", [
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, ck.CKK_AES), (ck.CKA_VALUE, bytes(range(16))),
        (ck.CKA_EXTRACTABLE, True),
    ])
    bench.session.destroy(handle)
    return handle


def another_type(bench: Bench, scene: Scene, use: int) -> int:
    """A KEK of AES for the mechanisms of RSA, of RSA for those of AES, that has this use."""
    if isinstance(scene, RsaAes | OaepOnly):
        return bench.target(AES_TARGET, [(use, True)]).handle
    return bench.wrapping_kek(2048) if use == ck.CKA_WRAP else bench.unwrapping_kek(2048)


def _raw(bench: Bench, scene: Scene, **other: object) -> int:
    """C_WrapKey with some of its arguments replaced."""
    arguments = {
        "session": bench.session.handle, "mechanism": byref(scene.mechanism().struct),
        "kek": wrapping_key(bench, scene), "key": target_for(bench, scene).handle,
        "buffer": ctypes.create_string_buffer(ROOM), "length": byref(c_ulong(ROOM)),
    }
    return bench.module.result("WrapKey", *(arguments | other).values())


def _null_mechanism(scene: Scene, bench: Bench) -> str:
    return expect("C_WrapKey", _raw(bench, scene, mechanism=None), _BAD)


def _null_length(scene: Scene, bench: Bench) -> str:
    return expect("C_WrapKey", _raw(bench, scene, length=None), _BAD)


def _null_length_query(scene: Scene, bench: Bench) -> str:
    return expect("C_WrapKey", _raw(bench, scene, buffer=None, length=None), _BAD)


def _no_session(scene: Scene, bench: Bench) -> str:
    return expect("C_WrapKey", _raw(bench, scene, session=NO_HANDLE), "CKR_SESSION_HANDLE_INVALID")


def _exact_query(scene: Scene, bench: Bench) -> None:
    """For each kind of key; some clients take the query's answer for the length."""
    targets = (AES_TARGET, EC_TARGET, RSA_TARGET) if scene.takes_private_keys else (AES_TARGET,)
    for target in targets:
        key = target_for(bench, scene, target)
        arguments = scene.mechanism(), wrapping_key(bench, scene), key.handle
        length = c_ulong()
        code = bench.module.result(
            "WrapKey", bench.session.handle, byref(arguments[0].struct), *arguments[1:], None, byref(length)
        )
        expect("C_WrapKey", code, "CKR_OK", "a size query")
        promised = length.value
        code, written, _ = bench.wrap_code(*arguments)
        expect("C_WrapKey", code, "CKR_OK")
        if written != promised:
            raise Unexpected("C_WrapKey", f"{promised} bytes", f"{written} bytes", f"the query promised, {target.name}")


def _too_small(scene: Scene, bench: Bench) -> None:
    """The length is set, and the same call with that room does it."""
    arguments = scene.mechanism(), wrapping_key(bench, scene), target_for(bench, scene).handle
    code, needed, _ = bench.wrap_code(*arguments)
    expect("C_WrapKey", code, "CKR_OK")
    for room in (0, 1, needed - 1):
        code, answered, buffer = bench.wrap_code(*arguments, room)
        expect("C_WrapKey", code, "CKR_BUFFER_TOO_SMALL", f"{room} bytes of room")
        require(answered == needed, f"C_WrapKey asks for {answered} bytes with {room} of room, and wrote {needed}")
        require(not any(buffer[room:]), "C_WrapKey wrote past the room that it had")
        code, written, blob = bench.wrap_code(*arguments, needed)
        expect("C_WrapKey", code, "CKR_OK", "again, with the room it asked for")
        _require_key(bench, scene, blob[:written])


def _null_parameter(scene: Scene, bench: Bench) -> str:
    """Clients that know no structure pass none: then it is Azure's profile, or refused."""
    arguments = Mechanism(scene.number), wrapping_key(bench, scene), target_for(bench, scene).handle
    code, written, blob = bench.wrap_code(*arguments)
    answer = expect("C_WrapKey", code, f"CKR_OK {_PARAM} {_BAD}")
    if code == ck.CKR_OK:
        _require_key(bench, scene, blob[:written])
    return answer


def _require_key(bench: Bench, scene: Scene, blob: bytes) -> None:
    plaintext = scene.open(bench, blob)
    require(AES_TARGET.proof(bench.opener, plaintext) == target_for(bench, scene).proof, "another key is in the blob")


_CHECKS = (
    ("mechanism NULL", _null_mechanism),
    ("length NULL", _null_length),
    ("length NULL in a size query", _null_length_query),
    ("session handle of nothing", _no_session),
    ("size query is exact", _exact_query),
    ("buffer too small, then again", _too_small),
    ("no parameter", _null_parameter),
)
