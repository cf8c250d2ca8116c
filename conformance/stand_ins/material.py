"""How a cloud opens what it is sent, and uses the key in it: by Python `cryptography`, strictly."""

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from stand_ins.network import Refused

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def open_oaep(kek: rsa.RSAPrivateKey, wrapped: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """What is under RSA-OAEP, MGF1 with the same hash, no label."""
    try:
        return kek.decrypt(wrapped, padding.OAEP(padding.MGF1(digest), digest, None))
    except ValueError as error:
        raise Refused("the key material cannot be opened with this key") from error


def open_rsa_aes(kek: rsa.RSAPrivateKey, blob: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """What is under RSA-OAEP, then AES-256 key wrapping with padding (RFC 5649)."""
    size = kek.key_size // 8
    key = open_oaep(kek, blob[:size], digest)
    if len(key) != 32:
        raise Refused(f"the key between has {len(key)} bytes, not 32")
    try:
        return aes_key_unwrap_with_padding(key, blob[size:])
    except (InvalidUnwrap, ValueError) as error:
        raise Refused("the wrapped key is damaged") from error


def private_key(der: bytes) -> PrivateKey:
    """A key in PKCS#8, written as OpenSSL writes it: the clouds' own examples all are."""
    try:
        key = serialization.load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("the key material is not a private key in PKCS#8") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Refused("the key material is neither an RSA nor an EC key")
    again = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if again != der:
        raise Refused("the key material is not the usual encoding of its key")
    return key


def kind_of(key: PrivateKey) -> str:
    """`RSA-3072`, `secp256r1`"""
    return f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else key.curve.name


def public_der(key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo"""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: PrivateKey) -> str:
    """SubjectPublicKeyInfo in PEM."""
    public = key.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def sign_digest(key: PrivateKey, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    """A signature of a digest: PKCS #1 v1.5, or ECDSA in DER."""
    if len(digest) != algorithm.digest_size:
        raise Refused(f"{len(digest)} bytes are no digest of {algorithm.name}")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, padding.PKCS1v15(), Prehashed(algorithm))
    return key.sign(digest, ec.ECDSA(Prehashed(algorithm)))


def block_of_zeros(key: bytes) -> bytes:
    """One block of zeros under AES: it shows which key this is."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16))


def octets(number: int) -> bytes:
    """A positive integer, big-endian."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def from_base64(text: object) -> bytes:
    """RFC 4648 section 4, padded."""
    if not isinstance(text, str):
        raise Refused("base64 is missing")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused("this is not base64") from error


def from_base64url(text: object) -> bytes:
    """RFC 4648 section 5, padded or not."""
    if not isinstance(text, str) or set(text) & set("+/"):
        raise Refused("this is not base64url")
    return from_base64(text.replace("-", "+").replace("_", "/").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def to_base64url(data: bytes) -> str:
    """RFC 4648 section 5, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
