#!/usr/bin/env python3
"""Python's python-pkcs11 does the main job: KEK in, keys wrapped under it, blobs opened outside, and the way back.

Its list of mechanisms lacks CKM_RSA_AES_KEY_WRAP, and it takes no other; a member of the list that is
made here gets round that, and the two steps of the mechanism (RFC 5649, then RSA-OAEP) do without.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pkcs11
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util import ec, rsa
from cryptography.hazmat.primitives import serialization

from lib import ck
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.job import AZURE, PROFILES, Parameter, opened, require_private_half
from lib.keks import Kek, make_kek
from lib.openers import Cryptography
from lib.report import Group, Report, require

RSA_AES_KEY_WRAP = int.__new__(Mechanism, ck.CKM_RSA_AES_KEY_WRAP)
RSA_AES_KEY_WRAP._name_, RSA_AES_KEY_WRAP._value_ = "RSA_AES_KEY_WRAP", ck.CKM_RSA_AES_KEY_WRAP


def main() -> None:
    """Logs in and runs the groups."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder:
        with fresh_token(setting):
            pass
        kek = make_kek(2048, folder)
        token = pkcs11.lib(str(setting.module)).get_token(token_label=setting.label)
        with token.open(rw=True, user_pin=setting.pin) as session:
            job = Job(session, kek)
            with report.group("secret keys") as group:
                job.secret_keys(group)
            with report.group("private keys") as group:
                job.private_keys(group)
            with report.group("two steps") as group:
                job.two_steps(group)
            with report.group("refusals") as group:
                job.refusals(group)


class Job:
    """The KEK's two halves on the token, and what is done with them."""

    def __init__(self, session: pkcs11.Session, kek: Kek) -> None:
        self.session = session
        self.kek = kek
        public = kek.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        private = kek.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        self.public = session.create_object(rsa.decode_rsa_public_key(public) | {Attribute.WRAP: True})
        self.private = session.create_object(rsa.decode_rsa_private_key(private) | {
            Attribute.UNWRAP: True, Attribute.SENSITIVE: True,
        })

    def secret_keys(self, group: Group) -> None:
        """AES under every hash and AES size, and back."""
        for oaep, bits in PROFILES:
            with group.case(f"{oaep}, AES-{bits}"):
                key = self._aes()
                parameter = Parameter(oaep, bits)
                how = {"mechanism": RSA_AES_KEY_WRAP, "mechanism_param": bytes(parameter)}
                blob = self.public.wrap_key(key, **how)
                value = opened(self.kek, blob, oaep, bits)
                require(Cryptography().encrypt_zeros(value) == self._zeros(key), "the blob holds another key")
                again = self.private.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, blob, **how)
                require(self._zeros(again) == self._zeros(key), "another key came back")
        with group.case("no parameter is the Azure profile"):
            key = self._aes()
            blob = self.public.wrap_key(key, mechanism=RSA_AES_KEY_WRAP)
            require(Cryptography().encrypt_zeros(opened(self.kek, blob, *AZURE)) == self._zeros(key), "another key")

    def private_keys(self, group: Group) -> None:
        """RSA and EC key pairs made on the token, opened as PKCS#8, and back to a token that signs with them."""
        with group.case("RSA-2048"):
            public, private = self.session.generate_keypair(
                KeyType.RSA, 2048, private_template={Attribute.EXTRACTABLE: True})
            self._round_trip(public, rsa.encode_rsa_public_key(public), private, KeyType.RSA, Mechanism.SHA256_RSA_PKCS)
        with group.case("P-256"):
            curve = self.session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: ec.encode_named_curve_parameters("secp256r1")}, local=True)
            public, private = curve.generate_keypair(private_template={Attribute.EXTRACTABLE: True})
            self._round_trip(public, ec.encode_ec_public_key(public), private, KeyType.EC, Mechanism.ECDSA)

    def two_steps(self, group: Group) -> None:
        """An AES session key wraps the target, and is wrapped itself: the blob is the same."""
        with group.case("AES-256 by its two steps"):
            key, ephemeral = self._aes(), self._aes()
            oaep = (Mechanism.SHA_1, MGF.SHA1, None)
            head = self.public.wrap_key(ephemeral, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=oaep)
            blob = head + ephemeral.wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP_PAD)
            require(Cryptography().encrypt_zeros(opened(self.kek, blob, *AZURE)) == self._zeros(key), "another key")
            again = self.private.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, blob, mechanism=RSA_AES_KEY_WRAP)
            require(self._zeros(again) == self._zeros(key), "another key came back")

    def refusals(self, group: Group) -> None:
        """Exceptions by their names."""
        with group.case("a key that stays"):
            stays = self._aes(extractable=False)
            self._refused(pkcs11.exceptions.KeyUnextractable,
                          lambda: self.public.wrap_key(stays, mechanism=RSA_AES_KEY_WRAP))
        with group.case("a damaged blob"):
            blob = bytearray(self.public.wrap_key(self._aes(), mechanism=RSA_AES_KEY_WRAP))
            blob[-1] ^= 1
            self._refused(pkcs11.exceptions.WrappedKeyInvalid, lambda: self.private.unwrap_key(
                ObjectClass.SECRET_KEY, KeyType.AES, bytes(blob), mechanism=RSA_AES_KEY_WRAP))

    def _round_trip(self, public: pkcs11.PublicKey, encoded: bytes, private: pkcs11.PrivateKey, kind: KeyType,
                    signing: Mechanism) -> None:
        blob = self.public.wrap_key(private, mechanism=RSA_AES_KEY_WRAP)
        info = serialization.load_der_public_key(encoded).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        require_private_half(opened(self.kek, blob, *AZURE), info)
        # Without `capabilities` it asks for a private key that encrypts and verifies.
        again = self.private.unwrap_key(ObjectClass.PRIVATE_KEY, kind, blob, mechanism=RSA_AES_KEY_WRAP,
                                        capabilities=MechanismFlag.SIGN)
        message = bytes(range(32))
        require(public.verify(message, again.sign(message, mechanism=signing), mechanism=signing),
                "the key that came back signs otherwise")

    @staticmethod
    def _refused(kind: type[Exception], call: Callable[[], object]) -> None:
        try:
            call()
        except kind:
            return
        raise AssertionError(f"no {kind.__name__}")

    def _aes(self, extractable: bool = True) -> pkcs11.SecretKey:
        return self.session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: extractable})

    @staticmethod
    def _zeros(key: pkcs11.SecretKey) -> bytes:
        return key.encrypt(bytes(16), mechanism=Mechanism.AES_ECB)


if __name__ == "__main__":
    main()
