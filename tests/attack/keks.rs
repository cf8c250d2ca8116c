//! Attacks on keys that a KEK carries: the user asks a KEK that may only wrap and unwrap, often.
use crate::common::*;
use crate::tools::*;

const TARGET: [u8; 16] = *b"a key of a bank.";

/// The template of an AES KEK as SECURITY.md advises but for its allowed mechanisms, and more.
fn advised(more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let template = attrs![
        CKA_VALUE_LEN => 32usize,
        CKA_PRIVATE => false,
        CKA_SENSITIVE => true,
        CKA_EXTRACTABLE => false,
        CKA_WRAP => true,
        CKA_UNWRAP => true,
        CKA_ENCRYPT => false,
        CKA_DECRYPT => false,
        CKA_SIGN => false,
        CKA_VERIFY => false,
        CKA_DERIVE => false,
        CKA_UNWRAP_TEMPLATE => hidden(),
    ];
    [&template[..], more].concat()
}

fn kek(t: &Session, more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Handle {
    t.generate(&Mech::new(CKM_AES_KEY_GEN), &advised(more)).unwrap()
}

/// A KEK that the SO made and trusts. The user is logged in afterwards.
fn trusted(t: &Session, more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Handle {
    t.logout().unwrap();
    t.login(CKU_SO, SO_PIN).unwrap();
    let trust = attrs![CKA_TOKEN => true, CKA_TRUSTED => true];
    let kek = kek(t, &[&trust, more].concat());
    t.logout().unwrap();
    t.login(CKU_USER, PIN).unwrap();
    kek
}

/// A key that leaves the token under a trusted KEK only.
fn target(t: &Session, value: &[u8]) -> Handle {
    t.create(&attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_GENERIC_SECRET,
        CKA_VALUE => value,
        CKA_SENSITIVE => true,
        CKA_EXTRACTABLE => true,
        CKA_WRAP_WITH_TRUSTED => true,
    ])
    .unwrap()
}

#[test]
fn only_the_so_changes_or_copies_a_trusted_kek() {
    with_token(|t| {
        let kek = trusted(t, &[]);
        let kw = Mech::new(CKM_AES_KEY_WRAP);
        let blob = t.wrap(&kw, kek, target(t, &TARGET)).unwrap();
        let refused = CKR_ACTION_PROHIBITED;
        for change in
            [attrs![CKA_DECRYPT => true], attrs![CKA_TRUSTED => false], attrs![CKA_LABEL => "mine"]]
        {
            let changed = t.set(kek, &change);
            let opened = t.decrypt(&kw, kek, &blob);
            assert_eq!(opened, Err(CKR_KEY_FUNCTION_NOT_PERMITTED), "after {changed:?}");
            assert_eq!(changed, Err(refused));
            assert_eq!(t.copy(kek, &change), Err(refused));
        }
        assert_eq!(t.copy(kek, &[]), Err(refused));
        t.logout().unwrap();
        assert_eq!(t.set(kek, &attrs![CKA_DECRYPT => true]), Err(CKR_USER_NOT_LOGGED_IN));
        t.login(CKU_SO, SO_PIN).unwrap();
        t.set(kek, &attrs![CKA_LABEL => "the bank's"]).unwrap();
        let copy = t.copy(kek, &[]).unwrap();
        assert_eq!(t.flag(copy, CKA_TRUSTED), Ok(true));
        t.set(kek, &attrs![CKA_TRUSTED => false]).unwrap();
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.set(kek, &attrs![CKA_LABEL => "mine"]), Ok(()));
    });
}

/// Wraps a known key and the target with one IV.
fn same_key_stream(t: &Session, mech: &Mech, kek: Handle, target: Handle) -> Rv<Vec<u8>> {
    let known = t.secret(CKK_GENERIC_SECRET, &[0x5A; 16])?;
    let ours = t.wrap(mech, kek, known)?;
    let theirs = t.wrap(mech, kek, target)?;
    Ok((0..16).map(|at| ours[at] ^ theirs[at] ^ 0x5A).collect())
}

#[test]
fn a_known_key_under_the_same_iv_opens_no_other() {
    with_token(|t| {
        let kek = trusted(t, &[]);
        let target = target(t, &TARGET);
        let iv = [7; 16];
        for mech in [
            Mech::bytes(CKM_AES_OFB, &iv),
            Mech::bytes(CKM_AES_CFB128, &iv),
            ctr(&iv),
            Mech::gcm(&iv[..12], b"", 128),
            ccm(&iv[..12], 16),
        ] {
            let opened = same_key_stream(t, &mech, kek, target);
            assert_eq!(opened, Err(CKR_MECHANISM_INVALID));
        }
        // by blocks and by bytes, in which guesses can be compared
        for ckm in [CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CFB8] {
            let wrapped = t.wrap(&Mech::bytes(ckm, &iv), kek, target);
            assert_eq!(wrapped, Err(CKR_MECHANISM_INVALID));
        }
        let ecb = t.wrap(&Mech::new(CKM_AES_ECB), kek, target);
        assert_eq!(ecb, Err(CKR_MECHANISM_INVALID));
        for ckm in [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP] {
            assert!(t.wrap(&Mech::new(ckm), kek, target).is_ok());
        }
    });
}

/// The token makes the nonce for the target, and the application takes it for a key it knows.
#[test]
fn a_nonce_of_the_token_is_not_used_again() {
    with_token(|t| {
        let kek = trusted(t, &[]);
        let opened = (|| {
            let (nonce, theirs) = wrap_with_fresh_nonce(t, kek, target(t, &TARGET))?;
            let known = t.secret(CKK_GENERIC_SECRET, &[0x5A; 16])?;
            let ours = t.wrap(&Mech::gcm(&nonce, b"", 128), kek, known)?;
            Ok((0..16).map(|at| ours[at] ^ theirs[at] ^ 0x5A).collect::<Vec<u8>>())
        })();
        assert_eq!(opened, Err(CKR_MECHANISM_INVALID));
    });
}

#[test]
fn the_so_may_allow_a_mechanism_that_compares_by_naming_it() {
    with_token(|t| {
        let allowed: &[CK_ULONG] = &[CKM_AES_GCM, CKM_AES_KEY_WRAP];
        let kek = trusted(t, &attrs![CKA_ALLOWED_MECHANISMS => allowed]);
        let target = target(t, &TARGET);
        assert!(t.wrap(&Mech::gcm(&[7; 12], b"", 128), kek, target).is_ok());
        assert!(wrap_with_fresh_nonce(t, kek, target).is_ok());
        // under a KEK that guards nothing, a key that any KEK may carry is free
        let free = t.secret(CKK_GENERIC_SECRET, &TARGET).unwrap();
        let other = t.aes(32).unwrap();
        assert!(t.wrap(&Mech::bytes(CKM_AES_CBC, &[7; 16]), other, free).is_ok());
    });
}

/// A KEK that hides what it unwraps, and the same key as its sender has it.
fn shared(t: &Session) -> (Handle, Handle) {
    let value = [3; 32];
    let of_value =
        attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE => &value];
    let kek = [&of_value, &advised(&[])[1..]].concat();
    (t.create(&kek).unwrap(), t.secret(CKK_AES, &value).unwrap())
}

/// A known key, wrapped with the nonce of what a sender wrapped, shows the key stream.
#[test]
fn wrapping_does_not_open_what_a_sender_wrapped() {
    with_token(|t| {
        let (kek, sender) = shared(t);
        let gcm = Mech::gcm(&[9; 12], b"", 128);
        let key = t.secret(CKK_GENERIC_SECRET, &TARGET).unwrap();
        let theirs = t.wrap(&gcm, sender, key).unwrap();
        let known = t.secret(CKK_GENERIC_SECRET, &[0x5A; 16]).unwrap();
        let opened = t.wrap(&gcm, kek, known);
        let opened = opened
            .map(|ours| -> Vec<u8> { (0..16).map(|at| ours[at] ^ theirs[at] ^ 0x5A).collect() });
        assert_eq!(opened, Err(CKR_MECHANISM_INVALID));
        assert!(t.wrap(&Mech::new(CKM_AES_KEY_WRAP), kek, known).is_ok());
    });
}

/// Cuts a GCM wrapping to its first bytes and unwraps these as a stream: each yields a hidden key
/// of which one byte is not known yet, and its check value tells which.
fn byte_by_byte(t: &Session, kek: Handle, blob: &[u8], nonce: &[u8; 12]) -> Rv<Vec<u8>> {
    let mut counter = [0; 16];
    counter[..12].copy_from_slice(nonce);
    counter[15] = 2;
    let mut known = Vec::new();
    for n in 1..=4 {
        let cut = t.unwrap(&ctr(&counter), kek, &blob[..n], &generic())?;
        let check = t.bytes(cut, CKA_CHECK_VALUE)?;
        let guess = (0..=255).find(|guess| {
            let key = [&known[..], &[*guess]].concat();
            t.digest(&Mech::new(CKM_SHA_1), &key).unwrap()[..3] == check
        });
        known.push(guess.unwrap());
    }
    Ok(known)
}

#[test]
fn a_wrapping_is_not_cut_by_a_stream_mode() {
    with_token(|t| {
        let (kek, sender) = shared(t);
        let nonce = [9; 12];
        let key = t.secret(CKK_GENERIC_SECRET, &TARGET).unwrap();
        let blob = t.wrap(&Mech::gcm(&nonce, b"", 128), sender, key).unwrap();
        assert_eq!(byte_by_byte(t, kek, &blob, &nonce), Err(CKR_MECHANISM_INVALID));
        // each of them
        for ckm in [CKM_AES_OFB, CKM_AES_CFB8, CKM_AES_CFB128, CKM_AES_CBC, CKM_AES_CTS] {
            let cut = t.unwrap(&Mech::bytes(ckm, &[0; 16]), kek, &blob, &generic());
            assert_eq!(cut, Err(CKR_MECHANISM_INVALID), "{ckm:#x}");
        }
        let ecb = t.unwrap(&Mech::new(CKM_AES_ECB), kek, &blob, &generic());
        assert_eq!(ecb, Err(CKR_MECHANISM_INVALID));
        assert!(t.unwrap(&Mech::gcm(&nonce, b"", 128), kek, &blob, &generic()).is_ok());
    });
}

/// Decrypts a block by asking which paddings are right, at most 4096 times.
fn decrypted_by_padding(t: &Session, kek: Handle, block: &[u8; 16]) -> Rv<[u8; 16]> {
    let mut plain = [0u8; 16];
    for pad in 1..=16u8 {
        let at = 16 - usize::from(pad);
        let right = |before: &[u8; 16]| -> Rv<bool> {
            let cbc = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
            let blob = [&before[..], block].concat();
            match t.unwrap(&cbc, kek, &blob, &generic()) {
                Ok(key) => t.destroy(key).map(|()| true),
                Err(CKR_WRAPPED_KEY_INVALID) => Ok(false),
                Err(rv) => Err(rv),
            }
        };
        for guess in 0..=255 {
            let mut before = [0; 16];
            for (after, byte) in plain.iter().enumerate().skip(at + 1) {
                before[after] = byte ^ pad;
            }
            before[at] = guess;
            if !right(&before)? {
                continue;
            }
            // the last byte may have been right for a longer padding
            before[at.saturating_sub(1)] ^= u8::from(at == 15);
            if right(&before)? {
                plain[at] = guess ^ pad;
                break;
            }
        }
    }
    Ok(plain)
}

/// RFC 3394, section 2.2.2, for a key of 16 bytes, of which each block comes from the oracle.
fn key_wrap_opened(t: &Session, kek: Handle, blob: &[u8]) -> Rv<Vec<u8>> {
    let mut register: Vec<[u8; 8]> = blob.chunks(8).map(|half| half.try_into().unwrap()).collect();
    for step in (1..=12u8).rev() {
        let at = if step % 2 == 0 { 2 } else { 1 };
        let mut block = [0; 16];
        block[..8].copy_from_slice(&register[0]);
        block[7] ^= step;
        block[8..].copy_from_slice(&register[at]);
        let plain = decrypted_by_padding(t, kek, &block)?;
        register[0].copy_from_slice(&plain[..8]);
        register[at].copy_from_slice(&plain[8..]);
    }
    assert_eq!(register[0], [0xA6; 8]);
    Ok(register[1..].concat())
}

#[test]
fn unwrapping_is_no_padding_oracle() {
    with_token(|t| {
        let kek = kek(t, &[]);
        let key = t.secret(CKK_GENERIC_SECRET, &TARGET).unwrap();
        let blob = t.wrap(&Mech::new(CKM_AES_KEY_WRAP), kek, key).unwrap();
        assert_eq!(key_wrap_opened(t, kek, &blob), Err(CKR_MECHANISM_INVALID));
        // its owner may allow it by name
        let allowed: &[CK_ULONG] = &[CKM_AES_CBC_PAD];
        let kek = self::kek(t, &attrs![CKA_ALLOWED_MECHANISMS => allowed]);
        let cbc = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let blob = t.wrap(&cbc, kek, key).unwrap();
        assert!(t.unwrap(&cbc, kek, &blob, &generic()).is_ok());
    });
}
