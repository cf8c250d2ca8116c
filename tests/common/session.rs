//! A session, with the functions of the standard as methods.
use super::*;

/// A session. It is not closed when dropped: tests say so themselves, or finalise.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub p: Pkcs11,
    pub handle: CK_SESSION_HANDLE,
}

type Template<'a> = &'a [(CK_ATTRIBUTE_TYPE, Attr)];

impl Session {
    /// The raw list, for `call!(s.C_...)`.
    pub fn list(&self) -> &'static CK_FUNCTION_LIST_3_2 {
        self.p.list()
    }

    pub fn info(&self) -> Rv<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        call!(self.C_GetSessionInfo(self.handle, &mut info)).map(|()| info)
    }
    pub fn state(&self) -> Rv<CK_STATE> {
        self.info().map(|info| info.state)
    }
    pub fn close(&self) -> Rv<()> {
        call!(self.C_CloseSession(self.handle))
    }
    pub fn login(&self, user: CK_USER_TYPE, pin: &[u8]) -> Rv<()> {
        call!(self.C_Login(self.handle, user, ptr(pin), len(pin)))
    }
    pub fn logout(&self) -> Rv<()> {
        call!(self.C_Logout(self.handle))
    }
    pub fn init_pin(&self, pin: &[u8]) -> Rv<()> {
        call!(self.C_InitPIN(self.handle, ptr(pin), len(pin)))
    }
    pub fn set_pin(&self, old: &[u8], new: &[u8]) -> Rv<()> {
        call!(self.C_SetPIN(self.handle, ptr(old), len(old), ptr(new), len(new)))
    }

    pub fn create(&self, template: Template<'_>) -> Rv<Handle> {
        let (mut raw, mut object) = (RawTemplate::new(template), 0);
        call!(self.C_CreateObject(self.handle, raw.ptr(), raw.count(), &mut object))?;
        Ok(object)
    }
    pub fn copy(&self, object: Handle, template: Template<'_>) -> Rv<Handle> {
        let (mut raw, mut copy) = (RawTemplate::new(template), 0);
        call!(self.C_CopyObject(self.handle, object, raw.ptr(), raw.count(), &mut copy))?;
        Ok(copy)
    }
    pub fn destroy(&self, object: Handle) -> Rv<()> {
        call!(self.C_DestroyObject(self.handle, object))
    }
    pub fn size(&self, object: Handle) -> Rv<CK_ULONG> {
        let mut size = 0;
        call!(self.C_GetObjectSize(self.handle, object, &mut size)).map(|()| size)
    }
    pub fn set(&self, object: Handle, template: Template<'_>) -> Rv<()> {
        let mut raw = RawTemplate::new(template);
        call!(self.C_SetAttributeValue(self.handle, object, raw.ptr(), raw.count()))
    }

    /// The bytes of one attribute: query, then call.
    pub fn bytes(&self, object: Handle, cka: CK_ATTRIBUTE_TYPE) -> Rv<Vec<u8>> {
        let mut raw = CK_ATTRIBUTE { type_: cka, pValue: null_mut(), ulValueLen: 0 };
        call!(self.C_GetAttributeValue(self.handle, object, &mut raw, 1))?;
        let mut value = vec![0u8; raw.ulValueLen as usize];
        raw.pValue = value.as_mut_ptr().cast();
        call!(self.C_GetAttributeValue(self.handle, object, &mut raw, 1))?;
        assert_eq!(raw.ulValueLen, len(&value), "the second length is another than the first");
        Ok(value)
    }
    pub fn flag(&self, object: Handle, cka: CK_ATTRIBUTE_TYPE) -> Rv<bool> {
        match self.bytes(object, cka)?[..] {
            [CK_FALSE] => Ok(false),
            [CK_TRUE] => Ok(true),
            ref other => panic!("no CK_BBOOL: {other:?}"),
        }
    }
    pub fn ulong(&self, object: Handle, cka: CK_ATTRIBUTE_TYPE) -> Rv<CK_ULONG> {
        let bytes = self.bytes(object, cka)?;
        Ok(CK_ULONG::from_ne_bytes(bytes.try_into().expect("a CK_ULONG")))
    }

    /// All objects that match and that somebody made: the profile objects, which are always there,
    /// count in no test but theirs.
    pub fn find(&self, template: Template<'_>) -> Rv<Vec<Handle>> {
        let mut all = self.find_raw(template)?;
        all.retain(|object| self.ulong(*object, CKA_CLASS) != Ok(CKO_PROFILE));
        Ok(all)
    }
    /// All objects that match: init, find by tens, final.
    pub fn find_raw(&self, template: Template<'_>) -> Rv<Vec<Handle>> {
        let mut raw = RawTemplate::new(template);
        call!(self.C_FindObjectsInit(self.handle, raw.ptr(), raw.count()))?;
        let mut all = Vec::new();
        loop {
            let (mut some, mut count) = ([0; 10], 0);
            call!(self.C_FindObjects(self.handle, some.as_mut_ptr(), 10, &mut count))?;
            if count == 0 {
                break;
            }
            all.extend_from_slice(&some[..count as usize]);
        }
        call!(self.C_FindObjectsFinal(self.handle)).map(|()| all)
    }

    pub fn generate(&self, mech: &Mech, template: Template<'_>) -> Rv<Handle> {
        let (mut raw, mut key) = (RawTemplate::new(template), 0);
        let mut mech = mech.raw();
        call!(self.C_GenerateKey(self.handle, &mut mech, raw.ptr(), raw.count(), &mut key))?;
        Ok(key)
    }
    /// Public, then private.
    pub fn generate_pair(
        &self,
        mech: &Mech,
        public: Template<'_>,
        private: Template<'_>,
    ) -> Rv<(Handle, Handle)> {
        let (mut public, mut private) = (RawTemplate::new(public), RawTemplate::new(private));
        let (mut mech, mut pair) = (mech.raw(), (0, 0));
        call!(self.C_GenerateKeyPair(
            self.handle,
            &mut mech,
            public.ptr(),
            public.count(),
            private.ptr(),
            private.count(),
            &mut pair.0,
            &mut pair.1,
        ))?;
        Ok(pair)
    }

    /// Query, then call; the query must be exact.
    pub fn wrap(&self, mech: &Mech, kek: Handle, key: Handle) -> Rv<Vec<u8>> {
        let needed = self.wrap_len(mech, kek, key)?;
        let wrapped = self.wrap_into(mech, kek, key, needed)?;
        assert_eq!(wrapped.len(), needed, "the size query was not exact");
        Ok(wrapped)
    }
    pub fn wrap_len(&self, mech: &Mech, kek: Handle, key: Handle) -> Rv<usize> {
        let (mut mech, mut len) = (mech.raw(), 0);
        call!(self.C_WrapKey(self.handle, &mut mech, kek, key, null_mut(), &mut len))?;
        Ok(len as usize)
    }
    /// One call with a buffer of `room` bytes.
    pub fn wrap_into(&self, mech: &Mech, kek: Handle, key: Handle, room: usize) -> Rv<Vec<u8>> {
        let mut mech = mech.raw();
        into(room, |at, len| call!(self.C_WrapKey(self.handle, &mut mech, kek, key, at, len)))
    }
    pub fn unwrap(
        &self,
        mech: &Mech,
        kek: Handle,
        wrapped: &[u8],
        template: Template<'_>,
    ) -> Rv<Handle> {
        let (mut raw, mut key) = (RawTemplate::new(template), 0);
        let mut mech = mech.raw();
        call!(self.C_UnwrapKey(
            self.handle,
            &mut mech,
            kek,
            ptr(wrapped),
            len(wrapped),
            raw.ptr(),
            raw.count(),
            &mut key,
        ))?;
        Ok(key)
    }

    /// Query, then call; the query must be exact. Ciphertext and secret key.
    pub fn encapsulate(
        &self,
        mech: &Mech,
        key: Handle,
        template: Template<'_>,
    ) -> Rv<(Vec<u8>, Handle)> {
        let needed = self.encapsulate_len(mech, key, template)?;
        let made = self.encapsulate_into(mech, key, template, needed)?;
        assert_eq!(made.0.len(), needed, "the size query was not exact");
        Ok(made)
    }
    pub fn encapsulate_len(&self, mech: &Mech, key: Handle, template: Template<'_>) -> Rv<usize> {
        let (mut raw, mut len, mut mech) = (RawTemplate::new(template), 0, mech.raw());
        let (h, at, count, none) = (self.handle, raw.ptr(), raw.count(), null_mut());
        call!(self.C_EncapsulateKey(h, &mut mech, key, at, count, none, &mut len, null_mut()))?;
        Ok(len as usize)
    }
    /// One call with a buffer of `room` bytes.
    pub fn encapsulate_into(
        &self,
        mech: &Mech,
        key: Handle,
        template: Template<'_>,
        room: usize,
    ) -> Rv<(Vec<u8>, Handle)> {
        let (mut raw, mut secret, mut mech) = (RawTemplate::new(template), 0, mech.raw());
        let (h, at, count) = (self.handle, raw.ptr(), raw.count());
        let ciphertext = into(room, |to, len| {
            call!(self.C_EncapsulateKey(h, &mut mech, key, at, count, to, len, &mut secret))
        })?;
        Ok((ciphertext, secret))
    }
    pub fn decapsulate(
        &self,
        mech: &Mech,
        key: Handle,
        ciphertext: &[u8],
        template: Template<'_>,
    ) -> Rv<Handle> {
        let (mut raw, mut secret, mut mech) = (RawTemplate::new(template), 0, mech.raw());
        let (h, at, count) = (self.handle, raw.ptr(), raw.count());
        let (from, n) = (ptr(ciphertext), len(ciphertext));
        call!(self.C_DecapsulateKey(h, &mut mech, key, at, count, from, n, &mut secret))?;
        Ok(secret)
    }

    pub fn encrypt_init(&self, mech: &Mech, key: Handle) -> Rv<()> {
        call!(self.C_EncryptInit(self.handle, &mut mech.raw(), key))
    }
    pub fn decrypt_init(&self, mech: &Mech, key: Handle) -> Rv<()> {
        call!(self.C_DecryptInit(self.handle, &mut mech.raw(), key))
    }
    pub fn sign_init(&self, mech: &Mech, key: Handle) -> Rv<()> {
        call!(self.C_SignInit(self.handle, &mut mech.raw(), key))
    }
    pub fn verify_init(&self, mech: &Mech, key: Handle) -> Rv<()> {
        call!(self.C_VerifyInit(self.handle, &mut mech.raw(), key))
    }

    /// Init, query, call.
    pub fn encrypt(&self, mech: &Mech, key: Handle, data: &[u8]) -> Rv<Vec<u8>> {
        self.encrypt_init(mech, key)?;
        query_then(|at, n| call!(self.C_Encrypt(self.handle, ptr(data), len(data), at, n)))
    }
    /// Init, query, call.
    pub fn decrypt(&self, mech: &Mech, key: Handle, data: &[u8]) -> Rv<Vec<u8>> {
        self.decrypt_init(mech, key)?;
        query_then(|at, n| call!(self.C_Decrypt(self.handle, ptr(data), len(data), at, n)))
    }
    /// Init, query, call.
    pub fn sign(&self, mech: &Mech, key: Handle, data: &[u8]) -> Rv<Vec<u8>> {
        self.sign_init(mech, key)?;
        query_then(|at, n| call!(self.C_Sign(self.handle, ptr(data), len(data), at, n)))
    }
    /// Init, call.
    pub fn verify(&self, mech: &Mech, key: Handle, data: &[u8], signature: &[u8]) -> Rv<()> {
        self.verify_init(mech, key)?;
        call!(self.C_Verify(self.handle, ptr(data), len(data), ptr(signature), len(signature)))
    }

    pub fn encrypt_update(&self, part: &[u8]) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_EncryptUpdate(self.handle, ptr(part), len(part), at, n)))
    }
    pub fn encrypt_final(&self) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_EncryptFinal(self.handle, at, n)))
    }
    pub fn decrypt_update(&self, part: &[u8]) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_DecryptUpdate(self.handle, ptr(part), len(part), at, n)))
    }
    pub fn decrypt_final(&self) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_DecryptFinal(self.handle, at, n)))
    }
    pub fn sign_update(&self, part: &[u8]) -> Rv<()> {
        call!(self.C_SignUpdate(self.handle, ptr(part), len(part)))
    }
    pub fn sign_final(&self) -> Rv<Vec<u8>> {
        query_then(|at, n| call!(self.C_SignFinal(self.handle, at, n)))
    }
    pub fn verify_update(&self, part: &[u8]) -> Rv<()> {
        call!(self.C_VerifyUpdate(self.handle, ptr(part), len(part)))
    }
    pub fn verify_final(&self, signature: &[u8]) -> Rv<()> {
        call!(self.C_VerifyFinal(self.handle, ptr(signature), len(signature)))
    }

    pub fn random(&self, n: usize) -> Rv<Vec<u8>> {
        let mut bytes = vec![0; n];
        call!(self.C_GenerateRandom(self.handle, bytes.as_mut_ptr(), n as CK_ULONG))?;
        Ok(bytes)
    }
    pub fn seed(&self, seed: &[u8]) -> Rv<()> {
        call!(self.C_SeedRandom(self.handle, ptr(seed), len(seed)))
    }
}

/// One call with a buffer of `room` bytes. Nothing may be written behind it.
pub fn into(room: usize, mut call: impl FnMut(*mut u8, *mut CK_ULONG) -> Rv<()>) -> Rv<Vec<u8>> {
    const GUARD: [u8; 16] = [0xA5; 16];
    let mut buffer = vec![0u8; room];
    buffer.extend_from_slice(&GUARD);
    let mut n = room as CK_ULONG;
    let outcome = call(buffer.as_mut_ptr(), &mut n);
    assert_eq!(buffer[room..], GUARD, "written behind the buffer");
    outcome?;
    buffer.truncate(n as usize);
    Ok(buffer)
}

/// A size query, then the call with just that room.
pub fn query_then(mut call: impl FnMut(*mut u8, *mut CK_ULONG) -> Rv<()>) -> Rv<Vec<u8>> {
    let mut needed = 0;
    call(null_mut(), &mut needed)?;
    into(needed as usize, call)
}
