//! `CKA_START_DATE` and `CKA_END_DATE`, if the configuration enforces them.
use crate::common::*;

const YESTERYEAR: &[u8] = b"20200229";
const SOME_DAY: &[u8] = b"29991231";

fn key(t: &Session, start: &[u8], end: &[u8]) -> Handle {
    let template = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_AES,
        CKA_VALUE => &[7; 16],
        CKA_ENCRYPT => true,
        CKA_WRAP => true,
        CKA_EXTRACTABLE => true,
        CKA_START_DATE => start,
        CKA_END_DATE => end,
    ];
    t.create(&template).unwrap()
}

fn encrypt(t: &Session, key: Handle) -> Rv<Vec<u8>> {
    t.encrypt(&Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), key, b"data")
}

#[test]
fn keys_outside_their_dates_are_not_used() {
    with_config("enforce_dates = true", |t| {
        let now = [(YESTERYEAR, SOME_DAY), (b"", b""), (YESTERYEAR, b""), (b"", SOME_DAY)];
        let never =
            [(SOME_DAY, SOME_DAY), (YESTERYEAR, YESTERYEAR), (SOME_DAY, b""), (b"", YESTERYEAR)];
        let usable = key(t, b"", b"");
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        for (start, end) in now {
            let key = key(t, start, end);
            encrypt(t, key).unwrap();
            t.wrap(&kwp, key, usable).unwrap();
            t.wrap(&kwp, usable, key).unwrap();
        }
        for (start, end) in never {
            let key = key(t, start, end);
            let refused = CKR_KEY_FUNCTION_NOT_PERMITTED;
            assert_eq!(encrypt(t, key), Err(refused));
            assert_eq!(t.wrap(&kwp, key, usable), Err(refused), "as a KEK");
            assert_eq!(t.wrap(&kwp, usable, key), Err(refused), "as a target");
            assert_eq!(t.wrap_len(&kwp, usable, key), Err(refused));
        }
    });
}

#[test]
fn a_key_comes_into_force_when_its_date_is_changed() {
    with_config("enforce_dates = true", |t| {
        let key = key(t, SOME_DAY, b"");
        assert_eq!(encrypt(t, key), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        t.set(key, &attrs![CKA_START_DATE => YESTERYEAR]).unwrap();
        encrypt(t, key).unwrap();
    });
}

#[test]
fn by_default_dates_are_for_the_application_to_heed() {
    with_token(|t| {
        encrypt(t, key(t, SOME_DAY, SOME_DAY)).unwrap();
        encrypt(t, key(t, b"", YESTERYEAR)).unwrap();
    });
}
