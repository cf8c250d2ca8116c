#!/usr/bin/env python3
"""Microsoft's own client of Key Vault, unmodified, imports what `keyferry export azure` makes.

The vault and the Managed HSM are stand-ins (`stand_ins/key_vault.py`) behind their real names. Keys go as `az`
sends them: the file's bytes as the JWK's `t`. Whatever arrives signs or encrypts there, and that is checked
with what the token says of its key.
"""

import base64
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyClient, KeyVaultKey
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.leaving import Bench, OnToken, digest_of_message, flip, refused
from lib.report import Report, require
from lib.targets import TARGETS
from stand_ins.key_vault import HSM_DOMAIN, VAULT_DOMAIN, KeyVault
from stand_ins.network import Network

_CURVES = {"P-256": "P-256", "P-384": "P-384", "P-521": "P-521", "secp256k1": "P-256K"}
_ALGORITHMS = {
    "P-256": ("ES256", "256"), "P-384": ("ES384", "384"), "P-521": ("ES512", "512"), "secp256k1": ("ES256K", "256"),
    "RSA-2048": ("RS256", "256"), "RSA-3072": ("RS384", "384"), "RSA-4096": ("RS512", "512"),
}
_NAMES = [target.name for target in TARGETS if target.for_azure]


class Credential:
    """Somebody who may do everything, as `azure-identity` would prove."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """A token that says for what it is."""
        return AccessToken(f"token for {scopes[0]}", int(time.time()) + 3600)


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    hosts = [f"contoso.{domain}" for domain in (VAULT_DOMAIN, HSM_DOMAIN)]
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        bench = Bench.make(setting, folder, session, _NAMES)
        with Network(folder, {host: KeyVault(host) for host in hosts}):
            for host in hosts:
                with KeyClient(f"https://{host}", Credential(), retry_total=0) as client:
                    imports(report, bench, client)
                    forms(report, bench, client)
                    refusals(report, bench, client, host)


def keys_for(bench: Bench, client: KeyClient) -> list[OnToken]:
    """What the service takes: a vault takes no symmetric keys."""
    return [key for key in bench.keys.values() if client.vault_url.endswith(HSM_DOMAIN) or not key.is_secret]


def export(bench: Bench, kek: object, key: str, *more: object) -> bytes:
    """`keyferry export azure`: the package."""
    exported = bench.export("azure", kek, key, *more)
    require("az keyvault key import" in exported.answer["next"], "no az command in the answer")
    return exported.file


def jwk(key: OnToken, package: bytes) -> JsonWebKey:
    """What `az keyvault key import --byok-file` makes of a package."""
    if key.is_secret:
        return JsonWebKey(kty="oct-HSM", key_ops=["encrypt", "decrypt"], t=package)
    if key.label in _CURVES:
        return JsonWebKey(kty="EC-HSM", crv=_CURVES[key.label], key_ops=["sign", "verify"], t=package)
    return JsonWebKey(kty="RSA-HSM", key_ops=["sign", "verify"], t=package)


def imports(report: Report, bench: Bench, client: KeyClient) -> None:
    """Every type of key under every size of KEK."""
    for bits in (2048, 3072, 4096):
        kek = make_kek(client, bits)
        file = bench.folder / f"{kek.properties.name}.json"
        file.write_text(as_az_prints(kek))
        with report.group(f"{client.vault_url}, imported under RSA-{bits}") as group:
            for key in keys_for(bench, client):
                with group.case(key.label):
                    package = export(bench, file, key.label)
                    name = f"{key.label}-{bits}"
                    arrived = client.import_key(name, jwk(key, package), hardware_protected=True)
                    prove(arrived, key)


def make_kek(client: KeyClient, bits: int) -> KeyVaultKey:
    """A key exchange key of the vault's."""
    kek = client.create_rsa_key(f"kek-{bits}", size=bits, hardware_protected=True, key_operations=["import"])
    require(kek.key_type == "RSA-HSM" and kek.key_operations == ["import"], "the vault made no key exchange key")
    return kek


def as_az_prints(key: KeyVaultKey) -> str:
    """What `az keyvault key show` prints: bytes in base64, members in camel case, absent ones as null."""
    fields = {name: getattr(key.key, name) for name in JsonWebKey._FIELDS}  # noqa: SLF001 - as az does it
    jwk = {
        ("keyOps" if name == "key_ops" else name): base64.b64encode(v).decode() if isinstance(v, bytes) else v
        for name, v in fields.items()
    }
    attributes = {"enabled": key.properties.enabled, "recoveryLevel": key.properties.recovery_level, "expires": None}
    return json.dumps({"attributes": attributes, "key": jwk, "managed": None, "releasePolicy": None}, indent=2)


def prove(arrived: KeyVaultKey, key: OnToken) -> None:
    """Raises unless the key in the vault does what the key on the token does."""
    crypto = CryptographyClient(arrived, Credential(), retry_total=0)
    if key.is_secret:
        algorithm = EncryptionAlgorithm(f"A{key.label.removeprefix('AES-')}CBC")
        key.verify_block(crypto.encrypt(algorithm, bytes(16), iv=bytes(16)).ciphertext)
        return
    name, digest = _ALGORITHMS[key.label]
    signature = crypto.sign(SignatureAlgorithm(name), digest_of_message(digest)).signature
    if key.label in _CURVES:
        half = len(signature) // 2
        signature = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    key.verify(signature, digest)


def forms(report: Report, bench: Bench, client: KeyClient) -> None:
    """The other ways to hand over a KEK, and to hand in a package."""
    kek = client.get_key("kek-3072")
    numbers = rsa.RSAPublicNumbers(int.from_bytes(kek.key.e), int.from_bytes(kek.key.n))
    public = numbers.public_key()
    with report.group(f"{client.vault_url}, KEKs in every form") as group:
        for name, encoding in (("PEM", serialization.Encoding.PEM), ("DER", serialization.Encoding.DER)):
            with group.case(f"{name} of az keyvault key download, and --kid"):
                file = bench.folder / f"kek.{name}"
                file.write_bytes(public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
                import_and_prove(bench, client, export(bench, file, "P-256", "--kid", kek.id), "P-256")
        with group.case("kek import of what az prints"):
            label = f"kek of {client.vault_url}"
            kept = bench.keyferry("kek", "import", "kek-3072.json", "--label", label)
            require(kept["kid"] == kek.id and kept["kid_kept"], "the key identifier was not kept")
            import_and_prove(bench, client, export(bench, label, "RSA-3072"), "RSA-3072")
    with report.group(f"{client.vault_url}, requests of a program of one's own") as group:
        for key in keys_for(bench, client):
            with group.case(f"--request of {key.label}"):
                export(bench, "kek-3072.json", key.label, "--request", "request.json")
                body = (bench.folder / "request.json").read_bytes()
                url = f"{client.vault_url}/keys/own-{key.label}?api-version={ApiVersion.V7_6.value}"
                request = HttpRequest("PUT", url, content=body, headers={"Content-Type": "application/json"})
                client.send_request(request).raise_for_status()
                prove(client.get_key(f"own-{key.label}"), key)


def import_and_prove(bench: Bench, client: KeyClient, package: bytes, name: str) -> None:
    """One package."""
    key = bench.keys[name]
    prove(client.import_key(f"form-{name}", jwk(key, package), hardware_protected=True), key)


def refusals(report: Report, bench: Bench, client: KeyClient, host: str) -> None:
    """What is not as it was made is refused, and the SDK says so."""
    package = json.loads(export(bench, "kek-2048.json", "P-256"))
    here, other = (client.get_key(f"kek-{bits}").id for bits in (2048, 3072))
    imported = client.get_key("P-256-2048").id
    blob = base64.urlsafe_b64decode(package["ciphertext"] + "==")
    header = package["header"]
    changed: dict[str, tuple[dict, str]] = {
        "a bit of the first part": (with_blob(package, flip(blob, 100)), "cannot be opened"),
        "a bit of the second part": (with_blob(package, flip(blob, 300)), "is damaged"),
        "cut off": (with_blob(package, blob[:-8]), "is damaged"),
        "for another KEK": ({**package, "header": {**header, "kid": other}}, "cannot be opened"),
        "an unknown kid": ({**package, "header": {**header, "kid": f"{here[:-32]}{'0' * 32}"}}, "is not here"),
        "the kid of no KEK": ({**package, "header": {**header, "kid": imported}}, "not that of a key exchange key"),
        "another wrapping": ({**package, "header": {**header, "enc": "CKM_RSA_PKCS_OAEP"}}, "alg and enc"),
        "another schema": ({**package, "schema_version": "2.0.0"}, "schema 1.0.0"),
    }
    key = bench.keys["P-256"]
    with report.group(f"{client.vault_url}, refused") as group:
        for name, (bad, reason) in changed.items():
            with group.case(name), refused(HttpResponseError, reason):
                client.import_key("bad", jwk(key, json.dumps(bad).encode()), hardware_protected=True)
        good = json.dumps(package).encode()
        for name, given in (
            ("another curve", JsonWebKey(kty="EC-HSM", crv="P-256K", key_ops=["sign"], t=good)),
            ("another type", JsonWebKey(kty="RSA-HSM", key_ops=["sign"], t=good)),
        ):
            with group.case(name), refused(HttpResponseError, "not what was said or taken"):
                client.import_key("bad", given, hardware_protected=True)
        if host.endswith(VAULT_DOMAIN):
            with group.case("a KEK of the other service"), refused(HttpResponseError, "is not here"):
                foreign = good.replace(VAULT_DOMAIN.encode(), HSM_DOMAIN.encode())
                client.import_key("bad", jwk(key, foreign), hardware_protected=True)
        with group.case("nothing arrived"), refused(HttpResponseError, "there is no key bad"):
            client.get_key("bad")
        with group.case("the package itself is good"):
            import_and_prove(bench, client, good, "P-256")


def with_blob(package: dict, blob: bytes) -> dict:
    """The package with another ciphertext."""
    return {**package, "ciphertext": base64.urlsafe_b64encode(blob).rstrip(b"=").decode()}


if __name__ == "__main__":
    main()
