//! A session on a token: objects, keys, and the operations under way.
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::Result;
use crate::mechanism::{Mechanism, Params};
use crate::object::attribute::{Attributes, Value};

/// The room that an application has for an output (PKCS#11 3.2 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// None: it only asks how much it will need.
    Query,
    /// This many bytes.
    Bytes(usize),
}

/// The answer to a call that has an output.
#[derive(Debug)]
pub enum Output {
    /// The length asked for: exact where the mechanism determines it.
    Length(usize),
    /// The room is too small for this many bytes: `CKR_BUFFER_TOO_SMALL`. Nothing was lost.
    TooSmall(usize),
    /// The output; it fits.
    Bytes(Secret),
}

/// An operation that a session can have under way, one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Role {
    Encrypt,
    Decrypt,
    Sign,
}

/// A session.
#[derive(Debug)]
pub struct Session {}

#[allow(unused_variables, missing_docs)]
impl Session {
    /// `C_GetSessionInfo`
    pub fn info(&self) -> Result<CK_SESSION_INFO> { todo!() }
    /// `C_InitPIN`
    pub fn init_pin(&self, pin: &[u8]) -> Result<()> { todo!() }
    /// `C_SetPIN`
    pub fn set_pin(&self, old: &[u8], new: &[u8]) -> Result<()> { todo!() }
    /// `C_Login`, `C_LoginUser` (the user name must be empty)
    pub fn login(&self, user: CK_USER_TYPE, pin: &[u8]) -> Result<()> { todo!() }
    /// `C_Logout`
    pub fn logout(&self) -> Result<()> { todo!() }

    /// `C_CreateObject`
    pub fn create_object(&self, template: Attributes) -> Result<CK_OBJECT_HANDLE> { todo!() }
    /// `C_CopyObject`
    pub fn copy_object(&self, object: CK_OBJECT_HANDLE, template: Attributes) -> Result<CK_OBJECT_HANDLE> { todo!() }
    /// `C_DestroyObject`
    pub fn destroy_object(&self, object: CK_OBJECT_HANDLE) -> Result<()> { todo!() }
    /// `C_GetObjectSize`
    pub fn object_size(&self, object: CK_OBJECT_HANDLE) -> Result<usize> { todo!() }
    /// `C_GetAttributeValue`: one answer for each attribute asked, in their order
    pub fn attributes(&self, object: CK_OBJECT_HANDLE, asked: &[CK_ATTRIBUTE_TYPE]) -> Result<Vec<Result<Value>>> { todo!() }
    /// `C_SetAttributeValue`
    pub fn set_attributes(&self, object: CK_OBJECT_HANDLE, template: Attributes) -> Result<()> { todo!() }
    /// `C_FindObjectsInit`
    pub fn find_init(&self, template: Attributes) -> Result<()> { todo!() }
    /// `C_FindObjects`: at most `max` more handles
    pub fn find(&self, max: usize) -> Result<Vec<CK_OBJECT_HANDLE>> { todo!() }
    /// `C_FindObjectsFinal`
    pub fn find_final(&self) -> Result<()> { todo!() }

    /// `C_GenerateKey`
    pub fn generate_key(&self, mechanism: &'static Mechanism, params: Params, template: Attributes) -> Result<CK_OBJECT_HANDLE> { todo!() }
    /// `C_GenerateKeyPair`: public, then private
    pub fn generate_key_pair(&self, mechanism: &'static Mechanism, params: Params, public: Attributes, private: Attributes) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> { todo!() }
    /// `C_WrapKey`
    pub fn wrap(&self, mechanism: &'static Mechanism, params: Params, wrapping_key: CK_OBJECT_HANDLE, key: CK_OBJECT_HANDLE, room: Room) -> Result<Output> { todo!() }
    /// `C_UnwrapKey`
    pub fn unwrap(&self, mechanism: &'static Mechanism, params: Params, unwrapping_key: CK_OBJECT_HANDLE, wrapped: &[u8], template: Attributes) -> Result<CK_OBJECT_HANDLE> { todo!() }

    /// `C_EncryptInit`, `C_DecryptInit`, `C_SignInit`
    pub fn start(&self, role: Role, mechanism: &'static Mechanism, params: Params, key: CK_OBJECT_HANDLE) -> Result<()> { todo!() }
    /// `C_*Init` with a NULL mechanism (3.0): ends the operation of that role, if any
    pub fn cancel(&self, role: Role) -> Result<()> { todo!() }
    /// `C_Encrypt`, `C_Decrypt`, `C_Sign`
    pub fn single(&self, role: Role, data: &[u8], room: Room) -> Result<Output> { todo!() }
    /// `C_EncryptUpdate`, `C_DecryptUpdate`, `C_SignUpdate` (whose output is empty)
    pub fn update(&self, role: Role, part: &[u8], room: Room) -> Result<Output> { todo!() }
    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_SignFinal`
    pub fn finish(&self, role: Role, room: Room) -> Result<Output> { todo!() }
    /// `C_VerifyInit`
    pub fn verify_start(&self, mechanism: &'static Mechanism, params: Params, key: CK_OBJECT_HANDLE) -> Result<()> { todo!() }
    /// `C_VerifyInit` with a NULL mechanism
    pub fn verify_cancel(&self) -> Result<()> { todo!() }
    /// `C_Verify`
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> { todo!() }
    /// `C_VerifyUpdate`
    pub fn verify_update(&self, part: &[u8]) -> Result<()> { todo!() }
    /// `C_VerifyFinal`
    pub fn verify_finish(&self, signature: &[u8]) -> Result<()> { todo!() }
    /// `C_SessionCancel`: `CKF_FIND_OBJECTS`, `CKF_ENCRYPT`, `CKF_DECRYPT`, `CKF_SIGN`, `CKF_VERIFY`, …
    pub fn cancel_all(&self, flags: CK_FLAGS) -> Result<()> { todo!() }

    /// `C_SeedRandom`
    pub fn seed_random(&self, seed: &[u8]) -> Result<()> { todo!() }
    /// `C_GenerateRandom`
    pub fn generate_random(&self, len: usize) -> Result<Secret> { todo!() }
}
