"""A stand-in for AWS KMS, as far as importing needs it: the JSON protocol as its API reference has it."""

import base64
import hmac
import secrets
import time
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stand_ins import material
from stand_ins.material import PrivateKey, from_base64
from stand_ins.network import Answer, Refused, Request

HOST = "kms.eu-central-1.amazonaws.com"
_ACCOUNT = "arn:aws:kms:eu-central-1:111122223333:key/"
_LONGEST = 6144  # bytes of EncryptedKeyMaterial
_DAY = 24 * 60 * 60

_WRAPPINGS = {
    "RSAES_OAEP_SHA_1": (material.open_oaep, hashes.SHA1()),
    "RSAES_OAEP_SHA_256": (material.open_oaep, hashes.SHA256()),
    "RSA_AES_KEY_WRAP_SHA_1": (material.open_rsa_aes, hashes.SHA1()),
    "RSA_AES_KEY_WRAP_SHA_256": (material.open_rsa_aes, hashes.SHA256()),
}
_PRIVATE = {
    "RSA_2048": "RSA-2048", "RSA_3072": "RSA-3072", "RSA_4096": "RSA-4096", "ECC_NIST_P256": "secp256r1",
    "ECC_NIST_P384": "secp384r1", "ECC_NIST_P521": "secp521r1", "ECC_SECG_P256K1": "secp256k1",
}
_SECRET = {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
_HASHES = {"224": hashes.SHA224(), "256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


@dataclass
class Import:
    """What an import token stands for."""

    key: str
    wrapping: str
    kek: rsa.RSAPrivateKey
    until: float


@dataclass
class Key:
    """A key, with or without its material."""

    spec: str
    material: PrivateKey | bytes | None = None


@dataclass
class Kms:
    """The service."""

    keys: dict[str, Key] = field(default_factory=dict)
    _imports: dict[bytes, Import] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """By the operation that the header names."""
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refused("MissingAuthenticationTokenException: the request is not signed")
        service, _, operation = request.headers.get("x-amz-target", "").partition(".")
        body = request.json()
        match service, operation:
            case "TrentService", "CreateKey":
                return self._create(body)
            case "TrentService", "GetParametersForImport":
                return self._parameters(body)
            case "TrentService", "ImportKeyMaterial":
                return self._import(body)
            case "TrentService", "Sign":
                return self._sign(body)
            case "TrentService", "GenerateMac":
                return self._mac(body)
        raise Refused(f"UnknownOperationException: {operation}")

    def refusal(self, refused: Refused) -> Answer:
        """An error as the service words them."""
        code, separator, message = str(refused).partition(": ")
        kind = code if separator else "InvalidCiphertextException"
        return Answer(400, {"__type": kind, "message": message if separator else str(refused)})

    def check_value(self, name: str) -> bytes:
        """What shows which key has arrived: its public half, or a block of zeros under it (AWS's own ciphertexts are
        opaque).
        """
        value = self.keys[name].material
        if value is None:
            raise Refused(f"KMSInvalidStateException: {name} is pending import")
        return material.block_of_zeros(value) if isinstance(value, bytes) else material.public_der(value)

    def _create(self, body: dict) -> Answer:
        if body.get("Origin") != "EXTERNAL" or body.get("KeySpec") not in _PRIVATE.keys() | _SECRET.keys():
            raise Refused("ValidationException: Origin or KeySpec")
        name = str(uuid.uuid4())
        self.keys[name] = Key(body["KeySpec"])
        state = {"KeyState": "PendingImport", "Origin": "EXTERNAL", "KeySpec": body["KeySpec"]}
        return Answer(200, {"KeyMetadata": {"KeyId": name, "Arn": _ACCOUNT + name, **state}})

    def _parameters(self, body: dict) -> Answer:
        key, wrapping = self._key(body), body.get("WrappingAlgorithm")
        spec = str(body.get("WrappingKeySpec"))
        if wrapping not in _WRAPPINGS or spec not in ("RSA_2048", "RSA_3072", "RSA_4096"):
            raise Refused("ValidationException: WrappingAlgorithm or WrappingKeySpec")
        if key.spec in _SECRET and wrapping.startswith("RSA_AES"):
            raise Refused(f"UnsupportedOperationException: {wrapping} is for private keys, not for {key.spec}")
        if key.spec.startswith("RSA") and wrapping.startswith("RSAES"):
            raise Refused(f"UnsupportedOperationException: {key.spec} is too long for {wrapping}")
        kek, token = rsa.generate_private_key(65537, int(spec.removeprefix("RSA_"))), secrets.token_bytes(64)
        self._imports[token] = Import(body["KeyId"], wrapping, kek, time.time() + _DAY)
        return Answer(200, {
            "KeyId": _ACCOUNT + body["KeyId"], "ImportToken": base64.b64encode(token).decode(),
            "PublicKey": base64.b64encode(material.public_der(kek)).decode(), "ParametersValidTo": time.time() + _DAY,
        })

    def _import(self, body: dict) -> Answer:
        key, wrapped = self._key(body), from_base64(body.get("EncryptedKeyMaterial"))
        given = self._imports.get(from_base64(body.get("ImportToken")))
        if given is None or given.key != body["KeyId"] or given.until < time.time():
            raise Refused("InvalidImportTokenException: not of this key, or too old")
        if body.get("ExpirationModel") != "KEY_MATERIAL_DOES_NOT_EXPIRE":
            raise Refused("ValidationException: ExpirationModel")
        if len(wrapped) > _LONGEST:
            raise Refused("ValidationException: EncryptedKeyMaterial is too long")
        unwrap, digest = _WRAPPINGS[given.wrapping]
        value = unwrap(given.kek, wrapped, digest)
        key.material = value if key.spec in _SECRET else material.private_key(value)
        fits = len(value) == _SECRET[key.spec] if key.spec in _SECRET else \
            material.kind_of(key.material) == _PRIVATE[key.spec]
        if not fits:
            key.material = None
            raise Refused(f"IncorrectKeyMaterialException: the key material is not one of {key.spec}")
        return Answer(200, {"KeyId": _ACCOUNT + body["KeyId"]})

    def _sign(self, body: dict) -> Answer:
        key, algorithm = self._key(body), str(body.get("SigningAlgorithm"))
        if not isinstance(key.material, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise Refused("KMSInvalidStateException: the key is not for signing, or pending import")
        scheme, _, digest = algorithm.partition("_SHA_")
        expected = "RSASSA_PKCS1_V1_5" if isinstance(key.material, rsa.RSAPrivateKey) else "ECDSA"
        if scheme != expected or digest not in _HASHES or body.get("MessageType") != "DIGEST":
            raise Refused("ValidationException: SigningAlgorithm or MessageType")
        signature = material.sign_digest(key.material, from_base64(body.get("Message")), _HASHES[digest])
        answer = {"KeyId": _ACCOUNT + body["KeyId"], "Signature": base64.b64encode(signature).decode()}
        return Answer(200, answer | {"SigningAlgorithm": algorithm})

    def _mac(self, body: dict) -> Answer:
        key, algorithm = self._key(body), str(body.get("MacAlgorithm"))
        digest = algorithm.removeprefix("HMAC_SHA_")
        if not isinstance(key.material, bytes) or key.spec != f"HMAC_{digest}":
            raise Refused("KMSInvalidStateException: the key is not for this, or pending import")
        mac = hmac.digest(key.material, from_base64(body.get("Message")), f"sha{digest}")
        answer = {"KeyId": _ACCOUNT + body["KeyId"], "Mac": base64.b64encode(mac).decode(), "MacAlgorithm": algorithm}
        return Answer(200, answer)

    def _key(self, body: dict) -> Key:
        name = body.get("KeyId")
        if name not in self.keys:
            raise Refused(f"NotFoundException: there is no key {name}")
        return self.keys[name]
