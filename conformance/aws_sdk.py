#!/usr/bin/env python3
"""Amazon's own clients, boto3 and the command line `aws`, import what `keyferry export aws` makes.

KMS is a stand-in (`stand_ins/aws_kms.py`) behind its real name. What arrives signs there, makes MACs, or shows a
block that it encrypted, and that is checked with what the token says of its key.
"""

import base64
import itertools
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from lib import ck
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.leaving import MESSAGE, Bench, OnToken, digest_of_message, flip, refused
from lib.pkcs11 import Session
from lib.recipes import recipes, run
from lib.report import Report, require
from stand_ins.aws_kms import HOST, Kms
from stand_ins.network import Network

_SPECS = {
    "RSA-2048": "RSA_2048", "RSA-3072": "RSA_3072", "RSA-4096": "RSA_4096", "P-256": "ECC_NIST_P256",
    "P-384": "ECC_NIST_P384", "P-521": "ECC_NIST_P521", "secp256k1": "ECC_SECG_P256K1",
    "AES-256": "SYMMETRIC_DEFAULT", "secret-224": "HMAC_224", "secret-256": "HMAC_256", "secret-384": "HMAC_384",
    "secret-512": "HMAC_512",
}
_DIGESTS = {"P-384": "384", "P-521": "512"}
_REGION = "eu-central-1"
_IDENTITY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none", "AWS_PAGER": ""}


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    os.environ.update(_IDENTITY | {"AWS_DEFAULT_REGION": _REGION, "AWS_EC2_METADATA_DISABLED": "true"})
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        bench, cloud = Bench.make(setting, folder, session, _SPECS), Kms()
        with Network(folder, {HOST: cloud}):
            client = boto3.client("kms", config=Config(retries={"total_max_attempts": 1}))
            imports(report, bench, client, cloud)
            command_line(report, bench, client, cloud)
            refusals(report, bench, client)
            recipe(report, bench, cloud, session)


def wrapping(key: OnToken, digest: str) -> str:
    """How a key of this type gets there."""
    return f"RSAES_OAEP_SHA_{digest}" if key.is_secret else f"RSA_AES_KEY_WRAP_SHA_{digest}"


def imports(report: Report, bench: Bench, client: BaseClient, cloud: Kms) -> None:
    """Every type of key by boto3, the sizes of KEKs in turn."""
    sizes = itertools.cycle(("RSA_2048", "RSA_3072", "RSA_4096"))
    for digest, names in (("256", list(_SPECS)), ("1", ["RSA-4096", "P-256", "AES-256"])):
        with report.group(f"boto3, SHA_{digest}") as group:
            for key, size in zip((bench.keys[name] for name in names), sizes, strict=False):
                with group.case(f"{key.label} under {size}"):
                    name = create(client, key)
                    parameters = client.get_parameters_for_import(
                        KeyId=name, WrappingAlgorithm=wrapping(key, digest), WrappingKeySpec=size
                    )
                    file = bench.folder / "WrappingPublicKey.bin"
                    file.write_bytes(parameters["PublicKey"])
                    exported = bench.export("aws", file, key.label, "--hash", f"sha{digest}")
                    require(exported.answer["method"] == wrapping(key, digest), "the answer names another wrapping")
                    require(exported.answer["called"] == _SPECS[key.label], "the answer names another key spec")
                    hand_over(client, name, parameters["ImportToken"], exported.file)
                    prove(client, cloud, name, key)


def create(client: BaseClient, key: OnToken) -> str:
    """A key without material."""
    usage = "SIGN_VERIFY"
    if key.is_secret:
        usage = "ENCRYPT_DECRYPT" if key.is_aes else "GENERATE_VERIFY_MAC"
    made = client.create_key(KeySpec=_SPECS[key.label], KeyUsage=usage, Origin="EXTERNAL")
    return made["KeyMetadata"]["KeyId"]


def hand_over(client: BaseClient, name: str, token: bytes, file: bytes) -> None:
    """ImportKeyMaterial"""
    client.import_key_material(
        KeyId=name, ImportToken=token, EncryptedKeyMaterial=file, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE"
    )


def prove(client: BaseClient, cloud: Kms, name: str, key: OnToken) -> None:
    """Raises unless the key in KMS does what the key on the token does."""
    if key.is_aes:
        key.verify_block(cloud.check_value(name))
    elif key.is_secret:
        digest = key.label.removeprefix("secret-")
        made = client.generate_mac(KeyId=name, Message=MESSAGE, MacAlgorithm=f"HMAC_SHA_{digest}")
        key.verify_mac(made["Mac"], f"sha{digest}")
    else:
        digest = _DIGESTS.get(key.label, "256")
        scheme = "RSASSA_PKCS1_V1_5" if key.label.startswith("RSA") else "ECDSA"
        made = client.sign(KeyId=name, Message=digest_of_message(digest), MessageType="DIGEST",
                           SigningAlgorithm=f"{scheme}_SHA_{digest}")
        key.verify(made["Signature"], digest)


def command_line(report: Report, bench: Bench, client: BaseClient, cloud: Kms) -> None:
    """The command that `keyferry` prints, run as it is, but for the key's name."""
    with report.group("aws kms, as printed") as group:
        for key in (bench.keys[name] for name in ("RSA-3072", "P-384", "AES-256", "secret-256")):
            with group.case(key.label):
                name = create(client, key)
                parameters = aws(
                    bench, f"aws kms get-parameters-for-import --key-id {name} --wrapping-key-spec RSA_3072 "
                    f"--wrapping-algorithm {wrapping(key, '256')} --output json | tee parameters.json"
                )
                token = base64.b64decode(json.loads(parameters)["ImportToken"])
                (bench.folder / "ImportToken.bin").write_bytes(token)
                # the whole answer serves as the KEK's file
                next_command = bench.export("aws", "parameters.json", key.label).answer["next"]
                aws(bench, next_command.replace("KEY_ID", name))
                prove(client, cloud, name, key)


def aws(bench: Bench, command: str) -> str:
    """A command line in the folder, `aws` being that of the environment that runs this."""
    return run(command, bench.folder, [Path(sys.executable).parent], {})


def recipe(report: Report, bench: Bench, cloud: Kms, session: Session) -> None:
    """The recipe of docs/byok.md, word for word."""
    with report.group("aws kms, as docs/byok.md has it") as group, group.case("RSA-3072 and AES-256"):
        for label, name in (("signing", "RSA-3072"), ("data", "AES-256")):
            for key in session.find([(ck.CKA_LABEL, name)]):
                session.set(key, [(ck.CKA_LABEL, label)])
        before = set(cloud.keys)
        programs = [Path(sys.executable).parent, bench.setting.cli.parent]
        run(recipes("docs/byok.md")["AWS KMS"], bench.folder, programs, {"KEYFERRY_PIN": bench.setting.pin})
        arrived = {cloud.keys[name].spec: cloud.check_value(name) for name in set(cloud.keys) - before}
        expected = {_SPECS[name]: bench.keys[name].proof for name in ("RSA-3072", "AES-256")}
        require(arrived == expected, f"other keys arrived: {sorted(arrived)}")


def refusals(report: Report, bench: Bench, client: BaseClient) -> None:
    """What is not as it was made is refused, and boto3 says so."""
    key = bench.keys["P-256"]
    name, other = create(client, key), create(client, bench.keys["P-384"])
    kek, foreign = (
        client.get_parameters_for_import(KeyId=one, WrappingAlgorithm=wrapping(key, "256"), WrappingKeySpec="RSA_2048")
        for one in (name, other)
    )
    file = bench.folder / "WrappingPublicKey.bin"
    file.write_bytes(kek["PublicKey"])
    good, weak = bench.export("aws", file, key.label).file, bench.export("aws", file, key.label, "--hash", "sha1").file
    token = kek["ImportToken"]
    cases = {
        "a bit of the first part": (name, token, flip(good, 100), "cannot be opened"),
        "a bit of the second part": (name, token, flip(good, 300), "is damaged"),
        "another hash": (name, token, weak, "cannot be opened"),
        "another KEK": (other, foreign["ImportToken"], good, "cannot be opened"),
        "the import token of another key": (name, foreign["ImportToken"], good, "InvalidImportToken"),
        "another key spec": (name, token, bench.export("aws", file, "RSA-2048").file, "IncorrectKeyMaterial"),
        "plain OAEP for a private key": (name, token, bench.export("aws", file, "secret-256").file, "is damaged"),
    }
    with report.group("refused") as group:
        for what, (given, given_token, blob, reason) in cases.items():
            with group.case(what), refused(ClientError, reason):
                hand_over(client, given, given_token, blob)
        with group.case("nothing arrived"), refused(ClientError, "pending import"):
            client.sign(KeyId=name, Message=bytes(32), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        with group.case("the file itself is good"):
            hand_over(client, name, token, good)


if __name__ == "__main__":
    main()
