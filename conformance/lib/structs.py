"""The C structures of PKCS#11 that the scripts fill and read, and mechanisms made of them.

`pkcs11.py` passes them to a module. Alignment is the platform's own, as on every Unix.
"""

import ctypes
from ctypes import POINTER, Structure, c_byte, c_ubyte, c_ulong, c_void_p
from typing import NamedTuple

from lib import ck


class Version(Structure):
    """CK_VERSION"""

    _fields_ = [("major", c_byte), ("minor", c_byte)]


class Attribute(Structure):
    """CK_ATTRIBUTE"""

    _fields_ = [("type", c_ulong), ("value", c_void_p), ("length", c_ulong)]


class MechanismStruct(Structure):
    """CK_MECHANISM"""

    _fields_ = [("mechanism", c_ulong), ("parameter", c_void_p), ("length", c_ulong)]


class OaepParams(Structure):
    """CK_RSA_PKCS_OAEP_PARAMS"""

    _fields_ = [("hash", c_ulong), ("mgf", c_ulong), ("source", c_ulong), ("data", c_void_p), ("length", c_ulong)]


class RsaAesKeyWrapParams(Structure):
    """CK_RSA_AES_KEY_WRAP_PARAMS"""

    _fields_ = [("aes_bits", c_ulong), ("oaep", POINTER(OaepParams))]


class GcmParams(Structure):
    """CK_GCM_PARAMS"""

    _fields_ = [("iv", c_void_p), ("iv_length", c_ulong), ("iv_bits", c_ulong), ("aad", c_void_p),
                ("aad_length", c_ulong), ("tag_bits", c_ulong)]


class CcmParams(Structure):
    """CK_CCM_PARAMS"""

    _fields_ = [("data_length", c_ulong), ("nonce", c_void_p), ("nonce_length", c_ulong), ("aad", c_void_p),
                ("aad_length", c_ulong), ("tag_length", c_ulong)]


class ChaChaPolyParams(Structure):
    """CK_SALSA20_CHACHA20_POLY1305_PARAMS"""

    _fields_ = [("nonce", c_void_p), ("nonce_length", c_ulong), ("aad", c_void_p), ("aad_length", c_ulong)]


class TokenInfo(Structure):
    """CK_TOKEN_INFO"""

    _fields_ = [
        ("label", c_ubyte * 32), ("manufacturer", c_ubyte * 32), ("model", c_ubyte * 16), ("serial", c_ubyte * 16),
        ("flags", c_ulong), ("counts_and_memory", c_ulong * 10), ("hardware", Version), ("firmware", Version),
        ("utc", c_ubyte * 16),
    ]


class Info(Structure):
    """CK_INFO"""

    _fields_ = [
        ("cryptoki", Version), ("manufacturer", c_ubyte * 32), ("flags", c_ulong), ("description", c_ubyte * 32),
        ("library", Version),
    ]


class MechanismInfo(Structure):
    """CK_MECHANISM_INFO"""

    _fields_ = [("least", c_ulong), ("most", c_ulong), ("flags", c_ulong)]


class Oaep(NamedTuple):
    """What OAEP is done with: names of `ck.HASHES`, and a label."""

    hash: str
    mgf: str
    label: bytes = b""

    def __str__(self) -> str:
        name = self.hash if self.hash == self.mgf else f"{self.hash}/mgf1-{self.mgf}"
        return f"{name}+label" if self.label else name


class Mechanism:
    """A CK_MECHANISM that keeps what it points to alive."""

    def __init__(self, number: int, parameter: Structure | ctypes.Array | None = None, keep: object = None) -> None:
        self._keep = (parameter, keep)
        pointer, length = (None, 0) if parameter is None else (ctypes.addressof(parameter), ctypes.sizeof(parameter))
        self.struct = MechanismStruct(number, pointer, length)


def oaep(params: Oaep) -> Mechanism:
    """CKM_RSA_PKCS_OAEP"""
    struct, label = _oaep_struct(params)
    return Mechanism(ck.CKM_RSA_PKCS_OAEP, struct, label)


def rsa_aes_key_wrap(params: Oaep, aes_bits: int) -> Mechanism:
    """CKM_RSA_AES_KEY_WRAP with its real parameters."""
    struct, label = _oaep_struct(params)
    wrap = RsaAesKeyWrapParams(aes_bits, ctypes.pointer(struct))
    return Mechanism(ck.CKM_RSA_AES_KEY_WRAP, wrap, (struct, label))


def _oaep_struct(params: Oaep) -> tuple[OaepParams, object]:
    label = ctypes.create_string_buffer(params.label, len(params.label)) if params.label else None
    pointer = ctypes.addressof(label) if label else None
    mechanism, mgf = ck.HASHES[params.hash][0], ck.HASHES[params.mgf][1]
    return OaepParams(mechanism, mgf, ck.CKZ_DATA_SPECIFIED, pointer, len(params.label)), label


def gcm(iv: bytes, aad: bytes) -> Mechanism:
    """CKM_AES_GCM with a tag of 128 bits"""
    (at, n), (more, m), keep = _bytes(iv), _bytes(aad), (iv, aad)
    return Mechanism(ck.CKM_AES_GCM, GcmParams(at, n, 8 * n, more, m, 128), keep)


def ccm(data_length: int, nonce: bytes, aad: bytes, tag_length: int) -> Mechanism:
    """CKM_AES_CCM"""
    (at, n), (more, m), keep = _bytes(nonce), _bytes(aad), (nonce, aad)
    return Mechanism(ck.CKM_AES_CCM, CcmParams(data_length, at, n, more, m, tag_length), keep)


def chacha_poly(nonce: bytes, aad: bytes) -> Mechanism:
    """CKM_CHACHA20_POLY1305"""
    (at, n), (more, m), keep = _bytes(nonce), _bytes(aad), (nonce, aad)
    return Mechanism(ck.CKM_CHACHA20_POLY1305, ChaChaPolyParams(at, n, more, m), keep)


def xts(unit: bytes) -> Mechanism:
    """CKM_AES_XTS with the number of a data unit"""
    return Mechanism(ck.CKM_AES_XTS, (c_ubyte * len(unit)).from_buffer_copy(unit))


def _bytes(value: bytes) -> tuple[int | None, int]:
    """Where the bytes of an object that stays are."""
    return ctypes.cast(ctypes.c_char_p(value), c_void_p).value, len(value)
