//! Deriving, for the tests beside this one.
use crate::common::*;

pub type Template<'a> = &'a [(CK_ATTRIBUTE_TYPE, Attr)];

/// A mechanism with a structure as its parameter, which must live as long.
pub fn with<T>(ckm: CK_MECHANISM_TYPE, params: &mut T) -> Mech {
    Mech::raw_param(ckm, void(params), size_of::<T>() as CK_ULONG)
}

/// `C_DeriveKey`
pub fn derive(s: &Session, mech: &Mech, base: Handle, template: Template<'_>) -> Rv<Handle> {
    let (mut raw, mut key) = (RawTemplate::new(template), 0);
    let mut mech = mech.raw();
    call!(s.C_DeriveKey(s.handle, &mut mech, base, raw.ptr(), raw.count(), &mut key))?;
    Ok(key)
}

/// A generic secret of this length that shows itself.
pub fn open(len: usize) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let mut template = open_whole();
    template.push((CKA_VALUE_LEN, Attr::from(len)));
    template
}

/// The same, of the length that the mechanism has.
pub fn open_whole() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_GENERIC_SECRET,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
    .to_vec()
}

/// The value of a key derived so; it does not stay.
pub fn value(s: &Session, mech: &Mech, base: Handle, template: Template<'_>) -> Rv<Vec<u8>> {
    let key = derive(s, mech, base, template)?;
    let value = s.bytes(key, CKA_VALUE);
    s.destroy(key)?;
    value
}

/// A hidden key as the token makes it: sensitive, not extractable.
pub fn hidden(s: &Session, more: Template<'_>) -> Rv<Handle> {
    let mut template = attrs![
        CKA_VALUE_LEN => 32usize,
        CKA_SENSITIVE => true,
        CKA_DERIVE => true,
    ]
    .to_vec();
    template.retain(|(cka, _)| more.iter().all(|(said, _)| said != cka));
    template.extend_from_slice(more);
    s.generate(&Mech::new(CKM_GENERIC_SECRET_KEY_GEN), &template)
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}
