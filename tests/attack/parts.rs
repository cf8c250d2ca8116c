//! Attacks on hidden keys part by part: the user names the mechanism in the list of the new key.
use crate::common::*;
use crate::tools::*;

const TARGET: [u8; 16] = *b"a key of a bank.";

/// A KEK as SECURITY.md advises, with this template for the keys that it unwraps.
fn kek(t: &Session, rule: Vec<(CK_ATTRIBUTE_TYPE, Attr)>) -> Handle {
    let allowed: &[CK_ULONG] = &[CKM_AES_KEY_WRAP];
    t.generate(
        &Mech::new(CKM_AES_KEY_GEN),
        &attrs![
            CKA_VALUE_LEN => 32usize,
            CKA_SENSITIVE => true,
            CKA_EXTRACTABLE => false,
            CKA_WRAP => true,
            CKA_UNWRAP => true,
            CKA_ALLOWED_MECHANISMS => allowed,
            CKA_UNWRAP_TEMPLATE => rule,
        ],
    )
    .unwrap()
}

fn naming(rule: &[(CK_ATTRIBUTE_TYPE, Attr)], ckm: &[CK_ULONG]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    [rule, &attrs![CKA_ALLOWED_MECHANISMS => ckm]].concat()
}

/// A key of one byte, made of that byte of `key`.
fn one_byte(t: &Session, key: Handle) -> Rv<Handle> {
    let at = Mech::with(CKM_EXTRACT_KEY_FROM_KEY, |_| 0 as CK_ULONG);
    derive(t, &at, key, &[&generic()[..], &attrs![CKA_VALUE_LEN => 1usize]].concat())
}

#[test]
fn a_user_who_unwraps_a_hidden_key_gives_no_leave_to_divide_it() {
    with_token(|t| {
        let kw = Mech::new(CKM_AES_KEY_WRAP);
        let mine = [CKM_EXTRACT_KEY_FROM_KEY, CKM_SHA256_HMAC];
        let deriving = [&generic()[..], &attrs![CKA_DERIVE => true]].concat();
        let of_a_bank = t.secret(CKK_GENERIC_SECRET, &TARGET).unwrap();
        let kek = self::kek(t, hidden());
        let blob = t.wrap(&kw, kek, of_a_bank).unwrap();
        let divided = t.unwrap(&kw, kek, &blob, &naming(&deriving, &mine));
        let divided = divided.and_then(|key| one_byte(t, key));
        assert_eq!(divided, Err(CKR_TEMPLATE_INCONSISTENT));
        // nor through a template that the new key hands on
        let inner = attrs![CKA_UNWRAP_TEMPLATE => naming(&[], &mine)];
        let outcome = t.unwrap(&kw, kek, &blob, &[&generic()[..], &inner].concat());
        assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT));
        assert!(t.unwrap(&kw, kek, &blob, &naming(&deriving, &[CKM_SHA256_HMAC])).is_ok());
        // the owner of the KEK may give it
        let kek = self::kek(t, naming(&hidden(), &mine));
        let blob = t.wrap(&kw, kek, of_a_bank).unwrap();
        let key = t.unwrap(&kw, kek, &blob, &deriving).unwrap();
        assert!(one_byte(t, key).is_ok());
    });
}

#[test]
fn a_user_who_derives_a_hidden_key_gives_no_leave_to_divide_it() {
    with_token(|t| {
        let base = attrs![
            CKA_VALUE_LEN => 32usize,
            CKA_DERIVE => true,
            CKA_DERIVE_TEMPLATE => hidden(),
        ];
        let base = t.generate(&Mech::new(CKM_AES_KEY_GEN), &base).unwrap();
        let key = [&generic()[..], &attrs![CKA_DERIVE => true]].concat();
        let key = naming(&key, &[CKM_EXTRACT_KEY_FROM_KEY]);
        let divided = derive(t, &encrypting(), base, &key).and_then(|key| one_byte(t, key));
        assert_eq!(divided, Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

fn encrypting() -> Mech {
    Mech::with(CKM_AES_ECB_ENCRYPT_DATA, |keep| CK_KEY_DERIVATION_STRING_DATA {
        pData: keep(&[0; 16]),
        ulLen: 16,
    })
}

#[test]
fn a_received_aes_key_hands_out_no_blocks() {
    with_token(|t| {
        let kek = kek(t, hidden());
        let kw = Mech::new(CKM_AES_KEY_WRAP);
        let inner = t.secret(CKK_AES, &[7; 32]).unwrap();
        let head = t.wrap(&kw, kek, inner).unwrap();
        let counter = *b"nonce-nonce-\0\0\0\x01";
        let target = t.secret(CKK_AES, &TARGET).unwrap();
        let tail = t.wrap(&ctr(&counter), inner, target).unwrap();
        let aes = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let with = |usage| [&aes[..], &attrs![usage => true]].concat();
        // the tag of no data is the first block of the key stream
        let key = t.unwrap(&kw, kek, &head, &with(CKA_SIGN)).unwrap();
        let gmac = Mech::with(CKM_AES_GMAC, |keep| CK_GCM_PARAMS {
            pIv: keep(&counter[..12]),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: std::ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        });
        let opened = t.sign(&gmac, key, b"");
        let opened = opened.map(|tag| -> Vec<u8> { (0..16).map(|n| tag[n] ^ tail[n]).collect() });
        assert_eq!(opened, Err(CKR_MECHANISM_INVALID));
        assert!(t.sign(&Mech::new(CKM_AES_CMAC), key, b"x").is_ok());
        // a key derived by encryption is a part of a block
        let key = t.unwrap(&kw, kek, &head, &with(CKA_DERIVE)).unwrap();
        let part = [&generic()[..], &attrs![CKA_VALUE_LEN => 1usize]].concat();
        assert_eq!(derive(t, &encrypting(), key, &part), Err(CKR_MECHANISM_INVALID));
        // the user names the mechanism
        for ckm in [CKM_AES_CTR, CKM_AES_GMAC, CKM_AES_ECB_ENCRYPT_DATA] {
            let outcome = t.unwrap(&kw, kek, &head, &naming(&with(CKA_UNWRAP), &[ckm]));
            assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT), "{ckm:#x}");
        }
    });
}
