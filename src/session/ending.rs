//! The end of an operation: the one table of calls and return codes that end it.
//!
//! | PKCS#11 3.2, sections 5.2 and 5.8 to 5.17 | length told, `CKR_BUFFER_TOO_SMALL` | `CKR_OK` | every other code |
//! |---|---|---|---|
//! | a part: `C_*Update`, `C_*MessageNext` before the last part | goes on | goes on | ends |
//! | the end: `C_Encrypt` and its like, `C_*Final`, `C_*MessageNext` with the last part | goes on | ends | ends |
//!
//! "Every other code" includes `CKR_ARGUMENTS_BAD` for the arguments of such a call, `CKR_OPERATION_ACTIVE` for
//! `C_Encrypt` and its like once a part was fed, and `CKR_USER_NOT_LOGGED_IN` for a key with
//! `CKA_ALWAYS_AUTHENTICATE`.
//!
//! `CKR_OPERATION_NOT_INITIALIZED` ends nothing: what the call is for is not under way. Calls that start
//! an operation end none, nor do `C_FindObjects`, `C_DigestKey` with a key that cannot be digested,
//! `C_GetOperationState`, and `C_EncryptMessage` and its like, which begin and end a message of their own:
//! the standard says nothing else of them. `C_*Init` with a NULL mechanism and `C_SessionCancel` end what
//! they name, and a logout ends everything.
use super::{Output, Sealed};
use crate::error::{Error, Result};
use crate::mechanism::{Bound, Transform, Verify};

/// The step of an operation that a call performs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Feeds a part.
    Part,
    /// Asks for the outcome.
    End,
}

/// An answer to a call.
pub(super) trait Answer {
    /// Returns `true` if the call did what it is there for: neither told a length alone nor lacked room.
    fn is_done(&self) -> bool {
        true
    }
}

impl Answer for () {}

impl Answer for Output {
    fn is_done(&self) -> bool {
        match self {
            Output::Length(_) | Output::TooSmall(_) => false,
            Output::Bytes(_) | Output::Behind(..) => true,
        }
    }
}

impl Answer for Sealed {
    fn is_done(&self) -> bool {
        self.output.is_done()
    }
}

/// The table: returns `true` if `answer` ends the operation.
pub(super) fn ends<T: Answer>(step: Step, answer: &Result<T>) -> bool {
    match (step, answer) {
        (_, Err(_)) => true,
        (Step::Part, Ok(_)) => false,
        (Step::End, Ok(answer)) => answer.is_done(),
    }
}

/// An operation whose outcome is computed; the output may still wait for room.
pub(super) struct Spent;

impl Transform for Spent {
    fn update(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        Err(Error::OperationActive)
    }
    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::OperationActive)
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(0)
    }
}

impl Verify for Spent {
    fn update(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::OperationActive)
    }
    fn finish(self: Box<Self>, _: &[u8]) -> Result<()> {
        Err(Error::OperationActive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    #[test]
    fn the_table_knows_every_answer() {
        let bytes = || Secret::new(vec![1]);
        let done = [Output::Bytes(bytes()), Output::Behind(4, bytes())];
        let unfinished = [Output::Length(1), Output::TooSmall(1)];
        for answer in done.map(Ok) {
            assert!(!ends(Step::Part, &answer) && ends(Step::End, &answer));
        }
        for answer in unfinished.map(Ok) {
            assert!(!ends(Step::Part, &answer) && !ends(Step::End, &answer));
        }
        assert!(!ends(Step::Part, &Ok(())) && ends(Step::End, &Ok(())));
        let sealed = Ok(Sealed::from(Output::Length(1)));
        assert!(!ends(Step::Part, &sealed) && !ends(Step::End, &sealed));
        for error in [Error::ArgumentsBad, Error::OperationActive, Error::UserNotLoggedIn] {
            assert!(ends::<()>(Step::Part, &Err(error)) && ends::<()>(Step::End, &Err(error)));
        }
    }
}
