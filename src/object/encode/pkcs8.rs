//! The outer layer of private keys: PKCS#8 (RFC 5208) and OneAsymmetricKey (RFC 5958).
//!
//! Keys leave as version 0 with nothing optional. They come in with whatever the RFCs allow, since
//! other programs add attributes, a public key, and either version number to any of it.
use crate::crypto::Secret;
use crate::error::{Error, Result};
use der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagMode, TagNumber};
use pkcs8::spki::AlgorithmIdentifierRef;

/// What PKCS#8 says before the key itself is looked at.
#[derive(Debug)]
pub(super) struct Outer<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) private_key: &'a [u8],
    pub(super) public_key: Option<&'a [u8]>,
}

impl<'a> Outer<'a> {
    /// Takes the outer layer off. Strict DER, nothing behind it.
    pub(super) fn parse(der: &'a [u8]) -> Option<Outer<'a>> {
        let mut reader = SliceReader::new(der).ok()?;
        let outer = reader.sequence(Outer::fields).ok()?;
        reader.finish().ok()?;
        Some(outer)
    }

    fn fields(reader: &mut SliceReader<'a>) -> der::Result<Outer<'a>> {
        if u8::decode(reader)? > 1 {
            return Err(Tag::Integer.value_error().into());
        }
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let private_key = <&OctetStringRef>::decode(reader)?.as_bytes();
        let attributes = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        if !reader.is_finished() && Tag::peek(reader)? == attributes {
            AnyRef::decode(reader)?;
        }
        let public_key = reader
            .context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Implicit)?
            .map(|bits| bits.as_bytes().ok_or_else(|| Tag::BitString.value_error()))
            .transpose()?;
        Ok(Outer { algorithm, private_key, public_key })
    }
}

/// Puts the outer layer around `private_key`.
pub(super) fn wrap(algorithm: AlgorithmIdentifierRef<'_>, private_key: &[u8]) -> Result<Secret> {
    let key = OctetStringRef::new(private_key).map_err(|_| Error::GeneralError)?;
    let info = pkcs8::PrivateKeyInfoRef::new(algorithm, key);
    info.to_der().map(Secret::new).map_err(|_| Error::GeneralError)
}

/// Length of what [`wrap`] makes of `len` bytes under an algorithm identifier of `algorithm` bytes.
pub(super) fn wrapped_len(algorithm: usize, len: usize) -> usize {
    const VERSION: usize = 3;
    super::element_len(VERSION + algorithm + super::element_len(len))
}
