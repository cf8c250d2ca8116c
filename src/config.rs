//! Where the store is and how the module behaves: from `pReserved` of `C_Initialize`, the
//! environment (`KEYFERRY_STORE`, `KEYFERRY_CONFIG`) or a file, in this order.
use crate::error::Result;
use std::path::PathBuf;

/// Where tokens live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `sqlite:PATH`: a folder of 0700 that holds the database.
    Sqlite(PathBuf),
    /// `memory:`: nowhere; gone with `C_Finalize`.
    Memory,
}

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where tokens live.
    pub store: Location,
    /// Whether wrapping mechanisms take a NULL parameter to mean the Azure profile. Default: yes.
    pub null_parameter: NullParameter,
    /// The shortest RSA key that may be generated, created or unwrapped, in bits: 1024 (default) or 2048.
    pub min_rsa_bits: usize,
}

/// What a NULL parameter of a wrapping mechanism means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullParameter {
    /// AES-256, SHA-1, MGF1-SHA-1, empty label.
    Azure,
    /// `CKR_MECHANISM_PARAM_INVALID`
    Refuse,
}

impl Config {
    /// Reads the configuration. `reserved` is the string that an application gave in `pReserved`:
    /// a store (`memory:`, `sqlite:PATH`) or `config=PATH`; unknown keys are `CKR_ARGUMENTS_BAD`.
    pub fn read(reserved: Option<&str>) -> Result<Config> {
        let _ = reserved;
        todo!()
    }
    /// Tokens in memory, everything else as by default.
    pub fn memory() -> Config {
        Config { store: Location::Memory, null_parameter: NullParameter::Azure, min_rsa_bits: 1024 }
    }
}
