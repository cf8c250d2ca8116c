//! Every structure of `pkcs11.h` beside its layout in `cryptoki-sys`.
//!
//! `tests/headers.rs` asks the C compiler for the same sizes and offsets. A name that is a keyword in
//! Rust ends in an underscore here.

/// A structure's name, its size, and its members' names and offsets.
pub type Layout = (&'static str, usize, &'static [(&'static str, usize)]);

macro_rules! structures {
    ($($name:ident { $($member:ident)* })*) => {
        /// The layouts.
        pub const STRUCTURES: &[Layout] = &[$((
            stringify!($name),
            size_of::<cryptoki_sys::$name>(),
            &[$((stringify!($member), std::mem::offset_of!(cryptoki_sys::$name, $member))),*],
        )),*];
    };
}

structures! {
    CK_VERSION { major minor }
    CK_INFO { cryptokiVersion manufacturerID flags libraryDescription libraryVersion }
    CK_SLOT_INFO { slotDescription manufacturerID flags hardwareVersion firmwareVersion }
    CK_TOKEN_INFO { label manufacturerID model serialNumber flags ulMaxSessionCount
        ulSessionCount ulMaxRwSessionCount ulRwSessionCount ulMaxPinLen ulMinPinLen
        ulTotalPublicMemory ulFreePublicMemory ulTotalPrivateMemory ulFreePrivateMemory
        hardwareVersion firmwareVersion utcTime }
    CK_SESSION_INFO { slotID state flags ulDeviceError }
    CK_MECHANISM_INFO { ulMinKeySize ulMaxKeySize flags }
    CK_MECHANISM { mechanism pParameter ulParameterLen }
    CK_ATTRIBUTE { type_ pValue ulValueLen }
    CK_DATE { year month day }
    CK_DERIVED_KEY { pTemplate ulAttributeCount phKey }
    CK_INTERFACE { pInterfaceName pFunctionList flags }
    CK_ASYNC_DATA { ulVersion pValue ulValue hObject hAdditionalObject }
    CK_C_INITIALIZE_ARGS { CreateMutex DestroyMutex LockMutex UnlockMutex flags pReserved }
    CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv pData length }
    CK_AES_CCM_PARAMS { ulDataLen pNonce ulNonceLen pAAD ulAADLen ulMACLen }
    CK_AES_CTR_PARAMS { ulCounterBits cb }
    CK_AES_GCM_PARAMS { pIv ulIvLen ulIvBits pAAD ulAADLen ulTagBits }
    CK_CCM_MESSAGE_PARAMS { ulDataLen pNonce ulNonceLen ulNonceFixedBits nonceGenerator pMAC
        ulMACLen }
    CK_CCM_PARAMS { ulDataLen pNonce ulNonceLen pAAD ulAADLen ulMACLen }
    CK_CCM_WRAP_PARAMS { ulDataLen pNonce ulNonceLen ulNonceFixedBits nonceGenerator pAAD
        ulAADLen ulMACLen }
    CK_CHACHA20_PARAMS { pBlockCounter blockCounterBits pNonce ulNonceBits }
    CK_DSA_PARAMETER_GEN_PARAM { hash pSeed ulSeedLen ulIndex }
    CK_ECDH_AES_KEY_WRAP_PARAMS { ulAESKeyBits kdf ulSharedDataLen pSharedData }
    CK_ECDH1_DERIVE_PARAMS { kdf ulSharedDataLen pSharedData ulPublicDataLen pPublicData }
    CK_EDDSA_PARAMS { phFlag ulContextDataLen pContextData }
    CK_GCM_MESSAGE_PARAMS { pIv ulIvLen ulIvFixedBits ivGenerator pTag ulTagBits }
    CK_GCM_PARAMS { pIv ulIvLen ulIvBits pAAD ulAADLen ulTagBits }
    CK_GCM_WRAP_PARAMS { pIv ulIvLen ulIvFixedBits ivGenerator pAAD ulAADLen ulTagBits }
    CK_HASH_SIGN_ADDITIONAL_CONTEXT { hedgeVariant pContext ulContextLen hash }
    CK_HKDF_PARAMS { bExtract bExpand prfHashMechanism ulSaltType pSalt ulSaltLen hSaltKey pInfo
        ulInfoLen }
    CK_KEY_DERIVATION_STRING_DATA { pData ulLen }
    CK_OTP_PARAM { type_ pValue ulValueLen }
    CK_OTP_PARAMS { pParams ulCount }
    CK_OTP_SIGNATURE_INFO { pParams ulCount }
    CK_PBE_PARAMS { pInitVector pPassword ulPasswordLen pSalt ulSaltLen ulIteration }
    CK_PKCS5_PBKD2_PARAMS { saltSource pSaltSourceData ulSaltSourceDataLen iterations prf
        pPrfData ulPrfDataLen pPassword ulPasswordLen }
    CK_PKCS5_PBKD2_PARAMS2 { saltSource pSaltSourceData ulSaltSourceDataLen iterations prf
        pPrfData ulPrfDataLen pPassword ulPasswordLen }
    CK_PRF_DATA_PARAM { type_ pValue ulValueLen }
    CK_RSA_PKCS_OAEP_PARAMS { hashAlg mgf source pSourceData ulSourceDataLen }
    CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits pOAEPParams }
    CK_RSA_PKCS_PSS_PARAMS { hashAlg mgf sLen }
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { pNonce ulNonceLen pTag }
    CK_SALSA20_CHACHA20_POLY1305_PARAMS { pNonce ulNonceLen pAAD ulAADLen }
    CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant pContext ulContextLen }
    CK_SP800_108_COUNTER_FORMAT { bLittleEndian ulWidthInBits }
    CK_SP800_108_DKM_LENGTH_FORMAT { dkmLengthMethod bLittleEndian ulWidthInBits }
    CK_SP800_108_FEEDBACK_KDF_PARAMS { prfType ulNumberOfDataParams pDataParams ulIVLen pIV
        ulAdditionalDerivedKeys pAdditionalDerivedKeys }
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS { prfHashMechanism pSessionHash ulSessionHashLen
        pVersion }
    CK_SP800_108_KDF_PARAMS { prfType ulNumberOfDataParams pDataParams ulAdditionalDerivedKeys
        pAdditionalDerivedKeys }
    CK_X9_42_DH1_DERIVE_PARAMS { kdf ulOtherInfoLen pOtherInfo ulPublicDataLen pPublicData }
    CK_SSL3_KEY_MAT_OUT { hClientMacSecret hServerMacSecret hClientKey hServerKey pIVClient
        pIVServer }
    CK_SSL3_RANDOM_DATA { pClientRandom ulClientRandomLen pServerRandom ulServerRandomLen }
    CK_SSL3_KEY_MAT_PARAMS { ulMacSizeInBits ulKeySizeInBits ulIVSizeInBits bIsExport RandomInfo
        pReturnedKeyMaterial }
    CK_SSL3_MASTER_KEY_DERIVE_PARAMS { RandomInfo pVersion }
    CK_TLS_KDF_PARAMS { prfMechanism pLabel ulLabelLength RandomInfo pContextData
        ulContextDataLength }
    CK_TLS_MAC_PARAMS { prfHashMechanism ulMacLength ulServerOrClient }
    CK_TLS_PRF_PARAMS { pSeed ulSeedLen pLabel ulLabelLen pOutput pulOutputLen }
    CK_TLS12_KEY_MAT_PARAMS { ulMacSizeInBits ulKeySizeInBits ulIVSizeInBits bIsExport
        RandomInfo pReturnedKeyMaterial prfHashMechanism }
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS { RandomInfo pVersion prfHashMechanism }
    CK_FUNCTION_LIST { version C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList
        C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN
        C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo
        C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject C_CopyObject
        C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt
        C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign
        C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify
        C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate
        C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey
        C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom
        C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent }
    CK_FUNCTION_LIST_3_0 { version C_Initialize C_Finalize C_GetInfo C_GetFunctionList
        C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo
        C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions
        C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject
        C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt
        C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign
        C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify
        C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate
        C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey
        C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom
        C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent C_GetInterfaceList
        C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit C_EncryptMessage
        C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit
        C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal
        C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal
        C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext
        C_MessageVerifyFinal }
    CK_FUNCTION_LIST_3_2 { version C_Initialize C_Finalize C_GetInfo C_GetFunctionList
        C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo
        C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions
        C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject
        C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt
        C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign
        C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify
        C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate
        C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey
        C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom
        C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent C_GetInterfaceList
        C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit C_EncryptMessage
        C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit
        C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal
        C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal
        C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext
        C_MessageVerifyFinal C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit
        C_VerifySignature C_VerifySignatureUpdate C_VerifySignatureFinal
        C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin
        C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated }
}
