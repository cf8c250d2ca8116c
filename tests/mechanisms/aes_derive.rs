//! Keys derived by encrypting data.
use super::aes::*;
use crate::common::*;

fn ecb(data: &[u8]) -> Mech {
    Mech::with(CKM_AES_ECB_ENCRYPT_DATA, |keep| CK_KEY_DERIVATION_STRING_DATA {
        pData: keep(data),
        ulLen: len(data),
    })
}

fn cbc(data: &[u8]) -> Mech {
    Mech::with(CKM_AES_CBC_ENCRYPT_DATA, |keep| CK_AES_CBC_ENCRYPT_DATA_PARAMS {
        iv: hex(IV).try_into().unwrap(),
        pData: keep(data),
        length: len(data),
    })
}

fn derived(t: &Session, mech: &Mech, base: Handle, key_type: CK_KEY_TYPE, n: usize) -> Rv<Vec<u8>> {
    let template = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => key_type,
        CKA_VALUE_LEN => n,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ];
    let given = if n == 0 { [&template[..2], &template[3..]].concat() } else { template.to_vec() };
    let key = derive(t, mech, base, &given)?;
    assert_eq!(t.flag(key, CKA_LOCAL), Ok(false));
    t.bytes(key, CKA_VALUE)
}

fn derive(
    t: &Session,
    mech: &Mech,
    base: Handle,
    template: &[(CK_ATTRIBUTE_TYPE, Attr)],
) -> Rv<Handle> {
    let (mut raw, mut mech, mut key) = (RawTemplate::new(template), mech.raw(), 0);
    call!(t.C_DeriveKey(t.handle, &mut mech, base, raw.ptr(), raw.count(), &mut key))?;
    Ok(key)
}

/// SP 800-38A sections F.1.1 and F.2.1: the ciphertext is the key.
#[test]
fn the_ciphertext_is_the_key() {
    let in_ecb = hex("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
    let in_cbc = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    with_token(|t| {
        let base = t.secret(CKK_AES, &hex(KEY_128)).unwrap();
        let plain = &hex(PLAIN)[..32];
        for (mech, value) in [(ecb(plain), in_ecb), (cbc(plain), in_cbc)] {
            for n in [16, 24, 32] {
                assert_eq!(derived(t, &mech, base, CKK_AES, n).unwrap(), value[..n]);
            }
            assert_eq!(derived(t, &mech, base, CKK_GENERIC_SECRET, 5).unwrap(), value[..5]);
            assert_eq!(derived(t, &mech, base, CKK_GENERIC_SECRET, 0).unwrap(), value);
            assert_eq!(derived(t, &mech, base, CKK_CHACHA20, 0).unwrap(), value);
            let more = derived(t, &mech, base, CKK_GENERIC_SECRET, 33);
            assert_eq!(more, Err(CKR_KEY_SIZE_RANGE));
            assert_eq!(derived(t, &mech, base, CKK_AES, 17), Err(CKR_KEY_SIZE_RANGE));
        }
    });
}

#[test]
fn data_that_cannot_be() {
    with_token(|t| {
        let base = t.secret(CKK_AES, &[1; 16]).unwrap();
        for mech in [
            ecb(&[1; 15]),
            cbc(&[1; 17]),
            Mech::new(CKM_AES_ECB_ENCRYPT_DATA),
            Mech::bytes(CKM_AES_CBC_ENCRYPT_DATA, &[0; 16]),
        ] {
            let wrong = derived(t, &mech, base, CKK_AES, 16);
            assert_eq!(wrong, Err(CKR_MECHANISM_PARAM_INVALID));
        }
        assert_eq!(derived(t, &ecb(&[]), base, CKK_GENERIC_SECRET, 0), Err(CKR_KEY_SIZE_RANGE));
    });
}

/// PKCS#11 3.2 section 6.21 as section 6.18 refers to it: without a key type the key is a generic
/// secret, without a length as long as the data, or as keys of its type are.
#[test]
fn what_a_template_leaves_out() {
    let shown = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    with_token(|t| {
        let base = t.secret(CKK_AES, &[1; 16]).unwrap();
        for mech in [ecb(&[2; 48]), cbc(&[2; 48])] {
            let made = |more: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
                let key = derive(t, &mech, base, &[&shown[..], more].concat())?;
                assert_eq!(t.ulong(key, CKA_CLASS), Ok(CKO_SECRET_KEY));
                let key_type = t.ulong(key, CKA_KEY_TYPE).unwrap();
                Ok((key_type, t.ulong(key, CKA_VALUE_LEN).unwrap()))
            };
            assert_eq!(made(&[]), Ok((CKK_GENERIC_SECRET, 48)));
            let len = attrs![CKA_VALUE_LEN => 20usize];
            assert_eq!(made(&len), Ok((CKK_GENERIC_SECRET, 20)));
            assert_eq!(made(&attrs![CKA_KEY_TYPE => CKK_CHACHA20]), Ok((CKK_CHACHA20, 32)));
            // 48 bytes are no AES key, and nobody says which of its lengths is meant
            assert_eq!(made(&attrs![CKA_KEY_TYPE => CKK_AES]), Err(CKR_KEY_SIZE_RANGE));
            let aes = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 24usize];
            assert_eq!(made(&aes), Ok((CKK_AES, 24)));
            let data = attrs![CKA_CLASS => CKO_DATA];
            assert_eq!(made(&data), Err(CKR_TEMPLATE_INCONSISTENT));
            let private = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC];
            assert_eq!(made(&private), Err(CKR_TEMPLATE_INCONSISTENT));
        }
    });
}
