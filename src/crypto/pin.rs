//! From a PIN to a key: Argon2id (RFC 9106).
//!
//! The vault seals a token's key under what comes out of here; nothing else meets a PIN.
use super::{Failed, Secret};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use zeroize::Zeroize;

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
    /// What new PINs get: more than OWASP's minimum (19 MiB, 2 passes, 1 lane), some 60 ms of one
    /// core of a small server.
    pub const DEFAULT: Cost = Cost { memory: 24 * 1024, passes: 2, lanes: 1 };

    /// More than this in any respect is no stored cost of ours but an attack on the login.
    const MOST: Cost = Cost { memory: 1024 * 1024, passes: 64, lanes: 16 };

    fn bearable(self) -> bool {
        self.memory <= Cost::MOST.memory
            && self.passes <= Cost::MOST.passes
            && self.lanes <= Cost::MOST.lanes
    }
}

/// Length of a derived key in bytes.
const KEY: usize = 32;

/// Derives the 32-byte key of `pin` and `salt` (16 bytes).
pub fn derive(pin: &[u8], salt: &[u8], cost: Cost) -> Result<Secret, Failed> {
    Derivation::new(cost)?.memory()?.derive(pin, salt)
}

/// Argon2id with one cost, without its memory yet.
#[derive(Debug)]
pub struct Derivation(Params);

impl Derivation {
    /// Fails for a cost that this module would never have written.
    pub fn new(cost: Cost) -> Result<Derivation, Failed> {
        if !cost.bearable() {
            return Err(Failed);
        }
        let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(KEY));
        params.map(Derivation).map_err(|_| Failed)
    }

    /// Allocates the memory. Fails if the process cannot have so much.
    pub fn memory(self) -> Result<Ready, Failed> {
        let memory = Memory::new(self.0.block_count())?;
        Ok(Ready { params: self.0, memory })
    }
}

/// Argon2id with its memory allocated.
pub struct Ready {
    params: Params,
    memory: Memory,
}

impl Ready {
    /// Derives the 32-byte key of `pin` and `salt` (16 bytes).
    pub fn derive(mut self, pin: &[u8], salt: &[u8]) -> Result<Secret, Failed> {
        let mut key = Secret::new(vec![0; KEY]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params)
            .hash_password_into_with_memory(pin, salt, &mut key, &mut self.memory.0)
            .map_err(|_| Failed)?;
        Ok(key)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.params).finish_non_exhaustive()
    }
}

/// What Argon2 works in; our own, for `argon2` does not wipe what it allocates. Block by block,
/// since `Zeroizing<Vec<_>>` would wipe the same memory byte by byte once more.
struct Memory(Vec<Block>);

impl Memory {
    fn new(blocks: usize) -> Result<Memory, Failed> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| Failed)?;
        memory.resize(blocks, Block::new());
        Ok(Memory(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Block::zeroize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    // From the reference implementation's test.c: Argon2id, version 0x13, 2 passes, 2^8 KiB.
    #[test]
    fn derives_what_the_reference_implementation_does() {
        let cost = Cost { memory: 256, passes: 2, lanes: 1 };
        let key = derive(b"password", b"somesalt", cost).unwrap();
        assert_eq!(key[..8], [0x9d, 0xfe, 0xb9, 0x10, 0xe8, 0x0b, 0xad, 0x03]);
        assert_eq!(key[24..], [0xf5, 0x4d, 0x5b, 0x30, 0x21, 0xc6, 0x8b, 0xfe]);
    }

    #[test]
    fn another_pin_salt_or_cost_is_another_key() {
        let key = derive(b"1234", &[1; 16], CHEAP).unwrap();
        assert_eq!(key.len(), 32);
        assert_eq!(derive(b"1234", &[1; 16], CHEAP).unwrap(), key);
        assert_ne!(derive(b"1235", &[1; 16], CHEAP).unwrap(), key);
        assert_ne!(derive(b"1234", &[2; 16], CHEAP).unwrap(), key);
        for other in
            [Cost { memory: 72, ..CHEAP }, Cost { passes: 2, ..CHEAP }, Cost { lanes: 2, ..CHEAP }]
        {
            assert_ne!(derive(b"1234", &[1; 16], other).unwrap(), key);
        }
    }

    #[test]
    fn impossible_and_unbearable_costs_are_refused() {
        for cost in [
            Cost { memory: 0, ..CHEAP },
            Cost { passes: 0, ..CHEAP },
            Cost { lanes: 0, ..CHEAP },
            Cost { memory: u32::MAX, ..CHEAP },
            Cost { passes: u32::MAX, ..CHEAP },
            Cost { lanes: u32::MAX, ..CHEAP },
        ] {
            assert_eq!(derive(b"1234", &[1; 16], cost), Err(Failed), "{cost:?}");
        }
        assert_eq!(derive(b"1234", &[1; 4], CHEAP), Err(Failed));
    }

    #[test]
    fn the_default_cost_is_owasps_minimum_or_better() {
        let Cost { memory, passes, lanes } = Cost::DEFAULT;
        assert!(memory >= 19 * 1024 && passes >= 2 && lanes >= 1);
        assert!(Cost::DEFAULT.bearable());
    }
}
