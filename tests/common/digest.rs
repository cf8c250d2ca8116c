//! Digests, and signatures that hold what was signed.
use super::session::query_then;
use super::*;

impl Session {
    pub fn digest_init(&self, mech: &Mech) -> Rv<()> {
        call!(self.C_DigestInit(self.handle, &mut mech.raw()))
    }
    /// Init, query, call.
    pub fn digest(&self, mech: &Mech, data: &[u8]) -> Rv<Vec<u8>> {
        self.digest_init(mech)?;
        query_then(|at, n| call!(self.C_Digest(self.handle, ptr(data), len(data), at, n)))
    }
    pub fn digest_update(&self, part: &[u8]) -> Rv<()> {
        call!(self.C_DigestUpdate(self.handle, ptr(part), len(part)))
    }
    pub fn digest_key(&self, key: Handle) -> Rv<()> {
        call!(self.C_DigestKey(self.handle, key))
    }
    pub fn digest_final(&self) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_DigestFinal(self.handle, at, n)))
    }

    /// Init, query, call.
    pub fn sign_recover(&self, mech: &Mech, key: Handle, data: &[u8]) -> Rv<Vec<u8>> {
        call!(self.C_SignRecoverInit(self.handle, &mut mech.raw(), key))?;
        query_then(|at, n| call!(self.C_SignRecover(self.handle, ptr(data), len(data), at, n)))
    }
    /// Init, query, call.
    pub fn verify_recover(&self, mech: &Mech, key: Handle, signature: &[u8]) -> Rv<Vec<u8>> {
        call!(self.C_VerifyRecoverInit(self.handle, &mut mech.raw(), key))?;
        let (from, size) = (ptr(signature), len(signature));
        query_then(|at, n| call!(self.C_VerifyRecover(self.handle, from, size, at, n)))
    }
}
