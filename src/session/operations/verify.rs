//! Operations with a verdict. The signature comes after the data, or in 3.2 before it
//! (`C_VerifySignatureInit`): then it is kept until the data has come. There is one verification at
//! a time, of either kind.
use super::super::Session;
use super::super::ending::{Spent, Step, ends};
use super::{Active, Operations};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Verify};
use crate::object::policy::Act;
use std::mem;

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

    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.active.operation.update(part)?;
        self.active.in_parts = true;
        Ok(())
    }

    /// The verdict. Here the length of a signature is judged, also of one that came first.
    fn finish(&mut self, last: &[u8]) -> Result<()> {
        self.spend().finish(self.signature.as_deref().unwrap_or(last))
    }

    fn spend(&mut self) -> Box<dyn Verify> {
        mem::replace(&mut self.active.operation, Box::new(Spent))
    }

    fn single(&mut self, data: &[u8], last: &[u8]) -> Result<()> {
        if self.active.in_parts {
            return Err(Error::OperationActive.because("a part was fed; C_*Final ends it"));
        }
        self.spend().single(data, self.signature.as_deref().unwrap_or(last))
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

    /// What an argument of a call is, if it is sound; if not, the verification of this kind ends.
    pub fn verify_argument<T>(&self, order: Order, argument: Result<T>) -> Result<T> {
        argument.inspect_err(|_| {
            let mut operations = self.operations();
            if operations.verification(order).is_ok() {
                operations.verify = None;
            }
        })
    }

    /// `C_Verify`
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let single = |it: &mut Verification| it.single(data, signature);
        self.operations().verify_step(Order::DataFirst, Step::End, single)
    }

    /// `C_VerifySignature`
    pub fn verify_signature(&self, data: &[u8]) -> Result<()> {
        let single = |it: &mut Verification| it.single(data, &[]);
        self.operations().verify_step(Order::SignatureFirst, Step::End, single)
    }

    /// `C_VerifyUpdate`, `C_VerifySignatureUpdate`
    pub fn verify_update(&self, order: Order, part: &[u8]) -> Result<()> {
        self.operations().verify_update(order, part)
    }

    /// `C_VerifyFinal`
    pub fn verify_finish(&self, signature: &[u8]) -> Result<()> {
        let finish = |it: &mut Verification| it.finish(signature);
        self.operations().verify_step(Order::DataFirst, Step::End, finish)
    }

    /// `C_VerifySignatureFinal`
    pub fn verify_signature_finish(&self) -> Result<()> {
        let finish = |it: &mut Verification| it.finish(&[]);
        self.operations().verify_step(Order::SignatureFirst, Step::End, finish)
    }
}

impl Operations {
    /// The verification of this kind, if it is under way.
    pub(super) fn verification(&mut self, order: Order) -> Result<&mut Verification> {
        let verification = self.verify.as_mut().filter(|it| it.order() == order);
        verification.ok_or(Error::OperationNotInitialized)
    }

    /// Runs a call to the verification of this kind, and ends it if the table says so.
    pub(super) fn verify_step(
        &mut self,
        order: Order,
        step: Step,
        run: impl FnOnce(&mut Verification) -> Result<()>,
    ) -> Result<()> {
        let verification = self.verification(order)?;
        let answer = match verification.active.unlocked() {
            Ok(_) => run(verification),
            Err(error) => Err(error),
        };
        if ends(step, &answer) {
            self.verify = None;
        }
        answer
    }

    pub(super) fn verify_update(&mut self, order: Order, part: &[u8]) -> Result<()> {
        self.verify_step(order, Step::Part, |it| it.update(part))
    }
}
