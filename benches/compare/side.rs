//! One side of the comparison: a module with a token whose user is logged in, and the keys that the
//! rows share.
use crate::common::{Handle, Mech, RawTemplate, Rv, attrs};
use crate::driver::{Module, Session};
use crate::options::Options;
use keyferry::ck::*;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub const LABEL: &str = "compare";
pub const PIN: &str = "compare-user-1";
pub const SO_PIN: &str = "compare-so-12";

/// A module at work.
pub struct Side {
    pub path: PathBuf,
    pub module: Module,
    pub slot: CK_SLOT_ID,
    pub session: Session,
    pairs: Mutex<HashMap<Kind, (Handle, Handle)>>,
}

/// A kind of key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Rsa(usize),
    P256,
    P384,
    P521,
}

impl Kind {
    pub fn mechanism(self) -> Mech {
        Mech::new(match self {
            Kind::Rsa(_) => CKM_RSA_PKCS_KEY_PAIR_GEN,
            _ => CKM_EC_KEY_PAIR_GEN,
        })
    }

    pub fn name(self) -> String {
        match self {
            Kind::Rsa(bits) => format!("RSA-{bits}"),
            Kind::P256 => "P-256".into(),
            Kind::P384 => "P-384".into(),
            Kind::P521 => "P-521".into(),
        }
    }

    /// Templates of session keys that sign, wrap and may be wrapped.
    pub fn templates(self) -> (RawTemplate, RawTemplate) {
        let oid: &[u8] = match self {
            Kind::Rsa(_) => &[],
            Kind::P256 => &[6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7],
            Kind::P384 => &[6, 5, 0x2B, 0x81, 4, 0, 0x22],
            Kind::P521 => &[6, 5, 0x2B, 0x81, 4, 0, 0x23],
        };
        let public = match self {
            Kind::Rsa(bits) => RawTemplate::new(&attrs![
                CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => &[1u8, 0, 1], CKA_TOKEN => false,
                CKA_WRAP => true, CKA_ENCRYPT => true
            ]),
            _ => RawTemplate::new(&attrs![CKA_EC_PARAMS => oid, CKA_TOKEN => false]),
        };
        let rsa = matches!(self, Kind::Rsa(_));
        let private = RawTemplate::new(&attrs![
            CKA_TOKEN => false, CKA_SIGN => true, CKA_EXTRACTABLE => true,
            CKA_UNWRAP => rsa, CKA_DECRYPT => rsa, CKA_DERIVE => !rsa
        ]);
        (public, private)
    }
}

impl Side {
    /// Our module with a new token in `store`.
    pub fn ours(path: &Path, store: &str, flags: CK_FLAGS) -> Result<Side, String> {
        let module = Module::load(path)?;
        module.initialize(Some(store), flags).map_err(|rv| said("C_Initialize", rv))?;
        let slot = new_token(&module, SO_PIN, PIN)?;
        Side::at(path, module, slot, PIN)
    }

    /// The peer with the token that the options name, else with a new one.
    pub fn peer(options: &Options) -> Result<Side, String> {
        let path = &options.against;
        let module = Module::load(path)?;
        module.initialize(None, 0).map_err(|rv| said("C_Initialize", rv))?;
        let pin = options.pin.as_deref().unwrap_or(PIN);
        let slot = match (options.slot, &options.token) {
            (Some(slot), _) => slot,
            (None, Some(label)) => labelled(&module, label)?,
            (None, None) => new_token(&module, options.so_pin.as_deref().unwrap_or(SO_PIN), pin)?,
        };
        Side::at(path, module, slot, pin)
    }

    fn at(path: &Path, module: Module, slot: CK_SLOT_ID, pin: &str) -> Result<Side, String> {
        let session = module.open(slot).map_err(|rv| said("C_OpenSession", rv))?;
        session.login(CKU_USER, pin.as_bytes()).map_err(|rv| said("C_Login", rv))?;
        let pairs = Mutex::default();
        Ok(Side { path: path.into(), module, slot, session, pairs })
    }

    /// A key pair in the session, made when first asked for.
    pub fn pair(&self, kind: Kind) -> Rv<(Handle, Handle)> {
        let mut pairs = self.pairs.lock();
        if let Some(pair) = pairs.get(&kind) {
            return Ok(*pair);
        }
        let (mut public, mut private) = kind.templates();
        let pair = self.session.generate_pair(&kind.mechanism(), &mut public, &mut private)?;
        pairs.insert(kind, pair);
        Ok(pair)
    }

    /// A new AES session key that does everything and may be wrapped.
    pub fn aes(&self) -> Rv<Handle> {
        let mut template = RawTemplate::new(&attrs![
            CKA_VALUE_LEN => 32usize, CKA_TOKEN => false, CKA_ENCRYPT => true, CKA_WRAP => true,
            CKA_UNWRAP => true, CKA_EXTRACTABLE => true, CKA_DECRYPT => true
        ]);
        self.session.generate(&Mech::new(CKM_AES_KEY_GEN), &mut template)
    }

    /// Another session with the token, whose user stays logged in.
    pub fn another(&self) -> Rv<Session> {
        self.module.open(self.slot)
    }
}

/// A token with a user PIN in a slot that has none yet.
pub fn new_token(module: &Module, so_pin: &str, pin: &str) -> Result<CK_SLOT_ID, String> {
    let slots = module.slots().map_err(|rv| said("C_GetSlotList", rv))?;
    let free = |slot: &CK_SLOT_ID| {
        module.token_info(*slot).is_ok_and(|info| info.flags & CKF_TOKEN_INITIALIZED == 0)
    };
    let slot = slots.into_iter().find(free).ok_or("no slot with an uninitialised token")?;
    let so = so_pin.as_bytes();
    module.init_token(slot, so, LABEL).map_err(|rv| said("C_InitToken", rv))?;
    // some modules give the token another slot
    let slot = labelled(module, LABEL)?;
    let prepare = || {
        let session = module.open(slot)?;
        session.login(CKU_SO, so)?;
        session.init_pin(pin.as_bytes())?;
        session.logout()?;
        session.close()
    };
    prepare().map(|()| slot).map_err(|rv| said("preparing a token", rv))
}

/// The slot whose token has this label.
pub fn labelled(module: &Module, label: &str) -> Result<CK_SLOT_ID, String> {
    let slots = module.slots().map_err(|rv| said("C_GetSlotList", rv))?;
    let has = |slot: &CK_SLOT_ID| {
        module.token_info(*slot).is_ok_and(|info| {
            String::from_utf8_lossy(&info.label).trim_end_matches([' ', '\0']) == label
        })
    };
    slots.into_iter().find(has).ok_or_else(|| format!("no token is called {label}"))
}

/// What a function answered, in words.
pub fn said(function: &str, rv: CK_RV) -> String {
    format!("{function} answered 0x{rv:x}")
}
