//! Operations with a verdict. The signature comes after the data, or in 3.2 before it
//! (`C_VerifySignatureInit`): then it is kept until the data has come. There is one verification at
//! a time, of either kind.
use super::super::Session;
use super::{Active, Operations};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Verify};
use crate::object::policy::Act;

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `C_VerifyInit`
    DataFirst,
    /// `C_VerifySignatureInit`
    SignatureFirst,
}

/// A verification under way.
#[derive(Debug)]
pub(super) struct Verification {
    active: Active<dyn Verify>,
    /// The signature, if it came first.
    signature: Option<Vec<u8>>,
}

impl Verification {
    fn order(&self) -> Order {
        match self.signature {
            None => Order::DataFirst,
            Some(_) => Order::SignatureFirst,
        }
    }

    /// The verdict. Here the length of a signature is judged, also of one that came first.
    fn finish(self, last: &[u8]) -> Result<()> {
        self.active.operation.finish(self.signature.as_deref().unwrap_or(last))
    }
}

impl Session {
    /// `C_VerifyInit`, and with a signature `C_VerifySignatureInit`
    pub fn verify_start(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
        signature: Option<&[u8]>,
    ) -> Result<()> {
        let mut operations = self.operations();
        if operations.verify.is_some() {
            return Err(Error::OperationActive);
        }
        let start = mechanism.verify.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let key = self.key(Act::Verify, mechanism, key)?;
        let active = Active::new(start(&params, &key)?, key.always_authenticate());
        operations.verify = Some(Verification { active, signature: signature.map(<[u8]>::to_vec) });
        Ok(())
    }

    /// `C_VerifyInit` or `C_VerifySignatureInit` with a NULL mechanism: ends either.
    pub fn verify_cancel(&self) -> Result<()> {
        self.operations().verify = None;
        Ok(())
    }

    /// `C_Verify`
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.operations().verify(Order::DataFirst, data, signature)
    }

    /// `C_VerifySignature`
    pub fn verify_signature(&self, data: &[u8]) -> Result<()> {
        self.operations().verify(Order::SignatureFirst, data, &[])
    }

    /// `C_VerifyUpdate`, `C_VerifySignatureUpdate`
    pub fn verify_update(&self, order: Order, part: &[u8]) -> Result<()> {
        self.operations().verify_update(order, part)
    }

    /// `C_VerifyFinal`
    pub fn verify_finish(&self, signature: &[u8]) -> Result<()> {
        self.operations().take_verify(Order::DataFirst)?.finish(signature)
    }

    /// `C_VerifySignatureFinal`
    pub fn verify_signature_finish(&self) -> Result<()> {
        self.operations().take_verify(Order::SignatureFirst)?.finish(&[])
    }
}

impl Operations {
    /// Whether a verification of this kind would take a part.
    pub(super) fn verifies(&self, order: Order) -> Result<()> {
        match self.verify.as_ref().filter(|verification| verification.order() == order) {
            None => Err(Error::OperationNotInitialized),
            Some(verification) if verification.active.locked => Err(Error::UserNotLoggedIn),
            Some(_) => Ok(()),
        }
    }

    /// The verification, taken out: it is put back unless it ends.
    fn take_verify(&mut self, order: Order) -> Result<Verification> {
        self.verifies(order)?;
        self.verify.take().ok_or(Error::OperationNotInitialized)
    }

    fn verify(&mut self, order: Order, data: &[u8], last: &[u8]) -> Result<()> {
        let mut verification = self.take_verify(order)?;
        if verification.active.in_parts {
            self.verify = Some(verification);
            return Err(Error::OperationActive);
        }
        verification.active.operation.update(data)?;
        verification.finish(last)
    }

    pub(super) fn verify_update(&mut self, order: Order, part: &[u8]) -> Result<()> {
        let mut verification = self.take_verify(order)?;
        verification.active.operation.update(part)?;
        verification.active.in_parts = true;
        self.verify = Some(verification);
        Ok(())
    }
}
