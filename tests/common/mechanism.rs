//! Mechanisms with their parameters, and the C structures of them.
use super::*;

/// A mechanism. Its parameter is kept where the C structure points to.
#[derive(Debug)]
pub struct Mech {
    pub ckm: CK_MECHANISM_TYPE,
    param: Param,
    /// What the structure points to.
    kept: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Param {
    Null,
    Bytes(Vec<u8>),
    Oaep(Box<CK_RSA_PKCS_OAEP_PARAMS>),
    KeyWrap(Box<CK_RSA_AES_KEY_WRAP_PARAMS>, Box<CK_RSA_PKCS_OAEP_PARAMS>),
    Gcm(Box<CK_GCM_PARAMS>),
    Raw(*mut c_void, CK_ULONG),
}

impl Mech {
    /// Without a parameter: NULL, length 0.
    pub fn new(ckm: CK_MECHANISM_TYPE) -> Mech {
        Mech { ckm, param: Param::Null, kept: Vec::new() }
    }

    /// With bytes as its parameter: an initialisation vector, or nonsense.
    pub fn bytes(ckm: CK_MECHANISM_TYPE, bytes: &[u8]) -> Mech {
        Mech { param: Param::Bytes(bytes.to_vec()), ..Mech::new(ckm) }
    }

    /// With a parameter pointer and length as they are, even if they are wrong.
    pub fn raw_param(ckm: CK_MECHANISM_TYPE, at: *mut c_void, len: CK_ULONG) -> Mech {
        Mech { param: Param::Raw(at, len), ..Mech::new(ckm) }
    }

    /// With a `CK_RSA_PKCS_OAEP_PARAMS`: `CKM_RSA_PKCS_OAEP`, or 0x1054 as old callers do.
    pub fn oaep(ckm: CK_MECHANISM_TYPE, hash: CK_ULONG, mgf: CK_ULONG, label: &[u8]) -> Mech {
        let mut mech = Mech::new(ckm);
        let params = mech.oaep_params(hash, mgf, label);
        mech.param = Param::Oaep(Box::new(params));
        mech
    }

    /// `CKM_RSA_AES_KEY_WRAP` with its own structure.
    pub fn rsa_aes(aes_bits: CK_ULONG, hash: CK_ULONG, mgf: CK_ULONG, label: &[u8]) -> Mech {
        let mut mech = Mech::new(CKM_RSA_AES_KEY_WRAP);
        let mut oaep = Box::new(mech.oaep_params(hash, mgf, label));
        let outer = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: aes_bits, pOAEPParams: &mut *oaep };
        mech.param = Param::KeyWrap(Box::new(outer), oaep);
        mech
    }

    /// The same with the OAEP source type given: 0 as some callers send, or nonsense.
    #[must_use]
    pub fn source(mut self, source: CK_ULONG) -> Mech {
        match &mut self.param {
            Param::Oaep(oaep) => oaep.source = source,
            Param::KeyWrap(outer, oaep) => {
                oaep.source = source;
                outer.pOAEPParams = &mut **oaep;
            }
            _ => panic!("no OAEP parameters"),
        }
        self
    }

    /// `CKM_AES_GCM`.
    pub fn gcm(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Mech {
        let mut mech = Mech::new(CKM_AES_GCM);
        let params = CK_GCM_PARAMS {
            pIv: mech.keep(iv),
            ulIvLen: len(iv),
            ulIvBits: 8 * len(iv),
            pAAD: mech.keep(aad),
            ulAADLen: len(aad),
            ulTagBits: tag_bits,
        };
        mech.param = Param::Gcm(Box::new(params));
        mech
    }

    /// With a structure that `make` makes, from copies of what it points to.
    pub fn with<T>(
        ckm: CK_MECHANISM_TYPE,
        make: impl FnOnce(&mut dyn FnMut(&[u8]) -> *mut u8) -> T,
    ) -> Mech {
        let mut mech = Mech::new(ckm);
        let params = make(&mut |bytes| mech.keep(bytes));
        let at = std::ptr::from_ref(&params).cast::<u8>();
        // the structures of the standard have no padding on this platform but at their ends
        let bytes = unsafe { std::slice::from_raw_parts(at, size_of::<T>()) };
        mech.param = Param::Bytes(bytes.to_vec());
        mech
    }

    fn oaep_params(
        &mut self,
        hash: CK_ULONG,
        mgf: CK_ULONG,
        label: &[u8],
    ) -> CK_RSA_PKCS_OAEP_PARAMS {
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash,
            mgf,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: self.keep(label).cast(),
            ulSourceDataLen: len(label),
        }
    }

    /// A copy that lives as long as the mechanism; NULL if empty.
    fn keep(&mut self, bytes: &[u8]) -> *mut u8 {
        if bytes.is_empty() {
            return null_mut();
        }
        self.kept.push(bytes.to_vec());
        self.kept.last_mut().unwrap().as_mut_ptr()
    }

    /// The C structure; valid as long as the mechanism lives.
    pub fn raw(&self) -> CK_MECHANISM {
        let (at, len) = match &self.param {
            Param::Null => (null_mut(), 0),
            Param::Bytes(bytes) => (bytes.as_ptr().cast_mut().cast(), len(bytes)),
            Param::Oaep(p) => of(&**p),
            Param::KeyWrap(p, _) => of(&**p),
            Param::Gcm(p) => of(&**p),
            Param::Raw(at, len) => (*at, *len),
        };
        CK_MECHANISM { mechanism: self.ckm, pParameter: at, ulParameterLen: len }
    }
}

fn of<T>(structure: &T) -> (*mut c_void, CK_ULONG) {
    (std::ptr::from_ref(structure).cast_mut().cast(), size_of::<T>() as CK_ULONG)
}
