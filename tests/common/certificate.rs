//! X.509 certificates, put together by hand (RFC 5280 section 4.1). Nobody checks the signature.
use super::*;

/// A certificate in its parts, each in DER.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub serial: Vec<u8>,
    pub issuer: Vec<u8>,
    pub validity: Vec<u8>,
    pub subject: Vec<u8>,
    pub public_key: Vec<u8>,
}

impl Default for Certificate {
    /// Valid from 2026-01-31 to 2050-02-01, the one as UTCTime, the other as GeneralizedTime.
    fn default() -> Certificate {
        let algorithm = der(0x30, &[keys::P256]);
        Certificate {
            serial: der(0x02, &[&[0x00, 0x8F, 0x01]]),
            issuer: named("An authority"),
            validity: der(
                0x30,
                &[&der(0x17, &[b"260131120000Z"]), &der(0x18, &[b"20500201120000Z"])],
            ),
            subject: named("A subject"),
            public_key: der(0x30, &[&algorithm, &der(0x03, &[&[0, 4, 1, 2]])]),
        }
    }
}

impl Certificate {
    /// As a whole: version 3, no extensions.
    pub fn der(&self) -> Vec<u8> {
        let version = der(0xA0, &[&[2, 1, 2]]);
        let algorithm = der(0x30, &[keys::P256]);
        let Certificate { serial, issuer, validity, subject, public_key } = self;
        let parts: [&[u8]; 7] =
            [&version, serial, &algorithm, issuer, validity, subject, public_key];
        der(0x30, &[&der(0x30, &parts), &algorithm, &der(0x03, &[&[0, 9]])])
    }

    /// The attributes that must be there.
    pub fn template(&self) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
        attrs![
            CKA_CLASS => CKO_CERTIFICATE,
            CKA_CERTIFICATE_TYPE => CKC_X_509,
            CKA_SUBJECT => &self.subject,
            CKA_VALUE => self.der(),
        ]
        .to_vec()
    }
}

/// A name with a common name alone.
pub fn named(common_name: &str) -> Vec<u8> {
    let oid: &[u8] = &[0x06, 3, 0x55, 4, 3];
    let attribute = der(0x30, &[oid, &der(0x0C, &[common_name.as_bytes()])]);
    der(0x30, &[&der(0x31, &[&attribute])])
}

/// A value of DER, up to 65535 bytes long.
pub fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut out = vec![tag];
    match value.len() {
        short @ 0..0x80 => out.push(short as u8),
        len @ 0x80..0x100 => out.extend([0x81, len as u8]),
        len => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(value);
    out
}
