//! The seven kinds of operations, each put through the same: what starts one, what does not end
//! it, what does, and who sees it. PKCS#11 3.2, sections 5.2 and 5.8 to 5.16.
use crate::common::session::into;
use crate::common::*;
use std::ptr::null_mut;

pub const NOT_STARTED: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

/// Input and output of a call.
#[derive(Clone, Copy)]
pub struct Io {
    pub data: *mut u8,
    pub n: CK_ULONG,
    pub out: *mut u8,
    pub m: *mut CK_ULONG,
}

pub type Call = fn(&Session, Io) -> Rv<()>;
pub type Init = fn(&Session, *mut CK_MECHANISM, Handle) -> Rv<()>;

/// A kind of operations.
pub struct Kind {
    pub name: &'static str,
    pub flag: CK_FLAGS,
    pub init: Init,
    pub single: Call,
    /// The next part, and the end. Recovery has no parts.
    pub parts: Option<(Call, Call)>,
    pub ckm: CK_MECHANISM_TYPE,
    pub key: Handle,
    /// Input that goes through, and the length of what comes of it; none of a verdict.
    pub input: Vec<u8>,
    pub output: usize,
}

/// `C_Verify` takes what the others give.
fn verify(s: &Session, io: Io) -> Rv<()> {
    let n = if io.m.is_null() { 64 } else { unsafe { *io.m } };
    call!(s.C_Verify(s.handle, io.data, io.n, io.out, n))
}
fn verify_final(s: &Session, io: Io) -> Rv<()> {
    let n = if io.m.is_null() { 64 } else { unsafe { *io.m } };
    call!(s.C_VerifyFinal(s.handle, io.out, n))
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn kinds(t: &Token) -> Vec<Kind> {
    let aes = t.aes(16).unwrap();
    let ec = t.ec(keys::P256).unwrap();
    let public = attrs![CKA_MODULUS_BITS => 1024usize, CKA_VERIFY_RECOVER => true];
    let private = attrs![CKA_SIGN_RECOVER => true];
    let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
    let rsa = t.generate_pair(&mech, &public, &private).unwrap();
    let recoverable = t.sign_recover(&Mech::new(CKM_RSA_PKCS), rsa.1, &[5; 16]).unwrap();
    let kind = |name, flag, init, single, parts, ckm, key, input: &[u8], output| Kind {
        name,
        flag,
        init,
        single,
        parts,
        ckm,
        key,
        input: input.to_vec(),
        output,
    };
    vec![
        kind(
            "encrypt",
            CKF_ENCRYPT,
            |s, m, key| call!(s.C_EncryptInit(s.handle, m, key)),
            |s, io| call!(s.C_Encrypt(s.handle, io.data, io.n, io.out, io.m)),
            Some((
                |s, io| call!(s.C_EncryptUpdate(s.handle, io.data, io.n, io.out, io.m)),
                |s, io| call!(s.C_EncryptFinal(s.handle, io.out, io.m)),
            )),
            CKM_AES_ECB,
            aes,
            &[1; 16],
            16,
        ),
        kind(
            "decrypt",
            CKF_DECRYPT,
            |s, m, key| call!(s.C_DecryptInit(s.handle, m, key)),
            |s, io| call!(s.C_Decrypt(s.handle, io.data, io.n, io.out, io.m)),
            Some((
                |s, io| call!(s.C_DecryptUpdate(s.handle, io.data, io.n, io.out, io.m)),
                |s, io| call!(s.C_DecryptFinal(s.handle, io.out, io.m)),
            )),
            CKM_AES_ECB,
            aes,
            &[1; 16],
            16,
        ),
        kind(
            "digest",
            CKF_DIGEST,
            |s, m, _| call!(s.C_DigestInit(s.handle, m)),
            |s, io| call!(s.C_Digest(s.handle, io.data, io.n, io.out, io.m)),
            Some((
                |s, io| call!(s.C_DigestUpdate(s.handle, io.data, io.n)),
                |s, io| call!(s.C_DigestFinal(s.handle, io.out, io.m)),
            )),
            CKM_SHA256,
            0,
            b"data",
            32,
        ),
        kind(
            "sign",
            CKF_SIGN,
            |s, m, key| call!(s.C_SignInit(s.handle, m, key)),
            |s, io| call!(s.C_Sign(s.handle, io.data, io.n, io.out, io.m)),
            Some((
                |s, io| call!(s.C_SignUpdate(s.handle, io.data, io.n)),
                |s, io| call!(s.C_SignFinal(s.handle, io.out, io.m)),
            )),
            CKM_ECDSA_SHA256,
            ec.1,
            b"data",
            64,
        ),
        kind(
            "verify",
            CKF_VERIFY,
            |s, m, key| call!(s.C_VerifyInit(s.handle, m, key)),
            verify,
            Some((|s, io| call!(s.C_VerifyUpdate(s.handle, io.data, io.n)), verify_final)),
            CKM_ECDSA_SHA256,
            ec.0,
            b"data",
            0,
        ),
        kind(
            "sign recover",
            CKF_SIGN_RECOVER,
            |s, m, key| call!(s.C_SignRecoverInit(s.handle, m, key)),
            |s, io| call!(s.C_SignRecover(s.handle, io.data, io.n, io.out, io.m)),
            None,
            CKM_RSA_PKCS,
            rsa.1,
            &[5; 16],
            128,
        ),
        kind(
            "verify recover",
            CKF_VERIFY_RECOVER,
            |s, m, key| call!(s.C_VerifyRecoverInit(s.handle, m, key)),
            |s, io| call!(s.C_VerifyRecover(s.handle, io.data, io.n, io.out, io.m)),
            None,
            CKM_RSA_PKCS,
            rsa.0,
            &recoverable,
            16,
        ),
    ]
}

impl Kind {
    pub fn begin(&self, s: &Session) -> Rv<()> {
        (self.init)(s, &mut Mech::new(self.ckm).raw(), self.key)
    }
    fn end(&self, s: &Session, room: usize) -> Rv<Vec<u8>> {
        into(room, |out, m| (self.single)(s, self.io(out, m)))
    }
    pub fn io(&self, out: *mut u8, m: *mut CK_ULONG) -> Io {
        Io { data: ptr(&self.input), n: len(&self.input), out, m }
    }
    /// What a call to an operation under way comes to, whatever its output.
    pub fn over(&self, s: &Session) {
        let none = Err(NOT_STARTED);
        assert_eq!(self.end(s, 200), none.clone(), "{}", self.name);
        if let Some((update, last)) = self.parts {
            let none = none.map(|_: Vec<u8>| ());
            let mut m = 64;
            let mut out = [0; 64];
            assert_eq!(update(s, self.io(out.as_mut_ptr(), &mut m)), none, "{}", self.name);
            assert_eq!(last(s, self.io(out.as_mut_ptr(), &mut m)), none, "{}", self.name);
        }
    }
    pub fn goes_through(&self, s: &Session) {
        let expected = match self.output {
            0 => Err(CKR_SIGNATURE_LEN_RANGE),
            len => Ok(len),
        };
        assert_eq!(self.end(s, 200).map(|out| out.len()), expected, "{}", self.name);
        self.over(s);
    }
}

/// Runs `test` with each kind; a token for each, since a logout takes the keys along.
pub fn with_kinds(test: impl Fn(&Token, &Kind)) {
    for n in 0..7 {
        with_token(|t| test(t, &kinds(t)[n]));
    }
}

#[test]
fn nothing_begins_twice() {
    with_kinds(|t, kind| {
        kind.over(t);
        kind.begin(t).unwrap();
        let wrong = &mut Mech::new(CKM_DES_ECB).raw();
        assert_eq!(kind.begin(t), Err(CKR_OPERATION_ACTIVE), "{}", kind.name);
        let unknown = Err(CKR_MECHANISM_INVALID);
        assert_eq!((kind.init)(t, wrong, kind.key), unknown, "{}", kind.name);
        let raw = &mut Mech::new(kind.ckm).raw();
        if kind.flag != CKF_DIGEST {
            assert_eq!((kind.init)(t, raw, CK_ULONG::MAX), Err(CKR_OPERATION_ACTIVE));
        }
        kind.goes_through(t);
    });
}

#[test]
fn what_ends_nothing() {
    with_kinds(|t, kind| {
        if kind.output == 0 {
            return;
        }
        kind.begin(t).unwrap();
        for room in [0, 1, kind.output - 1] {
            let mut m = 0;
            (kind.single)(t, kind.io(null_mut(), &mut m)).unwrap();
            assert!(m as usize >= kind.output, "{}: {m}", kind.name);
            assert_eq!(kind.end(t, room), Err(CKR_BUFFER_TOO_SMALL), "{}", kind.name);
        }
        kind.goes_through(t);
    });
}

#[test]
fn wrong_arguments_end_what_they_are_for() {
    with_kinds(|t, kind| {
        let bad = Err(CKR_ARGUMENTS_BAD);
        let (mut out, mut m) = ([0; 200], 200);
        let right = kind.io(out.as_mut_ptr(), &mut m);
        let mut wrong = vec![
            (kind.single, Io { data: null_mut(), ..right }),
            (kind.single, Io { n: CK_ULONG::MAX, ..right }),
        ];
        let place = match kind.output {
            0 => Io { out: null_mut(), ..right },
            _ => Io { m: null_mut(), ..right },
        };
        wrong.push((kind.single, place));
        if let Some((update, last)) = kind.parts {
            wrong.push((update, Io { data: null_mut(), ..right }));
            wrong.push((last, place));
        }
        for (call, io) in wrong {
            kind.begin(t).unwrap();
            assert_eq!(call(t, io), bad, "{}", kind.name);
            kind.over(t);
        }
    });
}

#[test]
fn what_cancels() {
    with_kinds(|t, kind| {
        let nothing = |s: &Session| (kind.init)(s, null_mut(), 0);
        nothing(t).unwrap();
        kind.begin(t).unwrap();
        nothing(t).unwrap();
        kind.over(t);
        kind.begin(t).unwrap();
        let cancel = |flags| call!(t.C_SessionCancel(t.handle, flags)).unwrap();
        cancel(!kind.flag);
        assert_eq!(kind.begin(t), Err(CKR_OPERATION_ACTIVE), "{}", kind.name);
        cancel(kind.flag);
        kind.over(t);
        kind.begin(t).unwrap();
        t.logout().unwrap();
        kind.over(t);
        t.login(CKU_USER, PIN).unwrap();
        kind.over(t);
    });
}

#[test]
fn nobody_else_sees_it() {
    with_kinds(|t, kind| {
        let other = t.p.open_ro(t.slot).unwrap();
        kind.begin(&other).unwrap();
        kind.over(t);
        kind.begin(t).unwrap();
        kind.goes_through(&other);
        kind.begin(&other).unwrap();
        other.close().unwrap();
        assert_eq!(kind.end(&other, 200), Err(CKR_SESSION_HANDLE_INVALID), "{}", kind.name);
        kind.goes_through(t);
    });
}

#[test]
fn searches() {
    with_token(|t| {
        let h = t.handle;
        let (mut found, mut n) = ([0; 4], 0);
        let (at, count) = (found.as_mut_ptr(), &raw mut n);
        let mut secret_keys = RawTemplate::new(&attrs![CKA_CLASS => CKO_SECRET_KEY]);
        let template = secret_keys.ptr();
        let begin = || call!(t.C_FindObjectsInit(h, template, 1));
        let next = |max| call!(t.C_FindObjects(h, at, max, count));
        let end = || call!(t.C_FindObjectsFinal(h));
        for _ in 0..3 {
            t.aes(16).unwrap();
        }
        assert_eq!((next(1), end()), (Err(NOT_STARTED), Err(NOT_STARTED)));
        let refused = call!(t.C_FindObjectsInit(h, null_mut(), 1));
        assert_eq!((refused, next(1)), (Err(CKR_ARGUMENTS_BAD), Err(NOT_STARTED)));
        begin().unwrap();
        assert_eq!(begin(), Err(CKR_OPERATION_ACTIVE));
        let counted = |max| next(max).map(|()| unsafe { *count });
        assert_eq!((counted(2), counted(0), counted(4), counted(4)), (Ok(2), Ok(0), Ok(1), Ok(0)));
        assert_eq!(call!(t.C_FindObjects(h, null_mut(), 1, count)), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(counted(4), Ok(0), "it goes on");
        end().unwrap();
        assert_eq!(end(), Err(NOT_STARTED));
        // a destroyed object may be given out, and is nothing
        begin().unwrap();
        let other = t.p.open_ro(t.slot).unwrap();
        assert_eq!(call!(other.C_FindObjectsFinal(other.handle)), Err(NOT_STARTED));
        next(1).unwrap();
        t.destroy(found[0]).unwrap();
        assert_eq!(counted(4), Ok(2));
        call!(t.C_SessionCancel(h, CKF_FIND_OBJECTS)).unwrap();
        assert_eq!(next(1), Err(NOT_STARTED));
        begin().unwrap();
        t.logout().unwrap();
        assert_eq!(next(4), Err(NOT_STARTED), "who logs out finds nothing more");
        t.login(CKU_USER, PIN).unwrap();
        begin().unwrap();
        t.close().unwrap();
        assert_eq!(next(1), Err(CKR_SESSION_HANDLE_INVALID));
    });
}
