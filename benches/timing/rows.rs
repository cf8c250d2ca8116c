//! The rows: two classes of input each, which the caller must not be able to tell apart by time.
use crate::blocks::{Oaep, Pkcs1, SIZE, oaep, pkcs1, pkcs1_any, pkcs1_wrong};
use crate::common::{Handle, Mech, RawTemplate, Rv, attrs, call};
use crate::driver::{Module, Session};
use keyferry::ck::*;
use keyferry::crypto::rsa::PublicKey;
use keyferry::crypto::{aes_kw, random};
use std::cell::RefCell;
use std::path::Path;

/// A module with a 2048-bit key pair, whose public half is here too: it makes the ciphertexts.
pub struct Target {
    session: Session,
    private: Handle,
    public: PublicKey,
}

/// Two classes, and the call that gets an input of either.
pub struct Row<'a> {
    pub name: String,
    pub classes: [Class<'a>; 2],
    pub call: Call<'a>,
    session: Session,
}

/// Gives an input to the module; answers the object that came of it.
pub type Call<'a> = Box<dyn Fn(&[u8]) -> Rv<Option<Handle>> + 'a>;

/// Makes inputs, and what the call answers to them.
pub struct Class<'a> {
    pub make: Box<dyn Fn() -> Vec<u8> + 'a>,
    pub answer: Rv<()>,
}

impl Row<'_> {
    /// Removes what a call made.
    pub fn destroy(&self, object: Handle) {
        self.session.destroy(object).unwrap();
    }
}

impl Target {
    pub fn new(path: &Path) -> Target {
        let module = Module::load(path).unwrap();
        module.initialize(Some("memory:"), 0).unwrap();
        module.init_token(0, b"so-pin-12345", "timing").unwrap();
        let session = module.open(0).unwrap();
        session.login(CKU_SO, b"so-pin-12345").unwrap();
        session.init_pin(b"user-pin-123").unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, b"user-pin-123").unwrap();
        let mut public = RawTemplate::new(&attrs![
            CKA_MODULUS_BITS => 8 * SIZE, CKA_TOKEN => false, CKA_WRAP => true
        ]);
        let mut private = RawTemplate::new(&attrs![
            CKA_TOKEN => false, CKA_DECRYPT => true, CKA_UNWRAP => true
        ]);
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let pair = session.generate_pair(&mech, &mut public, &mut private).unwrap();
        let (n, e) =
            (session.bytes(pair.0, CKA_MODULUS), session.bytes(pair.0, CKA_PUBLIC_EXPONENT));
        let public = PublicKey::new(&n.unwrap(), &e.unwrap()).unwrap();
        Target { session, private: pair.1, public }
    }

    /// Inputs whose block is `make`'s.
    fn class(&self, answer: Rv<()>, make: impl Fn() -> Vec<u8> + 'static) -> Class<'_> {
        Class { make: Box::new(move || self.public.raw(&make()).unwrap()), answer }
    }

    /// A blob of `CKM_RSA_AES_KEY_WRAP`: a block, and the key part under the AES key.
    fn blob(&self, fault: Oaep, key_part: KeyPart) -> Class<'_> {
        let answer = match (fault, key_part) {
            (Oaep::Nothing, KeyPart::Right) => Ok(()),
            _ => Err(CKR_WRAPPED_KEY_INVALID),
        };
        let make = move || {
            let aes = random(32).unwrap();
            let mut wrapped = aes_kw::kwp_wrap(&aes, None, &random(32).unwrap()).unwrap();
            if key_part == KeyPart::Damaged {
                wrapped[random(1).unwrap()[0] as usize % 40] ^= 0x10;
            }
            [self.public.raw(&oaep(&aes, fault)).unwrap(), wrapped].concat()
        };
        Class { make: Box::new(make), answer }
    }

    fn row<'a>(&'a self, name: &str, way: Way, classes: [Class<'a>; 2]) -> Row<'a> {
        let (session, private, mech) = (self.session, self.private, way.mechanism());
        let call: Call<'a> = if way.unwraps() {
            let template = RefCell::new(RawTemplate::new(&attrs![
                CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false
            ]));
            Box::new(move |input| {
                session.unwrap(&mech, private, input, &mut template.borrow_mut()).map(Some)
            })
        } else {
            Box::new(move |input| {
                session.decrypt(&mech, private, input, &mut [0; SIZE]).map(|()| None)
            })
        };
        Row { name: format!("{}: {name}", way.name()), classes, call, session }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyPart {
    Right,
    Damaged,
}

/// By which function and mechanism.
#[derive(Clone, Copy, Debug)]
enum Way {
    DecryptPkcs1,
    UnwrapPkcs1,
    DecryptOaep,
    UnwrapOaep,
    UnwrapRsaAes,
}

impl Way {
    fn unwraps(self) -> bool {
        !matches!(self, Way::DecryptPkcs1 | Way::DecryptOaep)
    }

    fn mechanism(self) -> Mech {
        match self {
            Way::DecryptPkcs1 | Way::UnwrapPkcs1 => Mech::new(CKM_RSA_PKCS),
            Way::DecryptOaep | Way::UnwrapOaep => {
                Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA256, CKG_MGF1_SHA256, &[])
            }
            Way::UnwrapRsaAes => Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256, &[]),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Way::DecryptPkcs1 => "`C_Decrypt`, `CKM_RSA_PKCS`",
            Way::UnwrapPkcs1 => "`C_UnwrapKey`, `CKM_RSA_PKCS`",
            Way::DecryptOaep => "`C_Decrypt`, `CKM_RSA_PKCS_OAEP`",
            Way::UnwrapOaep => "`C_UnwrapKey`, `CKM_RSA_PKCS_OAEP`",
            Way::UnwrapRsaAes => "`C_UnwrapKey`, `CKM_RSA_AES_KEY_WRAP`",
        }
    }
}

pub fn all(t: &Target) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    pkcs1_rows(t, &mut rows);
    oaep_rows(t, &mut rows);
    let blob = |fault| t.blob(fault, KeyPart::Right);
    let damaged = || t.blob(Oaep::Nothing, KeyPart::Damaged);
    let way = Way::UnwrapRsaAes;
    rows.push(t.row("first byte / label", way, [blob(Oaep::FirstByte), blob(Oaep::Label)]));
    rows.push(t.row("OAEP part / key part", way, [blob(Oaep::Label), damaged()]));
    rows.push(t.row("valid / damaged, which may differ", way, [blob(Oaep::Nothing), damaged()]));
    rows
}

/// Right paddings beside wrong ones: implicit rejection answers a message to both.
fn pkcs1_rows<'a>(t: &'a Target, rows: &mut Vec<Row<'a>>) {
    let right = || t.class(Ok(()), pkcs1_any);
    let wrong = |fault| t.class(Ok(()), move || pkcs1_wrong(fault));
    let way = Way::DecryptPkcs1;
    rows.push(t.row("right / right", way, [right(), right()]));
    rows.push(t.row("short / long message, which may differ", way, {
        let of = |len| t.class(Ok(()), move || pkcs1(&random(len).unwrap()));
        [of(16), of(240)]
    }));
    rows.push(t.row("right / first byte", way, [right(), wrong(Pkcs1::FirstByte)]));
    rows.push(t.row("right / kind", way, [right(), wrong(Pkcs1::Kind)]));
    rows.push(t.row("right / no separator", way, [right(), wrong(Pkcs1::Separator)]));
    rows.push(t.row("right / short padding", way, [right(), wrong(Pkcs1::ShortPadding)]));
    rows.push(t.row("right / first byte", Way::UnwrapPkcs1, [right(), wrong(Pkcs1::FirstByte)]));
}

/// Wrong in one way beside wrong in another: right and wrong ones have different codes.
fn oaep_rows<'a>(t: &'a Target, rows: &mut Vec<Row<'a>>) {
    for (way, code) in
        [(Way::DecryptOaep, CKR_ENCRYPTED_DATA_INVALID), (Way::UnwrapOaep, CKR_WRAPPED_KEY_INVALID)]
    {
        let wrong = |fault| t.class(Err(code), move || oaep(&random(32).unwrap(), fault));
        rows.push(t.row("first byte / label", way, [wrong(Oaep::FirstByte), wrong(Oaep::Label)]));
        rows.push(t.row("label / padding", way, [wrong(Oaep::Label), wrong(Oaep::Padding)]));
    }
    let way = Way::DecryptOaep;
    let wrong =
        |fault| t.class(Err(CKR_ENCRYPTED_DATA_INVALID), move || oaep(&random(32).unwrap(), fault));
    rows.push(t.row("label / no separator", way, [wrong(Oaep::Label), wrong(Oaep::Separator)]));
}

impl Session {
    fn bytes(&self, object: Handle, kind: CK_ATTRIBUTE_TYPE) -> Rv<Vec<u8>> {
        let mut value = vec![0; SIZE];
        let mut wanted =
            CK_ATTRIBUTE { type_: kind, pValue: value.as_mut_ptr().cast(), ulValueLen: SIZE as _ };
        call!(self.C_GetAttributeValue(self.handle, object, &mut wanted, 1))?;
        value.truncate(wanted.ulValueLen as usize);
        Ok(value)
    }
}
