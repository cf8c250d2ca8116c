//! Two operations over the same data: PKCS#11 3.2, section 5.17.
use super::super::ending::Step;
use super::super::{Output, Room, Session};
use super::{Active, Operations, Order, Role};
use crate::ck::*;
use crate::crypto::Exchange;
use crate::error::{Error, Result};

/// A cipher at work together with what takes its plaintext in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dual {
    DigestEncrypt,
    DecryptDigest,
    SignEncrypt,
    DecryptVerify,
}

/// What takes the plaintext in.
#[derive(Clone, Copy)]
enum Taker {
    Transform(Role),
    Verify,
}

impl Dual {
    /// What `C_SessionCancel` calls its halves.
    pub const fn flags(self) -> CK_FLAGS {
        match self.halves() {
            (cipher, Taker::Transform(other)) => cipher.flags() | other.flags(),
            (cipher, Taker::Verify) => cipher.flags() | CKF_VERIFY,
        }
    }

    const fn halves(self) -> (Role, Taker) {
        match self {
            Dual::DigestEncrypt => (Role::Encrypt, Taker::Transform(Role::Digest)),
            Dual::DecryptDigest => (Role::Decrypt, Taker::Transform(Role::Digest)),
            Dual::SignEncrypt => (Role::Encrypt, Taker::Transform(Role::Sign)),
            Dual::DecryptVerify => (Role::Decrypt, Taker::Verify),
        }
    }
}

impl Session {
    /// `C_DigestEncryptUpdate`, `C_DecryptDigestUpdate`, `C_SignEncryptUpdate`,
    /// `C_DecryptVerifyUpdate`: nothing is fed to either unless both are there, and plaintext is
    /// taken in only once the cipher's output is given.
    ///
    /// Each half ends as with an update of its own (PKCS#11 3.2 section 5.17 says nothing else). An error
    /// of the cipher ends the cipher alone, since nothing was passed on. An error of the other half ends
    /// both if the cipher has gone on, since its output is lost.
    pub fn dual(&self, dual: Dual, data: Exchange<'_>, room: Room) -> Result<Output> {
        let part = data.input();
        let mut operations = self.operations();
        let (cipher, taker) = dual.halves();
        operations.are_under_way(cipher, taker)?;
        operations.takes(taker)?;
        let output = operations.update(cipher, Exchange::of(part), room)?;
        let plaintext = match &output {
            Output::Length(_) | Output::TooSmall(_) => return Ok(output),
            Output::Bytes(_) if cipher == Role::Encrypt => part,
            Output::Bytes(out) => out,
            Output::Behind(..) => {
                return Err(Error::GeneralError.because("output went elsewhere unasked"));
            }
        };
        operations.take_in(taker, plaintext).inspect_err(|_| *operations.slot(cipher) = None)?;
        Ok(output)
    }
}

impl Operations {
    fn are_under_way(&mut self, cipher: Role, taker: Taker) -> Result<()> {
        let taken = match taker {
            Taker::Transform(role) => self.slot(role).is_some(),
            Taker::Verify => self.verification(Order::DataFirst).is_ok(),
        };
        let both = taken && self.slot(cipher).is_some();
        if both { Ok(()) } else { Err(Error::OperationNotInitialized) }
    }

    /// Whether the operation would take a part.
    fn takes(&mut self, taker: Taker) -> Result<()> {
        match taker {
            Taker::Transform(role) => {
                let ready =
                    |active: &mut Active<_>| active.takes_parts().map(|()| Output::Length(0));
                self.step(role, Step::Part, ready).map(drop)
            }
            Taker::Verify => self.verify_step(Order::DataFirst, Step::Part, |_| Ok(())),
        }
    }

    fn take_in(&mut self, taker: Taker, plaintext: &[u8]) -> Result<()> {
        match taker {
            Taker::Transform(role) => {
                self.update(role, Exchange::of(plaintext), Room::Bytes(0)).map(drop)
            }
            Taker::Verify => self.verify_update(Order::DataFirst, plaintext),
        }
    }
}
