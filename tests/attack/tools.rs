//! Tools that several attacks share.
use crate::common::session::query_then;
use crate::common::*;

/// The demands of a KEK's owner on the keys that come in under it.
pub fn hidden() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false].to_vec()
}

/// The template of an unwrapped generic secret.
pub fn generic() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET].to_vec()
}

/// `CKM_AES_CTR` with a counter of 32 bits.
pub fn ctr(counter: &[u8; 16]) -> Mech {
    let params = CK_AES_CTR_PARAMS { ulCounterBits: 32, cb: *counter };
    Mech::with(CKM_AES_CTR, |_| params)
}

/// `CKM_AES_CCM` of `data` bytes with a tag of 16.
pub fn ccm(nonce: &[u8], data: CK_ULONG) -> Mech {
    Mech::with(CKM_AES_CCM, |keep| CK_CCM_PARAMS {
        ulDataLen: data,
        pNonce: keep(nonce),
        ulNonceLen: len(nonce),
        pAAD: std::ptr::null_mut(),
        ulAADLen: 0,
        ulMACLen: 16,
    })
}

/// Wraps by `CKM_AES_GCM` with a nonce of the token's: the nonce, and the wrapped key.
pub fn wrap_with_fresh_nonce(t: &Session, kek: Handle, key: Handle) -> Rv<(Vec<u8>, Vec<u8>)> {
    let (mut nonce, mut tag) = ([0; 12], [0; 16]);
    let mut params = CK_GCM_MESSAGE_PARAMS {
        pIv: nonce.as_mut_ptr(),
        ulIvLen: 12,
        ulIvFixedBits: 0,
        ivGenerator: CKG_GENERATE_RANDOM,
        pTag: tag.as_mut_ptr(),
        ulTagBits: 128,
    };
    let mut mech = CK_MECHANISM {
        mechanism: CKM_AES_GCM,
        ulParameterLen: size_of_val(&params) as CK_ULONG,
        pParameter: void(&mut params),
    };
    let none = std::ptr::null_mut();
    let wrapped = query_then(|at, n| {
        call!(t.C_WrapKeyAuthenticated(t.handle, &mut mech, kek, key, none, 0, at, n))
    })?;
    Ok((nonce.to_vec(), wrapped))
}

/// Derives a key.
pub fn derive(
    t: &Session,
    mech: &Mech,
    base: Handle,
    template: &[(CK_ATTRIBUTE_TYPE, Attr)],
) -> Rv<Handle> {
    let (mut mechanism, mut raw, mut key) = (mech.raw(), RawTemplate::new(template), 0);
    call!(t.C_DeriveKey(t.handle, &mut mechanism, base, raw.ptr(), raw.count(), &mut key))?;
    Ok(key)
}
