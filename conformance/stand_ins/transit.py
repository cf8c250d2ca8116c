"""A stand-in for the transit engine of HashiCorp Vault and OpenBao, as far as importing needs it."""

import base64
import hmac
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stand_ins import material
from stand_ins.material import PrivateKey, from_base64
from stand_ins.network import Answer, Refused, Request

HOST = "vault.contoso.example"
TOKEN = "hvs.stand-in"
_HASHES = {
    "SHA1": hashes.SHA1(), "SHA224": hashes.SHA224(), "SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
_SIGNING = {
    "rsa-2048": "RSA-2048", "rsa-3072": "RSA-3072", "rsa-4096": "RSA-4096", "ecdsa-p256": "secp256r1",
    "ecdsa-p384": "secp384r1", "ecdsa-p521": "secp521r1",
}
_SECRET = {"aes128-gcm96": range(16, 17), "aes256-gcm96": range(32, 33), "hmac": range(32, 513)}


@dataclass
class Key:
    """A key of the engine."""

    kind: str
    value: PrivateKey | bytes


@dataclass
class Transit:
    """The engine, mounted at `transit`."""

    wrapping_key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 4096))
    keys: dict[str, Key] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """By path."""
        if request.headers.get("x-vault-token") != TOKEN:
            raise Refused("permission denied", 403)
        path = re.fullmatch(r"/v1/transit/(wrapping_key|keys|sign|hmac)(?:/([\w.-]+))?(?:/([\w-]+))?", request.path)
        match path and path.groups():
            case "wrapping_key", None, None:
                return Answer(200, {"data": {"public_key": material.public_pem(self.wrapping_key)}})
            case "keys", str(name), "import" if request.method in ("POST", "PUT"):
                return self._import(name, request.json())
            case "sign" | "hmac" as verb, str(name), digest if name in self.keys:
                body = request.json()
                named = digest or body.get("hash_algorithm") or body.get("algorithm")
                return self._use(self.keys[name], verb, str(named), from_base64(body.get("input")))
        raise Refused(f"unsupported path {request.path}", 404)

    def refusal(self, refused: Refused) -> Answer:
        """An error as the engine words them."""
        return Answer(refused.status, {"errors": [str(refused)]})

    def check_value(self, name: str) -> bytes:
        """What shows which symmetric key has arrived: the engine's own ciphertexts begin with a nonce."""
        value = self.keys[name].value
        assert isinstance(value, bytes)
        return material.block_of_zeros(value)

    def _import(self, name: str, body: dict) -> Answer:
        kind, digest = str(body.get("type", "aes256-gcm96")), str(body.get("hash_function", "SHA256"))
        if digest not in _HASHES or kind not in _SIGNING.keys() | _SECRET.keys():
            raise Refused(f"unknown type {kind} or hash_function {digest}")
        if name in self.keys:
            raise Refused("the import path cannot be used with an existing key")
        target = material.open_rsa_aes(self.wrapping_key, from_base64(body.get("ciphertext")), _HASHES[digest])
        if kind in _SIGNING:
            value: PrivateKey | bytes = material.private_key(target)
            fits = material.kind_of(value) == _SIGNING[kind]
        else:
            value, fits = target, len(target) in _SECRET[kind]
        if not fits:
            raise Refused(f"the key is none of type {kind}")
        self.keys[name] = Key(kind, value)
        return Answer(204)

    def _use(self, key: Key, verb: str, digest: str, data: bytes) -> Answer:
        match verb, key.value:
            case "hmac", bytes():
                made = hmac.digest(key.value, data, digest.replace("sha2-", "sha"))
            case "sign", rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey():
                algorithm = _HASHES[digest.replace("sha2-", "SHA")]
                hashed = hashes.Hash(algorithm)
                hashed.update(data)
                made = material.sign_digest(key.value, hashed.finalize(), algorithm)
            case _:
                raise Refused(f"{verb} is not for {key.kind}")
        name = "signature" if verb == "sign" else "hmac"
        return Answer(200, {"data": {name: f"vault:v1:{base64.b64encode(made).decode()}"}})
