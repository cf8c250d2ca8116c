#!/usr/bin/env python3
"""Authenticated ciphers and XTS on random input, both ways, beside Python's `cryptography`: OpenSSL's command has them not."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from lib import ck, structs
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.pkcs11 import Failure, Session
from lib.report import Group, Report, require

LENGTHS = (0, 1, 15, 16, 17, 100, 4096)
AES_SIZES = (16, 24, 32)


def main() -> None:
    """Logs in and runs the groups."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder(), fresh_token(setting) as session:
        for name, run in (("GCM", gcm), ("CCM", ccm), ("ChaCha20-Poly1305", chacha), ("XTS", xts)):
            with report.group(name) as group:
                run(group, session)


def gcm(group: Group, session: Session) -> None:
    """Every size of key, initialisation vectors of 96 bits and of others."""
    for size in AES_SIZES:
        for iv_length in (12, 8, 16, 60):
            with group.case(f"AES-{8 * size}, {iv_length} bytes"):
                value, iv, aad = os.urandom(size), os.urandom(iv_length), os.urandom(20)
                key = secret(session, ck.CKK_AES, value)
                for length in LENGTHS:
                    plain = os.urandom(length)
                    both_ways(session, structs.gcm(iv, aad), key, plain, AESGCM(value).encrypt(iv, plain, aad))


def ccm(group: Group, session: Session) -> None:
    """Every size of key, every length of nonce and tag."""
    for size in AES_SIZES:
        for nonce_length in range(7, 14):
            for tag_length in (4, 6, 8, 10, 12, 14, 16):
                with group.case(f"AES-{8 * size}, nonce {nonce_length}, tag {tag_length}"):
                    value, nonce, aad = os.urandom(size), os.urandom(nonce_length), os.urandom(20)
                    key = secret(session, ck.CKK_AES, value)
                    for length in LENGTHS:
                        plain = os.urandom(length)
                        sealed = AESCCM(value, tag_length).encrypt(nonce, plain, aad)
                        mechanism = structs.ccm(length, nonce, aad, tag_length)
                        both_ways(session, mechanism, key, plain, sealed)


def chacha(group: Group, session: Session) -> None:
    """With associated data and without."""
    for aad in (b"", os.urandom(20)):
        with group.case(f"{len(aad)} bytes of associated data"):
            value, nonce = os.urandom(32), os.urandom(12)
            key = secret(session, ck.CKK_CHACHA20, value)
            for length in LENGTHS:
                plain = os.urandom(length)
                mechanism = structs.chacha_poly(nonce, aad)
                both_ways(session, mechanism, key, plain, ChaCha20Poly1305(value).encrypt(nonce, plain, aad))


def xts(group: Group, session: Session) -> None:
    """Both sizes of key; whole blocks, and ends that are stolen from."""
    for size in (32, 64):
        with group.case(f"AES-{4 * size}"):
            value, unit = os.urandom(size), os.urandom(16)
            key = secret(session, ck.CKK_AES_XTS, value)
            for length in (length for length in LENGTHS if length >= 16):
                plain = os.urandom(length)
                encryptor = Cipher(algorithms.AES(value), modes.XTS(unit)).encryptor()
                sealed = encryptor.update(plain) + encryptor.finalize()
                require(session.encrypt(structs.xts(unit), key, plain) == sealed, "encrypted to something else")
                require(session.decrypt(structs.xts(unit), key, sealed) == plain, "decrypted to something else")


def both_ways(session: Session, mechanism: structs.Mechanism, key: int, plain: bytes, sealed: bytes) -> None:
    """The token seals to the same, opens it, and opens nothing else."""
    require(session.encrypt(mechanism, key, plain) == sealed, "encrypted to something else")
    require(session.decrypt(mechanism, key, sealed) == plain, "decrypted to something else")
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    try:
        session.decrypt(mechanism, key, damaged)
    except Failure as failure:
        require(ck.result_name(failure.code) == "CKR_ENCRYPTED_DATA_INVALID", f"a damaged tag: {failure}")
    else:
        raise AssertionError("a damaged tag was let pass")


def secret(session: Session, kind: int, value: bytes) -> int:
    """A session key with this value."""
    return session.create([
        (ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, kind), (ck.CKA_VALUE, value),
        (ck.CKA_ENCRYPT, True), (ck.CKA_DECRYPT, True),
    ])


if __name__ == "__main__":
    main()
