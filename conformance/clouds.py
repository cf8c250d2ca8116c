#!/usr/bin/env python3
"""Every cloud: what `keyferry export` makes with a module is opened as that cloud would open it.

Cloud × OAEP hash × KEK × type of key; the file decoded, opened by Python `cryptography` and the OpenSSL
command line, and proved to be the key on the token. `--two-step` expects the two steps of the specification,
`--oaep sha1` a module whose OAEP takes SHA-1 only, `--counts-padding` one whose RFC 5649 counts its padding into
the key: what comes out wrong for that must be refused, and leave no file.
"""

import base64
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lib import byok, ck
from lib.ceremony import Setting, fresh_token, own_folder, read_arguments
from lib.keks import Kek, make_kek
from lib.openers import Cryptography, OpenSsl, open_blob
from lib.report import Report, require
from lib.structs import Oaep
from lib.targets import TARGETS, Secret, Target

KID = "https://conformance.managedhsm.azure.net/keys/kek/0123456789abcdef0123456789abcdef"
OPENERS = (Cryptography(), OpenSsl())
MORE = tuple(Target(f"generic-{bits}", Secret(ck.CKK_GENERIC_SECRET, bits // 8)) for bits in (160, 224, 256, 384, 512))
# Keys without padding in RFC 5649: their length, for EC that of PKCS#8 without a public key, is a multiple of 8.
WHOLE = ("AES-128", "AES-192", "AES-256", "HMAC-SHA-256", "generic-256", "P-384", "secp256k1")
RSA = ("RSA-2048", "RSA-3072", "RSA-4096")


@dataclass(frozen=True)
class Cloud:
    """What a cloud's documents say that it takes, written down independently of keyferry's table."""

    command: str
    hashes: tuple[str, ...]
    keks: tuple[int, ...]
    decode: Callable[[bytes], bytes]
    next: str
    combined: tuple[str, ...]
    direct: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def _base64(file: bytes) -> bytes:
    return base64.b64decode(file, validate=True)


CLOUDS = (
    Cloud("azure", ("sha1",), (2048, 3072, 4096), lambda file: byok.read_package(file, KID), "az keyvault key import ",
          (*RSA, "P-256", "P-384", "P-521", "secp256k1", "AES-128", "AES-192", "AES-256"), options=("--kid", KID)),
    Cloud("aws", ("sha256", "sha1"), (2048, 3072, 4096), bytes, "aws kms import-key-material ",
          (*RSA, "P-256", "P-384", "P-521", "secp256k1"),
          ("AES-256", "HMAC-SHA-256", "generic-224", "generic-384", "generic-512")),
    Cloud("gcp", ("sha256", "sha1"), (3072, 4096), bytes, "gcloud kms keys versions import ",
          (*RSA, "P-256", "P-384", "secp256k1", "AES-128", "AES-256", "generic-160", "HMAC-SHA-256")),
    Cloud("oci", ("sha256",), (4096,), _base64, "oci kms management key import ", RSA, ("AES-128", "AES-192", "AES-256")),
    Cloud("vault", ("sha256", "sha1", "sha224", "sha384", "sha512"), (4096,), _base64, "vault write transit/keys/",
          (*RSA, "P-256", "P-384", "P-521", "AES-128", "AES-256", "generic-256")),
)


@dataclass(frozen=True)
class Case:
    """One run of the command line, and how its file is to be opened."""

    command: str
    options: tuple[str, ...]
    key: str
    kek: Kek
    oaep: Oaep
    aes_bits: int | None
    decode: Callable[[bytes], bytes]
    next: str | None

    def __str__(self) -> str:
        return f"{self.command}: {self.key} under RSA-{self.kek.bits}, {self.oaep}, AES {self.aes_bits}"


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        proofs = {}
        for target in (*TARGETS, *MORE):
            extra = [(ck.CKA_TOKEN, True), (ck.CKA_LABEL, target.name), (ck.CKA_EXTRACTABLE, True)]
            _, proofs[target.name] = target.kind.generate(session, extra)
        keks = {bits: make_kek(bits, folder) for bits in (2048, 3072, 4096)}
        targets = {target.name: target for target in (*TARGETS, *MORE)}
        kept_kek(report, setting, folder, keks[4096], targets["AES-256"], proofs["AES-256"])
        for name, cases in itertools.groupby(every_case(keks), lambda case: case.command):
            with report.group(f"keyferry export {name}") as group, ThreadPoolExecutor(setting.processes) as pool:
                jobs = [(case, pool.submit(run, setting, folder / f"{name}-{number}", case, targets, proofs))
                        for number, case in enumerate(cases)]
                for case, job in jobs:
                    with group.case(str(case)):
                        job.result()


def kept_kek(report: Report, setting: Setting, folder: Path, kek: Kek, target: Target, proof: bytes) -> None:
    """A KEK in the token keeps its kid, and the SO's word that it is trusted; by its label, a key leaves under it."""
    with report.group("a KEK kept in the token") as group:
        with group.case("is imported by the SO"):
            made = keyferry(setting, "kek", "import", kek.public_pem, "--label", "kept", "--kid", KID, "--trust")
            require(made["kid_kept"] is True and made["trusted"] is True, str(made))
        with group.case("is listed"):
            listed = keyferry(setting, "kek", "list")
            shown = [(one["kid"], one["trusted"], one["sha256"]) for one in listed if one["label"] == "kept"]
            require(shown == [(KID, True, made["sha256"])], str(listed))
        with group.case(f"wraps {target.name}"):
            output = folder / "kept.byok"
            keyferry(setting, "export", "azure", "--kek", "kept", "--key", target.name, "--output", output)
            blob = byok.read_package(output.read_bytes(), KID)
            for opener in OPENERS:
                plaintext = open_blob(opener, kek, blob, Oaep("sha1", "sha1"), 256)
                require(target.proof(opener, plaintext) == proof, f"{opener.name}: another key is in the file")


def keyferry(setting: Setting, *words: object) -> object:
    """What a command that must succeed answers."""
    done = command(setting, *words)
    require(done.returncode == 0, done.stderr.strip())
    return json.loads(done.stdout)


def command(setting: Setting, *words: object) -> subprocess.CompletedProcess:
    """Runs the command line on the module."""
    return subprocess.run(
        [setting.cli, *words, "--module", setting.module, "--token", setting.label, "--json"],
        env={**os.environ, "KEYFERRY_PIN": setting.pin, "KEYFERRY_SO_PIN": setting.so_pin},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )


def every_case(keks: dict[int, Kek]) -> Iterator[Case]:
    """The usual hash under every KEK, the others under the largest; then parameters of one's own."""
    for cloud in CLOUDS:
        for number, name in enumerate(cloud.hashes):
            hash_option = () if number == 0 else ("--hash", name)
            for bits in cloud.keks if number == 0 else cloud.keks[-1:]:
                for key in (*cloud.combined, *cloud.direct):
                    aes_bits = 256 if key in cloud.combined else None
                    yield Case(cloud.command, (*cloud.options, *hash_option), key, keks[bits], Oaep(name, name), aes_bits,
                               cloud.decode, cloud.next)
    names = tuple(ck.HASHES)
    for (name, mgf), aes_bits in itertools.product([*((name, name) for name in names), ("sha256", "sha1")], (128, 192, 256)):
        options = ("--hash", name, "--mgf", mgf, "--aes", str(aes_bits), "--encoding", "base64")
        yield Case("custom", options, "P-256", keks[2048], Oaep(name, mgf), aes_bits, _base64, None)


def run(setting: Setting, output: Path, case: Case, targets: dict[str, Target], proofs: dict[str, bytes]) -> None:
    """Exports, and opens what came out; or sees it refused."""
    request = ("--request", str(output.with_suffix(".json"))) if case.command == "azure" else ()
    done = command(setting, "export", case.command, "--kek", case.kek.public_pem, "--key", case.key, "--output", output,
                   *case.options, *request)
    reason = why_not(setting, case)
    if reason:
        require(done.returncode == 1, f"exit status {done.returncode}")
        require(reason in done.stderr, done.stderr.strip())
        require("keyferry's own" in done.stderr, f"no remedy: {done.stderr.strip()}")
        require(not output.exists(), "there is a file all the same")
        return
    require(done.returncode == 0, done.stderr.strip())
    answer = json.loads(done.stdout)
    steps = "in one call" if setting.combined or case.aes_bits is None else "in two steps"
    require(answer["steps"] == steps, f"made {answer['steps']}")
    require((answer["next"] or "").startswith(case.next or ""), f"next: {answer['next']}")
    file = output.read_bytes()
    require(len(file) == answer["bytes"], "the file has another length than was said")
    if request:
        check_request(json.loads(Path(request[1]).read_bytes()), file, case.key)
    blob = case.decode(file)
    for opener in OPENERS:
        plaintext = (opener.decrypt(case.kek, blob, case.oaep) if case.aes_bits is None
                     else open_blob(opener, case.kek, blob, case.oaep, case.aes_bits))
        proof = targets[case.key].proof(opener, plaintext)
        require(proof == proofs[case.key], f"{opener.name}: another key is in the file")


def why_not(setting: Setting, case: Case) -> str | None:
    """What the refusal says, if the module cannot make this one right."""
    if case.oaep.hash not in setting.oaep or case.oaep.mgf not in setting.oaep:
        return "does not take OAEP with SHA-"
    if setting.counts_padding and case.aes_bits and case.key not in WHOLE:
        return "counts them as part of it"
    return None


def check_request(request: dict, package: bytes, key: str) -> None:
    """The body of the import request, as the service documents it."""
    key_hsm = request["key"]["key_hsm"]
    require(base64.urlsafe_b64decode(key_hsm + "=" * (-len(key_hsm) % 4)) == package, "key_hsm is not the package")
    kinds = {"R": "RSA-HSM", "A": "oct-HSM"}
    require(request["key"]["kty"] == kinds.get(key[0], "EC-HSM"), f"kty {request['key']['kty']}")
    curve = {"secp256k1": "P-256K"}.get(key, key) if key[0] not in kinds else None
    require(request["key"].get("crv") == curve, f"crv {request['key'].get('crv')}")


if __name__ == "__main__":
    main()
