/* A PKCS#11 module with faults, over another one (KEYFERRY_JUDGED_MODULE): what the judge must find.
 *
 * C_WrapKey dies for the key 0, never answers for the KEK 0, and takes SHA-1 where it is asked for SHA-512.
 * C_UnwrapKey has one code for everything that is wrong with a blob, which is not the standard's. With
 * KEYFERRY_NO_IMPORT, C_CreateObject takes no private keys, with KEYFERRY_NO_KEK no public ones, as some HSMs do not:
 * that is no fault. */
#define _GNU_SOURCE
#include "../../pkcs11-headers/pkcs11.h"
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST faulty;

static CK_RV wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key,
                      CK_BYTE *wrapped, CK_ULONG *length)
{
    if (key == 0)
        raise(SIGSEGV);
    while (kek == 0)
        pause();
    if (mechanism && mechanism->pParameter && mechanism->mechanism == CKM_RSA_AES_KEY_WRAP &&
        mechanism->ulParameterLen == sizeof(CK_RSA_AES_KEY_WRAP_PARAMS)) {
        CK_RSA_AES_KEY_WRAP_PARAMS params = *(CK_RSA_AES_KEY_WRAP_PARAMS *)mechanism->pParameter;
        CK_MECHANISM other = { CKM_RSA_AES_KEY_WRAP, &params, sizeof params };
        if (params.pOAEPParams && params.pOAEPParams->hashAlg == CKM_SHA512) {
            CK_RSA_PKCS_OAEP_PARAMS oaep = *params.pOAEPParams;
            oaep.hashAlg = CKM_SHA_1;
            oaep.mgf = CKG_MGF1_SHA1;
            params.pOAEPParams = &oaep;
            return real->C_WrapKey(session, &other, kek, key, wrapped, length);
        }
    }
    return real->C_WrapKey(session, mechanism, kek, key, wrapped, length);
}

static CK_RV unwrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_BYTE *wrapped,
                        CK_ULONG length, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    CK_RV answer = real->C_UnwrapKey(session, mechanism, kek, wrapped, length, template, count, key);
    return answer == CKR_WRAPPED_KEY_INVALID ? CKR_GENERAL_ERROR : answer;
}

static CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    for (CK_ULONG at = 0; at < count; at++) {
        if (template[at].type != CKA_CLASS)
            continue;
        CK_OBJECT_CLASS class = *(CK_OBJECT_CLASS *)template[at].pValue;
        if ((class == CKO_PRIVATE_KEY && getenv("KEYFERRY_NO_IMPORT")) ||
            (class == CKO_PUBLIC_KEY && getenv("KEYFERRY_NO_KEK")))
            return CKR_ACTION_PROHIBITED;
    }
    return real->C_CreateObject(session, template, count, object);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("KEYFERRY_JUDGED_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList find = (CK_C_GetFunctionList)symbol;
    if (!find || find(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_CreateObject = create_object;
    faulty.C_WrapKey = wrap_key;
    faulty.C_UnwrapKey = unwrap_key;
    *list = &faulty;
    return CKR_OK;
}
