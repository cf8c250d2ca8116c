//! Messages that are signed and verified. All have the parameter of their process.
use super::{Process, finish, idle, ready, short, vacant};
use crate::ck::CK_OBJECT_HANDLE;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::mechanism::{Bound, Mechanism, Params, Start, Transform, Verify};
use crate::object::policy::{Act, Key};
use crate::session::ending::{Spent, Step};
use crate::session::{Output, Room, Session};
use std::mem;

impl Session {
    /// `C_MessageSignInit`
    pub fn message_sign_start(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let mut operations = self.operations();
        vacant(&operations.messages.sign)?;
        let process = self.signing(Act::Sign, mechanism, params, key)?;
        process.begin(&self.key_of(&process)?, mechanism.sign)?;
        operations.messages.sign = Some(process);
        Ok(())
    }

    /// `C_SignMessage`
    pub fn sign_message(&self, data: &[u8], room: Room) -> Result<Output> {
        let mut operations = self.operations();
        let process = idle(&mut operations.messages.sign)?;
        let transform = process.begin(&self.key_of(process)?, process.mechanism.sign)?;
        if let Some(short) = short(room, signature_len(&*transform, data.len())) {
            return Ok(short);
        }
        process.used();
        let mut out = Secret::default();
        transform.single(data, &mut out)?;
        Ok(Output::Bytes(out))
    }

    /// `C_SignMessageBegin`
    pub fn sign_message_begin(&self) -> Result<()> {
        let mut operations = self.operations();
        let process = idle(&mut operations.messages.sign)?;
        process.message = Some(process.begin(&self.key_of(process)?, process.mechanism.sign)?);
        Ok(())
    }

    /// `C_SignMessageNext` before the last part
    pub fn sign_message_next(&self, part: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        let feed = |message: &mut Box<dyn Transform>| message.update(part, &mut Vec::new());
        ready(&mut operations.messages.sign)?.step(Step::Part, feed)
    }

    /// `C_SignMessageNext` with the last part
    pub fn sign_message_end(&self, part: &[u8], room: Room) -> Result<Output> {
        let mut operations = self.operations();
        ready(&mut operations.messages.sign)?.step(Step::End, |message| {
            if let Some(short) = short(room, signature_len(&**message, part.len())) {
                return Ok(short);
            }
            let mut transform = mem::replace(message, Box::new(Spent));
            let mut out = Secret::default();
            transform.update(part, &mut out)?;
            transform.finish(&mut out)?;
            Ok(Output::Bytes(out))
        })
    }

    /// `C_MessageSignFinal`
    pub fn message_sign_finish(&self) -> Result<()> {
        finish(&mut self.operations().messages.sign)
    }

    /// `C_MessageVerifyInit`
    pub fn message_verify_start(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let mut operations = self.operations();
        vacant(&operations.messages.verify)?;
        let process = self.signing(Act::Verify, mechanism, params, key)?;
        process.begin(&self.key_of(&process)?, mechanism.verify)?;
        operations.messages.verify = Some(process);
        Ok(())
    }

    /// `C_VerifyMessage`
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        let process = idle(&mut operations.messages.verify)?;
        let message = process.begin(&self.key_of(process)?, process.mechanism.verify)?;
        process.used();
        message.single(data, signature)
    }

    /// `C_VerifyMessageBegin`
    pub fn verify_message_begin(&self) -> Result<()> {
        let mut operations = self.operations();
        let process = idle(&mut operations.messages.verify)?;
        process.message = Some(process.begin(&self.key_of(process)?, process.mechanism.verify)?);
        Ok(())
    }

    /// `C_VerifyMessageNext` before the last part
    pub fn verify_message_next(&self, part: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        let feed = |message: &mut Box<dyn Verify>| message.update(part);
        ready(&mut operations.messages.verify)?.step(Step::Part, feed)
    }

    /// `C_VerifyMessageNext` with the last part
    pub fn verify_message_end(&self, part: &[u8], signature: &[u8]) -> Result<()> {
        let mut operations = self.operations();
        ready(&mut operations.messages.verify)?.step(Step::End, |message| {
            let mut verify: Box<dyn Verify> = mem::replace(message, Box::new(Spent));
            verify.update(part)?;
            verify.finish(signature)
        })
    }

    /// `C_MessageVerifyFinal`
    pub fn message_verify_finish(&self) -> Result<()> {
        finish(&mut self.operations().messages.verify)
    }

    fn signing<Message>(
        &self,
        act: Act,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Process<Message>> {
        if !mechanism.signs_messages() {
            return Err(Error::MechanismInvalid);
        }
        let params = self.params(mechanism, params)?;
        self.process(act, mechanism, params, key)
    }
}

impl<Operation: ?Sized> Process<Box<Operation>> {
    /// A message that begins.
    fn begin(&self, key: &Key, start: Option<Start<Operation>>) -> Result<Box<Operation>> {
        start.ok_or(Error::MechanismInvalid)?(&self.params, key)
    }
}

/// How long a signature will be. All that there are have one length.
fn signature_len(transform: &dyn Transform, len: usize) -> usize {
    let (Bound::Exactly(len) | Bound::AtMost(len)) = transform.finish_len(len);
    len
}
