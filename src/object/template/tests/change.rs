//! `C_SetAttributeValue` and `C_CopyObject`.
use super::*;

#[test]
fn changes_follow_the_footnotes() {
    let key = generate_aes(template([yes(CKA_EXTRACTABLE), no(CKA_SENSITIVE)])).unwrap();
    let changed = |pairs| change(&key, template([pairs]));
    for allowed in [
        bytes(CKA_LABEL, b"x"),
        yes(CKA_SENSITIVE),
        no(CKA_EXTRACTABLE),
        no(CKA_ENCRYPT),
        yes(CKA_TRUSTED),
    ] {
        assert_eq!(changed(allowed.clone()), Ok(template([allowed])));
    }
    for fixed in [
        yes(CKA_TOKEN),
        no(CKA_PRIVATE),
        no(CKA_MODIFIABLE),
        bytes(CKA_VALUE, &[0; 16]),
        yes(CKA_LOCAL),
    ] {
        assert_eq!(changed(fixed), Err(Error::AttributeReadOnly));
    }
    assert_eq!(changed(bytes(CKA_MODULUS, &[1])), Err(Error::AttributeTypeInvalid));
}

#[test]
fn what_sticks_stays() {
    let safe = generate_aes(template([
        yes(CKA_SENSITIVE),
        yes(CKA_WRAP_WITH_TRUSTED),
        no(CKA_COPYABLE),
        no(CKA_DESTROYABLE),
    ]))
    .unwrap();
    for stuck in [
        no(CKA_SENSITIVE),
        yes(CKA_EXTRACTABLE),
        no(CKA_WRAP_WITH_TRUSTED),
        yes(CKA_COPYABLE),
        yes(CKA_DESTROYABLE),
    ] {
        assert_eq!(change(&safe, template([stuck])), Err(Error::AttributeReadOnly));
    }
    let frozen = generate_aes(template([no(CKA_MODIFIABLE)])).unwrap();
    assert_eq!(change(&frozen, template([bytes(CKA_LABEL, b"x")])), Err(Error::ActionProhibited));
}

#[test]
fn a_copy_is_never_more_powerful_than_its_original() {
    let safe = generate_aes(template([yes(CKA_SENSITIVE), no(CKA_ENCRYPT)])).unwrap();
    for more in [no(CKA_SENSITIVE), yes(CKA_EXTRACTABLE), no(CKA_PRIVATE)] {
        assert_eq!(copy(&safe, template([more])).unwrap_err(), Error::TemplateInconsistent);
    }
    for fixed in [
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        bytes(CKA_VALUE, &[1; 16]),
        yes(CKA_NEVER_EXTRACTABLE),
    ] {
        let answer = copy(&safe, template([fixed.clone()]));
        match fixed.0 {
            CKA_NEVER_EXTRACTABLE => assert!(answer.is_ok(), "no change"),
            _ => assert_eq!(answer.unwrap_err(), Error::AttributeReadOnly),
        }
    }
    let frozen = generate_aes(template([no(CKA_MODIFIABLE), no(CKA_DECRYPT)])).unwrap();
    assert_eq!(copy(&frozen, template([yes(CKA_DECRYPT)])).unwrap_err(), Error::AttributeReadOnly);
    assert_eq!(
        copy(&frozen, template([yes(CKA_MODIFIABLE)])).unwrap_err(),
        Error::TemplateInconsistent
    );
    assert!(copy(&frozen, template([yes(CKA_TOKEN)])).unwrap().is_token());
    let single = generate_aes(template([no(CKA_COPYABLE)])).unwrap();
    assert_eq!(copy(&single, NONE).unwrap_err(), Error::ActionProhibited);
}

#[test]
fn a_copy_has_the_key_and_its_past() {
    let open = generate_aes(template([yes(CKA_EXTRACTABLE), no(CKA_SENSITIVE)])).unwrap();
    let copied =
        copy(&open, template([no(CKA_EXTRACTABLE), yes(CKA_SENSITIVE), bytes(CKA_LABEL, b"c")]))
            .unwrap();
    assert!(
        !copied.is(CKA_NEVER_EXTRACTABLE)
            && !copied.is(CKA_ALWAYS_SENSITIVE)
            && copied.is(CKA_LOCAL)
    );
    assert_eq!(copied.material(), open.material());
    assert!(copied.is_verified());
    let doubtful = Object::stored(open.attributes().clone(), None, false);
    assert!(!copy(&doubtful, NONE).unwrap().is_verified());
}

/// A KEK with a template that hides what it unwraps, and more.
fn bound_kek<const N: usize>(more: [(CK_ATTRIBUTE_TYPE, Value); N]) -> Object {
    let rule = template([yes(CKA_SENSITIVE), no(CKA_SIGN), no(CKA_VERIFY)]);
    let rule = template([(CKA_UNWRAP_TEMPLATE, Value::Template(rule))]);
    generate_aes(with(rule, more)).unwrap()
}

#[test]
fn a_usage_that_evades_a_template_stays_off() {
    let kek = bound_kek([no(CKA_VERIFY), no(CKA_WRAP)]);
    for usage in [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_DERIVE, CKA_VERIFY] {
        assert_eq!(change(&kek, template([yes(usage)])), Err(Error::AttributeReadOnly));
        let copied = copy(&kek, template([yes(usage)]));
        assert_eq!(copied.unwrap_err(), Error::TemplateInconsistent);
    }
    assert!(change(&kek, template([yes(CKA_WRAP)])).is_ok());
    // one that was asked for is not turned on
    let asked = bound_kek([yes(CKA_DECRYPT)]);
    assert!(change(&asked, template([yes(CKA_DECRYPT), bytes(CKA_LABEL, b"x")])).is_ok());
}
