"""Two programs that open and make blobs of CKM_RSA_AES_KEY_WRAP and share no code with keyferry.

`Cryptography` is Python's library of that name, `OpenSsl` the command line. Both offer the same five
methods, so that every case runs on both.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from lib.keks import Kek
from lib.report import require
from lib.structs import Oaep

_HASHES = {
    "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class Opener(Protocol):
    """Something that knows the blob's format by itself."""

    name: str

    def decrypt(self, kek: Kek, part: bytes, oaep: Oaep) -> bytes:
        """RSA-OAEP"""

    def encrypt(self, kek: Kek, key: bytes, oaep: Oaep) -> bytes:
        """RSA-OAEP"""

    def unwrap(self, key: bytes, part: bytes) -> bytes:
        """RFC 5649"""

    def wrap(self, key: bytes, target: bytes) -> bytes:
        """RFC 5649"""

    def public_half(self, pkcs8: bytes) -> bytes:
        """SubjectPublicKeyInfo of a private key in PKCS#8, both DER."""

    def encrypt_zeros(self, key: bytes) -> bytes:
        """One block of zeros under AES."""


def open_blob(opener: Opener, kek: Kek, blob: bytes, oaep: Oaep, aes_bits: int) -> bytes:
    """The target in a blob."""
    head, tail = blob[: kek.size], blob[kek.size :]
    key = opener.decrypt(kek, head, oaep)
    require(len(key) * 8 == aes_bits, f"the AES key has {len(key) * 8} bits instead of {aes_bits}")
    return opener.unwrap(key, tail)


def seal_blob(opener: Opener, kek: Kek, target: bytes, oaep: Oaep, key: bytes) -> bytes:
    """A blob with this target and this AES key."""
    return opener.encrypt(kek, key, oaep) + opener.wrap(key, target)


class Cryptography:
    """Python's `cryptography`."""

    name = "cryptography"

    def decrypt(self, kek: Kek, part: bytes, oaep: Oaep) -> bytes:
        return kek.private.decrypt(part, self._padding(oaep))

    def encrypt(self, kek: Kek, key: bytes, oaep: Oaep) -> bytes:
        return kek.public.encrypt(key, self._padding(oaep))

    def unwrap(self, key: bytes, part: bytes) -> bytes:
        return aes_key_unwrap_with_padding(key, part)

    def wrap(self, key: bytes, target: bytes) -> bytes:
        return aes_key_wrap_with_padding(key, target)

    def public_half(self, pkcs8: bytes) -> bytes:
        key = serialization.load_der_private_key(pkcs8, None)
        return key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def encrypt_zeros(self, key: bytes) -> bytes:
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16))

    @staticmethod
    def _padding(oaep: Oaep) -> padding.OAEP:
        return padding.OAEP(padding.MGF1(_HASHES[oaep.mgf]()), _HASHES[oaep.hash](), oaep.label or None)


class OpenSsl:
    """The `openssl` command line (3.0 or newer)."""

    name = "openssl"

    def decrypt(self, kek: Kek, part: bytes, oaep: Oaep) -> bytes:
        return run_openssl(["pkeyutl", "-decrypt", "-inkey", str(kek.pem), *self._padding(oaep)], part)

    def encrypt(self, kek: Kek, key: bytes, oaep: Oaep) -> bytes:
        return run_openssl(["pkeyutl", "-encrypt", "-inkey", str(kek.pem), *self._padding(oaep)], key)

    def unwrap(self, key: bytes, part: bytes) -> bytes:
        return self._key_wrap("-d", key, part)

    def wrap(self, key: bytes, target: bytes) -> bytes:
        return self._key_wrap("-e", key, target)

    def public_half(self, pkcs8: bytes) -> bytes:
        return run_openssl(["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], pkcs8)

    def encrypt_zeros(self, key: bytes) -> bytes:
        return run_openssl(["enc", f"-aes-{len(key) * 8}-ecb", "-nopad", "-K", key.hex()], bytes(16))

    @staticmethod
    def _key_wrap(direction: str, key: bytes, data: bytes) -> bytes:
        # The IV is the constant of RFC 5649, section 3.
        return run_openssl(
            ["enc", direction, f"-id-aes{len(key) * 8}-wrap-pad", "-K", key.hex(), "-iv", "A65959A6"], data
        )

    @staticmethod
    def _padding(oaep: Oaep) -> list[str]:
        options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{oaep.hash}", f"rsa_mgf1_md:{oaep.mgf}"]
        if oaep.label:
            options.append(f"rsa_oaep_label:{oaep.label.hex()}")
        return [word for option in options for word in ("-pkeyopt", option)]


def run_openssl(arguments: list[str], data: bytes = b"") -> bytes:
    """Runs `openssl` with `data` in a file (pipes come in parts, which key wrapping cannot take)."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        done = subprocess.run(["openssl", *arguments, "-in", file.name], capture_output=True, check=False)
    require(done.returncode == 0, f"openssl {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout
