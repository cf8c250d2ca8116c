"""An independent reader of Azure's key transfer package, from Microsoft's published description."""

import base64
import json

from lib.report import require


def read_package(file: bytes, kid: str) -> bytes:
    """Checks every member and answers the blob."""
    package = json.loads(file.decode("utf-8"))
    require(set(package) == {"schema_version", "header", "ciphertext", "generator"}, f"members {sorted(package)}")
    require(package["schema_version"] == "1.0.0", f"schema_version {package['schema_version']}")
    header = {"kid": kid, "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
    require(package["header"] == header, f"header {package['header']}")
    require(isinstance(package["generator"], str) and bool(package["generator"]), "no generator")
    ciphertext = package["ciphertext"]
    require(not set(ciphertext) & set("+/= \n"), "ciphertext is not unpadded base64url")
    return base64.urlsafe_b64decode(ciphertext + "=" * (-len(ciphertext) % 4))


def write_package(blob: bytes, kid: str) -> bytes:
    """A package as another producer makes it: padded, indented, in another order."""
    return json.dumps({
        "generator": "another tool",
        "ciphertext": base64.urlsafe_b64encode(blob).decode(),
        "header": {"enc": "CKM_RSA_AES_KEY_WRAP", "alg": "dir", "kid": kid},
        "schema_version": "1.0.0",
    }, indent=2).encode()
