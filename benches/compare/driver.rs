//! A module behind its C function list: the same calls for either side, without anything between.
use crate::common::{Handle, Mech, RawTemplate, Rv, call, len, ptr};
use keyferry::ck::*;
use std::ffi::CString;
use std::path::Path;
use std::ptr::null_mut;

/// Room for any output but that of bulk encryption.
const ROOM: usize = 8192;

/// A loaded module; it stays loaded.
#[derive(Clone, Copy)]
pub struct Module(&'static CK_FUNCTION_LIST);

impl Module {
    /// Loads it; its constructors run.
    pub fn load(path: &Path) -> Result<Module, String> {
        let failed = |e: libloading::Error| format!("{}: {e}", path.display());
        let library = unsafe { libloading::Library::new(path) }.map_err(failed)?;
        let library = Box::leak(Box::new(library));
        let entry = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
        let entry = entry.map_err(failed)?.ok_or("no C_GetFunctionList")?;
        let mut list = null_mut();
        match unsafe { entry(&mut list) } {
            CKR_OK => Ok(Module(unsafe { &*list })),
            rv => Err(format!("C_GetFunctionList: 0x{rv:x}")),
        }
    }

    pub fn list(&self) -> &'static CK_FUNCTION_LIST {
        self.0
    }

    /// `C_Initialize`; our own module takes its store from `reserved`.
    pub fn initialize(&self, reserved: Option<&str>, flags: CK_FLAGS) -> Rv<()> {
        let reserved = reserved.map(|text| CString::new(text).unwrap());
        let at = reserved.as_ref().map_or(null_mut(), |text| text.as_ptr().cast_mut().cast());
        let flags = flags | CKF_OS_LOCKING_OK;
        let mut args = CK_C_INITIALIZE_ARGS { flags, pReserved: at, ..Default::default() };
        call!(self.C_Initialize((&raw mut args).cast()))
    }

    pub fn finalize(&self) -> Rv<()> {
        call!(self.C_Finalize(null_mut()))
    }

    pub fn slots(&self) -> Rv<Vec<CK_SLOT_ID>> {
        let mut count = 64;
        let mut slots = vec![0; 64];
        call!(self.C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    pub fn token_info(&self, slot: CK_SLOT_ID) -> Rv<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self.C_GetTokenInfo(slot, &mut info)).map(|()| info)
    }

    /// The library's own description and version, for the table's caption.
    pub fn name(&self) -> String {
        let mut info = CK_INFO::default();
        if call!(self.C_GetInfo(&mut info)).is_err() {
            return "unknown".into();
        }
        let CK_VERSION { major, minor } = info.libraryVersion;
        let text = String::from_utf8_lossy(&info.libraryDescription);
        format!("{} {major}.{minor}", text.trim_end_matches([' ', '\0']))
    }

    pub fn has(&self, slot: CK_SLOT_ID, ckm: CK_MECHANISM_TYPE, flags: CK_FLAGS) -> bool {
        let mut info = CK_MECHANISM_INFO::default();
        let answer = call!(self.C_GetMechanismInfo(slot, ckm, &mut info));
        answer.is_ok() && info.flags & flags == flags
    }

    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &[u8], label: &str) -> Rv<()> {
        let mut padded = [b' '; 32];
        padded[..label.len()].copy_from_slice(label.as_bytes());
        call!(self.C_InitToken(slot, ptr(so_pin), len(so_pin), padded.as_mut_ptr()))
    }

    /// A read-write session.
    pub fn open(&self, slot: CK_SLOT_ID) -> Rv<Session> {
        let (mut handle, flags) = (0, CKF_RW_SESSION | CKF_SERIAL_SESSION);
        call!(self.C_OpenSession(slot, flags, null_mut(), None, &mut handle))?;
        Ok(Session { module: *self, handle })
    }
}

/// A session; closed only when told so.
#[derive(Clone, Copy)]
pub struct Session {
    pub module: Module,
    pub handle: CK_SESSION_HANDLE,
}

impl Session {
    pub fn list(&self) -> &'static CK_FUNCTION_LIST {
        self.module.0
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

    pub fn create(&self, template: &mut RawTemplate) -> Rv<Handle> {
        let mut object = 0;
        call!(self.C_CreateObject(self.handle, template.ptr(), template.count(), &mut object))?;
        Ok(object)
    }

    pub fn destroy(&self, object: Handle) -> Rv<()> {
        call!(self.C_DestroyObject(self.handle, object))
    }

    /// `C_GetAttributeValue` into a buffer that is large enough.
    pub fn read(&self, object: Handle, kind: CK_ATTRIBUTE_TYPE) -> Rv<()> {
        let mut value = [0; 1024];
        let mut wanted =
            CK_ATTRIBUTE { type_: kind, pValue: value.as_mut_ptr().cast(), ulValueLen: 1024 };
        call!(self.C_GetAttributeValue(self.handle, object, &mut wanted, 1))
    }

    /// How many objects match, of at most ten.
    pub fn find(&self, template: &mut RawTemplate) -> Rv<usize> {
        let (mut some, mut count) = ([0; 10], 0);
        call!(self.C_FindObjectsInit(self.handle, template.ptr(), template.count()))?;
        let found = call!(self.C_FindObjects(self.handle, some.as_mut_ptr(), 10, &mut count));
        call!(self.C_FindObjectsFinal(self.handle))?;
        found.map(|()| count as usize)
    }

    pub fn generate(&self, mech: &Mech, template: &mut RawTemplate) -> Rv<Handle> {
        let (mut mech, mut key) = (mech.raw(), 0);
        let (at, count) = (template.ptr(), template.count());
        call!(self.C_GenerateKey(self.handle, &mut mech, at, count, &mut key))?;
        Ok(key)
    }

    /// Public, then private.
    pub fn generate_pair(
        &self,
        mech: &Mech,
        public: &mut RawTemplate,
        private: &mut RawTemplate,
    ) -> Rv<(Handle, Handle)> {
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

    pub fn wrap(&self, mech: &Mech, kek: Handle, key: Handle) -> Rv<Vec<u8>> {
        let mut mech = mech.raw();
        let (mut blob, mut n) = (vec![0; ROOM], ROOM as CK_ULONG);
        call!(self.C_WrapKey(self.handle, &mut mech, kek, key, blob.as_mut_ptr(), &mut n))?;
        blob.truncate(n as usize);
        Ok(blob)
    }

    pub fn unwrap(
        &self,
        mech: &Mech,
        kek: Handle,
        blob: &[u8],
        template: &mut RawTemplate,
    ) -> Rv<Handle> {
        let (mut mech, mut key) = (mech.raw(), 0);
        call!(self.C_UnwrapKey(
            self.handle,
            &mut mech,
            kek,
            ptr(blob),
            len(blob),
            template.ptr(),
            template.count(),
            &mut key,
        ))?;
        Ok(key)
    }

    /// `C_SignInit`, `C_Sign`
    pub fn sign(&self, mech: &Mech, key: Handle, data: &[u8]) -> Rv<()> {
        self.signature(mech, key, data, &mut [0; 1024]).map(drop)
    }

    /// The same; length of the signature in `out`.
    pub fn signature(&self, mech: &Mech, key: Handle, data: &[u8], out: &mut [u8]) -> Rv<usize> {
        let mut n = len(out);
        call!(self.C_SignInit(self.handle, &mut mech.raw(), key))?;
        call!(self.C_Sign(self.handle, ptr(data), len(data), out.as_mut_ptr(), &mut n))?;
        Ok(n as usize)
    }

    /// `C_VerifyInit`, `C_Verify`
    pub fn verify(&self, mech: &Mech, key: Handle, data: &[u8], signature: &[u8]) -> Rv<()> {
        call!(self.C_VerifyInit(self.handle, &mut mech.raw(), key))?;
        let (at, n) = (ptr(signature), len(signature));
        call!(self.C_Verify(self.handle, ptr(data), len(data), at, n))
    }

    /// `C_DecryptInit`, `C_Decrypt`
    pub fn decrypt(&self, mech: &Mech, key: Handle, data: &[u8], out: &mut [u8]) -> Rv<()> {
        let mut room = len(out);
        call!(self.C_DecryptInit(self.handle, &mut mech.raw(), key))?;
        call!(self.C_Decrypt(self.handle, ptr(data), len(data), out.as_mut_ptr(), &mut room))
    }

    /// `C_DeriveKey`
    pub fn derive(&self, mech: &Mech, base: Handle, template: &mut RawTemplate) -> Rv<Handle> {
        let (mut mech, mut key) = (mech.raw(), 0);
        let (at, count) = (template.ptr(), template.count());
        call!(self.C_DeriveKey(self.handle, &mut mech, base, at, count, &mut key))?;
        Ok(key)
    }

    /// `C_EncryptInit`, `C_Encrypt` of the first `n` bytes of `data`, in place
    pub fn encrypt(&self, mech: &Mech, key: Handle, data: &mut [u8], n: usize) -> Rv<()> {
        let (at, mut room) = (data.as_mut_ptr(), len(data));
        call!(self.C_EncryptInit(self.handle, &mut mech.raw(), key))?;
        call!(self.C_Encrypt(self.handle, at, n as CK_ULONG, at, &mut room))
    }

    /// `C_DigestInit`, `C_Digest`
    pub fn digest(&self, mech: &Mech, data: &[u8]) -> Rv<()> {
        let (mut out, mut n) = ([0; 64], 64);
        call!(self.C_DigestInit(self.handle, &mut mech.raw()))?;
        call!(self.C_Digest(self.handle, ptr(data), len(data), out.as_mut_ptr(), &mut n))
    }
}
