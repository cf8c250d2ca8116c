//! Operations with a verdict.
use super::super::Session;
use super::{Active, Operations};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Verify};
use crate::object::policy::Act;

impl Session {
    /// `C_VerifyInit`
    pub fn verify_start(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let mut operations = self.operations();
        if operations.verify.is_some() {
            return Err(Error::OperationActive);
        }
        let start = mechanism.verify.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let key = self.key(Act::Verify, mechanism, key)?;
        operations.verify = Some(Active::new(start(&params, &key)?, key.always_authenticate()));
        Ok(())
    }

    /// `C_VerifyInit` with a NULL mechanism
    pub fn verify_cancel(&self) -> Result<()> {
        self.operations().verify = None;
        Ok(())
    }

    /// `C_Verify`
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        let mut active = operations.take_verify()?;
        if active.in_parts {
            operations.verify = Some(active);
            return Err(Error::OperationActive);
        }
        active.operation.update(data)?;
        active.operation.finish(signature)
    }

    /// `C_VerifyUpdate`
    pub fn verify_update(&self, part: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        let mut active = operations.take_verify()?;
        active.operation.update(part)?;
        active.in_parts = true;
        operations.verify = Some(active);
        Ok(())
    }

    /// `C_VerifyFinal`
    pub fn verify_finish(&self, signature: &[u8]) -> Result<()> {
        self.operations().take_verify()?.operation.finish(signature)
    }
}

impl Operations {
    fn take_verify(&mut self) -> Result<Active<dyn Verify>> {
        match &self.verify {
            Some(active) if active.locked => Err(Error::UserNotLoggedIn),
            _ => self.verify.take().ok_or(Error::OperationNotInitialized),
        }
    }
}
