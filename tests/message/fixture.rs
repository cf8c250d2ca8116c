//! The functions of messages as methods, and the parameter of a message.
use crate::common::session::query_then;
use crate::common::*;
use std::ffi::c_void;
use std::ptr::null_mut;

/// The parameter of one message: what its structure says and points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub ckm: CK_MECHANISM_TYPE,
    pub nonce: Vec<u8>,
    pub tag: Vec<u8>,
    pub generator: CK_ULONG,
    pub fixed_bits: CK_ULONG,
    pub data_len: CK_ULONG,
}

impl Param {
    pub fn new(ckm: CK_MECHANISM_TYPE, nonce: &[u8], tag: &[u8], data_len: usize) -> Param {
        Param {
            ckm,
            nonce: nonce.to_vec(),
            tag: tag.to_vec(),
            generator: CKG_NO_GENERATE,
            fixed_bits: 0,
            data_len: data_len as CK_ULONG,
        }
    }

    /// AES-GCM with room for a tag of 16 bytes.
    pub fn gcm(nonce: &[u8]) -> Param {
        Param::new(CKM_AES_GCM, nonce, &[0; 16], 0)
    }

    pub fn made_by(self, generator: CK_ULONG, fixed_bits: CK_ULONG) -> Param {
        Param { generator, fixed_bits, ..self }
    }

    /// Calls with the structure, one byte off since nobody promises alignment. What the call writes
    /// to nonce and tag stays.
    pub fn with<T>(&mut self, call: impl FnOnce(*mut c_void, CK_ULONG) -> T) -> T {
        let (nonce, tag) = (self.nonce.as_mut_ptr(), self.tag.as_mut_ptr());
        let (nonce_len, tag_len) = (len(&self.nonce), len(&self.tag));
        match self.ckm {
            CKM_AES_GCM => off(
                CK_GCM_MESSAGE_PARAMS {
                    pIv: nonce,
                    ulIvLen: nonce_len,
                    ulIvFixedBits: self.fixed_bits,
                    ivGenerator: self.generator,
                    pTag: tag,
                    ulTagBits: 8 * tag_len,
                },
                call,
            ),
            CKM_AES_CCM => off(
                CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: self.data_len,
                    pNonce: nonce,
                    ulNonceLen: nonce_len,
                    ulNonceFixedBits: self.fixed_bits,
                    nonceGenerator: self.generator,
                    pMAC: tag,
                    ulMACLen: tag_len,
                },
                call,
            ),
            _ => off(
                CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
                    pNonce: nonce,
                    ulNonceLen: nonce_len,
                    pTag: tag,
                },
                call,
            ),
        }
    }
}

/// Calls with a structure at an odd address.
pub fn off<S, T>(structure: S, call: impl FnOnce(*mut c_void, CK_ULONG) -> T) -> T {
    let mut memory = vec![0u8; size_of::<S>() + 1];
    let at = memory.as_mut_ptr().wrapping_add(1);
    unsafe { at.cast::<S>().write_unaligned(structure) };
    call(at.cast(), size_of::<S>() as CK_ULONG)
}

/// The functions of the standard.
pub trait Messages {
    fn session(&self) -> &Session;

    fn encrypts(&self, mech: &Mech, key: Handle) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageEncryptInit(s.handle, &mut mech.raw(), key))
    }
    fn decrypts(&self, mech: &Mech, key: Handle) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageDecryptInit(s.handle, &mut mech.raw(), key))
    }
    fn signs(&self, mech: &Mech, key: Handle) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageSignInit(s.handle, &mut mech.raw(), key))
    }
    fn verifies(&self, mech: &Mech, key: Handle) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageVerifyInit(s.handle, &mut mech.raw(), key))
    }
    fn encrypts_no_more(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageEncryptFinal(s.handle))
    }
    fn decrypts_no_more(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageDecryptFinal(s.handle))
    }
    fn signs_no_more(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageSignFinal(s.handle))
    }
    fn verifies_no_more(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_MessageVerifyFinal(s.handle))
    }

    /// Query, then call: the ciphertext; nonce and tag are in the parameter.
    fn seal(&self, param: &mut Param, aad: &[u8], data: &[u8]) -> Rv<Vec<u8>> {
        let s = self.session();
        param.with(|p, size| {
            query_then(|at, n| {
                let (a, d) = (ptr(aad), ptr(data));
                call!(s.C_EncryptMessage(s.handle, p, size, a, len(aad), d, len(data), at, n))
            })
        })
    }
    /// Query, then call.
    fn open(&self, param: &mut Param, aad: &[u8], data: &[u8]) -> Rv<Vec<u8>> {
        let s = self.session();
        param.with(|p, size| {
            query_then(|at, n| {
                let (a, d) = (ptr(aad), ptr(data));
                call!(s.C_DecryptMessage(s.handle, p, size, a, len(aad), d, len(data), at, n))
            })
        })
    }
    fn seal_begin(&self, param: &mut Param, aad: &[u8]) -> Rv<()> {
        let s = self.session();
        param.with(|p, size| call!(s.C_EncryptMessageBegin(s.handle, p, size, ptr(aad), len(aad))))
    }
    fn open_begin(&self, param: &mut Param, aad: &[u8]) -> Rv<()> {
        let s = self.session();
        param.with(|p, size| call!(s.C_DecryptMessageBegin(s.handle, p, size, ptr(aad), len(aad))))
    }
    /// Query, then call.
    fn seal_next(&self, param: &mut Param, part: &[u8], flags: CK_FLAGS) -> Rv<Vec<u8>> {
        let s = self.session();
        param.with(|p, size| {
            query_then(|at, n| {
                let (part, len) = (ptr(part), len(part));
                call!(s.C_EncryptMessageNext(s.handle, p, size, part, len, at, n, flags))
            })
        })
    }
    /// Query, then call.
    fn open_next(&self, param: &mut Param, part: &[u8], flags: CK_FLAGS) -> Rv<Vec<u8>> {
        let s = self.session();
        param.with(|p, size| {
            query_then(|at, n| {
                let (part, len) = (ptr(part), len(part));
                call!(s.C_DecryptMessageNext(s.handle, p, size, part, len, at, n, flags))
            })
        })
    }

    /// A message in three parts, one of them empty, cut at `cut`.
    fn seal_cut(&self, param: &mut Param, aad: &[u8], data: &[u8], cut: usize) -> Rv<Vec<u8>> {
        self.seal_begin(param, aad)?;
        let mut sealed = self.seal_next(param, &data[..cut], 0)?;
        sealed.extend(self.seal_next(param, &[], 0)?);
        sealed.extend(self.seal_next(param, &data[cut..], CKF_END_OF_MESSAGE)?);
        Ok(sealed)
    }
    fn open_cut(&self, param: &mut Param, aad: &[u8], data: &[u8], cut: usize) -> Rv<Vec<u8>> {
        self.open_begin(param, aad)?;
        assert!(self.open_next(param, &data[..cut], 0)?.is_empty(), "not before the tag");
        assert!(self.open_next(param, &[], 0)?.is_empty());
        self.open_next(param, &data[cut..], CKF_END_OF_MESSAGE)
    }

    /// Query, then call.
    fn sign_message(&self, data: &[u8]) -> Rv<Vec<u8>> {
        let s = self.session();
        query_then(|at, n| {
            call!(s.C_SignMessage(s.handle, null_mut(), 0, ptr(data), len(data), at, n))
        })
    }
    fn verify_message(&self, data: &[u8], signature: &[u8]) -> Rv<()> {
        let s = self.session();
        let (data, data_len) = (ptr(data), len(data));
        let (at, n) = (ptr(signature), len(signature));
        call!(s.C_VerifyMessage(s.handle, null_mut(), 0, data, data_len, at, n))
    }
    fn sign_begin(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_SignMessageBegin(s.handle, null_mut(), 0))
    }
    fn verify_begin(&self) -> Rv<()> {
        let s = self.session();
        call!(s.C_VerifyMessageBegin(s.handle, null_mut(), 0))
    }
    fn sign_next(&self, part: &[u8]) -> Rv<()> {
        let s = self.session();
        let (part, len) = (ptr(part), len(part));
        call!(s.C_SignMessageNext(s.handle, null_mut(), 0, part, len, null_mut(), null_mut()))
    }
    fn verify_next(&self, part: &[u8]) -> Rv<()> {
        let s = self.session();
        let (part, len) = (ptr(part), len(part));
        call!(s.C_VerifyMessageNext(s.handle, null_mut(), 0, part, len, null_mut(), 0))
    }
    /// Query, then call.
    fn sign_last(&self, part: &[u8]) -> Rv<Vec<u8>> {
        let s = self.session();
        query_then(|at, n| {
            let (part, len) = (ptr(part), len(part));
            call!(s.C_SignMessageNext(s.handle, null_mut(), 0, part, len, at, n))
        })
    }
    fn verify_last(&self, part: &[u8], signature: &[u8]) -> Rv<()> {
        let s = self.session();
        let (part, part_len) = (ptr(part), len(part));
        let (at, n) = (ptr(signature), len(signature));
        call!(s.C_VerifyMessageNext(s.handle, null_mut(), 0, part, part_len, at, n))
    }
}

impl Messages for Session {
    fn session(&self) -> &Session {
        self
    }
}
