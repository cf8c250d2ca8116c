//! Drafts and finished objects; changes and copies are in `change`.
mod change;

use super::{draft as draft_as, *};
use crate::crypto::{ec as curves, hash::Hash};
use crate::object::Object;
use crate::object::attribute::{Value, row};
use crate::object::class::{CLASSES, Default};

const NONE: Attributes = Attributes::new();
const GENERATE: Origin = Origin::Generate(CKM_AES_KEY_GEN);

/// The draft of a user's object.
fn draft(origin: Origin, template: Attributes, implied: Attributes) -> Result<Draft> {
    draft_as(origin, template, implied, Login::User)
}
fn yes(cka: CK_ATTRIBUTE_TYPE) -> (CK_ATTRIBUTE_TYPE, Value) {
    (cka, Value::Bool(true))
}
fn no(cka: CK_ATTRIBUTE_TYPE) -> (CK_ATTRIBUTE_TYPE, Value) {
    (cka, Value::Bool(false))
}
fn number(cka: CK_ATTRIBUTE_TYPE, n: CK_ULONG) -> (CK_ATTRIBUTE_TYPE, Value) {
    (cka, Value::Ulong(n))
}
fn bytes(cka: CK_ATTRIBUTE_TYPE, bytes: &[u8]) -> (CK_ATTRIBUTE_TYPE, Value) {
    (cka, Value::bytes(bytes))
}
fn template<const N: usize>(pairs: [(CK_ATTRIBUTE_TYPE, Value); N]) -> Attributes {
    pairs.into_iter().collect()
}
fn with<const N: usize>(
    mut base: Attributes,
    pairs: [(CK_ATTRIBUTE_TYPE, Value); N],
) -> Attributes {
    base.extend(template(pairs));
    base
}
fn is(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Attributes {
    template([number(CKA_CLASS, class), number(CKA_KEY_TYPE, key_type)])
}
fn aes() -> Attributes {
    is(CKO_SECRET_KEY, CKK_AES)
}
fn create(template: Attributes) -> Result<Object> {
    draft(Origin::Create, template, NONE)?.finish(NONE)
}
fn unwrap(template: Attributes, contributed: Attributes) -> Result<Object> {
    draft(Origin::Unwrap, template, NONE)?.finish(contributed)
}
fn generate_aes(template: Attributes) -> Result<Object> {
    let template = with(template, [number(CKA_VALUE_LEN, 16)]);
    draft(GENERATE, template, aes())?.finish(self::template([bytes(CKA_VALUE, &[1; 16])]))
}
/// The numbers of a fresh pair, as its objects have them.
fn ec_pair(curve: curves::Curve) -> (Attributes, Attributes) {
    let Pair { public, private } =
        encode::ec_pair(curves::PrivateKey::generate(curve).unwrap()).unwrap();
    let template =
        template([(CKA_EC_PARAMS, Value::bytes(&der::Encode::to_der(&curve.oid()).unwrap()))]);
    let key = |class, template, contributed| {
        draft(GENERATE, template, is(class, CKK_EC)).unwrap().finish(contributed).unwrap()
    };
    let public = key(CKO_PUBLIC_KEY, template, public);
    let private = key(CKO_PRIVATE_KEY, NONE, private);
    let numbers = |object: &Object, ckas: &[CK_ATTRIBUTE_TYPE]| {
        let material = object.material().unwrap().cloned().unwrap_or_default();
        let all = object.attributes().iter().chain(material.iter());
        all.filter(|(cka, _)| ckas.contains(cka)).map(|(cka, value)| (cka, value.clone())).collect()
    };
    (
        numbers(&public, &[CKA_EC_PARAMS, CKA_EC_POINT]),
        numbers(&private, &[CKA_EC_PARAMS, CKA_EC_POINT, CKA_VALUE]),
    )
}

#[test]
fn a_template_says_what_it_is_and_does_not_contradict_the_mechanism() {
    let refused = |template, implied| draft(Origin::Create, template, implied).unwrap_err();
    assert_eq!(refused(NONE, NONE), Error::TemplateIncomplete);
    assert_eq!(
        refused(template([number(CKA_CLASS, CKO_SECRET_KEY)]), NONE),
        Error::TemplateIncomplete
    );
    assert_eq!(refused(template([number(CKA_CLASS, 0x99)]), NONE), Error::AttributeValueInvalid);
    assert_eq!(refused(is(CKO_SECRET_KEY, CKK_IDEA), NONE), Error::AttributeValueInvalid);
    assert_eq!(refused(is(CKO_PUBLIC_KEY, CKK_AES), NONE), Error::AttributeValueInvalid);
    assert_eq!(refused(aes(), is(CKO_SECRET_KEY, CKK_GENERIC_SECRET)), Error::TemplateInconsistent);
    assert!(draft(GENERATE, with(aes(), [number(CKA_VALUE_LEN, 32)]), aes()).is_ok());
}

#[test]
fn every_required_attribute_is_missed() {
    for class in CLASSES {
        for (origin, flag) in [
            (Origin::Create, Flags::CREATE),
            (GENERATE, Flags::GENERATE),
            (Origin::Unwrap, Flags::UNWRAP),
        ] {
            let mut bare = template([number(CKA_CLASS, class.class)]);
            bare.extend(class.subtype.map(|(cka, n)| number(cka, n)).into_iter().collect());
            let misses = class.attributes().any(|a| a.flags.has(flag) && !bare.has(a.cka));
            if misses && (origin != Origin::Unwrap || class.class != CKO_PUBLIC_KEY) {
                assert_eq!(
                    draft(origin, bare, NONE).unwrap_err(),
                    Error::TemplateIncomplete,
                    "{class:?}"
                );
            }
        }
    }
}

#[test]
fn the_tokens_own_attributes_are_read_only_everywhere() {
    for class in CLASSES {
        for own in class.attributes().filter(|a| a.flags.has(Flags::TOKENS_OWN)) {
            for origin in [Origin::Create, GENERATE, Origin::Unwrap] {
                assert_eq!(origin.admit(own), Err(Error::AttributeReadOnly), "{:?}", row(own.cka));
            }
        }
    }
    let key = with(aes(), [bytes(CKA_VALUE, &[0; 16]), no(CKA_LOCAL)]);
    assert_eq!(create(key).unwrap_err(), Error::AttributeReadOnly);
}

#[test]
fn attributes_of_other_classes_are_refused() {
    let key = with(aes(), [bytes(CKA_VALUE, &[0; 16])]);
    for foreign in [bytes(CKA_MODULUS, &[1]), bytes(CKA_SUBJECT, &[]), yes(CKA_SIGN_RECOVER)] {
        assert_eq!(create(with(key.clone(), [foreign])).unwrap_err(), Error::AttributeTypeInvalid);
    }
}

/// python-pkcs11's `unwrap_key` sends every usage attribute for every key.
#[test]
fn what_a_key_cannot_do_may_be_denied() {
    let public = with(
        is(CKO_PUBLIC_KEY, CKK_RSA),
        [bytes(CKA_MODULUS, &[1; 128]), bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])],
    );
    let denies = with(public.clone(), [no(CKA_SIGN), no(CKA_DECRYPT)]);
    let drafted = draft(Origin::Create, denies, NONE).unwrap();
    assert!(!drafted.attributes.has(CKA_SIGN) && !drafted.attributes.has(CKA_DECRYPT));
    let claims = with(public, [yes(CKA_SIGN)]);
    let note = template([number(CKA_CLASS, CKO_DATA), no(CKA_ENCRYPT)]);
    for refused in [claims, note] {
        assert_eq!(draft(Origin::Create, refused, NONE).unwrap_err(), Error::AttributeTypeInvalid);
    }
}

#[test]
fn what_the_mechanism_makes_is_not_for_the_template() {
    let value = with(aes(), [bytes(CKA_VALUE, &[0; 16]), number(CKA_VALUE_LEN, 16)]);
    assert_eq!(draft(GENERATE, value.clone(), NONE).unwrap_err(), Error::TemplateInconsistent);
    assert_eq!(draft(Origin::Unwrap, value, NONE).unwrap_err(), Error::TemplateInconsistent);
    let rsa = with(is(CKO_PUBLIC_KEY, CKK_RSA), [number(CKA_MODULUS_BITS, 2048)]);
    let draft_of = |pairs| draft(GENERATE, with(rsa.clone(), [pairs]), NONE);
    assert_eq!(draft_of(bytes(CKA_MODULUS, &[1])).unwrap_err(), Error::TemplateInconsistent);
    let default = draft(GENERATE, rsa.clone(), NONE).unwrap();
    assert_eq!(default.attributes.bytes(CKA_PUBLIC_EXPONENT), Some(&[1, 0, 1][..]));
    let three = draft_of(bytes(CKA_PUBLIC_EXPONENT, &[3])).unwrap();
    assert_eq!(three.attributes.bytes(CKA_PUBLIC_EXPONENT), Some(&[3][..]));
}

#[test]
fn lengths_of_secret_keys_are_those_of_their_type() {
    for len in [0, 15, 17, 33, 64] {
        let asked = with(aes(), [number(CKA_VALUE_LEN, len)]);
        assert_eq!(draft(GENERATE, asked, NONE).unwrap_err(), Error::KeySizeRange);
        let value = vec![1; usize::try_from(len).unwrap()];
        let given = with(aes(), [bytes(CKA_VALUE, &value)]);
        assert_eq!(create(given).unwrap_err(), Error::AttributeValueInvalid);
        let wrapped = template([bytes(CKA_VALUE, &value)]);
        assert_eq!(unwrap(aes(), wrapped).unwrap_err(), Error::WrappedKeyInvalid);
    }
    let hmac = is(CKO_SECRET_KEY, CKK_SHA256_HMAC);
    assert!(create(with(hmac.clone(), [bytes(CKA_VALUE, &[1])])).is_ok());
    assert_eq!(
        create(with(hmac, [bytes(CKA_VALUE, &[])])).unwrap_err(),
        Error::AttributeValueInvalid
    );
}

#[test]
fn origin_decides_what_is_known_of_a_keys_past() {
    type Facts = [bool; 5];
    let facts = |key: &Object| -> Facts {
        [CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE]
            .map(|cka| key.attributes().flag(cka).unwrap())
    };
    let value = || template([bytes(CKA_VALUE, &[1; 16])]);
    let made = generate_aes(template([yes(CKA_SENSITIVE)])).unwrap();
    assert_eq!(facts(&made), [true, false, true, true, true]);
    let bare = generate_aes(NONE).unwrap();
    assert_eq!(facts(&bare), [false, false, true, false, true]);
    assert_eq!(made.attributes().ulong(CKA_KEY_GEN_MECHANISM), Some(CKM_AES_KEY_GEN));
    let open = generate_aes(template([yes(CKA_EXTRACTABLE)])).unwrap();
    assert_eq!(facts(&open), [false, true, true, false, false]);
    let created = create(with(aes(), [bytes(CKA_VALUE, &[1; 16])])).unwrap();
    assert_eq!(facts(&created), [false, false, false, false, false]);
    let unwrapped = unwrap(aes(), value()).unwrap();
    assert_eq!(facts(&unwrapped), [false, true, false, false, false]);
    assert_eq!(
        unwrapped.attributes().ulong(CKA_KEY_GEN_MECHANISM),
        Some(CK_UNAVAILABLE_INFORMATION)
    );
    let kept = unwrap(with(aes(), [no(CKA_EXTRACTABLE)]), value()).unwrap();
    assert_eq!(facts(&kept), [false, false, false, false, false]);
    let origin = Origin::Derive { always_sensitive: true, never_extractable: false };
    let derived = |template| draft(origin, template, NONE).unwrap().finish(value()).unwrap();
    assert_eq!(facts(&derived(aes())), [false, false, false, false, false]);
    let hidden = derived(with(aes(), [yes(CKA_SENSITIVE)]));
    assert_eq!(facts(&hidden), [true, false, false, true, false]);
}

/// Sections 4.4.1, 4.7 and 4.10, and what is this token's choice.
#[test]
fn defaults_are_those_of_the_standard() {
    let flag = |class, key_type, login, cka| {
        let template = is(class, key_type);
        let draft = draft_as(Origin::Unwrap, template, NONE, login).unwrap();
        draft.attributes.flag(cka)
    };
    for login in [Login::Public, Login::User, Login::So] {
        let private = Some(login == Login::User);
        for (class, key_type, sensitive) in
            [(CKO_SECRET_KEY, CKK_AES, false), (CKO_PRIVATE_KEY, CKK_EC, true)]
        {
            assert_eq!(flag(class, key_type, login, CKA_PRIVATE), private);
            assert_eq!(flag(class, key_type, login, CKA_SENSITIVE), Some(sensitive));
            assert_eq!(flag(class, key_type, login, CKA_DERIVE), Some(false));
        }
    }
    // a key that asks for a login each time is the user's
    let each = with(is(CKO_PRIVATE_KEY, CKK_EC), [yes(CKA_ALWAYS_AUTHENTICATE)]);
    let drafted = draft_as(Origin::Unwrap, each, NONE, Login::Public).unwrap();
    assert_eq!(drafted.attributes.flag(CKA_PRIVATE), Some(true));
}

#[test]
fn usage_left_out_is_what_the_type_can_do_and_usage_given_is_kept() {
    let public = with(is(CKO_PUBLIC_KEY, CKK_RSA), [number(CKA_MODULUS_BITS, 2048), no(CKA_WRAP)]);
    let public = draft(GENERATE, public, NONE).unwrap().attributes;
    for (cka, value) in [
        (CKA_VERIFY, true),
        (CKA_ENCRYPT, true),
        (CKA_VERIFY_RECOVER, true),
        (CKA_WRAP, false),
        (CKA_DERIVE, false),
    ] {
        assert_eq!(public.flag(cka), Some(value));
    }
    let (_, numbers) = ec_pair(curves::Curve::P256);
    let ec = unwrap(with(is(CKO_PRIVATE_KEY, CKK_EC), [yes(CKA_DECRYPT)]), numbers).unwrap();
    for (cka, value) in
        [(CKA_SIGN, true), (CKA_DERIVE, false), (CKA_DECRYPT, true), (CKA_UNWRAP, false)]
    {
        assert_eq!(ec.attributes().flag(cka), Some(value));
    }
    for class in CLASSES {
        assert_eq!(class.can.is_empty(), class.form == Form::None);
        assert!(class.attributes().any(|a| a.default == Default::Bool(true)));
    }
}

#[test]
fn a_secret_key_knows_its_length_and_check_value() {
    let key = generate_aes(NONE).unwrap();
    assert_eq!(key.attributes().ulong(CKA_VALUE_LEN), Some(16));
    assert_eq!(key.attributes().bytes(CKA_CHECK_VALUE).unwrap().len(), 3);
    // FIPS 197 has no block of zeros; AES-128 of one under a key of zeros is 66e94bd4...
    let zeros = create(with(aes(), [bytes(CKA_VALUE, &[0; 16])])).unwrap();
    assert_eq!(zeros.attributes().bytes(CKA_CHECK_VALUE), Some(&[0x66, 0xe9, 0x4b][..]));
    let generic = with(is(CKO_SECRET_KEY, CKK_GENERIC_SECRET), [bytes(CKA_VALUE, b"abc")]);
    let abc = create(generic.clone()).unwrap();
    assert_eq!(abc.attributes().bytes(CKA_CHECK_VALUE), Some(&Hash::Sha1.digest(b"abc")[..3]));
    let none = create(with(generic.clone(), [bytes(CKA_CHECK_VALUE, &[])])).unwrap();
    assert_eq!(none.attributes().bytes(CKA_CHECK_VALUE), Some(&[][..]));
    let wrong = with(generic, [bytes(CKA_CHECK_VALUE, &[1, 2, 3])]);
    assert_eq!(create(wrong).unwrap_err(), Error::AttributeValueInvalid);
}

#[test]
fn what_an_unwrap_template_says_of_the_key_must_be_true() {
    let value = || template([bytes(CKA_VALUE, &[1; 16])]);
    assert!(unwrap(with(aes(), [number(CKA_VALUE_LEN, 16)]), value()).is_ok());
    let longer = with(aes(), [number(CKA_VALUE_LEN, 32)]);
    assert_eq!(unwrap(longer, value()).unwrap_err(), Error::WrappedKeyLenRange);
    let (_, numbers) = ec_pair(curves::Curve::P384);
    let ec = |curve: curves::Curve| {
        with(
            is(CKO_PRIVATE_KEY, CKK_EC),
            [(CKA_EC_PARAMS, Value::bytes(&der::Encode::to_der(&curve.oid()).unwrap()))],
        )
    };
    assert!(unwrap(ec(curves::Curve::P384), numbers.clone()).is_ok());
    assert_eq!(unwrap(ec(curves::Curve::P256), numbers).unwrap_err(), Error::TemplateInconsistent);
    let public = is(CKO_PUBLIC_KEY, CKK_EC);
    assert_eq!(draft(Origin::Unwrap, public, NONE).unwrap_err(), Error::TemplateInconsistent);
}

#[test]
fn points_come_with_and_without_octet_string_and_must_be_on_the_curve() {
    let (public, private) = ec_pair(curves::Curve::P521);
    let ec = |class, numbers: &Attributes| with_all(is(class, CKK_EC), numbers);
    let wrapped = public.bytes(CKA_EC_POINT).unwrap();
    let raw = &wrapped[3..];
    assert_eq!(raw[0], 4);
    let key = create(with(ec(CKO_PUBLIC_KEY, &public), [bytes(CKA_EC_POINT, raw)])).unwrap();
    assert_eq!(key.attributes().bytes(CKA_EC_POINT), Some(wrapped));
    let mut off = raw.to_vec();
    off[100] ^= 1;
    let off = with(ec(CKO_PUBLIC_KEY, &public), [bytes(CKA_EC_POINT, &off)]);
    assert_eq!(create(off).unwrap_err(), Error::AttributeValueInvalid);
    let (foreign, _) = ec_pair(curves::Curve::P521);
    let foreign = with_all(ec(CKO_PRIVATE_KEY, &private), &foreign);
    assert_eq!(create(foreign).unwrap_err(), Error::AttributeValueInvalid);
    let unknown = with(ec(CKO_PUBLIC_KEY, &public), [bytes(CKA_EC_PARAMS, &[6, 3, 43, 101, 112])]);
    assert_eq!(create(unknown).unwrap_err(), Error::CurveNotSupported);
}

fn with_all(mut base: Attributes, more: &Attributes) -> Attributes {
    base.extend(more.clone());
    base
}

#[test]
fn certificates_have_a_value_or_a_url() {
    let bare = template([
        number(CKA_CLASS, CKO_CERTIFICATE),
        number(CKA_CERTIFICATE_TYPE, CKC_X_509),
        bytes(CKA_SUBJECT, &[0x30, 0]),
    ]);
    assert_eq!(create(bare.clone()).unwrap_err(), Error::TemplateIncomplete);
    let garbage = with(bare.clone(), [bytes(CKA_VALUE, b"abc")]);
    assert_eq!(create(garbage).unwrap_err(), Error::AttributeValueInvalid);
    let elsewhere = [
        bytes(CKA_URL, b"https://example.com"),
        bytes(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, &[1; 20]),
        bytes(CKA_HASH_OF_ISSUER_PUBLIC_KEY, &[2; 20]),
    ];
    let certificate = create(with(bare, elsewhere)).unwrap();
    assert!(!certificate.is_private());
}

#[test]
fn objects_have_names_of_their_own() {
    let id = |object: &Object| object.attributes().bytes(CKA_UNIQUE_ID).unwrap().to_vec();
    let data = create(template([number(CKA_CLASS, CKO_DATA)])).unwrap();
    let copied = copy(&data, NONE).unwrap();
    assert_ne!(id(&data), id(&copied));
    let text = String::from_utf8(id(&data)).unwrap();
    assert_eq!((text.len(), &text[14..15], text.matches('-').count()), (36, "4", 4));
}
