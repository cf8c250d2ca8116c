//! Keys at work: sign, verify, encrypt, decrypt.
use super::call::{call, input, two_calls, ulong};
use super::{Mechanism, Result, Session};
use crate::ck::*;
use zeroize::Zeroizing;

impl Session {
    /// `C_SignInit`, `C_Sign`
    pub fn sign(
        &self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        mechanism.with(|ckm| call!(self.list(), C_SignInit(self.handle, ckm, key)))?;
        let mut signature = two_calls(|out, len| {
            call!(self.list(), C_Sign(self.handle, input(data), ulong(data.len()), out, len))
        })?;
        Ok(std::mem::take(&mut *signature))
    }

    /// `C_VerifyInit`, `C_Verify`
    pub fn verify(
        &self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        mechanism.with(|ckm| call!(self.list(), C_VerifyInit(self.handle, ckm, key)))?;
        let (data_len, signature_len) = (ulong(data.len()), ulong(signature.len()));
        call!(
            self.list(),
            C_Verify(self.handle, input(data), data_len, input(signature), signature_len)
        )
    }

    /// `C_EncryptInit`, `C_Encrypt`
    pub fn encrypt(
        &self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        mechanism.with(|ckm| call!(self.list(), C_EncryptInit(self.handle, ckm, key)))?;
        let mut ciphertext = two_calls(|out, len| {
            call!(self.list(), C_Encrypt(self.handle, input(data), ulong(data.len()), out, len))
        })?;
        Ok(std::mem::take(&mut *ciphertext))
    }

    /// `C_DecryptInit`, `C_Decrypt`
    pub fn decrypt(
        &self,
        mechanism: &Mechanism,
        key: CK_OBJECT_HANDLE,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        mechanism.with(|ckm| call!(self.list(), C_DecryptInit(self.handle, ckm, key)))?;
        let len_in = ulong(ciphertext.len());
        two_calls(|out, len| {
            call!(self.list(), C_Decrypt(self.handle, input(ciphertext), len_in, out, len))
        })
    }
}
