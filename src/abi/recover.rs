//! Signatures that hold what was signed: PKCS#11 3.2 sections 5.13.5 and 5.15.5.
use super::c_operation;
use crate::ck::*;
use crate::session::Role;

c_operation! {
    /// Starts a signature with recovery; a NULL mechanism ends one that is under way (3.0).
    init C_SignRecoverInit: Role::SignRecover;
    /// Signs in one part.
    single C_SignRecover: Role::SignRecover;
    /// Starts a verification that gives back what was signed.
    init C_VerifyRecoverInit: Role::VerifyRecover;
    /// Verifies, and gives back what was signed.
    single C_VerifyRecover: Role::VerifyRecover;
}
