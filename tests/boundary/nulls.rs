//! NULL pointers and impossible lengths: a code, no crash.
use crate::common::*;
use std::ptr::null_mut;

/// Functions that refuse their NULL arguments rather than the session handle 0.
const NO_SESSION: &[&str] = &[
    "C_GetInfo",
    "C_GetFunctionList",
    "C_GetSlotList",
    "C_GetSlotInfo",
    "C_GetTokenInfo",
    "C_GetMechanismList",
    "C_GetMechanismInfo",
    "C_InitToken",
    "C_OpenSession",
    "C_WaitForSlotEvent",
    "C_GetInterfaceList",
    "C_GetInterface",
];

/// Functions with a session that this module has; what is in no list here is not supported.
const SESSION: &[&str] = &[
    "C_InitPIN",
    "C_SetPIN",
    "C_CloseSession",
    "C_GetSessionInfo",
    "C_GetOperationState",
    "C_SetOperationState",
    "C_GetSessionValidationFlags",
    "C_Login",
    "C_LoginUser",
    "C_Logout",
    "C_SessionCancel",
    "C_CreateObject",
    "C_CopyObject",
    "C_DestroyObject",
    "C_GetObjectSize",
    "C_GetAttributeValue",
    "C_SetAttributeValue",
    "C_FindObjectsInit",
    "C_FindObjects",
    "C_FindObjectsFinal",
    "C_EncryptInit",
    "C_Encrypt",
    "C_EncryptUpdate",
    "C_EncryptFinal",
    "C_DecryptInit",
    "C_Decrypt",
    "C_DecryptUpdate",
    "C_DecryptFinal",
    "C_SignInit",
    "C_Sign",
    "C_SignUpdate",
    "C_SignFinal",
    "C_VerifyInit",
    "C_Verify",
    "C_VerifyUpdate",
    "C_VerifyFinal",
    "C_GenerateKey",
    "C_GenerateKeyPair",
    "C_WrapKey",
    "C_UnwrapKey",
    "C_WrapKeyAuthenticated",
    "C_UnwrapKeyAuthenticated",
    "C_DeriveKey",
    "C_EncapsulateKey",
    "C_DecapsulateKey",
    "C_DigestInit",
    "C_Digest",
    "C_DigestUpdate",
    "C_DigestKey",
    "C_DigestFinal",
    "C_SignRecoverInit",
    "C_SignRecover",
    "C_VerifyRecoverInit",
    "C_VerifyRecover",
    "C_DigestEncryptUpdate",
    "C_DecryptDigestUpdate",
    "C_SignEncryptUpdate",
    "C_DecryptVerifyUpdate",
    "C_VerifySignatureInit",
    "C_VerifySignature",
    "C_VerifySignatureUpdate",
    "C_VerifySignatureFinal",
    "C_SeedRandom",
    "C_GenerateRandom",
    "C_MessageEncryptInit",
    "C_EncryptMessage",
    "C_EncryptMessageBegin",
    "C_EncryptMessageNext",
    "C_MessageEncryptFinal",
    "C_MessageDecryptInit",
    "C_DecryptMessage",
    "C_DecryptMessageBegin",
    "C_DecryptMessageNext",
    "C_MessageDecryptFinal",
    "C_MessageSignInit",
    "C_SignMessage",
    "C_SignMessageBegin",
    "C_SignMessageNext",
    "C_MessageSignFinal",
    "C_MessageVerifyInit",
    "C_VerifyMessage",
    "C_VerifyMessageBegin",
    "C_VerifyMessageNext",
    "C_MessageVerifyFinal",
];

#[test]
fn every_function_survives_nothing_but_zeros() {
    with_module(|p| {
        for (name, call) in every::every(p) {
            let expected = match name {
                "C_Finalize" => continue,
                "C_Initialize" => CKR_CRYPTOKI_ALREADY_INITIALIZED,
                "C_CloseAllSessions" => CKR_OK,
                "C_GetFunctionStatus" | "C_CancelFunction" => CKR_FUNCTION_NOT_PARALLEL,
                _ if NO_SESSION.contains(&name) => CKR_ARGUMENTS_BAD,
                _ if SESSION.contains(&name) => CKR_SESSION_HANDLE_INVALID,
                _ => CKR_FUNCTION_NOT_SUPPORTED,
            };
            assert_eq!(call(), expected, "{name}");
        }
    });
}

#[test]
fn results_need_a_place() {
    const BAD: Rv<()> = Err(CKR_ARGUMENTS_BAD);
    with_token(|t| {
        let (h, mut byte) = (t.handle, 0u8);
        let mut mech = Mech::new(CKM_AES_KEY_GEN).raw();
        let (m, b) = (&raw mut mech, &raw mut byte);
        let n = null_mut();
        assert_eq!(call!(t.C_GetSessionInfo(h, null_mut())), BAD);
        assert_eq!(call!(t.C_CreateObject(h, null_mut(), 0, n)), BAD);
        assert_eq!(call!(t.C_CopyObject(h, 1, null_mut(), 0, n)), BAD);
        assert_eq!(call!(t.C_GetObjectSize(h, 1, n)), BAD);
        assert_eq!(call!(t.C_GenerateKey(h, m, null_mut(), 0, n)), BAD);
        assert_eq!(call!(t.C_GenerateKeyPair(h, m, null_mut(), 0, null_mut(), 0, n, n)), BAD);
        assert_eq!(call!(t.C_WrapKey(h, m, 1, 2, b, n)), BAD);
        assert_eq!(call!(t.C_WrapKey(h, m, 1, 2, null_mut(), n)), BAD);
        assert_eq!(call!(t.C_UnwrapKey(h, m, 1, b, 1, null_mut(), 0, n)), BAD);
        assert_eq!(call!(t.C_EncapsulateKey(h, m, 1, null_mut(), 0, b, n, n)), BAD);
        assert_eq!(call!(t.C_EncapsulateKey(h, m, 1, null_mut(), 0, b, &mut 9, n)), BAD);
        assert_eq!(call!(t.C_DecapsulateKey(h, m, 1, null_mut(), 0, b, 1, n)), BAD);
        assert_eq!(call!(t.C_Encrypt(h, b, 1, null_mut(), n)), BAD);
        assert_eq!(call!(t.C_DecryptUpdate(h, b, 1, b, n)), BAD);
        assert_eq!(call!(t.C_SignFinal(h, b, n)), BAD);
        assert_eq!(call!(t.C_DigestEncryptUpdate(h, b, 1, b, n)), BAD);
        assert_eq!(call!(t.C_DecryptDigestUpdate(h, b, 1, b, n)), BAD);
        assert_eq!(call!(t.C_SignEncryptUpdate(h, b, 1, null_mut(), n)), BAD);
        assert_eq!(call!(t.C_DecryptVerifyUpdate(h, b, 1, null_mut(), n)), BAD);
        assert_eq!(call!(t.C_GetOperationState(h, b, n)), BAD);
        assert_eq!(call!(t.C_FindObjects(h, n, 0, n)), BAD);
    });
}

#[test]
fn input_needs_memory() {
    const BAD: Rv<()> = Err(CKR_ARGUMENTS_BAD);
    with_token(|t| {
        let (h, mut n) = (t.handle, 0);
        for len in [1, 1 << 40, CK_ULONG::MAX] {
            assert_eq!(call!(t.C_Login(h, CKU_USER, null_mut(), len)), BAD);
            assert_eq!(call!(t.C_SetPIN(h, null_mut(), len, null_mut(), 0)), BAD);
            assert_eq!(call!(t.C_Sign(h, null_mut(), len, null_mut(), &mut n)), BAD);
            assert_eq!(call!(t.C_SeedRandom(h, null_mut(), len)), BAD);
            assert_eq!(call!(t.C_SetOperationState(h, null_mut(), len, 0, 0)), BAD);
            assert_eq!(call!(t.C_VerifySignature(h, null_mut(), len)), BAD);
            assert_eq!(call!(t.C_VerifySignatureUpdate(h, null_mut(), len)), BAD);
            let (none, byte) = (null_mut(), &raw mut n);
            assert_eq!(call!(t.C_DigestEncryptUpdate(h, none, len, none, byte)), BAD);
            assert_eq!(call!(t.C_DecryptVerifyUpdate(h, none, len, none, byte)), BAD);
            assert_eq!(call!(t.C_GenerateRandom(h, null_mut(), len)), BAD);
            assert_eq!(call!(t.C_CreateObject(h, null_mut(), len, &mut n)), BAD);
            assert_eq!(call!(t.C_FindObjectsInit(h, null_mut(), len)), BAD);
            assert_eq!(call!(t.C_GetAttributeValue(h, 1, null_mut(), len)), BAD);
        }
        let byte = ptr(b"x");
        assert_eq!(call!(t.C_GenerateRandom(h, byte, CK_ULONG::MAX)), BAD);
        assert_eq!(call!(t.C_SeedRandom(h, byte, CK_ULONG::MAX / 2 + 1)), BAD);
    });
}

#[test]
fn mechanisms_need_a_structure() {
    with_token(|t| {
        let (h, mut n) = (t.handle, 0);
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &usable()).unwrap();
        let none = null_mut();
        let bad = Err(CKR_ARGUMENTS_BAD);
        assert_eq!(call!(t.C_WrapKey(h, none, key, key, null_mut(), &mut n)), bad);
        assert_eq!(call!(t.C_GenerateKey(h, none, null_mut(), 0, &mut n)), bad);
        assert_eq!(call!(t.C_UnwrapKey(h, none, key, ptr(b"x"), 1, null_mut(), 0, &mut n)), bad);
        for len in [1, 16, 40, CK_ULONG::MAX] {
            let mech = Mech::raw_param(CKM_RSA_AES_KEY_WRAP, null_mut(), len);
            assert_eq!(t.wrap_len(&mech, key, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

fn usable() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_VALUE_LEN => 32usize, CKA_ENCRYPT => true, CKA_DECRYPT => true].to_vec()
}

/// PKCS#11 3.0: `C_*Init` with a NULL mechanism ends what is under way.
#[test]
fn a_null_mechanism_cancels() {
    with_token(|t| {
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &usable()).unwrap();
        let ecb = Mech::new(CKM_AES_ECB);
        t.encrypt_init(&ecb, key).unwrap();
        assert_eq!(t.encrypt_init(&ecb, key), Err(CKR_OPERATION_ACTIVE));
        call!(t.C_EncryptInit(t.handle, null_mut(), 0)).unwrap();
        assert_eq!(t.encrypt_final(), Err(CKR_OPERATION_NOT_INITIALIZED));
        t.encrypt_init(&ecb, key).unwrap();
        call!(t.C_SessionCancel(t.handle, CKF_ENCRYPT)).unwrap();
        t.encrypt_init(&ecb, key).unwrap();
    });
}

#[test]
fn a_buffer_may_be_input_and_output() {
    with_token(|t| {
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &usable()).unwrap();
        let ecb = Mech::new(CKM_AES_ECB);
        let apart = t.encrypt(&ecb, key, &[7; 32]).unwrap();
        let (mut memory, mut n) = ([7u8; 32], 32);
        t.encrypt_init(&ecb, key).unwrap();
        let at = memory.as_mut_ptr();
        call!(t.C_Encrypt(t.handle, at, 32, at, &mut n)).unwrap();
        assert_eq!((memory.to_vec(), n), (apart, 32));
    });
}

#[test]
fn lengths_that_cannot_be_are_refused_attribute_by_attribute() {
    with_token(|t| {
        let wrong = [(CKA_LABEL, Attr::Null(5)), (CKA_LABEL, Attr::Null(CK_ULONG::MAX))];
        for attr in wrong {
            let template = [(CKA_CLASS, Attr::from(CKO_DATA)), attr];
            assert_eq!(t.create(&template), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        let mut raw = RawTemplate::new(&[(CKA_CLASS, Attr::from(CKO_DATA))]);
        let mut object = 0;
        for count in [CK_ULONG::MAX, CK_ULONG::MAX / 24, 1 << 32] {
            assert_eq!(
                call!(t.C_CreateObject(t.handle, raw.ptr(), count, &mut object)),
                Err(CKR_ARGUMENTS_BAD)
            );
        }
    });
}

#[test]
fn attributes_are_each_answered() {
    with_token(|t| {
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &usable()).unwrap();
        let mut class: CK_ULONG = 0;
        let mut small = [0u8; 1];
        let query = |cka| CK_ATTRIBUTE { type_: cka, pValue: null_mut(), ulValueLen: 77 };
        let mut wanted = [
            query(CKA_MODULUS),
            CK_ATTRIBUTE {
                pValue: small.as_mut_ptr().cast(),
                ulValueLen: 1,
                ..query(CKA_KEY_TYPE)
            },
            query(CKA_VALUE),
            CK_ATTRIBUTE { pValue: void(&mut class), ulValueLen: 8, ..query(CKA_CLASS) },
            query(CKA_CLASS),
        ];
        let at = wanted.as_mut_ptr();
        let outcome = call!(t.C_GetAttributeValue(t.handle, key, at, 5));
        assert_eq!(outcome, Err(CKR_ATTRIBUTE_SENSITIVE));
        let none = CK_UNAVAILABLE_INFORMATION;
        let ulong = size_of::<CK_ULONG>() as CK_ULONG;
        assert_eq!(wanted.map(|raw| raw.ulValueLen), [none, none, none, ulong, ulong]);
        assert_eq!((class, small), (CKO_SECRET_KEY, [0]));
    });
}
