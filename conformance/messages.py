#!/usr/bin/env python3
"""Messages by the functions of PKCS#11 3.0, random ones: Python `cryptography` opens what the module encrypts, and back.

In one part and in several, with nonces given and nonces made by the module.
"""

import ctypes
import os
import random
import sys
from ctypes import POINTER, Structure, byref, c_ubyte, c_ulong, c_void_p
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from lib import ck, structs
from lib.ceremony import Setting, fresh_token, own_folder, read_arguments
from lib.pkcs11 import Failure, Session
from lib.report import Group, Report, require

MESSAGES = 40
CKR_AEAD_DECRYPT_FAILED = 0x42
CKF_END_OF_MESSAGE = 1
# the generators of nonces, by name
GENERATORS = {"given": 0, "own": 1, "counter": 2, "random": 3, "counter over given": 4}

# What the list of 3.0 has behind that of 2.40, as far as it is used here.
_MORE = """
    GetInterfaceList GetInterface LoginUser SessionCancel MessageEncryptInit EncryptMessage EncryptMessageBegin
    EncryptMessageNext MessageEncryptFinal MessageDecryptInit DecryptMessage DecryptMessageBegin DecryptMessageNext
    MessageDecryptFinal
""".split()
_FUNCTIONS_OF_2_40 = 68


class FunctionList(Structure):
    """The beginning of CK_FUNCTION_LIST_3_0"""

    _fields_ = [
        ("version", structs.Version),
        ("old", c_void_p * _FUNCTIONS_OF_2_40),
        *((name, c_void_p) for name in _MORE),
    ]


class Interface(Structure):
    """CK_INTERFACE"""

    _fields_ = [("name", c_void_p), ("functions", POINTER(FunctionList)), ("flags", c_ulong)]


class GcmParams(Structure):
    """CK_GCM_MESSAGE_PARAMS"""

    _fields_ = [("nonce", c_void_p), ("nonce_len", c_ulong), ("fixed_bits", c_ulong), ("generator", c_ulong),
                ("tag", c_void_p), ("tag_bits", c_ulong)]


class CcmParams(Structure):
    """CK_CCM_MESSAGE_PARAMS"""

    _fields_ = [("data_len", c_ulong), ("nonce", c_void_p), ("nonce_len", c_ulong), ("fixed_bits", c_ulong),
                ("generator", c_ulong), ("tag", c_void_p), ("tag_len", c_ulong)]


class PolyParams(Structure):
    """CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS"""

    _fields_ = [("nonce", c_void_p), ("nonce_len", c_ulong), ("tag", c_void_p)]


@dataclass(frozen=True)
class Cipher:
    """A cipher: here, there, and what it can do."""

    name: str
    mechanism: int
    key_type: int
    key_lengths: tuple[int, ...]
    nonce_lengths: tuple[int, ...]
    tag_lengths: tuple[int, ...]
    generators: tuple[str, ...]


CIPHERS = (
    Cipher("AES-GCM", 0x1087, ck.CKK_AES, (16, 24, 32), (12, 16), (16,), tuple(GENERATORS)),
    Cipher("AES-CCM", 0x1088, ck.CKK_AES, (16, 24, 32), (12, 13), (4, 8, 16), tuple(GENERATORS)),
    Cipher("ChaCha20-Poly1305", 0x4021, 0x33, (32,), (12,), (16,), ("given",)),
)


class Message:
    """One message's parameter, nonce and tag."""

    def __init__(self, cipher: Cipher, nonce: bytes, tag: bytes, generator: int, data_len: int) -> None:
        self.nonce = (c_ubyte * len(nonce))(*nonce)
        self.tag = (c_ubyte * len(tag))(*tag)
        nonce_at, tag_at = ctypes.addressof(self.nonce), ctypes.addressof(self.tag)
        if cipher.name == "AES-GCM":
            self.params = GcmParams(nonce_at, len(nonce), 0, generator, tag_at, 8 * len(tag))
        elif cipher.name == "AES-CCM":
            self.params = CcmParams(data_len, nonce_at, len(nonce), 0, generator, tag_at, len(tag))
        else:
            self.params = PolyParams(nonce_at, len(nonce), tag_at)


class Messages:
    """The functions of 3.0 in one session."""

    def __init__(self, setting: Setting, session: Session) -> None:
        self._session = session.handle
        self._prototype = ctypes.CFUNCTYPE(c_ulong)
        interface = POINTER(Interface)()
        library = ctypes.CDLL(str(setting.module))
        version = structs.Version(3, 0)
        code = library.C_GetInterface(b"PKCS 11\0", byref(version), byref(interface), c_ulong(0))
        if code != ck.CKR_OK:
            raise Failure("GetInterface", code)
        self._functions = interface.contents.functions.contents

    def call(self, name: str, *arguments: object) -> None:
        """Calls a function of this session."""
        function = self._prototype(getattr(self._functions, name))
        passed = (c_ulong(a) if isinstance(a, int) else a for a in (self._session, *arguments))
        code = function(*passed)
        if code != ck.CKR_OK:
            raise Failure(name, code)

    def start(self, way: str, cipher: Cipher, key: int) -> None:
        """C_MessageEncryptInit, C_MessageDecryptInit"""
        self.call(f"Message{way}Init", byref(structs.Mechanism(cipher.mechanism).struct), key)

    def run(self, way: str, message: Message, aad: bytes, data: bytes, cuts: list[int]) -> bytes:
        """A message in one part, or cut in several."""
        head = byref(message.params), ctypes.sizeof(message.params)
        if not cuts:
            return self._output(f"{way}Message", *head, aad, len(aad), data, len(data))
        self.call(f"{way}MessageBegin", *head, aad, len(aad))
        edges = [0, *sorted(cuts), len(data)]
        parts = [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]
        flags = [0] * (len(parts) - 1) + [CKF_END_OF_MESSAGE]
        return b"".join(self._output(f"{way}MessageNext", *head, part, len(part), last=flag)
                        for part, flag in zip(parts, flags, strict=True))

    def _output(self, name: str, *arguments: object, last: int | None = None) -> bytes:
        behind = () if last is None else (last,)
        length = c_ulong()
        self.call(name, *arguments, None, byref(length), *behind)
        buffer = ctypes.create_string_buffer(length.value)
        self.call(name, *arguments, buffer, byref(length), *behind)
        return buffer.raw[: length.value]


def main() -> None:
    """Every cipher with every generator."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder(), fresh_token(setting) as session:
        messages = Messages(setting, session)
        for cipher in CIPHERS:
            for generator in cipher.generators:
                with report.group(f"{cipher.name}, nonce {generator}") as group:
                    exchange(group, messages, session, cipher, generator)


def exchange(group: Group, messages: Messages, session: Session, cipher: Cipher, generator: str) -> None:
    """Random messages in one process each way."""
    value = os.urandom(random.choice(cipher.key_lengths))
    key = session.create([
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, cipher.key_type), (ck.CKA_VALUE, value),
        (ck.CKA_ENCRYPT, True), (ck.CKA_DECRYPT, True),
    ])
    for way in ("Encrypt", "Decrypt"):
        messages.start(way, cipher, key)
    given = os.urandom(random.choice(cipher.nonce_lengths))
    nonces = []
    for number in range(MESSAGES):
        if generator == "given":
            given = os.urandom(len(given))
        with group.case(f"message {number}"):
            nonces.append(there_and_back(messages, cipher, value, given, GENERATORS[generator]))
    with group.case("no nonce twice"):
        require(len(set(nonces)) == MESSAGES, f"{len(set(nonces))} nonces for {MESSAGES} messages")
    for way in ("Encrypt", "Decrypt"):
        messages.call(f"Message{way}Final")


def there_and_back(messages: Messages, cipher: Cipher, value: bytes, given: bytes, generator: int) -> bytes:
    """A message each way, and one that is not authentic; answers the nonce."""
    tag_len = random.choice(cipher.tag_lengths)
    data, aad = os.urandom(random.choice([0, 1, 16, 1000, 65_000])), os.urandom(random.randrange(50))
    cuts = [random.randint(0, len(data)) for _ in range(random.randrange(4))]
    other = opener(cipher, value, tag_len)

    message = Message(cipher, given, bytes(tag_len), generator, len(data))
    sealed = messages.run("Encrypt", message, aad, data, cuts)
    nonce = bytes(message.nonce)
    require(other.decrypt(nonce, sealed + bytes(message.tag), aad) == data, "what the module sealed")

    theirs = other.encrypt(nonce, data, aad)
    sealed, tag = theirs[: len(data)], theirs[len(data):]
    message = Message(cipher, nonce, tag, generator, len(data))
    require(messages.run("Decrypt", message, aad, sealed, cuts) == data, "what the module opened")
    refused(messages, Message(cipher, nonce, bytes([tag[0] ^ 1]) + tag[1:], generator, len(data)), aad, sealed, cuts)
    return nonce


def opener(cipher: Cipher, value: bytes, tag_len: int) -> AESGCM | AESCCM | ChaCha20Poly1305:
    """The other side."""
    if cipher.name == "AES-CCM":
        return AESCCM(value, tag_length=tag_len)
    return AESGCM(value) if cipher.name == "AES-GCM" else ChaCha20Poly1305(value)


def refused(messages: Messages, message: Message, aad: bytes, sealed: bytes, cuts: list[int]) -> None:
    """A wrong tag."""
    try:
        messages.run("Decrypt", message, aad, sealed, cuts)
    except Failure as failure:
        require(failure.code == CKR_AEAD_DECRYPT_FAILED, str(failure))
    else:
        require(False, "a message with a wrong tag was opened")


if __name__ == "__main__":
    main()
