//! What is answered when something is wrong: a test for each situation, for wrapping and unwrapping.
use crate::common::keys::*;
use crate::common::session::into;
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::oaep::Oaep;
use std::ptr::null_mut;

/// A KEK, a target, its blob, and what it is unwrapped with.
struct Scene {
    kek: Kek,
    target: Handle,
    blob: Vec<u8>,
}

fn with_scene(test: impl FnOnce(&Token, &Scene)) {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let target = t.secret(CKK_AES, &[5; 32]).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        test(t, &Scene { kek, target, blob });
    });
}

impl Scene {
    /// Both a size query and a call answer so.
    fn wraps(&self, t: &Session, mech: &Mech, kek: Handle, target: Handle, rv: CK_RV) {
        assert_eq!(t.wrap_len(mech, kek, target), Err(rv), "{mech:?}");
        assert_eq!(t.wrap_into(mech, kek, target, 4096), Err(rv), "{mech:?}");
    }
    /// Unwrapping answers so, and leaves nothing behind.
    fn unwraps(&self, t: &Session, mech: &Mech, kek: Handle, rv: CK_RV) {
        let before = count(t);
        assert_eq!(t.unwrap(mech, kek, &self.blob, &received_aes()), Err(rv), "{mech:?}");
        assert_eq!(count(t), before);
    }
}

#[test]
fn null_mechanism_or_length_pointer() {
    with_scene(|t, s| {
        let (h, mut n) = (t.handle, 4096);
        let azure = azure();
        let mut mech = azure.raw();
        let mut room = [0; 4096];
        let bad = Err(CKR_ARGUMENTS_BAD);
        let (public, private) = (s.kek.public, s.kek.private);
        assert_eq!(
            call!(t.C_WrapKey(h, null_mut(), public, s.target, room.as_mut_ptr(), &mut n)),
            bad
        );
        for at in [null_mut(), room.as_mut_ptr()] {
            assert_eq!(call!(t.C_WrapKey(h, &mut mech, public, s.target, at, null_mut())), bad);
        }
        let mut template = RawTemplate::new(&received_aes());
        let (at, count) = (template.ptr(), template.count());
        let (blob, size, mut key) = (ptr(&s.blob), len(&s.blob), 0);
        assert_eq!(
            call!(t.C_UnwrapKey(h, null_mut(), private, blob, size, at, count, &mut key)),
            bad
        );
        let m = &raw mut mech;
        assert_eq!(call!(t.C_UnwrapKey(h, m, private, blob, size, at, count, null_mut())), bad);
        assert_eq!(call!(t.C_UnwrapKey(h, m, private, null_mut(), 1, at, count, &mut key)), bad);
        assert_eq!(
            call!(t.C_UnwrapKey(h, m, private, blob, size, null_mut(), count, &mut key)),
            bad
        );
        assert_eq!(key, 0);
    });
}

#[test]
fn malformed_parameter() {
    with_scene(|t, s| {
        let kw = CKM_RSA_AES_KEY_WRAP;
        let mut bytes = [0xEEu8; 64];
        let at = bytes.as_mut_ptr().cast();
        let mut no_oaep = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, ..Default::default() };
        let no_oaep_len = size_of_val(&no_oaep) as CK_ULONG;
        let mut all: Vec<Mech> = [0, 1, 64, 127, 129, 255, 257, 512, CK_ULONG::MAX]
            .map(|bits| Mech::rsa_aes(bits, CKM_SHA_1, CKG_MGF1_SHA1, b""))
            .into();
        for hash in [0, CKM_MD5, CKM_RSA_PKCS, CKM_SHA256_HMAC, CKM_SHA3_256_HMAC, CK_ULONG::MAX] {
            all.push(Mech::rsa_aes(256, hash, CKG_MGF1_SHA1, b""));
            all.push(Mech::oaep(kw, hash, CKG_MGF1_SHA1, b""));
        }
        for mgf in [0, 10, CKM_SHA3_256, CKM_SHA_1, CK_ULONG::MAX] {
            all.push(Mech::rsa_aes(256, CKM_SHA_1, mgf, b""));
        }
        for source in [2, 3, CK_ULONG::MAX] {
            all.push(azure().source(source));
        }
        all.push(Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, b"label").source(0));
        all.push(Mech::raw_param(kw, void(&mut no_oaep), no_oaep_len));
        for len in [0, 1, 8, 15, 17, 24, 32, 39, 41, 48, CK_ULONG::MAX] {
            all.push(Mech::raw_param(kw, at, len));
        }
        for len in [1, 16, 40, CK_ULONG::MAX] {
            all.push(Mech::raw_param(kw, null_mut(), len));
        }
        for mech in &all {
            s.wraps(t, mech, s.kek.public, s.target, CKR_MECHANISM_PARAM_INVALID);
            s.unwraps(t, mech, s.kek.private, CKR_MECHANISM_PARAM_INVALID);
        }
    });
}

#[test]
fn a_configuration_may_refuse_null_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyferry.toml");
    std::fs::write(&file, "store = \"memory:\"\nnull_parameter = \"refuse\"\n").unwrap();
    with_store(&format!("config={}", file.display()), |p| {
        let t = p.token(p.slots(true).unwrap()[0]).unwrap();
        let kek = Kek::new(&t, 2048);
        let target = t.secret(CKK_AES, &[5; 32]).unwrap();
        let null = Mech::new(CKM_RSA_AES_KEY_WRAP);
        assert_eq!(t.wrap_len(&null, kek.public, target), Err(CKR_MECHANISM_PARAM_INVALID));
        assert!(t.wrap(&azure(), kek.public, target).is_ok());
    });
}

#[test]
fn bad_wrapping_or_unwrapping_handle() {
    with_scene(|t, s| {
        let gone = t.secret(CKK_AES, &[1; 16]).unwrap();
        t.destroy(gone).unwrap();
        let data = t.create(&attrs![CKA_CLASS => CKO_DATA]).unwrap();
        for handle in [CK_INVALID_HANDLE, gone, data, t.handle + 100_000, CK_ULONG::MAX] {
            s.wraps(t, &azure(), handle, s.target, CKR_WRAPPING_KEY_HANDLE_INVALID);
            s.unwraps(t, &azure(), handle, CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        }
    });
}

#[test]
fn bad_target_handle() {
    with_scene(|t, s| {
        for handle in [CK_INVALID_HANDLE, t.handle + 100_000, CK_ULONG::MAX] {
            s.wraps(t, &azure(), s.kek.public, handle, CKR_KEY_HANDLE_INVALID);
        }
    });
}

#[test]
fn wrapping_key_of_another_type() {
    with_scene(|t, s| {
        let aes = t.aes(32).unwrap();
        let hmac = t.secret(CKK_SHA256_HMAC, &[1; 32]).unwrap();
        let (ec_public, ec_private) = t.ec(P256).unwrap();
        for kek in [aes, hmac, ec_public, ec_private, s.kek.private] {
            s.wraps(t, &azure(), kek, s.target, CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
        }
        for kek in [aes, hmac, ec_public, ec_private, s.kek.public] {
            s.unwraps(t, &azure(), kek, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        }
    });
}

/// No KEK under 2048 bits, whether the AES key would fit (SHA-1) or not (SHA-512).
#[test]
fn modulus_too_small() {
    with_scene(|t, s| {
        let small = Kek::new(t, 1024);
        for (hash, mgf) in HASHES {
            for bits in [128, 192, 256] {
                let mech = Mech::rsa_aes(bits, hash, mgf, b"");
                s.wraps(t, &mech, small.public, s.target, CKR_WRAPPING_KEY_SIZE_RANGE);
                s.unwraps(t, &mech, small.private, CKR_UNWRAPPING_KEY_SIZE_RANGE);
            }
        }
    });
}

#[test]
fn usage_attribute_false() {
    with_scene(|t, s| {
        let not = attrs![CKA_WRAP => false, CKA_UNWRAP => false];
        t.set(s.kek.public, &not[..1]).unwrap();
        t.set(s.kek.private, &not[1..]).unwrap();
        let refused = CKR_KEY_FUNCTION_NOT_PERMITTED;
        s.wraps(t, &azure(), s.kek.public, s.target, refused);
        s.unwraps(t, &azure(), s.kek.private, refused);
    });
}

#[test]
fn target_not_extractable() {
    with_scene(|t, s| {
        let aes = Mech::new(CKM_AES_KEY_GEN);
        // the default of generated keys
        let kept = t.generate(&aes, &attrs![CKA_VALUE_LEN => 32usize]).unwrap();
        s.wraps(t, &azure(), s.kek.public, kept, CKR_KEY_UNEXTRACTABLE);
        let (_, kept) = t
            .generate_pair(
                &Mech::new(CKM_EC_KEY_PAIR_GEN),
                &attrs![CKA_EC_PARAMS => P256],
                &attrs![CKA_EXTRACTABLE => false],
            )
            .unwrap();
        s.wraps(t, &azure(), s.kek.public, kept, CKR_KEY_UNEXTRACTABLE);
    });
}

#[test]
fn kek_not_trusted() {
    with_scene(|t, s| {
        t.set(s.target, &attrs![CKA_WRAP_WITH_TRUSTED => true]).unwrap();
        s.wraps(t, &azure(), s.kek.public, s.target, CKR_KEY_NOT_WRAPPABLE);
    });
}

#[test]
fn target_does_not_match_the_wrap_template() {
    with_scene(|t, s| {
        let only = |template: Attr| {
            let more = [(CKA_WRAP_TEMPLATE, template)];
            t.create(&public_key(s.kek.numbers, &more)).unwrap()
        };
        let rsa = only(Attr::from(attrs![CKA_KEY_TYPE => CKK_RSA]));
        s.wraps(t, &azure(), rsa, s.target, CKR_KEY_HANDLE_INVALID);
        let aes = only(Attr::from(attrs![CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => false]));
        assert!(t.wrap(&azure(), aes, s.target).is_ok());
        let sensitive = only(Attr::from(attrs![CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => true]));
        s.wraps(t, &azure(), sensitive, s.target, CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn target_is_no_key_to_wrap() {
    with_scene(|t, s| {
        let (ec, _) = t.ec(P256).unwrap();
        let data = t.create(&attrs![CKA_CLASS => CKO_DATA, CKA_VALUE => b"data"]).unwrap();
        let certificate = certificate::Certificate::default().template();
        let certificate = t.create(&certificate).unwrap();
        for target in [s.kek.public, ec, data, certificate] {
            s.wraps(t, &azure(), s.kek.public, target, CKR_KEY_NOT_WRAPPABLE);
        }
    });
}

#[test]
fn mechanism_not_allowed() {
    with_scene(|t, s| {
        let oaep = [(CKA_ALLOWED_MECHANISMS, Attr::from(&[CKM_RSA_PKCS_OAEP][..]))];
        let public = t.create(&public_key(s.kek.numbers, &oaep)).unwrap();
        let private = t.create(&private_key(s.kek.numbers, &oaep)).unwrap();
        s.wraps(t, &azure(), public, s.target, CKR_MECHANISM_INVALID);
        s.unwraps(t, &azure(), private, CKR_MECHANISM_INVALID);
        let allowed = Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");
        let wrapped = t.wrap(&allowed, public, s.target).unwrap();
        assert!(t.unwrap(&allowed, private, &wrapped, &received_aes()).is_ok());
    });
}

#[test]
fn mechanism_of_another_function_or_of_none() {
    with_scene(|t, s| {
        for ckm in [CKM_RSA_X_509, CKM_SHA_1, CKM_AES_KEY_GEN, 0xDEAD_BEEF, CK_ULONG::MAX] {
            s.wraps(t, &Mech::new(ckm), s.kek.public, s.target, CKR_MECHANISM_INVALID);
            s.unwraps(t, &Mech::new(ckm), s.kek.private, CKR_MECHANISM_INVALID);
        }
    });
}

#[test]
fn impossible_blob_length() {
    with_scene(|t, s| {
        let before = count(t);
        let long = vec![0x55; 256 + (1 << 16) + 64];
        let impossible = (0..272).chain((273..400).filter(|n| n % 8 != 0)).chain([long.len()]);
        for size in impossible {
            let outcome = t.unwrap(&azure(), s.kek.private, &long[..size], &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE), "{size}");
        }
        assert_eq!(count(t), before);
    });
}

/// One code for what is wrong in OAEP, in KWP, in ASN.1 and with the type of the key.
#[test]
fn failure_inside() {
    with_scene(|t, s| {
        let mut bad = Scene { blob: s.blob.clone(), ..*s };
        let other = Kek::of(t, numbers(2048, "other"));
        bad.unwraps(t, &azure(), other.private, CKR_WRAPPED_KEY_INVALID);
        bad.blob[0] ^= 1;
        bad.unwraps(t, &azure(), s.kek.private, CKR_WRAPPED_KEY_INVALID);
        bad.blob[0] ^= 1;
        bad.blob[256] ^= 1;
        bad.unwraps(t, &azure(), s.kek.private, CKR_WRAPPED_KEY_INVALID);
        bad.blob[256] ^= 1;
        for wanted in [received_ec(), received_rsa()] {
            let outcome = t.unwrap(&azure(), s.kek.private, &bad.blob, &wanted);
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
        }
        assert_eq!(s.kek.open(&Oaep::SHA1, &bad.blob), [5; 32]);
    });
}

#[test]
fn buffer_too_small() {
    with_scene(|t, s| {
        let profile = azure();
        let mut mech = profile.raw();
        let needed = s.blob.len();
        for room in [0, 1, 255, 256, needed - 1] {
            let mut buffer = vec![0x77u8; needed];
            let mut n = room as CK_ULONG;
            let at = buffer.as_mut_ptr();
            let outcome =
                call!(t.C_WrapKey(t.handle, &mut mech, s.kek.public, s.target, at, &mut n));
            assert_eq!(outcome, Err(CKR_BUFFER_TOO_SMALL));
            assert_eq!(n as usize, needed);
            assert!(buffer.iter().all(|byte| *byte == 0x77), "something was written");
            // the same call again, with the room that was asked for
            call!(t.C_WrapKey(t.handle, &mut mech, s.kek.public, s.target, at, &mut n)).unwrap();
            let key = t.unwrap(&azure(), s.kek.private, &buffer, &received_aes()).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), [5; 32]);
        }
        // more room than needed: the length says how much was used
        let roomy = t.wrap_into(&azure(), s.kek.public, s.target, 4096).unwrap();
        assert_eq!(roomy.len(), needed);
    });
}

/// The parts of the mechanism keep the same convention.
#[test]
fn buffer_too_small_for_other_mechanisms() {
    with_scene(|t, s| {
        let aes = t.aes(32).unwrap();
        let oaep = Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA256, CKG_MGF1_SHA256, b"");
        t.set(s.kek.public, &attrs![CKA_LABEL => KID]).unwrap();
        for (mech, kek) in [
            (oaep, s.kek.public),
            (Mech::new(CKM_AES_KEY_WRAP), aes),
            (Mech::new(CKM_AES_KEY_WRAP_PAD), aes),
            (Mech::new(CKM_AES_KEY_WRAP_KWP), aes),
            (Mech::new(CKM_KEYFERRY_AZURE_BYOK), s.kek.public),
        ] {
            let needed = t.wrap_len(&mech, kek, s.target).unwrap();
            let mut answered = 0;
            let outcome = into(needed - 1, |at, n| {
                let outcome = call!(t.C_WrapKey(t.handle, &mut mech.raw(), kek, s.target, at, n));
                answered = unsafe { *n } as usize;
                outcome
            });
            assert_eq!((outcome, answered), (Err(CKR_BUFFER_TOO_SMALL), needed));
            assert_eq!(t.wrap(&mech, kek, s.target).unwrap().len(), needed);
        }
    });
}

#[test]
fn value_len_that_conflicts() {
    with_scene(|t, s| {
        let with = |len: usize| [received_aes(), attrs![CKA_VALUE_LEN => len].to_vec()].concat();
        let before = count(t);
        for wrong in [16, 24, 31, 0, usize::MAX] {
            let outcome = t.unwrap(&azure(), s.kek.private, &s.blob, &with(wrong));
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE), "{wrong}");
        }
        assert_eq!(count(t), before);
        assert!(t.unwrap(&azure(), s.kek.private, &s.blob, &with(32)).is_ok());
    });
}

#[test]
fn unwrap_template_that_conflicts() {
    with_scene(|t, s| {
        let wanted = Attr::from(attrs![CKA_EXTRACTABLE => false, CKA_LABEL => "from outside"]);
        let more = [(CKA_UNWRAP_TEMPLATE, wanted)];
        let private = t.create(&private_key(s.kek.numbers, &more)).unwrap();
        for contrary in [attrs![CKA_EXTRACTABLE => true], attrs![CKA_LABEL => "mine"]] {
            let template = [&received_aes()[..], &contrary].concat();
            let before = count(t);
            let outcome = t.unwrap(&azure(), private, &s.blob, &template);
            assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT));
            assert_eq!(count(t), before);
        }
        let key = t.unwrap(&azure(), private, &s.blob, &received_aes()).unwrap();
        assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
        assert_eq!(t.bytes(key, CKA_LABEL).unwrap(), b"from outside");
    });
}

#[test]
fn template_that_cannot_be() {
    with_scene(|t, s| {
        let aes = received_aes();
        let with = |cka, attr: Attr| [aes.clone(), vec![(cka, attr)]].concat();
        let before = count(t);
        for (template, rv) in [
            (vec![], CKR_TEMPLATE_INCOMPLETE),
            (aes[..1].to_vec(), CKR_TEMPLATE_INCOMPLETE),
            (received(CKO_PUBLIC_KEY, CKK_RSA), CKR_TEMPLATE_INCONSISTENT),
            (received(CKO_SECRET_KEY, CKK_DES2), CKR_ATTRIBUTE_VALUE_INVALID),
            (with(CKA_VALUE, Attr::from(&[5; 32])), CKR_TEMPLATE_INCONSISTENT),
            (with(CKA_LOCAL, Attr::from(true)), CKR_ATTRIBUTE_READ_ONLY),
            (with(CKA_ALWAYS_SENSITIVE, Attr::from(true)), CKR_ATTRIBUTE_READ_ONLY),
            (with(CKA_NEVER_EXTRACTABLE, Attr::from(true)), CKR_ATTRIBUTE_READ_ONLY),
            (with(CKA_MODULUS, Attr::from(&[5; 32])), CKR_ATTRIBUTE_TYPE_INVALID),
            (with(CKA_SENSITIVE, Attr::from(true)), CKR_TEMPLATE_INCONSISTENT),
            (with(CKA_DECRYPT, Attr::from(&[1, 0])), CKR_ATTRIBUTE_VALUE_INVALID),
            (with(CKA_LABEL, Attr::Null(3)), CKR_ATTRIBUTE_VALUE_INVALID),
            (with(0x7FFF_FFFF, Attr::from(true)), CKR_ATTRIBUTE_TYPE_INVALID),
        ] {
            let outcome = t.unwrap(&azure(), s.kek.private, &s.blob, &template);
            assert_eq!(outcome, Err(rv), "{template:?}");
        }
        assert_eq!(count(t), before);
    });
}

/// What `pkcs11-tool` says of an EC key: it may decrypt, and it has no parameters.
#[test]
fn template_of_a_careless_caller() {
    with_scene(|t, s| {
        let (_, private) = t.ec(P384).unwrap();
        let blob = t.wrap(&azure(), s.kek.public, private).unwrap();
        let careless = attrs![
            CKA_CLASS => CKO_PRIVATE_KEY,
            CKA_TOKEN => true,
            CKA_KEY_TYPE => CKK_EC,
            CKA_SENSITIVE => true,
            CKA_EXTRACTABLE => true,
            CKA_DECRYPT => true,
            CKA_LABEL => "imported",
            CKA_ID => &[0x0A],
        ];
        let key = t.unwrap(&azure(), s.kek.private, &blob, &careless).unwrap();
        assert_eq!(t.bytes(key, CKA_EC_PARAMS).unwrap(), P384);
        assert_eq!(t.bytes(key, CKA_EC_POINT), t.bytes(private, CKA_EC_POINT));
    });
}
