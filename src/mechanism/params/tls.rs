//! Parameters of the key schedule of TLS 1.2.
use crate::crypto::hash::Hash;

/// Parameters of `CKM_TLS12_MASTER_KEY_DERIVE`, `CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE` and their
/// relatives for Diffie-Hellman.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsMaster {
    /// The hash of the PRF.
    pub hash: Hash,
    /// What the master secret is made for.
    pub seed: MasterSeed,
    /// Whether the application wants to know the version in the premaster secret.
    pub version: bool,
}

/// What a master secret is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterSeed {
    /// The random bytes of the client, then of the server (RFC 5246 section 8.1).
    Randoms(Vec<u8>),
    /// The hash of the handshake so far (RFC 7627 section 4).
    Session(Vec<u8>),
}

/// Parameters of `CKM_TLS12_KEY_AND_MAC_DERIVE` and `CKM_TLS12_KEY_SAFE_DERIVE`. Lengths are in
/// bytes, of what one side has; 0 for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsKeys {
    /// The hash of the PRF.
    pub hash: Hash,
    /// The random bytes of the server, then of the client.
    pub seed: Vec<u8>,
    /// Of the key that authenticates.
    pub mac_len: usize,
    /// Of the key that encrypts.
    pub key_len: usize,
    /// Of the initialisation vector.
    pub iv_len: usize,
}

/// Parameters of `CKM_TLS_KDF` (RFC 5705).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsKdf {
    /// The hash of the PRF.
    pub hash: Hash,
    /// What the key is for.
    pub label: Vec<u8>,
    /// The random bytes of the client, then of the server, then the context with its length.
    pub seed: Vec<u8>,
}

/// Parameters of `CKM_TLS_MAC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsMac {
    /// The hash of the PRF.
    pub hash: Hash,
    /// Length in bytes.
    pub len: usize,
    /// Who has finished.
    pub side: Side,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Side {
    Client,
    Server,
}
