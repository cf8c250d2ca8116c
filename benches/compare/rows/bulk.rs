//! Data in bulk: one call each. Encryption is in place, as that of the bare primitive: a second
//! buffer would measure the caches.
use super::{Row, computed};
use crate::bare;
use crate::bench::Bench;
use crate::common::{Mech, RawTemplate, Rv, attrs, void};
use crate::measure::Work;
use crate::side::Side;
use crate::table::{Measured, Want};
use keyferry::ck::*;

const MIB: usize = 1 << 20;

pub fn rows() -> Vec<Row> {
    use Want::{OfBare, OverPeer};
    let row = |name, least, of_bare, run: fn(&Bench) -> Measured| {
        Row::new(name, &[OverPeer(least), OfBare(of_bare)], run)
    };
    vec![
        row("AES-256-GCM of 1 KiB", 5.0, 0.6, |b| {
            computed(b, |side| gcm(side, 1024), Some(bare::gcm(1024)))
        }),
        row("AES-256-GCM of 1 MiB", 20.0, 0.9, |b| {
            computed(b, |side| gcm(side, MIB), Some(bare::gcm(MIB)))
        }),
        row("SHA-256 of 1 MiB", 1.0, 0.9, |b| computed(b, sha256, Some(bare::sha256(MIB)))),
        row("HMAC-SHA-256 of 1 MiB", 1.0, 0.9, |b| computed(b, hmac, Some(bare::hmac(MIB)))),
        row("AES-256-CTR of 1 MiB", 3.0, 0.9, |b| computed(b, ctr, Some(bare::ctr(MIB)))),
        row("AES-256-CBC of 1 MiB", 1.0, 0.9, |b| computed(b, cbc, Some(bare::cbc(MIB)))),
    ]
}

/// A nonce of its own for each message.
fn gcm(side: &Side, len: usize) -> Rv<Work<'_>> {
    let (session, key) = (side.session, side.aes()?);
    let mut data = vec![1; len + 16];
    let mut count = 0u64;
    Ok(Box::new(move || {
        count += 1;
        let mut iv = [0; 12];
        iv[4..].copy_from_slice(&count.to_be_bytes());
        let mut params = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: std::ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let size = size_of_val(&params) as CK_ULONG;
        let mech = Mech::raw_param(CKM_AES_GCM, void(&mut params), size);
        session.encrypt(&mech, key, &mut data, len)
    }))
}

fn ctr(side: &Side) -> Rv<Work<'_>> {
    let params =
        |_: &mut dyn FnMut(&[u8]) -> *mut u8| CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: [0; 16] };
    encrypt(side, Mech::with(CKM_AES_CTR, params))
}

fn cbc(side: &Side) -> Rv<Work<'_>> {
    encrypt(side, Mech::bytes(CKM_AES_CBC, &[0; 16]))
}

fn encrypt(side: &Side, mech: Mech) -> Rv<Work<'_>> {
    let (session, key) = (side.session, side.aes()?);
    let mut data = vec![1; MIB];
    Ok(Box::new(move || session.encrypt(&mech, key, &mut data, MIB)))
}

fn sha256(side: &Side) -> Rv<Work<'_>> {
    let (session, mech, data) = (side.session, Mech::new(CKM_SHA256), vec![1; MIB]);
    Ok(Box::new(move || session.digest(&mech, &data)))
}

fn hmac(side: &Side) -> Rv<Work<'_>> {
    let mut template = RawTemplate::new(&attrs![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false,
        CKA_SIGN => true, CKA_VALUE => &[7u8; 32]
    ]);
    let (session, key) = (side.session, side.session.create(&mut template)?);
    let (mech, data) = (Mech::new(CKM_SHA256_HMAC), vec![1; MIB]);
    Ok(Box::new(move || session.sign(&mech, key, &data)))
}
