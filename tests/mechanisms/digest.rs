//! Digests.
use super::hashes::HASHES;
use crate::common::session::into;
use crate::common::*;

/// What NIST's "Examples with Intermediate Values" have for "abc", and the first bytes for a
/// million times "a", in the order of [`HASHES`].
const EXAMPLES: [(&str, &str); 11] = [
    ("a9993e364706816aba3e25717850c26c9cd0d89d", "34aa973cd4c4daa4"),
    ("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", "20794655980c91d8"),
    ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "cdc76e5c9914fb92"),
    (
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
         8086072ba1e7cc2358baeca134c825a7",
        "9d0e1809716474cb",
    ),
    (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "e718483d0ce76964",
    ),
    ("4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa", "37ab331d76f0d36d"),
    ("53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23", "9a59a052930187a9"),
    ("e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf", "d69335b93325192e"),
    ("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532", "5c8875ae474a3634"),
    (
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2\
         98d88cea927ac7f539f1edf228376d25",
        "eee9e24d78c18553",
    ),
    (
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
         10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        "3c3a876da14034ab",
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_standards_examples() {
    with_token(|t| {
        let million = vec![b'a'; 1_000_000];
        for (hash, (abc, head)) in HASHES.iter().zip(EXAMPLES) {
            let mech = Mech::new(hash.digest);
            let digest = t.digest(&mech, b"abc").unwrap();
            assert_eq!((hex(&digest).as_str(), digest.len()), (abc, hash.size), "{hash:?}");
            t.digest_init(&mech).unwrap();
            for part in million.chunks(4999) {
                t.digest_update(part).unwrap();
            }
            assert!(hex(&t.digest_final().unwrap()).starts_with(head), "{hash:?}");
        }
    });
}

#[test]
fn parts_make_the_same_as_one() {
    with_token(|t| {
        let text: Vec<u8> = (0..=255).cycle().take(300).collect();
        for hash in HASHES {
            let mech = Mech::new(hash.digest);
            let whole = t.digest(&mech, &text).unwrap();
            for at in [0, 1, 63, 64, 65, 127, 128, 136, 144, 299, 300] {
                t.digest_init(&mech).unwrap();
                t.digest_update(&text[..at]).unwrap();
                t.digest_update(&text[at..]).unwrap();
                assert_eq!(t.digest_final(), Ok(whole.clone()), "{hash:?} {at}");
            }
            t.digest_init(&mech).unwrap();
            assert_eq!(t.digest_final(), t.digest(&mech, &[]), "no part at all");
        }
    });
}

#[test]
fn keys_are_digested_if_they_may_leave() {
    with_token(|t| {
        for hash in HASHES {
            let mech = Mech::new(hash.digest);
            let key = t.secret(CKK_GENERIC_SECRET, b"secret").unwrap();
            t.digest_init(&mech).unwrap();
            t.digest_update(b"a ").unwrap();
            t.digest_key(key).unwrap();
            t.digest_update(b" key").unwrap();
            assert_eq!(t.digest_final(), t.digest(&mech, b"a secret key"));
        }
        // a digest of a short key tells which guess is right
        let make = |more: [(CK_ATTRIBUTE_TYPE, Attr); 2]| {
            let template = [&attrs![CKA_VALUE_LEN => 1usize][..], &more].concat();
            t.generate(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap()
        };
        for (key, digested) in [
            (make(attrs![CKA_EXTRACTABLE => false, CKA_SENSITIVE => false]), false),
            (make(attrs![CKA_EXTRACTABLE => true, CKA_WRAP_WITH_TRUSTED => true]), false),
            (make(attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => true]), true),
        ] {
            t.digest_init(&Mech::new(CKM_SHA256)).unwrap();
            let expected = if digested { Ok(()) } else { Err(CKR_KEY_INDIGESTIBLE) };
            assert_eq!(t.digest_key(key), expected);
            t.digest_final().unwrap();
        }
    });
}

#[test]
fn keys_are_digested_by_the_mechanisms_they_allow() {
    with_token(|t| {
        let key = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_GENERIC_SECRET,
            CKA_VALUE => b"secret",
            CKA_EXTRACTABLE => true,
            CKA_ALLOWED_MECHANISMS => &[CKM_SHA256_HMAC, CKM_SHA384][..],
        ];
        let key = t.create(&key).unwrap();
        for (ckm, may) in [(CKM_SHA384, Ok(())), (CKM_SHA256, Err(CKR_KEY_INDIGESTIBLE))] {
            t.digest_init(&Mech::new(ckm)).unwrap();
            assert_eq!(t.digest_key(key), may);
            t.digest_final().unwrap();
        }
    });
}

#[test]
fn what_ends_a_digest_and_what_does_not() {
    with_token(|t| {
        let sha256 = Mech::new(CKM_SHA256);
        let once = |room| into(room, |at, n| call!(t.C_Digest(t.handle, ptr(b"abc"), 3, at, n)));
        assert_eq!(once(32), Err(CKR_OPERATION_NOT_INITIALIZED));
        t.digest_init(&sha256).unwrap();
        assert_eq!(t.digest_init(&sha256), Err(CKR_OPERATION_ACTIVE));
        assert_eq!(once(31), Err(CKR_BUFFER_TOO_SMALL));
        assert_eq!(once(32).unwrap().len(), 32);
        assert_eq!(once(32), Err(CKR_OPERATION_NOT_INITIALIZED));
        t.digest_init(&sha256).unwrap();
        t.digest_update(b"a").unwrap();
        assert_eq!(once(32), Err(CKR_OPERATION_ACTIVE), "parts are not finished in one go");
        assert_eq!(t.digest_final(), Err(CKR_OPERATION_NOT_INITIALIZED), "and that ended it");
        let stray = Mech::bytes(CKM_SHA256, &[0; 8]);
        assert_eq!(t.digest_init(&stray), Err(CKR_MECHANISM_PARAM_INVALID));
        for other in [CKM_SHA256_HMAC, CKM_AES_ECB, CKM_MD5] {
            assert_eq!(t.digest_init(&Mech::new(other)), Err(CKR_MECHANISM_INVALID));
        }
        let key = t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap();
        assert_eq!(t.sign_init(&sha256, key), Err(CKR_MECHANISM_INVALID));
    });
}

#[test]
fn mechanism_information() {
    with_token(|t| {
        for hash in HASHES {
            let digest = t.p.mechanism_info(t.slot, hash.digest).unwrap();
            assert_eq!((digest.flags, digest.ulMaxKeySize), (CKF_DIGEST, 0), "{hash:?}");
            for hmac in [hash.hmac, hash.hmac_general] {
                let info = t.p.mechanism_info(t.slot, hmac).unwrap();
                let messages = CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
                let flags = CKF_SIGN | CKF_VERIFY | messages;
                assert_eq!((info.flags, info.ulMinKeySize), (flags, 1));
            }
            let key_gen = t.p.mechanism_info(t.slot, hash.key_gen).unwrap();
            assert_eq!((key_gen.flags, key_gen.ulMinKeySize), (CKF_GENERATE, 1));
        }
    });
}
