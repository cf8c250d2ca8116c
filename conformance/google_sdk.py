#!/usr/bin/env python3
"""Google's own client of Cloud KMS imports what `keyferry export gcp` makes.

Cloud KMS is a stand-in (`stand_ins/google_kms.py`) behind its real name, reached by the client's REST transport.
What arrives signs there, makes MACs, or shows a block that it encrypted, and that is checked with what the token
says of its key.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from google.api_core.exceptions import BadRequest, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.kms_v1 import (
    CryptoKey,
    CryptoKeyVersion,
    ImportJob,
    KeyManagementServiceClient,
    ProtectionLevel,
)
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.leaving import MESSAGE, Bench, OnToken, digest_of_message, flip, refused
from lib.report import Report, require
from stand_ins.google_kms import HOST, Kms
from stand_ins.network import Network

_NAMES = (
    "RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "secp256k1", "AES-128", "AES-256", "secret-160",
    "secret-224", "secret-256", "secret-384", "secret-512",
)
_RING = "projects/contoso/locations/europe-west3/keyRings/keyferry"
_METHODS = [f"RSA_OAEP_{bits}_{digest}_AES_256" for bits in (3072, 4096) for digest in ("SHA256", "SHA1")]
_PURPOSES = {"AES-128": "RAW_ENCRYPT_DECRYPT", "AES-256": "ENCRYPT_DECRYPT"}


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        bench, cloud = Bench.make(setting, folder, session, _NAMES), Kms()
        with Network(folder, {HOST: cloud}):
            client = KeyManagementServiceClient(credentials=AnonymousCredentials(), transport="rest")
            jobs = {method: make_job(client, method) for method in _METHODS}
            imports(report, bench, client, cloud, jobs)
            refusals(report, bench, client, jobs)


def make_job(client: KeyManagementServiceClient, method: str) -> ImportJob:
    """An import job, asked for again as one does while it is being made."""
    job = ImportJob(import_method=method, protection_level=ProtectionLevel.HSM)
    identifier = method.lower().replace("_", "-")
    name = client.create_import_job(parent=_RING, import_job_id=identifier, import_job=job).name
    return client.get_import_job(name=name)


def kek_files(bench: Bench, job: ImportJob) -> Iterator[Path]:
    """The KEK as PEM, and as `gcloud kms import-jobs describe --format json` shows its job, in turn."""
    pem, described = bench.folder / "wrapping-key.pem", bench.folder / "import-job.json"
    pem.write_text(job.public_key.pem)
    described.write_text(ImportJob.to_json(job))
    return itertools.cycle((pem, described))


def imports(report: Report, bench: Bench, client: KeyManagementServiceClient, cloud: Kms,
            jobs: dict[str, ImportJob]) -> None:
    """Every type of key under every method with AES."""
    for method, job in jobs.items():
        digest = method.split("_")[3].lower()
        with report.group(method) as group:
            for key, kek in zip(bench.keys.values(), kek_files(bench, job), strict=False):
                with group.case(f"{key.label}, {kek.name}"):
                    exported = bench.export("gcp", kek, key.label, "--hash", digest)
                    said = str(exported.answer["method"]).upper().replace("-", "_")
                    require(said == method, f"the answer names the method {said}")
                    algorithm = str(exported.answer["called"]).upper().replace("-", "_")
                    parent = create(client, key, f"{key.label}-{method}", algorithm)
                    version = hand_over(client, parent, algorithm, job.name, exported.file)
                    require(version.state == CryptoKeyVersion.CryptoKeyVersionState.ENABLED, "it is not enabled")
                    prove(client, cloud, version, key)


def create(client: KeyManagementServiceClient, key: OnToken, name: str, algorithm: str) -> str:
    """A key without a version."""
    purpose = _PURPOSES.get(key.label) or ("MAC" if key.is_secret else "ASYMMETRIC_SIGN")
    template = {"algorithm": algorithm, "protection_level": "HSM"}
    made = client.create_crypto_key(request={
        "parent": _RING, "crypto_key_id": name, "skip_initial_version_creation": True,
        "crypto_key": CryptoKey(purpose=purpose, version_template=template, import_only=True),
    })
    return made.name


def hand_over(client: KeyManagementServiceClient, parent: str, algorithm: str, job: str,
              file: bytes) -> CryptoKeyVersion:
    """ImportCryptoKeyVersion"""
    return client.import_crypto_key_version(request={
        "parent": parent, "algorithm": algorithm, "import_job": job, "wrapped_key": file,
    })


def prove(client: KeyManagementServiceClient, cloud: Kms, version: CryptoKeyVersion, key: OnToken) -> None:
    """Raises unless the key in Cloud KMS does what the key on the token does."""
    if key.is_aes:
        key.verify_block(cloud.check_value(version.name))
    elif key.is_secret:
        digest = version.algorithm.name.removeprefix("HMAC_").lower()
        key.verify_mac(client.mac_sign(name=version.name, data=MESSAGE).mac, digest)
    else:
        digest = "384" if key.label == "P-384" else "256"
        request = {"name": version.name, "digest": {f"sha{digest}": digest_of_message(digest)}}
        key.verify(client.asymmetric_sign(request=request).signature, digest)


def refusals(report: Report, bench: Bench, client: KeyManagementServiceClient, jobs: dict[str, ImportJob]) -> None:
    """What is not as it was made is refused, and the client says so."""
    key, method = bench.keys["P-256"], "RSA_OAEP_3072_SHA256_AES_256"
    kek, algorithm = next(kek_files(bench, jobs[method])), "EC_SIGN_P256_SHA256"
    parent = create(client, key, "refused", algorithm)
    good = bench.export("gcp", kek, key.label).file
    cases = {
        "a bit of the first part": (method, flip(good, 100), algorithm, "cannot be opened"),
        "a bit of the second part": (method, flip(good, 500), algorithm, "is damaged"),
        "cut off": (method, good[:-8], algorithm, "is damaged"),
        "another hash": ("RSA_OAEP_3072_SHA1_AES_256", good, algorithm, "cannot be opened"),
        "another KEK": ("RSA_OAEP_4096_SHA256_AES_256", good, algorithm, "cannot be opened"),
        "another algorithm": (method, good, "EC_SIGN_P384_SHA384", "not one of EC_SIGN_P384_SHA384"),
    }
    with report.group("refused") as group:
        for what, (job, blob, said, reason) in cases.items():
            with group.case(what), refused(BadRequest, reason):
                hand_over(client, parent, said, jobs[job].name, blob)
        with group.case("nothing arrived"), refused(NotFound, "there is no version 1"):
            client.get_crypto_key_version(name=f"{parent}/cryptoKeyVersions/1")
        with group.case("the file itself is good"):
            hand_over(client, parent, algorithm, jobs[method].name, good)


if __name__ == "__main__":
    main()
