//! From a PIN to a key: Argon2id (RFC 9106).
use super::{Failed, Secret};

/// What a PIN costs to try. Stored beside each PIN's slot, so that it can be raised later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What new PINs get: at least OWASP's minimum (19 MiB, 2 passes, 1 lane).
    pub const DEFAULT: Cost = Cost { memory: 19 * 1024, passes: 2, lanes: 1 };
}

/// The 32-byte key of `pin` and `salt` (16 bytes).
pub fn derive(pin: &[u8], salt: &[u8], cost: Cost) -> Result<Secret, Failed> {
    let _ = (pin, salt, cost);
    todo!()
}
