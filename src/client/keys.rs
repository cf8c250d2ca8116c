//! Keys: generate, wrap, unwrap.
use super::call::{call, input, two_calls, ulong};
use super::{Mechanism, Result, Session, Template};
use crate::ck::*;

impl Session {
    /// `C_GenerateKey`
    pub fn generate(&self, mechanism: &Mechanism, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        let mut key = CK_INVALID_HANDLE;
        self.with([template], |[mut raw]| {
            let count = ulong(raw.len());
            mechanism.with(|ckm| {
                call!(
                    self.list(),
                    C_GenerateKey(self.handle, ckm, raw.as_mut_ptr(), count, &mut key)
                )
            })
        })?;
        Ok(key)
    }

    /// `C_GenerateKeyPair`: the public key, then the private one.
    pub fn generate_pair(
        &self,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let mut pair = (CK_INVALID_HANDLE, CK_INVALID_HANDLE);
        self.with([public, private], |[mut public, mut private]| {
            mechanism.with(|ckm| {
                call!(
                    self.list(),
                    C_GenerateKeyPair(
                        self.handle,
                        ckm,
                        public.as_mut_ptr(),
                        ulong(public.len()),
                        private.as_mut_ptr(),
                        ulong(private.len()),
                        &mut pair.0,
                        &mut pair.1,
                    )
                )
            })
        })?;
        Ok(pair)
    }

    /// `C_WrapKey`: `target` under `kek`.
    pub fn wrap(
        &self,
        mechanism: &Mechanism,
        kek: CK_OBJECT_HANDLE,
        target: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        let mut blob = mechanism.with(|ckm| {
            two_calls(|out, len| {
                call!(self.list(), C_WrapKey(self.handle, ckm, kek, target, out, len))
            })
        })?;
        Ok(std::mem::take(&mut *blob))
    }

    /// `C_UnwrapKey`: a new key of `blob`.
    pub fn unwrap(
        &self,
        mechanism: &Mechanism,
        kek: CK_OBJECT_HANDLE,
        blob: &[u8],
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let mut key = CK_INVALID_HANDLE;
        self.with([template], |[mut raw]| {
            mechanism.with(|ckm| {
                call!(
                    self.list(),
                    C_UnwrapKey(
                        self.handle,
                        ckm,
                        kek,
                        input(blob),
                        ulong(blob.len()),
                        raw.as_mut_ptr(),
                        ulong(raw.len()),
                        &mut key,
                    )
                )
            })
        })?;
        Ok(key)
    }
}
