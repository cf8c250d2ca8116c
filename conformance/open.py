#!/usr/bin/env python3
"""Opens a blob or a package and prints the target in hexadecimal, for shell scripts.

    open.py [--kid URL] [--hash sha256] [--mgf sha1] [--aes 128 | --direct] [--base64] KEK.pem FILE

With --kid, FILE is a package. Without the others, the profile is Azure's; --direct is OAEP alone.
"""

import argparse
import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives import serialization

from lib import ck
from lib.byok import read_package
from lib.keks import Kek
from lib.openers import Cryptography, OpenSsl, open_blob
from lib.report import require
from lib.structs import Oaep


def main() -> None:
    """Opens with both independent programs, which must agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kid")
    parser.add_argument("--hash", choices=tuple(ck.HASHES), default="sha1")
    parser.add_argument("--mgf", choices=tuple(ck.HASHES), help="default: that of --hash")
    parser.add_argument("--aes", type=int, choices=(128, 192, 256), default=256)
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--base64", action="store_true")
    parser.add_argument("kek", type=Path)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    private = serialization.load_pem_private_key(given.kek.read_bytes(), None)
    kek = Kek(private.key_size, given.kek, private)
    blob = given.file.read_bytes()
    if given.kid:
        blob = read_package(blob, given.kid)
    if given.base64:
        blob = base64.b64decode(blob, validate=True)
    oaep = Oaep(given.hash, given.mgf or given.hash)
    one, other = (
        opener.decrypt(kek, blob, oaep) if given.direct else open_blob(opener, kek, blob, oaep, given.aes)
        for opener in (Cryptography(), OpenSsl())
    )
    require(one == other, "the two programs disagree")
    print(one.hex())


if __name__ == "__main__":
    main()
