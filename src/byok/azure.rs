//! The key transfer package of Azure Key Vault and Managed HSM: a `.byok` file.
use std::fmt;

/// A key transfer package: one blob for one KEK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The KEK's key identifier.
    pub kid: Kid,
    /// The blob of `CKM_RSA_AES_KEY_WRAP`: OAEP part, then KWP part.
    pub ciphertext: Vec<u8>,
    /// Who made it: free text.
    pub generator: String,
}

/// A key identifier URL with its version:
/// `https://<vault>.vault.azure.net/keys/<name>/<32 hex>` (or a Managed HSM's, or another cloud's host).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kid(String);

/// Why something is not a package or not a key identifier; says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Malformed {}

impl Kid {
    /// Checks the form.
    pub fn parse(url: &str) -> Result<Kid, Malformed> {
        let _ = url;
        todo!()
    }
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Package {
    /// The file's bytes: UTF-8 JSON, one line, no BOM, `ciphertext` unpadded base64url.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }
    /// Length of [`Self::to_bytes`] for a ciphertext of `len` bytes, without making it.
    pub fn len_for(kid: &Kid, generator: &str, len: usize) -> usize {
        let _ = (kid, generator, len);
        todo!()
    }
    /// Reads a file, also one that other producers padded, reordered or indented.
    pub fn parse(file: &[u8]) -> Result<Package, Malformed> {
        let _ = file;
        todo!()
    }
}
