//! The bare primitives: AWS-LC without PKCS#11 around it, which is as fast as a module can be.
use crate::measure::Work;
use crate::side::Kind;
use aws_lc_rs::key_wrap::{AES_256 as KW_AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, ParsedPublicKey,
};
use aws_lc_rs::{aead, agreement, cipher, digest, hmac, iv::FixedLength};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

const KEY: [u8; 32] = [7; 32];

fn size(bits: usize) -> KeySize {
    match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        _ => KeySize::Rsa4096,
    }
}

fn curve(kind: Kind) -> &'static EcdsaSigningAlgorithm {
    match kind {
        Kind::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Kind::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

/// A key pair by AWS-LC's own generator.
pub fn pair(kind: Kind) -> Work<'static> {
    Box::new(move || {
        match kind {
            Kind::Rsa(bits) => drop(black_box(KeyPair::generate(size(bits)).unwrap())),
            _ => drop(black_box(EcdsaKeyPair::generate(curve(kind)).unwrap())),
        }
        Ok(())
    })
}

/// A signature with a key that is ready: PKCS#1 v1.5 of SHA-256, or ECDSA of a digest.
pub fn sign(kind: Kind) -> Work<'static> {
    if let Kind::Rsa(bits) = kind {
        let key = KeyPair::generate(size(bits)).unwrap();
        let (random, mut out) = (SystemRandom::new(), vec![0; bits / 8]);
        return Box::new(move || {
            key.sign(&signature::RSA_PKCS1_SHA256, &random, &[1; 32], &mut out).unwrap();
            Ok(())
        });
    }
    let key = EcdsaKeyPair::generate(curve(kind)).unwrap();
    let hash = match kind {
        Kind::P256 => &digest::SHA256,
        Kind::P384 => &digest::SHA384,
        _ => &digest::SHA512,
    };
    let digest = digest::digest(hash, b"message");
    Box::new(move || {
        black_box(key.sign_digest(&digest).unwrap());
        Ok(())
    })
}

/// The verification of such a signature, with a key that is ready.
pub fn verify(kind: Kind) -> Work<'static> {
    if let Kind::Rsa(bits) = kind {
        let (key, mut signed) = (KeyPair::generate(size(bits)).unwrap(), vec![0; bits / 8]);
        let random = SystemRandom::new();
        key.sign(&signature::RSA_PKCS1_SHA256, &random, &[3; 32], &mut signed).unwrap();
        let public = ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key.public_key());
        let public = public.unwrap();
        return Box::new(move || {
            public.verify_sig(&[3; 32], &signed).unwrap();
            Ok(())
        });
    }
    let key = EcdsaKeyPair::generate(curve(kind)).unwrap();
    let digest = digest::digest(&digest::SHA256, b"message");
    let signed = key.sign_digest(&digest).unwrap();
    let public = ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key.public_key());
    let public = public.unwrap();
    Box::new(move || {
        public.verify_digest_sig(&digest, signed.as_ref()).unwrap();
        Ok(())
    })
}

/// The generator of P-256, uncompressed (SEC 2, section 2.4.2).
pub const GENERATOR: [u8; 65] = [
    0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40,
    0xF2, 0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2,
    0x96, 0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E,
    0x16, 0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51,
    0xF5,
];

/// ECDH with P-256.
pub fn agree() -> Work<'static> {
    let key = agreement::PrivateKey::generate(&agreement::ECDH_P256).unwrap();
    Box::new(move || {
        let other = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, GENERATOR);
        let secret = agreement::agree(&key, other, (), |secret| Ok(secret.first().copied()));
        black_box(secret.unwrap());
        Ok(())
    })
}

/// OAEP of an AES key under RSA-4096, and KWP of so many bytes under the AES key.
pub fn wrap(len: usize) -> Work<'static> {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa4096).unwrap();
    let key = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    let (mut outer, mut inner, target) = (vec![0; 512], vec![0; len + 16], vec![5; len]);
    Box::new(move || {
        key.encrypt(&OAEP_SHA1_MGF1SHA1, &KEY, &mut outer, None).unwrap();
        let aes = AesKek::new(&KW_AES_256, &KEY).unwrap();
        aes.wrap_with_padding(&target, &mut inner).unwrap();
        Ok(())
    })
}

/// The reverse.
pub fn unwrap(len: usize) -> Work<'static> {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa4096).unwrap();
    let public = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut outer = vec![0; 512];
    public.encrypt(&OAEP_SHA1_MGF1SHA1, &KEY, &mut outer, None).unwrap();
    let mut inner = vec![0; len + 16];
    let aes = AesKek::new(&KW_AES_256, &KEY).unwrap();
    let inner = aes.wrap_with_padding(&vec![5; len], &mut inner).unwrap().to_vec();
    let (mut aes, mut target) = (vec![0; 512], vec![0; inner.len()]);
    Box::new(move || {
        let aes = private.decrypt(&OAEP_SHA1_MGF1SHA1, &outer, &mut aes, None).unwrap();
        let aes = AesKek::new(&KW_AES_256, aes).unwrap();
        aes.unwrap_with_padding(&inner, &mut target).unwrap();
        Ok(())
    })
}

/// AES-256-GCM in place.
pub fn gcm(len: usize) -> Work<'static> {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, &KEY).unwrap();
    let key = aead::LessSafeKey::new(key);
    let (mut data, mut count) = (vec![1; len], 0u64);
    Box::new(move || {
        count += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&count.to_be_bytes());
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, aead::Aad::empty(), &mut data);
        black_box(tag.unwrap().as_ref());
        Ok(())
    })
}

/// The reverse, into other memory.
pub fn gcm_open(len: usize) -> Work<'static> {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, &KEY).unwrap();
    let key = aead::LessSafeKey::new(key);
    let nonce = || aead::Nonce::assume_unique_for_key([1; 12]);
    let mut sealed = vec![1; len];
    let tag = key.seal_in_place_separate_tag(nonce(), aead::Aad::empty(), &mut sealed).unwrap();
    let mut out = vec![0; len];
    Box::new(move || {
        let aad = aead::Aad::empty();
        key.open_separate_gather(nonce(), aad, &sealed, tag.as_ref(), &mut out).unwrap();
        Ok(())
    })
}

pub fn random(len: usize) -> Work<'static> {
    let mut bytes = vec![0; len];
    Box::new(move || {
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        black_box(&bytes);
        Ok(())
    })
}

pub fn sha256(len: usize) -> Work<'static> {
    let data = vec![1; len];
    Box::new(move || {
        black_box(digest::digest(&digest::SHA256, &data));
        Ok(())
    })
}

pub fn hmac(len: usize) -> Work<'static> {
    let (key, data) = (hmac::Key::new(hmac::HMAC_SHA256, &KEY), vec![1; len]);
    Box::new(move || {
        black_box(hmac::sign(&key, &data));
        Ok(())
    })
}

pub fn ctr(len: usize) -> Work<'static> {
    let key = cipher::UnboundCipherKey::new(&cipher::AES_256, &KEY).unwrap();
    stream(cipher::EncryptingKey::ctr(key).unwrap(), len)
}

pub fn cbc(len: usize) -> Work<'static> {
    let key = cipher::UnboundCipherKey::new(&cipher::AES_256, &KEY).unwrap();
    stream(cipher::EncryptingKey::cbc(key).unwrap(), len)
}

fn stream(key: cipher::EncryptingKey, len: usize) -> Work<'static> {
    let mut data = vec![1; len];
    Box::new(move || {
        let iv = cipher::EncryptionContext::Iv128(FixedLength::from([0; 16]));
        key.less_safe_encrypt(&mut data, iv).unwrap();
        Ok(())
    })
}

/// One page appended to a file in `folder` and synchronised: the least that is durable.
pub fn durable(folder: &Path) -> Work<'static> {
    let mut file = std::fs::File::create(folder.join("page")).unwrap();
    Box::new(move || {
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
        Ok(())
    })
}
