//! Keys made of the bytes of others, and that none of these ways shows a hidden key.
use crate::common::*;
use crate::derive::*;

fn data(bytes: &[u8]) -> CK_KEY_DERIVATION_STRING_DATA {
    CK_KEY_DERIVATION_STRING_DATA { pData: ptr(bytes), ulLen: len(bytes) }
}

/// The results are those of the standard's own examples, or plain to see.
#[test]
fn bytes_come_where_they_belong() {
    with_token(|t| {
        let base = t.secret(CKK_GENERIC_SECRET, &[0x01, 0x23, 0x45, 0x67]).unwrap();
        let mut other = t.secret(CKK_GENERIC_SECRET, &[0x89, 0xAB]).unwrap();
        let mut string = data(&[0x89, 0xAB]);
        let derive = |mech: &Mech, template: Template<'_>| value(t, mech, base, template).unwrap();
        let open = |len| if len == 0 { open_whole() } else { open(len) };
        let mech = with(CKM_CONCATENATE_BASE_AND_KEY, &mut other);
        assert_eq!(derive(&mech, &open(0)), hex("0123456789ab"));
        assert_eq!(derive(&mech, &open(5)), hex("0123456789"));
        let mech = with(CKM_CONCATENATE_BASE_AND_DATA, &mut string);
        assert_eq!(derive(&mech, &open(0)), hex("0123456789ab"));
        let mech = with(CKM_CONCATENATE_DATA_AND_BASE, &mut string);
        assert_eq!(derive(&mech, &open(0)), hex("89ab01234567"));
        let mech = with(CKM_XOR_BASE_AND_DATA, &mut string);
        assert_eq!(derive(&mech, &open(0)), hex("8888"));
        assert_eq!(derive(&mech, &open(1)), hex("88"));
        assert_eq!(value(t, &mech, base, &open(3)), Err(CKR_KEY_SIZE_RANGE));
    });
}

#[test]
fn bits_are_counted_from_the_front_and_go_round() {
    with_token(|t| {
        // PKCS#11 3.2, section "Extraction of one key from another key": the example
        let base = t.secret(CKK_GENERIC_SECRET, &hex("329F84A9")).unwrap();
        let extract = |mut bit: CK_ULONG, len| {
            value(t, &with(CKM_EXTRACT_KEY_FROM_KEY, &mut bit), base, &open(len))
        };
        assert_eq!(extract(21, 2).unwrap(), hex("9526"));
        assert_eq!(extract(0, 4).unwrap(), hex("329F84A9"));
        assert_eq!(extract(4, 1).unwrap(), hex("29"));
        assert_eq!(extract(31, 1).unwrap(), hex("99"));
        assert_eq!(extract(32, 1), Err(CKR_MECHANISM_PARAM_INVALID));
        assert_eq!(extract(0, 5), Err(CKR_KEY_SIZE_RANGE));
    });
}

#[test]
fn what_is_made_of_a_hidden_key_is_hidden() {
    with_token(|t| {
        let base = hidden(t, &[]).unwrap();
        let open_key = t.secret(CKK_GENERIC_SECRET, &[5; 8]).unwrap();
        let mut string = data(&[0; 32]);
        let mut handles = [base, open_key];
        let [hidden_one, open_one] = &mut handles;
        for (mech, base) in [
            (with(CKM_CONCATENATE_BASE_AND_DATA, &mut string), base),
            (with(CKM_CONCATENATE_DATA_AND_BASE, &mut string), base),
            (with(CKM_XOR_BASE_AND_DATA, &mut string), base),
            (with(CKM_CONCATENATE_BASE_AND_KEY, open_one), base),
            (with(CKM_CONCATENATE_BASE_AND_KEY, hidden_one), open_key),
        ] {
            let key = derive(t, &mech, base, &[]).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
            for cka in [attrs![CKA_SENSITIVE => false], attrs![CKA_EXTRACTABLE => true]] {
                assert_eq!(derive(t, &mech, base, &cka), Err(CKR_TEMPLATE_INCONSISTENT));
            }
            // no part of it
            for len in [1usize, 7, 31] {
                let part = derive(t, &mech, base, &attrs![CKA_VALUE_LEN => len]);
                assert_eq!(part, Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
            }
            let allowed: &[CK_ULONG] = &[CKM_EXTRACT_KEY_FROM_KEY];
            let part = derive(t, &mech, base, &attrs![CKA_ALLOWED_MECHANISMS => allowed]);
            assert_eq!(part, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        let mut short = data(&[0; 1]);
        let part = derive(t, &with(CKM_XOR_BASE_AND_DATA, &mut short), base, &[]);
        assert_eq!(part, Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        let len = attrs![CKA_VALUE_LEN => 1usize];
        let mut bit: CK_ULONG = 0;
        let extract = with(CKM_EXTRACT_KEY_FROM_KEY, &mut bit);
        assert_eq!(derive(t, &extract, base, &len), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    });
}

#[test]
fn a_hidden_key_may_allow_its_parts() {
    with_token(|t| {
        let allowed: &[CK_ULONG] = &[CKM_EXTRACT_KEY_FROM_KEY];
        let base = hidden(t, &attrs![CKA_ALLOWED_MECHANISMS => allowed]).unwrap();
        let mut bit: CK_ULONG = 128;
        let extract = with(CKM_EXTRACT_KEY_FROM_KEY, &mut bit);
        let template = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 16usize];
        let key = derive(t, &extract, base, &template).unwrap();
        assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_AES));
        assert_eq!(t.flag(key, CKA_ALWAYS_SENSITIVE), Ok(true));
        let mut string = data(&[0; 32]);
        let xor = with(CKM_XOR_BASE_AND_DATA, &mut string);
        assert_eq!(derive(t, &xor, base, &[]), Err(CKR_MECHANISM_INVALID));
    });
}

#[test]
fn other_keys_are_used_by_the_same_rules() {
    with_token(|t| {
        let base = t.secret(CKK_GENERIC_SECRET, &[1; 8]).unwrap();
        for (mut other, error) in [
            (0, CKR_KEY_HANDLE_INVALID),
            (t.rsa(2048).unwrap().1, CKR_KEY_TYPE_INCONSISTENT),
            (hidden(t, &attrs![CKA_DERIVE => false]).unwrap(), CKR_KEY_FUNCTION_NOT_PERMITTED),
        ] {
            let mech = with(CKM_CONCATENATE_BASE_AND_KEY, &mut other);
            assert_eq!(derive(t, &mech, base, &[]), Err(error));
        }
    });
}
