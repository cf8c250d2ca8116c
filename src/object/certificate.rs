//! X.509 certificates: what their attributes may say, which is nothing else than they say
//! themselves (PKCS#11 3.2 sections 4.6.2 and 4.6.3).
use super::attribute::{Attributes, Value, name};
use super::encode;
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::error::{Error, Result};
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use spki::SubjectPublicKeyInfoRef;
use x509_cert::time::{Time, Validity};

/// The parts of a certificate that attributes repeat, as they stand in it.
struct Parts<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key: &'a [u8],
    dates: [[u8; 8]; 2],
}

/// Hash functions of `CKA_NAME_HASH_ALGORITHM`.
const HASHES: [(CK_MECHANISM_TYPE, Hash); 11] = [
    (CKM_SHA_1, Hash::Sha1),
    (CKM_SHA224, Hash::Sha224),
    (CKM_SHA256, Hash::Sha256),
    (CKM_SHA384, Hash::Sha384),
    (CKM_SHA512, Hash::Sha512),
    (CKM_SHA512_224, Hash::Sha512_224),
    (CKM_SHA512_256, Hash::Sha512_256),
    (CKM_SHA3_224, Hash::Sha3_224),
    (CKM_SHA3_256, Hash::Sha3_256),
    (CKM_SHA3_384, Hash::Sha3_384),
    (CKM_SHA3_512, Hash::Sha3_512),
];

/// Attributes that are one of the numbers 0 to 3.
const CHOICES: [CK_ATTRIBUTE_TYPE; 2] = [CKA_CERTIFICATE_CATEGORY, CKA_JAVA_MIDP_SECURITY_DOMAIN];

/// Completes the attributes of a new certificate: its check value and public key, and its subject
/// if the application left that empty.
///
/// `CKR_ATTRIBUTE_VALUE_INVALID` if `CKA_VALUE` is no certificate or a value none that the attribute
/// can have, `CKR_TEMPLATE_INCONSISTENT` if certificate and attributes disagree,
/// `CKR_TEMPLATE_INCOMPLETE` if there is a URL without the hashes that go with it.
pub(in crate::object) fn complete(all: &mut Attributes) -> Result<()> {
    check_numbers(all)?;
    check_hashes(all)?;
    let Some(der) = all.bytes(CKA_VALUE).filter(|der| !der.is_empty()) else {
        return Ok(());
    };
    let check = encode::check_value(&Hash::Sha1.digest(der));
    let parts = Parts::of(der)?;
    let filled = [
        (CKA_SUBJECT, Value::bytes(parts.subject)),
        (CKA_PUBLIC_KEY_INFO, Value::bytes(parts.public_key)),
    ];
    agree(all)?;
    for (cka, value) in filled {
        if all.bytes(cka).is_none_or(<[u8]>::is_empty) {
            all.set(cka, value);
        }
    }
    match all.bytes(CKA_CHECK_VALUE) {
        // an empty one asks for none, as for secret keys (section 4.11)
        Some([]) => Ok(()),
        Some(given) if Value::bytes(given) != check => {
            Err(Error::AttributeValueInvalid.because("CKA_CHECK_VALUE"))
        }
        _ => {
            all.set(CKA_CHECK_VALUE, check);
            Ok(())
        }
    }
}

/// Whether no attribute says anything else than the certificate. Empty ones say nothing.
/// `CKR_TEMPLATE_INCONSISTENT`.
pub(in crate::object) fn agree(all: &Attributes) -> Result<()> {
    let Some(der) = all.bytes(CKA_VALUE).filter(|der| !der.is_empty()) else {
        return Ok(());
    };
    let parts = Parts::of(der)?;
    let [start, end] = &parts.dates;
    let said = [
        (CKA_SUBJECT, parts.subject),
        (CKA_ISSUER, parts.issuer),
        (CKA_SERIAL_NUMBER, parts.serial),
        (CKA_PUBLIC_KEY_INFO, parts.public_key),
        (CKA_START_DATE, start),
        (CKA_END_DATE, end),
    ];
    for (cka, said) in said {
        let given = all.bytes(cka).unwrap_or_default();
        let bare = cka == CKA_SERIAL_NUMBER && content(said) == Some(given);
        if !given.is_empty() && given != said && !bare {
            return Err(Error::TemplateInconsistent.because(name(cka)));
        }
    }
    Ok(())
}

/// The content of a DER INTEGER: Java's keytool leaves tag and length out.
fn content(integer: &[u8]) -> Option<&[u8]> {
    AnyRef::from_der(integer).ok().map(|integer| integer.value())
}

fn check_numbers(all: &Attributes) -> Result<()> {
    let wrong = CHOICES.into_iter().find(|cka| all.ulong(*cka).is_some_and(|number| number > 3));
    match wrong {
        Some(cka) => Err(Error::AttributeValueInvalid.because(name(cka))),
        None => Ok(()),
    }
}

/// Table "X.509 Certificate Object Attributes", footnote 4: hashes can be empty only if the URL is.
fn check_hashes(all: &Attributes) -> Result<()> {
    let has_url = all.bytes(CKA_URL).is_some_and(|url| !url.is_empty());
    for cka in [CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_HASH_OF_ISSUER_PUBLIC_KEY] {
        if !has_hash(all, cka)? && has_url {
            return Err(Error::TemplateIncomplete.because(name(cka)));
        }
    }
    Ok(())
}

/// Whether `cka` is a hash by `CKA_NAME_HASH_ALGORITHM`, and not empty. `CKR_ATTRIBUTE_VALUE_INVALID`
/// if there is no such algorithm, or the length is not that of its hashes.
pub(in crate::object) fn has_hash(all: &Attributes, cka: CK_ATTRIBUTE_TYPE) -> Result<bool> {
    let algorithm = all.ulong(CKA_NAME_HASH_ALGORITHM).unwrap_or(CKM_SHA_1);
    let (_, hash) = HASHES
        .iter()
        .find(|(ckm, _)| *ckm == algorithm)
        .ok_or_else(|| Error::AttributeValueInvalid.because(name(CKA_NAME_HASH_ALGORITHM)))?;
    match all.bytes(cka).unwrap_or_default().len() {
        0 => Ok(false),
        len if len == hash.size() => Ok(true),
        _ => Err(Error::AttributeValueInvalid.because(name(cka))),
    }
}

impl<'a> Parts<'a> {
    /// Reads a certificate (RFC 5280 section 4.1). Names and extensions are not looked into: that
    /// an attribute repeats them is all that matters here, and certificates in use are odd enough.
    fn of(der: &'a [u8]) -> Result<Parts<'a>> {
        let parts = SliceReader::new(der).and_then(|mut reader| {
            let parts = reader.sequence(|certificate| {
                let parts = certificate.sequence(Parts::of_signed)?;
                sequence(certificate)?;
                BitStringRef::decode(certificate)?;
                Ok::<_, der::Error>(parts)
            })?;
            reader.finish().map(|()| parts)
        });
        parts.map_err(|error| Error::AttributeValueInvalid.because(error))
    }

    /// Reads a TBSCertificate.
    fn of_signed(reader: &mut SliceReader<'a>) -> der::Result<Parts<'a>> {
        const VERSION: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        if Tag::peek(reader)? == VERSION {
            reader.tlv_bytes()?;
        }
        let serial = reader.tlv_bytes()?;
        AnyRef::from_der(serial)?.header().tag().assert_eq(Tag::Integer)?;
        sequence(reader)?;
        let issuer = sequence(reader)?;
        let validity: Validity = reader.decode()?;
        let subject = sequence(reader)?;
        let public_key = reader.tlv_bytes()?;
        SubjectPublicKeyInfoRef::from_der(public_key)?;
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        let dates = [date(&validity.not_before), date(&validity.not_after)];
        Ok(Parts { serial, issuer, subject, public_key, dates })
    }
}

/// The bytes of a SEQUENCE.
fn sequence<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    Tag::peek(reader)?.assert_eq(Tag::Sequence)?;
    reader.tlv_bytes()
}

/// As `CK_DATE`.
fn date(time: &Time) -> [u8; 8] {
    let day = time.to_date_time();
    let text = format!("{:04}{:02}{:02}", day.year(), day.month(), day.day());
    text.as_bytes().first_chunk().copied().unwrap_or_default()
}
