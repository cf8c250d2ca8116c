#!/usr/bin/env python3
"""Python's PyKCS11 does the main job: KEK in, keys wrapped under it, blobs opened outside, and the way back."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import PyKCS11
from PyKCS11 import LowLevel
from cryptography.hazmat.primitives.asymmetric import rsa

from lib.ceremony import Setting, fresh_token, own_folder, read_arguments
from lib.job import AZURE, PROFILES, Parameter, opened, require_private_half
from lib.keks import Kek, make_kek, octets
from lib.openers import Cryptography
from lib.report import Group, Report, require
from lib.structs import Oaep

TRUE, FALSE = PyKCS11.CK_TRUE, PyKCS11.CK_FALSE


def main() -> None:
    """Logs in and runs the groups."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder:
        with fresh_token(setting):
            pass
        kek = make_kek(2048, folder)
        session = log_in(setting)
        job = Job(session, kek)
        with report.group("secret keys") as group:
            job.secret_keys(group)
        with report.group("private keys") as group:
            job.private_keys(group)
        with report.group("refusals") as group:
            job.refusals(group)
        session.logout()
        session.closeSession()


def log_in(setting: Setting) -> PyKCS11.Session:
    """A session of the user."""
    library = PyKCS11.PyKCS11Lib()
    library.load(str(setting.module))
    slot = next(slot for slot in library.getSlotList(tokenPresent=True)
                if library.getTokenInfo(slot).label.strip() == setting.label)
    session = library.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
    session.login(setting.pin)
    return session


def mechanism(oaep: Oaep, aes_bits: int) -> tuple[PyKCS11.Mechanism, Parameter]:
    """CKM_RSA_AES_KEY_WRAP, and what its parameter points into."""
    parameter = Parameter(oaep, aes_bits)
    return PyKCS11.Mechanism(PyKCS11.CKM_RSA_AES_KEY_WRAP, bytes(parameter)), parameter


class Job:
    """The KEK's two halves on the token, and what is done with them."""

    def __init__(self, session: PyKCS11.Session, kek: Kek) -> None:
        self.session = session
        self.kek = kek
        self.public = session.createObject(self._public_template(kek.private.public_key().public_numbers()))
        self.private = session.createObject(self._private_template(kek.private.private_numbers()))

    def secret_keys(self, group: Group) -> None:
        """AES under every hash and AES size, and back."""
        for oaep, bits in PROFILES:
            with group.case(f"{oaep}, AES-{bits}"):
                key = self._aes(extractable=TRUE)
                zeros = self._zeros(key)
                how, _keep = mechanism(oaep, bits)
                blob = bytes(self.session.wrapKey(self.public, key, how))
                value = opened(self.kek, blob, oaep, bits)
                require(Cryptography().encrypt_zeros(value) == zeros, "the blob holds another key")
                again = self.session.unwrapKey(self.private, blob, self._arrived(), how)
                require(self._zeros(again) == zeros, "another key came back")
        with group.case("no parameter is the Azure profile"):
            key = self._aes(extractable=TRUE)
            blob = bytes(self.session.wrapKey(self.public, key, PyKCS11.Mechanism(PyKCS11.CKM_RSA_AES_KEY_WRAP)))
            require(Cryptography().encrypt_zeros(opened(self.kek, blob, *AZURE)) == self._zeros(key), "another key")

    def private_keys(self, group: Group) -> None:
        """RSA and EC key pairs made on the token, opened as PKCS#8, and back to a token that signs with them."""
        with group.case("RSA-2048"):
            public, private = self.session.generateKeyPair(
                [(PyKCS11.CKA_MODULUS_BITS, 2048), (PyKCS11.CKA_PUBLIC_EXPONENT, (1, 0, 1)), (PyKCS11.CKA_VERIFY, TRUE)],
                [(PyKCS11.CKA_SIGN, TRUE), (PyKCS11.CKA_EXTRACTABLE, TRUE)], PyKCS11.MechanismRSAGENERATEKEYPAIR,
            )
            self._round_trip(public, private, PyKCS11.CKK_RSA, PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS))
        with group.case("P-256"):
            curve = bytes.fromhex("06082a8648ce3d030107")
            public, private = self.session.generateKeyPair(
                [(PyKCS11.CKA_EC_PARAMS, curve), (PyKCS11.CKA_VERIFY, TRUE)],
                [(PyKCS11.CKA_SIGN, TRUE), (PyKCS11.CKA_EXTRACTABLE, TRUE)], PyKCS11.MechanismECGENERATEKEYPAIR,
            )
            self._round_trip(public, private, PyKCS11.CKK_EC, PyKCS11.Mechanism(PyKCS11.CKM_ECDSA))

    def refusals(self, group: Group) -> None:
        """Codes by their names."""
        with group.case("a key that stays"):
            how, _keep = mechanism(*AZURE)
            self._refused("CKR_KEY_UNEXTRACTABLE", lambda: self.session.wrapKey(
                self.public, self._aes(extractable=FALSE), how))
        with group.case("a damaged blob"):
            how, _keep = mechanism(*AZURE)
            blob = bytearray(bytes(self.session.wrapKey(self.public, self._aes(extractable=TRUE), how)))
            blob[-1] ^= 1
            self._refused("CKR_WRAPPED_KEY_INVALID", lambda: self.session.unwrapKey(
                self.private, bytes(blob), self._arrived(), how))
        with group.case("a parameter cut short"):
            short = PyKCS11.Mechanism(PyKCS11.CKM_RSA_AES_KEY_WRAP, bytes(Parameter(*AZURE))[:8])
            self._refused("CKR_MECHANISM_PARAM_INVALID", lambda: self.session.wrapKey(
                self.public, self._aes(extractable=TRUE), short))

    def _round_trip(self, public: object, private: object, kind: int, signing: PyKCS11.Mechanism) -> None:
        how, _keep = mechanism(*AZURE)
        blob = bytes(self.session.wrapKey(self.public, private, how))
        info = bytes(self.session.getAttributeValue(public, [PyKCS11.CKA_PUBLIC_KEY_INFO])[0])
        require_private_half(opened(self.kek, blob, *AZURE), info)
        again = self.session.unwrapKey(self.private, blob, [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY), (PyKCS11.CKA_KEY_TYPE, kind), (PyKCS11.CKA_SIGN, TRUE),
        ], how)
        message = bytes(range(32))
        signature = self.session.sign(again, message, signing)
        require(self.session.verify(public, message, signature, signing), "the key that came back signs otherwise")

    def _refused(self, code: str, call: Callable[[], object]) -> None:
        try:
            call()
        except PyKCS11.PyKCS11Error as error:
            require(code in str(error), f"{error} instead of {code}")
        else:
            raise AssertionError(f"no {code}")

    def _aes(self, extractable: int) -> LowLevel.CK_OBJECT_HANDLE:
        return self.session.generateKey([
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_SECRET_KEY), (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_AES),
            (PyKCS11.CKA_VALUE_LEN, 32), (PyKCS11.CKA_EXTRACTABLE, extractable), (PyKCS11.CKA_ENCRYPT, TRUE),
        ])

    @staticmethod
    def _arrived() -> list:
        return [(PyKCS11.CKA_CLASS, PyKCS11.CKO_SECRET_KEY), (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_AES),
                (PyKCS11.CKA_ENCRYPT, TRUE)]

    def _zeros(self, key: object) -> bytes:
        return bytes(self.session.encrypt(key, bytes(16), PyKCS11.Mechanism(PyKCS11.CKM_AES_ECB)))

    @staticmethod
    def _public_template(numbers: rsa.RSAPublicNumbers) -> list:
        return [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PUBLIC_KEY), (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_RSA),
            (PyKCS11.CKA_LABEL, "kek"), (PyKCS11.CKA_WRAP, TRUE),
            (PyKCS11.CKA_MODULUS, octets(numbers.n)), (PyKCS11.CKA_PUBLIC_EXPONENT, octets(numbers.e)),
        ]

    @staticmethod
    def _private_template(numbers: rsa.RSAPrivateNumbers) -> list:
        parts = {
            PyKCS11.CKA_MODULUS: numbers.public_numbers.n, PyKCS11.CKA_PUBLIC_EXPONENT: numbers.public_numbers.e,
            PyKCS11.CKA_PRIVATE_EXPONENT: numbers.d, PyKCS11.CKA_PRIME_1: numbers.p, PyKCS11.CKA_PRIME_2: numbers.q,
            PyKCS11.CKA_EXPONENT_1: numbers.dmp1, PyKCS11.CKA_EXPONENT_2: numbers.dmq1,
            PyKCS11.CKA_COEFFICIENT: numbers.iqmp,
        }
        return [
            (PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY), (PyKCS11.CKA_KEY_TYPE, PyKCS11.CKK_RSA),
            (PyKCS11.CKA_LABEL, "vault"), (PyKCS11.CKA_UNWRAP, TRUE),
            *((kind, octets(number)) for kind, number in parts.items()),
        ]


if __name__ == "__main__":
    main()
