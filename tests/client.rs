//! The client's wrapping, on the embedded module: the two steps that serve modules without
//! `CKM_RSA_AES_KEY_WRAP` make what that mechanism opens, and leave nothing behind.
#![allow(clippy::unwrap_used, reason = "a test")]
use keyferry::byok::cloud::Form;
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{
    Access, Error, Mechanism, Module, Oaep, Profile, Session, Template, User, Way,
};
use keyferry::crypto::hash::Hash;
use parking_lot::{Mutex, MutexGuard};

const PIN: &str = "12345678";
/// Neither of a length that needs no padding, nor of one that an EC or RSA key could have.
const VALUE: &[u8] = b"twenty bytes of key!";

/// There is one module in a process: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A token with a KEK, both halves.
struct Fixture {
    session: Session,
    public: CK_OBJECT_HANDLE,
    private: CK_OBJECT_HANDLE,
    _turn: MutexGuard<'static, ()>,
}

impl Fixture {
    fn new() -> Fixture {
        let turn = TURN.lock();
        let module = Module::embedded(Some("memory:")).unwrap();
        let slot =
            module.slots().unwrap().tokens.into_iter().find(|s| !s.is_initialized()).unwrap().slot;
        module.init_token(slot, PIN, "client").unwrap();
        let session = module.open(slot, Access::ReadWrite).unwrap();
        session.login(User::So, PIN).unwrap();
        session.init_pin(PIN).unwrap();
        session.logout().unwrap();
        session.login(User::User, PIN).unwrap();
        let of = |class| Template::class(class).ulong(CKA_KEY_TYPE, CKK_RSA);
        let public = of(CKO_PUBLIC_KEY)
            .ulong(CKA_MODULUS_BITS, 2048)
            .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])
            .flags(&[CKA_WRAP]);
        let private = of(CKO_PRIVATE_KEY).flags(&[CKA_UNWRAP]);
        let pair = Mechanism::Plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = session.generate_pair(&pair, &public, &private).unwrap();
        Fixture { session, public, private, _turn: turn }
    }

    fn secret(&self, extractable: bool) -> CK_OBJECT_HANDLE {
        let template = opened()
            .bytes(CKA_VALUE, VALUE)
            .flag(CKA_EXTRACTABLE, extractable)
            .flag(CKA_TOKEN, false);
        self.session.create(&template).unwrap()
    }

    fn secrets(&self) -> usize {
        self.session.find(&Template::class(CKO_SECRET_KEY)).unwrap().len()
    }

    /// The value that the blob holds, as the token opens it.
    fn open(&self, mechanism: &Mechanism, blob: &[u8]) -> Vec<u8> {
        let key = self.session.unwrap(mechanism, self.private, blob, &opened()).unwrap();
        let value = self.session.attribute(key, CKA_VALUE).unwrap().unwrap();
        self.session.destroy(key).unwrap();
        value.to_vec()
    }
}

/// A generic secret whose value can be read.
fn opened() -> Template {
    Template::class(CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .flag(CKA_SENSITIVE, false)
}

fn profile(form: Form, hash: Hash, aes_bits: usize) -> Profile {
    let target = Some(Target::Secret { bits: VALUE.len() * 8 });
    Profile { form, oaep: Oaep::of(hash), aes_bits, target }
}

#[test]
fn wraps_in_every_way_and_leaves_nothing() {
    let fixture = Fixture::new();
    let secret = fixture.secret(true);
    let (session, before) = (&fixture.session, fixture.secrets());
    let two_steps = [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD].map(Way::TwoSteps);
    for way in [Way::OneCall, two_steps[0], two_steps[1]] {
        for (hash, bits) in [(Hash::Sha1, 256), (Hash::Sha256, 128), (Hash::Sha512, 192)] {
            let profile = profile(Form::RsaAes, hash, bits);
            let blob = session.transfer(way, &profile, fixture.public, secret).unwrap();
            assert_eq!(blob.len(), 256 + 32, "{way:?} {hash:?}");
            let combined = Mechanism::RsaAesKeyWrap(bits, profile.oaep);
            assert_eq!(fixture.open(&combined, &blob), VALUE, "{way:?} {hash:?}");
        }
    }
    // MGF1 with another hash, as programs in Java have it
    let mixed = Oaep { mgf: Hash::Sha1, ..Oaep::of(Hash::Sha256) };
    let java = Profile { oaep: mixed.clone(), ..profile(Form::RsaAes, Hash::Sha1, 256) };
    let blob = session.transfer(two_steps[0], &java, fixture.public, secret).unwrap();
    assert_eq!(fixture.open(&Mechanism::RsaAesKeyWrap(256, mixed), &blob), VALUE);
    let direct = profile(Form::Oaep, Hash::Sha384, 256);
    let blob = session.transfer(Way::Oaep, &direct, fixture.public, secret).unwrap();
    assert_eq!(fixture.open(&Mechanism::Oaep(direct.oaep), &blob), VALUE);
    assert_eq!(fixture.secrets(), before);

    let stays = fixture.secret(false);
    for way in two_steps {
        let good = profile(Form::RsaAes, Hash::Sha1, 256);
        let error = session.transfer(way, &good, fixture.public, stays).unwrap_err();
        assert!(error.is(CKR_KEY_UNEXTRACTABLE), "{error}");
        // a hash that has no number in OAEP: what a module does that lacks one
        let bad = profile(Form::RsaAes, Hash::Sha512_224, 256);
        let error = session.transfer(way, &bad, fixture.public, secret).unwrap_err();
        assert!(matches!(error, Error::Parameters { rv: CKR_MECHANISM_PARAM_INVALID, .. }));
        let said = error.to_string();
        assert!(said.contains("CKM_RSA_PKCS_OAEP does not take OAEP with SHA-512/224"), "{said}");
    }
    assert_eq!(fixture.secrets(), before + 1, "a throw-away key is left");
}

/// What leaves under trusted keys only leaves in two steps, too, if the SO has made the key between.
#[test]
fn the_so_can_trust_the_key_between() {
    let fixture = Fixture::new();
    let (session, form) = (&fixture.session, Form::RsaAes);
    let guarded = opened().bytes(CKA_VALUE, VALUE).flag(CKA_TOKEN, true);
    let guarded = guarded.flags(&[CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED]).bytes(CKA_LABEL, b"g");
    session.create(&guarded).unwrap();
    let modulus = session.attribute(fixture.public, CKA_MODULUS).unwrap().unwrap();
    session.logout().unwrap();

    session.login(User::So, PIN).unwrap();
    let kek =
        Template::class(CKO_PUBLIC_KEY).ulong(CKA_KEY_TYPE, CKK_RSA).bytes(CKA_MODULUS, &modulus);
    let kek = kek.bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]).flags(&[CKA_WRAP, CKA_TOKEN]);
    let kek = |trusted| kek.clone().flag(CKA_PRIVATE, false).flag(CKA_TRUSTED, trusted);
    let (trusted, other) =
        (session.create(&kek(true)).unwrap(), session.create(&kek(false)).unwrap());
    session.trust_aes(256).unwrap();
    session.logout().unwrap();

    session.login(User::User, PIN).unwrap();
    let guarded = session.find(&Template::class(CKO_SECRET_KEY).bytes(CKA_LABEL, b"g")).unwrap()[0];
    let (way, profile) = (Way::TwoSteps(CKM_AES_KEY_WRAP_KWP), profile(form, Hash::Sha1, 256));
    assert!(session.has_trusted_aes());
    let blob = session.transfer(way, &profile, trusted, guarded).unwrap();
    assert_eq!(blob.len(), 256 + 32);
    // once, and not under another KEK
    assert!(!session.has_trusted_aes());
    let error = session.transfer(way, &profile, trusted, guarded).unwrap_err();
    assert!(error.is(CKR_KEY_NOT_WRAPPABLE), "{error}");
    session.logout().unwrap();
    session.login(User::So, PIN).unwrap();
    session.trust_aes(256).unwrap();
    session.logout().unwrap();
    session.login(User::User, PIN).unwrap();
    let guarded = session.find(&Template::class(CKO_SECRET_KEY).bytes(CKA_LABEL, b"g")).unwrap()[0];
    let error = session.transfer(way, &profile, other, guarded).unwrap_err();
    assert!(error.is(CKR_KEY_NOT_WRAPPABLE), "{error}");
    assert_eq!(fixture.secrets(), 1, "a throw-away key is left");
}
