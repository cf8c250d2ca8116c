//! Trust objects: what somebody trusts a certificate for, which need not be on this token
//! (PKCS#11 3.2 section 4.7). The token keeps them; it trusts nothing because of them.
use super::attribute::{Attributes, name};
use super::certificate;
use crate::ck::*;
use crate::error::{Error, Result};

const USES: [CK_ATTRIBUTE_TYPE; 7] = [
    CKA_TRUST_SERVER_AUTH,
    CKA_TRUST_CLIENT_AUTH,
    CKA_TRUST_CODE_SIGNING,
    CKA_TRUST_EMAIL_PROTECTION,
    CKA_TRUST_IPSEC_IKE,
    CKA_TRUST_TIME_STAMPING,
    CKA_TRUST_OCSP_SIGNING,
];

/// Trust that may name a certificate by issuer and serial number alone.
const UNHASHED: [u32; 2] = [CKT_TRUST_UNKNOWN, CKT_NOT_TRUSTED];

/// Whether the attributes make a trust object. `CKR_ATTRIBUTE_VALUE_INVALID` for a trust that is
/// none or a hash of another length than its algorithm's, `CKR_TEMPLATE_INCOMPLETE` if something is
/// trusted of which there is no hash.
pub(in crate::object) fn check(all: &Attributes) -> Result<()> {
    let hashed = certificate::has_hash(all, CKA_HASH_OF_CERTIFICATE)?;
    for cka in USES {
        let trust = all.ulong(cka).and_then(|trust| u32::try_from(trust).ok());
        match trust {
            Some(trust) if UNHASHED.contains(&trust) => {}
            Some(CKT_TRUSTED | CKT_TRUST_ANCHOR | CKT_TRUST_MUST_VERIFY_TRUST) if hashed => {}
            Some(CKT_TRUSTED | CKT_TRUST_ANCHOR | CKT_TRUST_MUST_VERIFY_TRUST) => {
                return Err(Error::TemplateIncomplete.because(name(CKA_HASH_OF_CERTIFICATE)));
            }
            _ => return Err(Error::AttributeValueInvalid.because(name(cka))),
        }
    }
    Ok(())
}
