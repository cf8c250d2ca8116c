//! What others' keys and messages are met with: verification, decryption, key agreement. No target is set
//! for these rows; they are here so that a regression shows.
use super::{Row, computed};
use crate::bare;
use crate::common::{Mech, RawTemplate, Rv, attrs};
use crate::measure::Work;
use crate::side::{Kind, Side};
use keyferry::ck::*;

const MIB: usize = 1 << 20;

pub fn rows() -> Vec<Row> {
    let verify = |kind: Kind| {
        Row::new(format!("verify {}", kind.name()), &[], move |b| {
            computed(b, |side| verify(side, kind), Some(bare::verify(kind)))
        })
    };
    vec![
        verify(Kind::Rsa(2048)),
        verify(Kind::P256),
        Row::new("decrypt AES-256-GCM of 1 MiB", &[], |b| {
            computed(b, gcm_decrypt, Some(bare::gcm_open(MIB)))
        }),
        Row::new("derive a key, ECDH with P-256", &[], |b| {
            computed(b, derive, Some(bare::agree()))
        }),
    ]
}

/// PKCS#1 v1.5 with SHA-256, or ECDSA of a digest.
fn verify(side: &Side, kind: Kind) -> Rv<Work<'_>> {
    let (session, (public, private)) = (side.session, side.pair(kind)?);
    let mech = match kind {
        Kind::Rsa(_) => Mech::new(CKM_SHA256_RSA_PKCS),
        _ => Mech::new(CKM_ECDSA),
    };
    let (data, mut signature) = (vec![3; 32], vec![0; 1024]);
    let len = session.signature(&mech, private, &data, &mut signature)?;
    signature.truncate(len);
    Ok(Box::new(move || session.verify(&mech, public, &data, &signature)))
}

fn gcm_decrypt(side: &Side) -> Rv<Work<'_>> {
    let (session, key) = (side.session, side.aes()?);
    let mech = Mech::with(CKM_AES_GCM, |keep| CK_GCM_PARAMS {
        pIv: keep(&[1; 12]),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: std::ptr::null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    });
    let mut sealed = vec![1; MIB + 16];
    session.encrypt(&mech, key, &mut sealed, MIB)?;
    // as large as the ciphertext with its tag: SoftHSM asks for that
    let mut out = vec![0; MIB + 16];
    Ok(Box::new(move || session.decrypt(&mech, key, &sealed, &mut out)))
}

/// With the generator of the curve as the other side's public key (SEC 2, section 2.4.2).
fn derive(side: &Side) -> Rv<Work<'_>> {
    let (session, (_, private)) = (side.session, side.pair(Kind::P256)?);
    let mech = Mech::with(CKM_ECDH1_DERIVE, |keep| CK_ECDH1_DERIVE_PARAMS {
        kdf: CKD_NULL,
        ulSharedDataLen: 0,
        pSharedData: std::ptr::null_mut(),
        ulPublicDataLen: bare::GENERATOR.len() as CK_ULONG,
        pPublicData: keep(&bare::GENERATOR),
    });
    let mut template = RawTemplate::new(&attrs![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => 32usize,
        CKA_TOKEN => false
    ]);
    Ok(Box::new(move || session.destroy(session.derive(&mech, private, &mut template)?)))
}
