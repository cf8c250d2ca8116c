#!/usr/bin/env python3
"""`hvac`, the client of HashiCorp Vault and OpenBao, imports what `keyferry export vault` makes.

The transit engine is a stand-in (`stand_ins/transit.py`). What arrives signs there, makes MACs, or shows a block that
it encrypted, and that is checked with what the token says of its key.
"""

import base64
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import hvac
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.leaving import MESSAGE, Bench, OnToken, refused
from lib.report import Report, require
from stand_ins.network import Network
from stand_ins.transit import HOST, TOKEN, Transit

_NAMES = (
    "RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "AES-128", "AES-256", "secret-256", "secret-512",
)
_HASHES = ("sha256", "sha1", "sha224", "sha384", "sha512")


def main() -> None:
    """Runs everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder, fresh_token(setting) as session:
        bench, engine = Bench.make(setting, folder, session, _NAMES), Transit()
        with Network(folder, {HOST: engine}):
            client = hvac.Client(f"https://{HOST}", token=TOKEN)
            wrapping_key = client.read("transit/wrapping_key")
            (folder / "wrapping-key.pem").write_text(wrapping_key["data"]["public_key"])
            # as `vault read -format=json` prints it
            (folder / "wrapping-key.json").write_text(json.dumps(wrapping_key))
            imports(report, bench, client, engine)
            refusals(report, bench, client)


def imports(report: Report, bench: Bench, client: hvac.Client, engine: Transit) -> None:
    """Every type of key, and every hash."""
    every = [(name, "sha256", "wrapping-key.pem") for name in _NAMES]
    hashed = [(name, digest, "wrapping-key.json") for name in ("P-256", "AES-256") for digest in _HASHES]
    with report.group("imported") as group:
        for name, digest, kek in every + hashed:
            with group.case(f"{name}, {digest}, {kek}"):
                key, place = bench.keys[name], f"{name}-{digest}-{Path(kek).suffix[1:]}"
                answer = hand_over(bench, client, place, name, "--hash", digest, kek=kek)
                require(answer["method"] == f"hash_function={digest.upper()}", "the answer names another hash")
                prove(client, engine, place, key)


def hand_over(bench: Bench, client: hvac.Client, place: str, name: str, *more: object, kek: str) -> dict:
    """Exports and imports: the file's text is the ciphertext, as `ciphertext=@FILE` reads it."""
    exported = bench.export("vault", kek, name, *more)
    send(client, place, exported.file, exported.answer)
    return exported.answer


def send(client: hvac.Client, place: str, file: bytes, answer: dict) -> None:
    """The import, with the type and hash that the command printed."""
    digest = str(answer["method"]).removeprefix("hash_function=")
    data = {"ciphertext": file.decode(), "type": answer["called"], "hash_function": digest}
    client.write_data(f"transit/keys/{place}/import", data=data)


def prove(client: hvac.Client, engine: Transit, place: str, key: OnToken) -> None:
    """Raises unless the key in the engine does what the key on the token does."""
    transit, text = client.secrets.transit, base64.b64encode(MESSAGE).decode()
    if key.is_aes:
        key.verify_block(engine.check_value(place))
    elif key.is_secret:
        made = transit.generate_hmac(place, hash_input=text, algorithm="sha2-256")["data"]["hmac"]
        key.verify_mac(signed(made), "sha256")
    else:
        made = transit.sign_data(place, hash_input=text, hash_algorithm="sha2-384", signature_algorithm="pkcs1v15")
        key.verify(signed(made["data"]["signature"]), "384")


def signed(text: str) -> bytes:
    """`vault:v1:BASE64`"""
    return base64.b64decode(text.removeprefix("vault:v1:"))


def refusals(report: Report, bench: Bench, client: hvac.Client) -> None:
    """What is not as it was made is refused, and the client says so."""
    exported = bench.export("vault", "wrapping-key.pem", "P-256")
    text, answer = exported.file.decode(), exported.answer
    cases = {
        "another character at the start": ("A" * 8 + text[8:], answer, "cannot be opened"),
        "another character at the end": (text[:-12] + "A" * 12, answer, "is damaged"),
        "another hash": (text, answer | {"method": "hash_function=SHA1"}, "cannot be opened"),
        "another type": (text, answer | {"called": "ecdsa-p384"}, "none of type ecdsa-p384"),
        "a secret as a key pair": (text, answer | {"called": "aes256-gcm96"}, "none of type aes256-gcm96"),
    }
    with report.group("refused") as group:
        for what, (given, said, reason) in cases.items():
            with group.case(what), refused(hvac.exceptions.InvalidRequest, reason):
                send(client, "refused", given.encode(), said)
        with group.case("the file itself is good"):
            send(client, "refused", exported.file, answer)


if __name__ == "__main__":
    main()
