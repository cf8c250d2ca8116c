//! The footnotes of the standard's attribute tables (PKCS#11 3.2 section 4.2), each of them tried
//! against every class that has it: the tests walk the table that the module works by.
use crate::common::certificate::Certificate;
use crate::common::*;
use keyferry::mechanism::{MECHANISMS, Mechanism};
use keyferry::object::attribute::{Kind, name, row};
use keyferry::object::class::{Attribute, CLASSES, Class, Default, Flags, Form};

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

/// A class, and a template for `C_CreateObject` with every number that an object of it has, and as
/// open as can be.
struct Sample {
    class: &'static Class,
    template: Template,
}

/// A sample of each class that can be made, on a token that knows all of them.
fn with_samples(test: impl Fn(&Session, &Sample)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "store = 'memory:'\nlegacy = true\n").unwrap();
    with_store(&format!("config={}", file.display()), |p| {
        let session = p.token(0).unwrap();
        let mut tried = 0;
        for class in CLASSES.iter().filter(|class| !class.built_in) {
            test(&session, &Sample { class, template: template(&session, class) });
            tried += 1;
        }
        assert!(tried > 20);
    });
}

fn template(s: &Session, class: &Class) -> Template {
    match class.form {
        Form::None if class.class == CKO_CERTIFICATE => Certificate::default().template(),
        Form::None if class.class == CKO_TRUST => {
            let Certificate { issuer, serial, .. } = Certificate::default();
            attrs![CKA_CLASS => CKO_TRUST, CKA_ISSUER => issuer, CKA_SERIAL_NUMBER => serial]
                .to_vec()
        }
        Form::None => attrs![CKA_CLASS => class.class, CKA_VALUE => "note"].to_vec(),
        Form::Secret => {
            let len = *class.value_len[0].start();
            // of odd parity each, for triple DES
            let odd = (1..=255u8).filter(|byte| byte.count_ones() % 2 == 1);
            let value: Vec<u8> = odd.take(len.max(1)).collect();
            [is(class), attrs![CKA_VALUE => value].to_vec(), open(class)].concat()
        }
        _ => {
            let (public, private) = pair(s, class).unwrap();
            let from = if class.form.is_public() { public } else { private };
            let given = class.attributes().filter(|a| {
                a.cka != CKA_KEY_TYPE
                    && (a.flags.has(Flags::CREATE) || a.flags.has(Flags::MATERIAL))
            });
            let number = |a: &Attribute| Some((a.cka, Attr::Bytes(s.bytes(from, a.cka).ok()?)));
            [is(class), given.filter_map(number).collect(), open(class)].concat()
        }
    }
}

fn is(class: &Class) -> Template {
    let mut template = attrs![CKA_CLASS => class.class].to_vec();
    template.extend(class.subtype.map(|(cka, subtype)| (cka, Attr::from(subtype))));
    template
}

/// Not hidden, if it could be.
fn open(class: &Class) -> Template {
    match class.attribute(CKA_SENSITIVE) {
        Ok(_) => attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true].to_vec(),
        Err(_) => vec![],
    }
}

/// The mechanism that makes keys of the class.
fn maker(class: &Class, makes: impl Fn(&Mechanism) -> bool) -> Option<&'static Mechanism> {
    let (_, key_type) = class.subtype?;
    MECHANISMS.iter().find(|m| makes(m) && m.key_types.contains(&key_type))
}

/// What the mechanism has to be told.
fn wanted(class: &Class) -> Template {
    let (_, key_type) = class.subtype.unwrap();
    let required = class.attributes().filter(|a| a.flags.has(Flags::GENERATE));
    let value = |a: &Attribute| match (a.cka, key_type) {
        (CKA_MODULUS_BITS, _) => Attr::from(1024usize),
        (CKA_EC_PARAMS, CKK_EC) => Attr::from(keys::P256),
        (CKA_EC_PARAMS, CKK_EC_EDWARDS) => Attr::from(&[0x06, 3, 0x2B, 0x65, 0x70]),
        (CKA_EC_PARAMS, CKK_EC_MONTGOMERY) => Attr::from(&[0x06, 3, 0x2B, 0x65, 0x6E]),
        (CKA_VALUE_LEN, _) => Attr::from(*class.value_len[0].start()),
        // the first set of every family
        (CKA_PARAMETER_SET, _) => Attr::from(1usize),
        (cka, _) => panic!("the test needs a value for {}", name(cka)),
    };
    required.map(|a| (a.cka, value(a))).collect()
}

fn pair(s: &Session, class: &Class) -> Rv<(Handle, Handle)> {
    let made = maker(class, |m| m.generate_pair.is_some()).unwrap();
    let half = |wanted| CLASSES.iter().find(|c| c.class == wanted && c.subtype == class.subtype);
    let public = half(CKO_PUBLIC_KEY).unwrap();
    let private = half(CKO_PRIVATE_KEY).unwrap();
    s.generate_pair(&Mech::new(made.ckm), &wanted(public), &open(private))
}

/// Generates an object of the class with more in its template; `None` if no mechanism does.
fn generate(s: &Session, class: &Class, template: &Template) -> Option<Rv<()>> {
    let whole = [template.clone(), open(class)].concat();
    if let Some(made) = maker(class, |m| m.generate.is_some()) {
        if made.ckm == CKM_PKCS5_PBKD2 {
            return None;
        }
        let whole = [is(class), whole].concat();
        return Some(s.generate(&Mech::new(made.ckm), &whole).map(drop));
    }
    let made = maker(class, |m| m.generate_pair.is_some())?;
    let other = if class.form.is_public() { CKO_PRIVATE_KEY } else { CKO_PUBLIC_KEY };
    let other = CLASSES.iter().find(|c| c.class == other && c.subtype == class.subtype).unwrap();
    let mech = Mech::new(made.ckm);
    let outcome = match class.form.is_public() {
        true => s.generate_pair(&mech, &whole, &open(other)),
        false => s.generate_pair(&mech, &wanted(other), &whole),
    };
    Some(outcome.map(drop))
}

fn is_key(class: &Class) -> bool {
    class.form != Form::None
}

/// The template with an attribute as given, and no other of that number.
fn with(template: &Template, cka: CK_ATTRIBUTE_TYPE, value: Attr) -> Template {
    let mut all = without(template, cka);
    all.push((cka, value));
    all
}

fn without(template: &Template, cka: CK_ATTRIBUTE_TYPE) -> Template {
    template.iter().filter(|(given, _)| *given != cka).cloned().collect()
}

/// Some value, of the right kind.
fn some(cka: CK_ATTRIBUTE_TYPE) -> Attr {
    if (CKA_TRUST_SERVER_AUTH..=CKA_TRUST_OCSP_SIGNING).contains(&cka) {
        return Attr::from(CK_ULONG::from(CKT_NOT_TRUSTED));
    }
    match row(cka).unwrap().kind {
        Kind::Bool => Attr::from(true),
        Kind::Ulong => Attr::from(4097usize),
        Kind::Bytes | Kind::BigInteger | Kind::Text => Attr::from("some"),
        Kind::Date => Attr::from("20300101"),
        Kind::Ulongs => Attr::from(&[CKM_AES_GCM][..]),
        Kind::Template => Attr::from(attrs![CKA_TOKEN => true]),
    }
}

/// The attributes of the class with this footnote.
fn marked(class: &'static Class, flag: Flags) -> impl Iterator<Item = &'static Attribute> {
    class.attributes().filter(move |a| a.flags.has(flag))
}

fn told(class: &Class, cka: CK_ATTRIBUTE_TYPE) -> String {
    format!("{} of class {} {:?}", name(cka), class.class, class.subtype)
}

/// Footnote 1.
#[test]
fn required_to_create() {
    with_samples(|s, sample| {
        s.create(&sample.template).unwrap();
        let required = marked(sample.class, Flags::CREATE).map(|a| a.cka).chain([CKA_CLASS]);
        for cka in required {
            let refused = s.create(&without(&sample.template, cka));
            assert_eq!(refused, Err(CKR_TEMPLATE_INCOMPLETE), "{}", told(sample.class, cka));
        }
    });
}

/// Footnotes 2, 4 and 6 of what only the token knows: nobody gives it, whatever the function.
#[test]
fn the_tokens_own() {
    with_samples(|s, sample| {
        let kek = s.aes(16).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        let made = s.create(&sample.template).unwrap();
        for a in marked(sample.class, Flags::TOKENS_OWN) {
            let told = told(sample.class, a.cka);
            let one = [(a.cka, some(a.cka))];
            let read_only = CKR_ATTRIBUTE_READ_ONLY;
            let created = s.create(&with(&sample.template, a.cka, some(a.cka)));
            assert_eq!(created, Err(read_only), "{told}");
            assert_eq!(s.set(made, &one), Err(read_only), "{told}");
            let now = s.bytes(made, a.cka).map(Attr::Bytes).unwrap();
            assert_eq!(s.set(made, &[(a.cka, now.clone())]), Err(read_only), "{told}");
            if now != some(a.cka) {
                assert_eq!(s.copy(made, &one), Err(read_only), "{told}");
            }
            if is_key(sample.class) {
                let whole = [wanted(sample.class), one.to_vec()].concat();
                let generated = generate(s, sample.class, &whole);
                assert!(generated.is_none_or(|done| done == Err(read_only)), "{told}");
            }
            if is_key(sample.class) && !sample.class.form.is_public() {
                let whole = [is(sample.class), one.to_vec()].concat();
                let unwrapped = s.unwrap(&kwp, kek, &[0; 24], &whole);
                assert_eq!(unwrapped, Err(read_only), "{told}");
            }
        }
    });
}

/// Footnotes 2, 4 and 6 of what the function contributes.
#[test]
fn contributed_by_the_function() {
    with_samples(|s, sample| {
        let kek = s.aes(16).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        let contributed =
            |flag| marked(sample.class, flag).filter(|a| !a.flags.has(Flags::TOKENS_OWN));
        let inconsistent = CKR_TEMPLATE_INCONSISTENT;
        for a in contributed(Flags::NOT_CREATE) {
            let created = s.create(&with(&sample.template, a.cka, some(a.cka)));
            assert_eq!(created, Err(inconsistent), "{}", told(sample.class, a.cka));
        }
        for a in contributed(Flags::NOT_GENERATE) {
            let value = sample.template.iter().find(|(cka, _)| *cka == a.cka);
            let value = value.map_or_else(|| some(a.cka), |(_, value)| value.clone());
            let generated = generate(s, sample.class, &with(&wanted(sample.class), a.cka, value));
            let refused = generated.is_none_or(|done| done == Err(inconsistent));
            assert!(refused, "{}", told(sample.class, a.cka));
        }
        if sample.class.form.is_public() {
            return;
        }
        for a in contributed(Flags::MATERIAL) {
            let whole = with(&is(sample.class), a.cka, some(a.cka));
            let unwrapped = s.unwrap(&kwp, kek, &[0; 24], &whole);
            assert_eq!(unwrapped, Err(inconsistent), "{}", told(sample.class, a.cka));
        }
    });
}

/// Footnotes 3 and 5.
#[test]
fn required_to_generate_and_unwrap() {
    with_samples(|s, sample| {
        if !is_key(sample.class) {
            return;
        }
        // a length that is the only one is not asked for
        let fixed = matches!(sample.class.value_len, [only] if only.start() == only.end());
        for a in marked(sample.class, Flags::GENERATE) {
            if fixed && a.cka == CKA_VALUE_LEN {
                continue;
            }
            let generated = generate(s, sample.class, &without(&wanted(sample.class), a.cka));
            let refused = generated.is_none_or(|done| done == Err(CKR_TEMPLATE_INCOMPLETE));
            assert!(refused, "{}", told(sample.class, a.cka));
        }
        let kek = s.aes(16).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        for cka in marked(sample.class, Flags::UNWRAP).map(|a| a.cka) {
            let unwrapped = s.unwrap(&kwp, kek, &[0; 24], &without(&is(sample.class), cka));
            assert_eq!(unwrapped, Err(CKR_TEMPLATE_INCOMPLETE), "{}", told(sample.class, cka));
        }
    });
}

/// Footnote 7.
#[test]
fn material_is_hidden() {
    with_samples(|s, sample| {
        for (sensitive, extractable) in [(true, true), (true, false), (false, false), (false, true)]
        {
            if marked(sample.class, Flags::MATERIAL).next().is_none() {
                continue;
            }
            let hidden = with(&sample.template, CKA_SENSITIVE, Attr::from(sensitive));
            let hidden = with(&hidden, CKA_EXTRACTABLE, Attr::from(extractable));
            let made = s.create(&hidden).unwrap();
            for a in marked(sample.class, Flags::MATERIAL) {
                let told = told(sample.class, a.cka);
                let value = s.bytes(made, a.cka);
                let given = sample.template.iter().find(|(cka, _)| *cka == a.cka);
                match given.filter(|_| !sensitive && extractable) {
                    Some((_, given)) => assert_eq!(value.map(Attr::Bytes).as_ref(), Ok(given)),
                    None => assert_eq!(value, Err(CKR_ATTRIBUTE_SENSITIVE), "{told}"),
                }
            }
        }
    });
}

/// Footnote 8: what has it can be set, what has not cannot, not even to what it is.
#[test]
fn modifiable_or_not() {
    /// They follow from the key or the certificate, and tests of their own.
    const FOLLOW: [CK_ULONG; 4] =
        [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_ISSUER, CKA_SERIAL_NUMBER];
    with_samples(|s, sample| {
        for a in sample.class.attributes().filter(|a| !a.flags.has(Flags::TOKENS_OWN)) {
            let made = s.create(&sample.template).unwrap();
            let told = told(sample.class, a.cka);
            let nested = row(a.cka).unwrap().kind == Kind::Template;
            let now = match s.bytes(made, a.cka) {
                Ok(bytes) if !nested => Attr::Bytes(bytes),
                _ => some(a.cka),
            };
            let set = s.set(made, &[(a.cka, now.clone())]);
            if !a.flags.has(Flags::MODIFIABLE) {
                assert_eq!(set, Err(CKR_ATTRIBUTE_READ_ONLY), "{told}");
                continue;
            }
            assert_eq!(set, Ok(()), "{told}");
            if FOLLOW.contains(&a.cka) || a.flags.has(Flags::SO_ONLY) {
                continue;
            }
            let new = match &now {
                Attr::Bytes(flag) if row(a.cka).unwrap().kind == Kind::Bool => {
                    Attr::from(flag[0] == CK_FALSE)
                }
                _ => some(a.cka),
            };
            assert_eq!(s.set(made, &[(a.cka, new.clone())]), Ok(()), "{told}");
            assert_eq!(s.bytes(made, a.cka).map(Attr::Bytes), Ok(new), "{told}");
        }
    });
}

/// Footnote 10.
#[test]
fn trust_is_the_sos() {
    with_samples(|s, sample| {
        let made = s.create(&sample.template).unwrap();
        for a in marked(sample.class, Flags::SO_ONLY) {
            let told = told(sample.class, a.cka);
            let yes = attrs![a.cka => true];
            let read_only = CKR_ATTRIBUTE_READ_ONLY;
            let created = s.create(&with(&sample.template, a.cka, Attr::from(true)));
            assert_eq!(created, Err(read_only), "{told}");
            assert_eq!(s.set(made, &yes), Err(read_only), "{told}");
            assert_eq!(s.copy(made, &yes), Err(read_only), "{told}");
            let public = sample.class.class == CKO_CERTIFICATE;
            if !public {
                let whole = [wanted(sample.class), yes.to_vec()].concat();
                let generated = generate(s, sample.class, &whole);
                assert!(generated.is_none_or(|done| done == Err(read_only)), "{told}");
            }
        }
    });
}

/// Footnotes 11 and 12.
#[test]
fn what_sticks_sticks() {
    with_samples(|s, sample| {
        for (flag, stuck) in [(Flags::STAYS_TRUE, true), (Flags::STAYS_FALSE, false)] {
            for a in marked(sample.class, flag) {
                let told = told(sample.class, a.cka);
                let made = s.create(&with(&sample.template, a.cka, Attr::from(stuck))).unwrap();
                let back = attrs![a.cka => !stuck];
                let set = match a.cka {
                    CKA_MODIFIABLE => CKR_ACTION_PROHIBITED,
                    _ => CKR_ATTRIBUTE_READ_ONLY,
                };
                assert_eq!(s.set(made, &back), Err(set), "{told}");
                let copied = match a.cka {
                    CKA_COPYABLE => CKR_ACTION_PROHIBITED,
                    _ => CKR_TEMPLATE_INCONSISTENT,
                };
                assert_eq!(s.copy(made, &back), Err(copied), "{told}");
                assert_eq!(s.flag(made, a.cka), Ok(stuck), "{told}");
            }
        }
    });
}

/// What an attribute is if nobody says.
#[test]
fn defaults() {
    with_samples(|s, sample| {
        let made = s.create(&sample.template).unwrap();
        let unsaid = |a: &&Attribute| sample.template.iter().all(|(cka, _)| *cka != a.cka);
        for a in sample.class.attributes().filter(unsaid) {
            let told = told(sample.class, a.cka);
            let expected = match a.default {
                Default::Bool(value) => Attr::from(value),
                Default::Ability => Attr::from(sample.class.can.contains(&a.cka)),
                Default::OfUser => Attr::from(true),
                Default::Ulong(number) => Attr::from(number),
                // a certificate says what its key is
                Default::Empty if a.cka == CKA_PUBLIC_KEY_INFO => continue,
                Default::Empty => Attr::from(""),
                Default::Bytes(_) | Default::Unwrapped(_) | Default::Absent => continue,
            };
            assert_eq!(s.bytes(made, a.cka).map(Attr::Bytes), Ok(expected), "{told}");
        }
    });
}

/// Attributes of other classes are none of this one.
#[test]
fn attributes_of_others() {
    with_samples(|s, sample| {
        let made = s.create(&sample.template).unwrap();
        let denied = [CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_VERIFY];
        for cka in
            [CKA_APPLICATION, CKA_URL, CKA_MODULUS, CKA_PROFILE_ID, CKA_OTP_COUNTER, CKA_PRIME]
                .into_iter()
                .chain(denied)
                .filter(|cka| sample.class.attribute(*cka).is_err())
        {
            let told = told(sample.class, cka);
            let invalid = CKR_ATTRIBUTE_TYPE_INVALID;
            assert_eq!(s.bytes(made, cka), Err(invalid), "{told}");
            assert_eq!(s.set(made, &[(cka, some(cka))]), Err(invalid), "{told}");
            assert_eq!(s.copy(made, &[(cka, some(cka))]), Err(invalid), "{told}");
            let created = s.create(&with(&sample.template, cka, some(cka)));
            assert_eq!(created, Err(invalid), "{told}");
        }
    });
}
