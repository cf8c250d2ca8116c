//! A small safe client of any PKCS#11 module: the embedded one, or one loaded by path.
//!
//! The command line stands on it. A [`Module`] is initialised and finalised, a [`Session`] opened
//! and closed by their lifetimes; failures name the function and the `CKR_*`.
mod call;
mod crypt;
mod error;
mod find;
mod keys;
mod meanings;
mod mechanism;
mod module;
mod nested;
mod padding;
mod receive;
mod rights;
mod session;
mod template;
mod wrap;

pub use error::{Error, Result};
pub use find::{MOST_OBJECTS, known};
pub use mechanism::{Mechanism, Oaep};
pub use module::{Module, Slots, TokenSlot};
pub use rights::{RIGHTS, Right};
pub use session::{Access, Session, User};
pub use template::Template;
pub use wrap::{Profile, Way};
