"""Proving that a key on the token is a key we know, by using it there and checking outside."""

import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from lib import ck
from lib.pkcs11 import Session
from lib.report import require
from lib.targets import Secret, Target

_MESSAGE = b"the key that left is the key that arrived"


def prove(session: Session, key: int, target: Target, expected: bytes) -> None:
    """Raises unless the key on the token fits the proof, as `targets.py` explains it."""
    if isinstance(target.kind, Secret):
        require(target.kind.proof_on_token(session, key) == expected, "another secret arrived")
        return
    public = serialization.load_der_public_key(expected)
    match public:
        case rsa.RSAPublicKey():
            signature = session.sign(ck.CKM_SHA256_RSA_PKCS, key, _MESSAGE)
            public.verify(signature, _MESSAGE, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePublicKey():
            digest = hashlib.sha256(_MESSAGE).digest()
            raw = session.sign(ck.CKM_ECDSA, key, digest)
            half = len(raw) // 2
            signature = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
            public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        case ed25519.Ed25519PublicKey():
            public.verify(session.sign(ck.CKM_EDDSA, key, _MESSAGE), _MESSAGE)
        case other:
            raise AssertionError(f"no proof for {type(other).__name__}")
