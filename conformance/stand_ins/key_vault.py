"""A stand-in for Azure Key Vault Premium, or for a Managed HSM: the REST interface as Microsoft describes it.

It makes KEKs, hands out their public halves, takes key transfer packages, and uses what was in them.
"""

import json
import re
import secrets
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stand_ins import material
from stand_ins.entra import LOGIN_HOST, TENANT
from stand_ins.material import PrivateKey, from_base64url, to_base64url
from stand_ins.network import Answer, Refused, Request

VAULT_DOMAIN = "vault.azure.net"
HSM_DOMAIN = "managedhsm.azure.net"

_CURVES = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1", "P-256K": "secp256k1"}
_SIGNATURES = {
    "RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512(),
    "ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512(), "ES256K": hashes.SHA256(),
}
_SIGNATURE_OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}
_CIPHER_OPS = {"encrypt", "decrypt", "wrapKey", "unwrapKey"}
_OPS = {
    "RSA-HSM": _CIPHER_OPS | {"sign", "verify"}, "EC-HSM": {"sign", "verify"}, "oct-HSM": _CIPHER_OPS,
}


@dataclass
class Key:
    """A version of a key."""

    kid: str
    kty: str
    ops: list[str]
    value: PrivateKey | bytes
    imported: bool
    crv: str | None = None

    def jwk(self) -> dict:
        """Its public half, as RFC 7517 writes it."""
        jwk: dict[str, object] = {"kid": self.kid, "kty": self.kty, "key_ops": self.ops}
        match self.value:
            case rsa.RSAPrivateKey():
                numbers = self.value.public_key().public_numbers()
                jwk |= {name: to_base64url(material.octets(getattr(numbers, name))) for name in ("n", "e")}
            case ec.EllipticCurvePrivateKey():
                point, size = self.value.public_key().public_numbers(), (self.value.key_size + 7) // 8
                jwk |= {name: to_base64url(getattr(point, name).to_bytes(size, "big")) for name in ("x", "y")}
                jwk["crv"] = self.crv
        return jwk


class KeyVault:
    """A vault, or an HSM, by the domain of its name."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.domain = host.partition(".")[2]
        self.is_hsm = self.domain == HSM_DOMAIN
        self._versions: dict[str, list[Key]] = {}

    def answer(self, request: Request) -> Answer:
        """Authentication first, then what the path says."""
        bearer = f"Bearer token for https://{self.domain}/.default"
        if request.headers.get("authorization") != bearer:
            challenge = f'Bearer authorization="https://{LOGIN_HOST}/{TENANT}", resource="https://{self.domain}"'
            body = {"error": {"code": "Unauthorized", "message": "a bearer token is missing"}}
            return Answer(401, body, {"WWW-Authenticate": challenge})
        if not request.query.get("api-version"):
            raise Refused("api-version is missing")
        path = re.fullmatch(r"/keys/([0-9a-zA-Z-]{1,127})(?:/([0-9a-z]*))?(?:/([a-z]+))?", request.path)
        if not path:
            raise Refused(f"{request.path} is no path here", 404)
        name, version, verb = path.groups()
        match request.method, version, verb:
            case "POST", "create", None:
                return self._create(name, request.json())
            case "PUT", None | "", None:
                return self._import(name, request.json())
            case "GET", _, None:
                return self._bundle(self._find(name, version))
            case "POST", _, "sign" | "encrypt" | "decrypt":
                return self._use(self._find(name, version), verb, request.json())
        raise Refused(f"{request.method} {request.path} is not done here", 405)

    def refusal(self, refused: Refused) -> Answer:
        """An error as the service words them."""
        code = {403: "Forbidden", 404: "KeyNotFound"}.get(refused.status, "BadParameter")
        return Answer(refused.status, {"error": {"code": code, "message": str(refused)}})

    def check_value(self, name: str) -> bytes:
        """What shows which key has arrived: its public half, or a block of zeros under it."""
        value = self._find(name, None).value
        return material.block_of_zeros(value) if isinstance(value, bytes) else material.public_der(value)

    def _create(self, name: str, body: dict) -> Answer:
        bits = body.get("key_size")
        if body.get("kty") != "RSA-HSM" or bits not in (2048, 3072, 4096):
            raise Refused("this stand-in makes RSA-HSM keys of 2048, 3072 and 4096 bits")
        ops = body.get("key_ops")
        if not isinstance(ops, list) or ("import" in ops and ops != ["import"]):
            raise Refused("a key exchange key is for import and nothing else")
        return self._keep(name, Key("", "RSA-HSM", ops, rsa.generate_private_key(65537, bits), imported=False))

    def _import(self, name: str, body: dict) -> Answer:
        jwk = body.get("key")
        if not isinstance(jwk, dict) or jwk.get("kty") not in _OPS:
            raise Refused("the kty of a package is RSA-HSM, EC-HSM or oct-HSM")
        kty, ops, crv = jwk["kty"], jwk.get("key_ops"), jwk.get("crv")
        if not isinstance(ops, list) or not ops or set(ops) - _OPS[kty]:
            raise Refused(f"{ops} are no operations of {kty}")
        others = {member for member, value in jwk.items() if value is not None} - {"kty", "key_ops", "crv", "key_hsm"}
        if others:
            raise Refused(f"{sorted(others)} have no place beside key_hsm")
        target = self._open(from_base64url(jwk.get("key_hsm")))
        return self._keep(name, Key("", kty, ops, self._fitting(kty, crv, target), imported=True, crv=crv))

    def _open(self, package: bytes) -> bytes:
        """The key in a key transfer package."""
        try:
            package = json.loads(package.decode("utf-8"))
        except ValueError as error:
            raise Refused("the package is not JSON") from error
        header = package.get("header") if isinstance(package, dict) else None
        if not isinstance(header, dict) or package.get("schema_version") != "1.0.0":
            raise Refused("the package is not of schema 1.0.0")
        if header.get("alg") != "dir" or header.get("enc") != "CKM_RSA_AES_KEY_WRAP":
            raise Refused("alg and enc are not dir and CKM_RSA_AES_KEY_WRAP")
        if not isinstance(package.get("generator"), str):
            raise Refused("the package has no generator")
        kek = next((key for keys in self._versions.values() for key in keys if key.kid == header.get("kid")), None)
        if kek is None:
            raise Refused(f"the key exchange key {header.get('kid')} is not here", 404)
        if kek.ops != ["import"] or not isinstance(kek.value, rsa.RSAPrivateKey):
            raise Refused("the kid is not that of a key exchange key", 403)
        return material.open_rsa_aes(kek.value, from_base64url(package.get("ciphertext")), hashes.SHA1())

    def _fitting(self, kty: str, crv: str | None, target: bytes) -> PrivateKey | bytes:
        """The key, if it is what the request says and the service takes such."""
        if kty == "oct-HSM":
            if not self.is_hsm:
                raise Refused("a vault takes no symmetric keys")
            if len(target) not in (16, 24, 32):
                raise Refused(f"a symmetric key of {len(target)} bytes")
            return target
        key = material.private_key(target)
        match key:
            case rsa.RSAPrivateKey() if kty == "RSA-HSM" and crv is None:
                if key.key_size in (2048, 3072, 4096) and key.public_key().public_numbers().e == 65537:
                    return key
            case ec.EllipticCurvePrivateKey() if kty == "EC-HSM" and _CURVES.get(crv or "") == key.curve.name:
                return key
        raise Refused(f"the package holds {material.kind_of(key)}, which is not what was said or taken")

    def _keep(self, name: str, key: Key) -> Answer:
        key.kid = f"https://{self.host}/keys/{name}/{secrets.token_hex(16)}"
        self._versions.setdefault(name, []).append(key)
        return self._bundle(key)

    def _bundle(self, key: Key) -> Answer:
        now = int(time.time())
        attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable"}
        return Answer(200, {"key": key.jwk(), "attributes": attributes})

    def _find(self, name: str, version: str | None) -> Key:
        versions = self._versions.get(name, [])
        found = [key for key in versions if not version or key.kid.endswith(f"/{version}")]
        if not found:
            raise Refused(f"there is no key {name} {version or ''}", 404)
        return found[-1]

    def _use(self, key: Key, verb: str, body: dict) -> Answer:
        if verb not in key.ops:
            raise Refused(f"the key is not for {verb}", 403)
        algorithm, value = str(body.get("alg")), from_base64url(body.get("value"))
        if isinstance(key.value, bytes):
            result = _cbc(key.value, verb, algorithm, from_base64url(body.get("iv")), value)
        else:
            result = _sign(key, algorithm, value)
        return Answer(200, {"kid": key.kid, "value": to_base64url(result)})


def _sign(key: Key, algorithm: str, digest: bytes) -> bytes:
    """RFC 7518: of EC keys, r and s as they are."""
    if algorithm not in _SIGNATURES or algorithm.startswith("RS") != (key.kty == "RSA-HSM"):
        raise Refused(f"{algorithm} is not for {key.kty}")
    if key.crv and _SIGNATURE_OF_CURVE[key.crv] != algorithm:
        raise Refused(f"{algorithm} is not for {key.crv}")
    assert not isinstance(key.value, bytes)
    signature = material.sign_digest(key.value, digest, _SIGNATURES[algorithm])
    if key.kty == "RSA-HSM":
        return signature
    size = (key.value.key_size + 7) // 8
    return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))


def _cbc(key: bytes, verb: str, algorithm: str, iv: bytes, data: bytes) -> bytes:
    if algorithm != f"A{len(key) * 8}CBC" or len(iv) != 16 or len(data) % 16:
        raise Refused(f"{algorithm} is not for this key and these data")
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    return (cipher.encryptor() if verb == "encrypt" else cipher.decryptor()).update(data)
