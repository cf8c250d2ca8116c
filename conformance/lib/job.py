"""The main job as a Python program of someone else's library does it: what both such scripts share."""

import ctypes

from lib.keks import Kek
from lib.openers import Cryptography, OpenSsl, open_blob
from lib.report import require
from lib.structs import MechanismStruct, Oaep, rsa_aes_key_wrap

# OAEP by its parameters, with bits of the ephemeral AES key
PROFILES = tuple((Oaep(name, name), bits) for name in ("sha1", "sha256", "sha384", "sha512") for bits in (128, 192, 256))
AZURE = (Oaep("sha1", "sha1"), 256)


class Parameter:
    """CK_RSA_AES_KEY_WRAP_PARAMS as bytes, for libraries that know no such structure. Keep it until the call is done."""

    def __init__(self, oaep: Oaep, aes_bits: int) -> None:
        self._mechanism = rsa_aes_key_wrap(oaep, aes_bits)

    def __bytes__(self) -> bytes:
        struct: MechanismStruct = self._mechanism.struct
        return ctypes.string_at(struct.parameter, struct.length)


def opened(kek: Kek, blob: bytes, oaep: Oaep, aes_bits: int) -> bytes:
    """The target in a blob; two programs that share nothing with the token must agree."""
    one, other = (open_blob(opener, kek, blob, oaep, aes_bits) for opener in (Cryptography(), OpenSsl()))
    require(one == other, "the two programs disagree")
    return one


def require_private_half(pkcs8: bytes, public: bytes) -> None:
    """That a private key in PKCS#8 belongs to a public key in DER."""
    require(OpenSsl().public_half(pkcs8) == public, "the private key has another public half")
