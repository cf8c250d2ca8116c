//! Wrapping an RSA-4096 target under a 4096-bit KEK, beside the bare primitives it consists of.
//!
//! `cargo bench --bench wrap` first prints ratios, measured in turns in one run (absolute figures
//! drift on shared machines, ratios hardly), then divan's table of each part.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;
use keyferry::crypto::{aes_kw, rsa::PublicKey};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Everything the parts work on: a session with a KEK and a target, and the same KEK bare.
struct Bench {
    session: Session,
    mechanism: Mech,
    kek: Handle,
    target: Handle,
    bare_kek: PublicKey,
    encoded: Vec<u8>,
}

// SAFETY-free: the raw pointers inside `Mech` point into the value itself, and divan runs one thread.
struct Shared(Bench);
#[allow(unsafe_code, reason = "a benchmark is an application of a C library")]
// SAFETY: the mechanism's pointers stay valid wherever the value is read from.
unsafe impl Sync for Shared {}
#[allow(unsafe_code, reason = "a benchmark is an application of a C library")]
// SAFETY: as above.
unsafe impl Send for Shared {}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Shared> = OnceLock::new();
    &BENCH.get_or_init(|| Shared(Bench::new())).0
}

impl Bench {
    fn new() -> Bench {
        let p = Pkcs11::new();
        p.initialize("memory:").unwrap();
        let session = p.token(0).unwrap();
        let rsa = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let pair = |extractable: bool| {
            let public = attrs![CKA_MODULUS_BITS => 4096usize, CKA_WRAP => true];
            let private = attrs![CKA_EXTRACTABLE => extractable, CKA_SENSITIVE => !extractable];
            session.generate_pair(&rsa, &public, &private).unwrap()
        };
        let (kek, _) = pair(false);
        let (_, target) = pair(true);
        let n = session.bytes(kek, CKA_MODULUS).unwrap();
        let e = session.bytes(kek, CKA_PUBLIC_EXPONENT).unwrap();
        let mechanism = Mech::new(CKM_RSA_AES_KEY_WRAP);
        let blob = session.wrap(&mechanism, kek, target).unwrap();
        Bench {
            session,
            mechanism,
            kek,
            target,
            bare_kek: PublicKey::new(&n, &e).unwrap(),
            // as long as the encoded target, which is all that matters for its speed
            encoded: vec![0x5A; blob.len() - 512 - 8],
        }
    }

    fn wrap(&self) -> Vec<u8> {
        self.session.wrap_into(&self.mechanism, self.kek, self.target, 4096).unwrap()
    }

    fn query(&self) -> usize {
        self.session.wrap_len(&self.mechanism, self.kek, self.target).unwrap()
    }

    fn bare_rsa(&self) -> Vec<u8> {
        let mut message = vec![0x11; 512];
        message.splice(..1, [0]);
        self.bare_kek.raw(&message).unwrap()
    }

    fn bare_kwp(&self) -> Vec<u8> {
        aes_kw::kwp_wrap(&[7; 32], None, &self.encoded).unwrap()
    }
}

/// The median time of each, taken in turns.
fn medians<const N: usize>(rounds: usize, parts: [&dyn Fn(); N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (part, times) in parts.iter().zip(&mut times) {
            let start = Instant::now();
            part();
            times.push(start.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times.get(rounds / 2).copied().unwrap_or_default()
    })
}

fn main() {
    let b = bench();
    let [wrap, rsa, kwp, query] = medians(
        2000,
        [
            &|| drop(black_box(b.wrap())),
            &|| drop(black_box(b.bare_rsa())),
            &|| drop(black_box(b.bare_kwp())),
            &|| {
                black_box(b.query());
            },
        ],
    );
    println!("C_WrapKey, RSA-4096 under a 4096-bit KEK  {wrap:?}");
    println!("bare RSA-4096 public operation            {rsa:?}");
    println!("bare KWP of the same bytes                {kwp:?}");
    println!("size query                                {query:?}");
    println!(
        "C_WrapKey over the bare operations        {:.2}",
        wrap.as_secs_f64() / (rsa + kwp).as_secs_f64()
    );
    divan::main();
}

#[divan::bench]
fn c_wrap_key() -> Vec<u8> {
    bench().wrap()
}

#[divan::bench]
fn size_query() -> usize {
    bench().query()
}

#[divan::bench]
fn bare_rsa_4096_public() -> Vec<u8> {
    bench().bare_rsa()
}

#[divan::bench]
fn bare_kwp() -> Vec<u8> {
    bench().bare_kwp()
}
