//! Random number generation functions, PKCS#11 3.2 section 5.19.
use super::c_fn;
use crate::ck::*;

/// How many bytes are made at once, whatever number of them is asked for.
const CHUNK: usize = 1 << 16;

c_fn! {
    /// Adds to the seed of the generator.
    fn C_SeedRandom(session: CK_SESSION_HANDLE, seed: *mut CK_BYTE, len: CK_ULONG)
    |caller, module| {
        module.session(session)?.seed_random(caller.bytes(seed, len)?)
    }

    /// Random bytes.
    fn C_GenerateRandom(session: CK_SESSION_HANDLE, random: *mut CK_BYTE, len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let mut places = caller.places(random, len)?;
        while places.room() > 0 {
            places.put(&session.generate_random(places.room().min(CHUNK))?)?;
        }
        Ok(())
    }
}
