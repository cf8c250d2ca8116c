#!/usr/bin/env python3
"""Opens a blob or a package of the Azure profile and prints the target in hexadecimal, for shell scripts.

    open.py [--kid URL] KEK.pem FILE      with --kid, FILE is a package
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives import serialization

from lib.byok import read_package
from lib.keks import Kek
from lib.openers import Cryptography, OpenSsl, open_blob
from lib.report import require
from lib.structs import Oaep


def main() -> None:
    """Opens with both independent programs, which must agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kid")
    parser.add_argument("kek", type=Path)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    private = serialization.load_pem_private_key(given.kek.read_bytes(), None)
    kek = Kek(private.key_size, given.kek, private)
    blob = given.file.read_bytes()
    if given.kid:
        blob = read_package(blob, given.kid)
    one, other = (open_blob(opener, kek, blob, Oaep("sha1", "sha1"), 256) for opener in (Cryptography(), OpenSsl()))
    require(one == other, "the two programs disagree")
    print(one.hex())


if __name__ == "__main__":
    main()
