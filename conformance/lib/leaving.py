"""Keys that leave a token for a cloud, and what shows that they arrived."""

import hmac
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from lib import ck
from lib.ceremony import Setting
from lib.command import keyferry
from lib.pkcs11 import Session
from lib.report import require
from lib.targets import TARGETS, Secret, Target

MESSAGE = b"the key that left is the key that signs"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

_BY_NAME = {target.name: target for target in TARGETS} | {
    f"secret-{bits}": Target(f"secret-{bits}", Secret(ck.CKK_GENERIC_SECRET, bits // 8), for_azure=False)
    for bits in (160, 224, 256, 384, 512)
}


@dataclass(frozen=True)
class OnToken:
    """A key on the token, and what it says of it."""

    target: Target
    proof: bytes

    @property
    def label(self) -> str:
        """Its label, and its name in the cloud."""
        return self.target.name

    @property
    def is_secret(self) -> bool:
        """Whether it has no public half."""
        return isinstance(self.target.kind, Secret)

    @property
    def is_aes(self) -> bool:
        """Whether it is an AES key."""
        return isinstance(self.target.kind, Secret) and self.target.kind.is_aes

    @property
    def public(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """Its public half."""
        return serialization.load_der_public_key(self.proof)

    def verify(self, signature: bytes, digest: str) -> None:
        """Raises unless this key signed the message: PKCS #1 v1.5, or ECDSA in DER."""
        algorithm, hashed = Prehashed(HASHES[digest]), digest_of_message(digest)
        if isinstance(self.public, rsa.RSAPublicKey):
            self.public.verify(signature, hashed, padding.PKCS1v15(), algorithm)
        else:
            self.public.verify(signature, hashed, ec.ECDSA(algorithm))

    def verify_mac(self, mac: bytes, digest: str) -> None:
        """Raises unless this secret made the message's HMAC."""
        require(hmac.digest(self.proof, MESSAGE, digest) == mac, "another secret has arrived")

    def verify_block(self, block: bytes) -> None:
        """Raises unless this AES key made the block of zeros into this one."""
        require(self.proof == block, "another AES key has arrived")


def digest_of_message(digest: str) -> bytes:
    """SHA-2 of the message."""
    hashed = hashes.Hash(HASHES[digest])
    hashed.update(MESSAGE)
    return hashed.finalize()


def public_half(session: Session, label: str) -> bytes:
    """SubjectPublicKeyInfo of an RSA or P-256 key pair on the token."""
    (key,) = session.find([(ck.CKA_CLASS, ck.CKO_PUBLIC_KEY), (ck.CKA_LABEL, label)])
    if int.from_bytes(session.attribute(key, ck.CKA_KEY_TYPE), sys.byteorder) == ck.CKK_RSA:
        kinds = (ck.CKA_PUBLIC_EXPONENT, ck.CKA_MODULUS)
        public = rsa.RSAPublicNumbers(*(int.from_bytes(session.attribute(key, kind)) for kind in kinds)).public_key()
    else:
        # CKA_EC_POINT is an OCTET STRING; the point is its last 65 bytes.
        point = session.attribute(key, ck.CKA_EC_POINT)[-65:]
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Bench:
    """A token with keys, a folder, and the command between them."""

    setting: Setting
    folder: Path
    keys: dict[str, OnToken]

    @classmethod
    def make(cls, setting: Setting, folder: Path, session: Session, names: Iterable[str]) -> "Bench":
        """With a key of each of these types."""
        keys = {}
        for name in names:
            extra = [(ck.CKA_TOKEN, True), (ck.CKA_EXTRACTABLE, True), (ck.CKA_LABEL, name)]
            target = _BY_NAME[name]
            keys[name] = OnToken(target, target.kind.generate(session, extra)[1])
        return cls(setting, folder, keys)

    def export(self, cloud: str, kek: object, key: str, *more: object) -> "Exported":
        """`keyferry export`"""
        answer = self.keyferry("export", cloud, "--kek", kek, "--key", key, "--force", *more)
        return Exported((self.folder / answer["file"]).read_bytes(), answer)

    def keyferry(self, *arguments: object) -> dict:
        """`keyferry`, in the folder."""
        return keyferry(self.setting, *arguments, folder=self.folder)


@dataclass(frozen=True)
class Exported:
    """The file, and what the command said of it."""

    file: bytes
    answer: dict


def flip(blob: bytes, place: int) -> bytes:
    """The blob with one bit turned."""
    return blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]


@contextmanager
def refused(kind: type[Exception], reason: str) -> Iterator[None]:
    """Raises unless the client raises what the service said."""
    try:
        yield
    except kind as error:
        require(reason in str(error), f"refused for another reason: {error}")
    else:
        raise AssertionError("it was taken")
