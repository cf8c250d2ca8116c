"""A stand-in for Google Cloud KMS, as far as importing needs it: the REST interface as its reference has it."""

import base64
import hmac
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.cloud.kms_v1 import CryptoKeyVersion, ImportJob

from stand_ins import material
from stand_ins.material import PrivateKey, from_base64
from stand_ins.network import Answer, Refused, Request

HOST = "cloudkms.googleapis.com"
_RING = r"/v1/(projects/[^/]+/locations/[^/]+/keyRings/[^/]+)"
_METHODS = {
    f"RSA_OAEP_{bits}_{name}_AES_256": (bits, digest)
    for bits in (3072, 4096) for name, digest in (("SHA1", hashes.SHA1()), ("SHA256", hashes.SHA256()))
}
_SIGNING = {
    "RSA_SIGN_PKCS1_2048_SHA256": "RSA-2048", "RSA_SIGN_PKCS1_3072_SHA256": "RSA-3072",
    "RSA_SIGN_PKCS1_4096_SHA256": "RSA-4096", "EC_SIGN_P256_SHA256": "secp256r1", "EC_SIGN_P384_SHA384": "secp384r1",
    "EC_SIGN_SECP256K1_SHA256": "secp256k1",
}
_SECRET = {
    "GOOGLE_SYMMETRIC_ENCRYPTION": 32, "AES_128_GCM": 16, "AES_256_GCM": 32, "HMAC_SHA1": 20, "HMAC_SHA224": 28,
    "HMAC_SHA256": 32, "HMAC_SHA384": 48, "HMAC_SHA512": 64,
}


@dataclass
class Job:
    """An import job."""

    method: str
    kek: rsa.RSAPrivateKey


@dataclass
class Version:
    """A version of a key."""

    algorithm: str
    value: PrivateKey | bytes


@dataclass
class Kms:
    """The service."""

    jobs: dict[str, Job] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    versions: dict[str, list[Version]] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """By method and path."""
        collection = re.fullmatch(rf"{_RING}/(importJobs|cryptoKeys)", request.path)
        if collection and request.method == "POST":
            ring, kind = collection.groups()
            return (self._job if kind == "importJobs" else self._key)(ring, request)
        job = re.fullmatch(rf"{_RING}/importJobs/([^/]+)", request.path)
        if job and request.method == "GET":
            return self._show_job("{}/importJobs/{}".format(*job.groups()))
        arrival = re.fullmatch(rf"{_RING}/cryptoKeys/([^/]+)/cryptoKeyVersions:import", request.path)
        if arrival and request.method == "POST":
            return self._import("{}/cryptoKeys/{}".format(*arrival.groups()), request.json())
        use = re.fullmatch(rf"{_RING}/cryptoKeys/([^/:]+)/cryptoKeyVersions/(\d+)(?::(\w+))?", request.path)
        if use:
            ring, key, number, verb = use.groups()
            return self._use(f"{ring}/cryptoKeys/{key}", int(number), verb, request)
        raise Refused(f"{request.method} {request.path} is not done here", 404)

    def refusal(self, refused: Refused) -> Answer:
        """An error as the service words them."""
        status = "NOT_FOUND" if refused.status == 404 else "INVALID_ARGUMENT"
        return Answer(refused.status, {"error": {"code": refused.status, "message": str(refused), "status": status}})

    def check_value(self, version: str) -> bytes:
        """What shows which symmetric key has arrived: Google's own ciphertexts are opaque."""
        key, _, number = version.rpartition("/cryptoKeyVersions/")
        value = self.versions[key][int(number) - 1].value
        assert isinstance(value, bytes)
        return material.block_of_zeros(value)

    def _job(self, ring: str, request: Request) -> Answer:
        body, name = request.json(), f"{ring}/importJobs/{request.query.get('importJobId')}"
        # the client asks for numbers instead of names
        method = ImportJob.ImportMethod(body.get("importMethod")).name
        if method not in _METHODS or name in self.jobs:
            raise Refused(f"importMethod {method}")
        self.jobs[name] = Job(method, rsa.generate_private_key(65537, _METHODS[method][0]))
        return self._show_job(name)

    def _show_job(self, name: str) -> Answer:
        if name not in self.jobs:
            raise Refused(f"there is no {name}", 404)
        job = self.jobs[name]
        return Answer(200, {
            "name": name, "importMethod": job.method, "protectionLevel": "HSM", "state": "ACTIVE",
            "publicKey": {"pem": material.public_pem(job.kek)},
        })

    def _key(self, ring: str, request: Request) -> Answer:
        body, name = request.json(), f"{ring}/cryptoKeys/{request.query.get('cryptoKeyId')}"
        if request.query.get("skipInitialVersionCreation", "").lower() != "true":
            raise Refused("a key for imports must not get a version of its own")
        self.keys[name] = str(body.get("purpose"))
        self.versions[name] = []
        return Answer(200, {"name": name, "purpose": body.get("purpose")})

    def _import(self, name: str, body: dict) -> Answer:
        if name not in self.keys:
            raise Refused(f"there is no {name}", 404)
        job = self.jobs.get(str(body.get("importJob")))
        if job is None:
            raise Refused(f"there is no {body.get('importJob')}", 404)
        algorithm = CryptoKeyVersion.CryptoKeyVersionAlgorithm(body.get("algorithm")).name
        wrapped = from_base64(body.get("wrappedKey") or body.get("rsaAesWrappedKey"))
        target = material.open_rsa_aes(job.kek, wrapped, _METHODS[job.method][1])
        if algorithm in _SIGNING:
            value: PrivateKey | bytes = material.private_key(target)
            fits = material.kind_of(value) == _SIGNING[algorithm]
        else:
            value, fits = target, _SECRET.get(algorithm) == len(target)
        if not fits:
            raise Refused(f"the key material is not one of {algorithm}")
        self.versions[name].append(Version(algorithm, value))
        return self._show(name, len(self.versions[name]))

    def _show(self, name: str, number: int) -> Answer:
        version = self.versions[name][number - 1]
        return Answer(200, {
            "name": f"{name}/cryptoKeyVersions/{number}", "state": "ENABLED", "protectionLevel": "HSM",
            "algorithm": version.algorithm,
        })

    def _use(self, name: str, number: int, verb: str | None, request: Request) -> Answer:
        if not 1 <= number <= len(self.versions.get(name, [])):
            raise Refused(f"there is no version {number} of {name}", 404)
        version = self.versions[name][number - 1]
        match verb, version.value:
            case None, _:
                return self._show(name, number)
            case "asymmetricSign", rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey():
                ((kind, digest),) = request.json().get("digest", {}).items()
                algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[kind]
                if not version.algorithm.endswith(kind.upper()):
                    raise Refused(f"{version.algorithm} signs no {kind}")
                signature = material.sign_digest(version.value, from_base64(digest), algorithm)
                return Answer(200, {"signature": base64.b64encode(signature).decode()})
            case "macSign", bytes():
                kind = version.algorithm.removeprefix("HMAC_").lower()
                mac = hmac.digest(version.value, from_base64(request.json().get("data")), kind)
                return Answer(200, {"mac": base64.b64encode(mac).decode()})
        raise Refused(f"{verb} is not for {version.algorithm}")
