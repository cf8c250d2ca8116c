//! What an attacker may send for a blob: each time an error that is in the table, and no object.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::aes_kw::{kwp_unwrap, kwp_wrap};
use keyferry::crypto::oaep::{self, Oaep};
use keyferry::crypto::rsa::PublicKey;
use std::ptr::null_mut;

/// What is refused, and how; that nothing is left behind; and that the good blob is still good.
struct Gate<'a> {
    t: &'a Token,
    kek: Kek,
    mech: Mech,
    wanted: Attrs,
}

impl Gate<'_> {
    fn refuses(&self, blob: &[u8], rv: CK_RV) {
        let outcome = self.t.unwrap(&self.mech, self.kek.private, blob, &self.wanted);
        assert_eq!(outcome, Err(rv), "{} bytes", blob.len());
    }
    /// The code by the length alone.
    fn refuses_by_len(&self, blob: &[u8]) {
        let tail = blob.len().checked_sub(self.kek.len());
        let possible = tail.is_some_and(|tail| tail >= 16 && tail.is_multiple_of(8));
        let rv = if possible { CKR_WRAPPED_KEY_INVALID } else { CKR_WRAPPED_KEY_LEN_RANGE };
        self.refuses(blob, rv);
    }
    fn takes(&self, blob: &[u8]) {
        let key = self.t.unwrap(&self.mech, self.kek.private, blob, &self.wanted).unwrap();
        self.t.destroy(key).unwrap();
    }
}

/// With a KEK of 2048 bits, and a P-256 key under it.
fn with_gate(test: impl FnOnce(&Gate<'_>, &[u8])) {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let (_, private) = t.ec(P256).unwrap();
        let blob = t.wrap(&azure(), kek.public, private).unwrap();
        let gate = Gate { t, kek, mech: azure(), wanted: received_ec() };
        let before = t.find(&[]).unwrap();
        gate.takes(&blob);
        test(&gate, &blob);
        assert_eq!(t.find(&[]).unwrap(), before, "an object was left behind, or one was lost");
        gate.takes(&blob);
    });
}

#[test]
fn random_bytes() {
    with_gate(|gate, _| {
        let mut numbers = Numbers(0x5DEE_CE66_D1CE_4E5B);
        for _ in 0..300 {
            let size = (numbers.next() % 700) as usize;
            gate.refuses_by_len(&numbers.bytes(size));
        }
        for fill in [0, 1, 0x7F, 0xFF] {
            for size in [0, 1, 255, 256, 264, 272, 408, 4096] {
                gate.refuses_by_len(&vec![fill; size]);
            }
        }
    });
}

#[test]
fn cut_short_at_every_length() {
    with_gate(|gate, blob| {
        for size in 0..blob.len() {
            gate.refuses_by_len(&blob[..size]);
            gate.refuses_by_len(&blob[blob.len() - size..]);
        }
    });
}

#[test]
fn extended_by_every_length() {
    with_gate(|gate, blob| {
        for more in 1..=80 {
            for fill in [0, 0xA6] {
                gate.refuses_by_len(&[blob, &vec![fill; more]].concat());
            }
            gate.refuses_by_len(&[&vec![0; more], blob].concat());
        }
        gate.refuses_by_len(&[blob, blob].concat());
    });
}

#[test]
fn every_bit_flipped() {
    with_gate(|gate, blob| {
        let mut bad = blob.to_vec();
        for bit in 0..blob.len() * 8 {
            bad[bit / 8] ^= 1 << (bit % 8);
            gate.refuses(&bad, CKR_WRAPPED_KEY_INVALID);
            bad[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

#[test]
fn every_byte_of_a_package_changed() {
    with_gate(|gate, _| {
        let (t, kek) = (gate.t, gate.kek);
        t.set(kek.public, &attrs![CKA_LABEL => KID]).unwrap();
        let key = t.secret(CKK_AES, &[4; 16]).unwrap();
        let mech = Mech::new(CKM_KEYFERRY_AZURE_BYOK);
        let file = t.wrap(&mech, kek.public, key).unwrap();
        t.destroy(key).unwrap();
        let before = count(t);
        let mut bad = file.clone();
        for at in 0..file.len() {
            for value in [0, b'"', b'}', 0xFF] {
                bad[at] = value;
                match t.unwrap(&mech, kek.private, &bad, &received_aes()) {
                    // kid and generator do not matter, as long as the file can be read
                    Ok(key) => t.destroy(key).unwrap(),
                    Err(rv) => assert!(
                        matches!(rv, CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE),
                        "{rv:x}"
                    ),
                }
            }
            bad[at] = file[at];
            let cut = t.unwrap(&mech, kek.private, &file[..at], &received_aes());
            assert_eq!(cut, Err(CKR_WRAPPED_KEY_INVALID));
        }
        assert_eq!(count(t), before);
    });
}

/// A blob with this inside, made by someone who has nothing but the KEK's public key.
fn blob_of(kek: &Kek, aes: &[u8], content: &[u8]) -> Vec<u8> {
    let key = PublicKey::new(&kek.numbers.n, &kek.numbers.e).unwrap();
    let mut blob = oaep::encrypt(&key, &Oaep::SHA1, aes).unwrap();
    blob.extend(kwp_wrap(aes, None, content).unwrap());
    blob
}

#[test]
fn aes_keys_that_are_none() {
    with_gate(|gate, blob| {
        let tail = &blob[256..];
        let key = PublicKey::new(&gate.kek.numbers.n, &gate.kek.numbers.e).unwrap();
        for size in [0, 1, 15, 16, 17, 24, 31, 32, 33, 64, 128, 214] {
            let head = oaep::encrypt(&key, &Oaep::SHA1, &vec![1; size]).unwrap();
            gate.refuses(&[&head, tail].concat(), CKR_WRAPPED_KEY_INVALID);
        }
        // sound in itself, but not with the AES size that the parameter names
        let inside = gate.kek.open(&Oaep::SHA1, blob);
        for size in [16, 24] {
            let blob = blob_of(&gate.kek, &vec![1; size], &inside);
            gate.refuses(&blob, CKR_WRAPPED_KEY_INVALID);
        }
        gate.takes(&blob_of(&gate.kek, &[1; 32], &inside));
    });
}

#[test]
fn private_keys_that_are_none() {
    with_gate(|gate, blob| {
        let (t, kek) = (gate.t, gate.kek);
        let good = kek.open(&Oaep::SHA1, blob);
        let rsa = t.create(&private_key(numbers(1024, "target"), &extractable())).unwrap();
        let rsa = kek.open(&Oaep::SHA1, &t.wrap(&azure(), kek.public, rsa).unwrap());
        let mut bad: Vec<Vec<u8>> = vec![
            vec![0],
            vec![0x30],
            vec![0x30, 0],
            vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            vec![0x30, 0x80, 0, 0],
            vec![0xFF; 138],
            vec![0x30; 4096],
            vec![7; 32],
            [&good[..], &[0]].concat(),
            rsa.clone(),
        ];
        bad.extend((0..good.len()).map(|len| good[..len.max(1)].to_vec()));
        // a scalar of zero, and one beyond the order
        let scalar = good.windows(4).position(|w| w == [2, 1, 1, 4]).unwrap() + 5;
        for fill in [0, 0xFF] {
            let mut wrong = good.clone();
            wrong[scalar..scalar + 32].fill(fill);
            bad.push(wrong);
        }
        for content in &bad {
            gate.refuses(&blob_of(&kek, &[1; 32], content), CKR_WRAPPED_KEY_INVALID);
        }
        let as_rsa = Gate { wanted: received_rsa(), mech: azure(), ..*gate };
        for content in [&good[..], &[7; 32], &[0x30, 0], &rsa[..rsa.len() - 1]] {
            as_rsa.refuses(&blob_of(&kek, &[1; 32], content), CKR_WRAPPED_KEY_INVALID);
        }
        as_rsa.takes(&blob_of(&kek, &[1; 32], &rsa));
        for at in t.find(&attrs![CKA_KEY_TYPE => CKK_RSA, CKA_CLASS => CKO_PRIVATE_KEY]).unwrap() {
            if at != kek.private {
                t.destroy(at).unwrap();
            }
        }
    });
}

fn extractable() -> Attrs {
    attrs![CKA_EXTRACTABLE => true].to_vec()
}

/// Numbers of an RSA key that do not belong together must not become a key: signing with such a
/// key can give its primes away.
#[test]
fn rsa_numbers_that_do_not_fit() {
    with_gate(|gate, _| {
        let (t, kek) = (gate.t, gate.kek);
        let key = numbers(1024, "target");
        let handle = t.create(&private_key(key, &extractable())).unwrap();
        let good = kek.open(&Oaep::SHA1, &t.wrap(&azure(), kek.public, handle).unwrap());
        t.destroy(handle).unwrap();
        let gate = Gate { wanted: received_rsa(), mech: azure(), ..*gate };
        let crt = key.crt.as_ref().unwrap();
        let parts: [&[u8]; 7] = [&key.n, &key.d, &crt.p, &crt.q, &crt.dp, &crt.dq, &crt.qinv];
        for part in parts {
            let at = good.windows(part.len()).position(|w| w == part).unwrap();
            for byte in [at + part.len() / 2, at + part.len() - 1] {
                let mut bad = good.clone();
                bad[byte] ^= 2;
                gate.refuses(&blob_of(&kek, &[1; 32], &bad), CKR_WRAPPED_KEY_INVALID);
            }
        }
        gate.takes(&blob_of(&kek, &[1; 32], &good));
    });
}

#[test]
fn secret_keys_of_lengths_that_are_none() {
    with_gate(|gate, _| {
        let gate = Gate { wanted: received_aes(), mech: azure(), ..*gate };
        for size in [1, 8, 15, 17, 23, 25, 31, 33, 64, 4096] {
            gate.refuses(&blob_of(&gate.kek, &[1; 32], &vec![6; size]), CKR_WRAPPED_KEY_INVALID);
        }
        let generic =
            Gate { wanted: received(CKO_SECRET_KEY, CKK_GENERIC_SECRET), mech: azure(), ..gate };
        generic.refuses(&blob_of(&gate.kek, &[1; 32], &vec![6; 4097]), CKR_WRAPPED_KEY_INVALID);
        generic.takes(&blob_of(&gate.kek, &[1; 32], &vec![6; 4096]));
    });
}

/// The wrapping of an empty key that some implementations open under any KEK.
#[test]
fn the_empty_key() {
    with_gate(|gate, blob| {
        let empty = hex("A65959A600000000");
        assert!(kwp_unwrap(&[1; 32], None, &empty).is_err());
        for tail in [empty.clone(), [&empty[..], &[0; 8]].concat()] {
            gate.refuses_by_len(&[&blob[..256], &tail].concat());
        }
    });
}

/// Lengths that must be refused before anything is read: there is no such memory.
#[test]
fn huge_lengths() {
    with_gate(|gate, blob| {
        let (t, kek) = (gate.t, gate.kek);
        let mech = azure();
        let mut raw = mech.raw();
        let mut template = RawTemplate::new(&gate.wanted);
        let (at, n, mut key) = (template.ptr(), template.count(), 0);
        for size in [CK_ULONG::MAX, CK_ULONG::MAX - 7, CK_ULONG::MAX / 2 + 1] {
            let outcome = call!(t.C_UnwrapKey(
                t.handle,
                &mut raw,
                kek.private,
                ptr(blob),
                size,
                at,
                n,
                &mut key
            ));
            assert_eq!(outcome, Err(CKR_ARGUMENTS_BAD));
        }
        for size in [1, 1 << 40, CK_ULONG::MAX] {
            let outcome = call!(t.C_UnwrapKey(
                t.handle,
                &mut raw,
                kek.private,
                null_mut(),
                size,
                at,
                n,
                &mut key
            ));
            assert_eq!(outcome, Err(CKR_ARGUMENTS_BAD));
        }
        for count in [CK_ULONG::MAX, CK_ULONG::MAX / 24 + 1, 1 << 40] {
            let outcome = call!(t.C_UnwrapKey(
                t.handle,
                &mut raw,
                kek.private,
                ptr(blob),
                len(blob),
                at,
                count,
                &mut key
            ));
            assert_eq!(outcome, Err(CKR_ARGUMENTS_BAD));
        }
        // longer than any blob, and than the memory behind the pointer
        let mech = [azure(), Mech::new(CKM_RSA_PKCS_OAEP)];
        for mech in &mech {
            let raw = &mut mech.raw();
            let size = 1 << 40;
            let outcome =
                call!(t.C_UnwrapKey(t.handle, raw, kek.private, ptr(blob), size, at, n, &mut key));
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE));
        }
        // a blob of no bytes may be NULL: it is too short, not absent
        let outcome =
            call!(t.C_UnwrapKey(t.handle, &mut raw, kek.private, null_mut(), 0, at, n, &mut key));
        assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE));
        assert_eq!(key, 0);
    });
}

/// A buffer that claims to be endless is used as far as needed.
#[test]
fn a_buffer_of_any_claimed_length() {
    with_gate(|gate, blob| {
        let (t, kek) = (gate.t, gate.kek);
        let target = t.unwrap(&azure(), kek.private, blob, &gate.wanted).unwrap();
        let mech = azure();
        for claimed in [CK_ULONG::MAX, 1 << 40] {
            let (mut buffer, mut n) = (vec![0xA5; blob.len() + 64], claimed);
            let (raw, at) = (&mut mech.raw(), buffer.as_mut_ptr());
            let outcome = call!(t.C_WrapKey(t.handle, raw, kek.public, target, at, &mut n));
            // too long to be memory at all, or taken at its word
            if outcome == Ok(()) {
                assert_eq!(n as usize, blob.len());
                gate.takes(&buffer[..blob.len()]);
                assert_eq!(buffer[blob.len()..], [0xA5; 64]);
            } else {
                assert_eq!(outcome, Err(CKR_ARGUMENTS_BAD));
                assert!(buffer.iter().all(|byte| *byte == 0xA5));
            }
        }
        t.destroy(target).unwrap();
    });
}
