/* A C program as an application's author would write it: loads the module given as its argument,
 * makes a token in memory, wraps a key with CKM_RSA_AES_KEY_WRAP, unwraps it and compares, then
 * wraps it into a .byok file. Ends with status 0 and "byok {", or with what failed. */
#define _POSIX_C_SOURCE 200809L
#include "keyferry.h"
#include "pkcs11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((CK_ULONG)(sizeof(array) / sizeof((array)[0])))

/* Calls a function of the module; anything but CKR_OK ends the program. */
#define CALL(name, arguments) check(#name, functions->name arguments)

static CK_FUNCTION_LIST_PTR functions;
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

static CK_UTF8CHAR so_pin[] = "87654321";
static CK_UTF8CHAR user_pin[] = "12345678";
static char kid[] = "https://example.managedhsm.azure.net/keys/KEK/0123456789abcdef0123456789abcdef";

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void check(const char *name, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "%s answered 0x%08lX\n", name, rv);
        exit(1);
    }
}

/* Finds C_GetFunctionList in the module and calls it. */
static void load(const char *path)
{
    CK_C_GetFunctionList list;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol;

    if (module == NULL)
        fail("dlopen", dlerror());
    symbol = dlsym(module, "C_GetFunctionList");
    if (symbol == NULL)
        fail("dlsym", dlerror());
    /* ISO C has no conversion from an object's address to a function's. */
    memcpy(&list, &symbol, sizeof(list));
    check("C_GetFunctionList", list(&functions));
    if (functions->version.major != 2 || functions->version.minor != 40)
        fail("C_GetFunctionList", "not 2.40");
}

/* The two-call convention of C_WrapKey; the caller frees what comes out. */
static CK_BYTE_PTR wrap(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                        CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, CK_ULONG_PTR length)
{
    CK_ULONG announced = 0;
    CK_BYTE_PTR wrapped;

    CALL(C_WrapKey, (session, mechanism, kek, key, NULL_PTR, &announced));
    wrapped = malloc(announced);
    if (wrapped == NULL)
        fail("malloc", "no memory");
    *length = announced;
    CALL(C_WrapKey, (session, mechanism, kek, key, wrapped, length));
    if (*length != announced)
        fail("C_WrapKey", "another length than announced");
    return wrapped;
}

/* An initialised token and a read-write session of its user. */
static CK_SESSION_HANDLE login(void)
{
    CK_SLOT_ID slot;
    CK_ULONG slots = 1;
    CK_UTF8CHAR label[32];
    CK_SESSION_HANDLE session;

    CALL(C_GetSlotList, (CK_TRUE, &slot, &slots));
    if (slots != 1)
        fail("C_GetSlotList", "a new store has one token");
    memset(label, ' ', sizeof(label));
    memcpy(label, "C program", 9);
    CALL(C_InitToken, (slot, so_pin, sizeof(so_pin) - 1, label));
    CALL(C_OpenSession,
         (slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR, &session));
    CALL(C_Login, (session, CKU_SO, so_pin, sizeof(so_pin) - 1));
    CALL(C_InitPIN, (session, user_pin, sizeof(user_pin) - 1));
    CALL(C_Logout, (session));
    CALL(C_Login, (session, CKU_USER, user_pin, sizeof(user_pin) - 1));
    return session;
}

/* A KEK pair; the public half carries the key identifier as its label. */
static void make_kek(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR public_key,
                     CK_OBJECT_HANDLE_PTR private_key)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL_PTR, 0};
    CK_ULONG bits = 2048;
    CK_BYTE exponent[] = {1, 0, 1};
    CK_ATTRIBUTE public_template[] = {
        {CKA_MODULUS_BITS, &bits, sizeof(bits)},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
        {CKA_WRAP, &yes, sizeof(yes)},
        {CKA_LABEL, kid, sizeof(kid) - 1},
    };
    CK_ATTRIBUTE private_template[] = {
        {CKA_UNWRAP, &yes, sizeof(yes)},
    };

    CALL(C_GenerateKeyPair, (session, &mechanism, public_template, COUNT(public_template),
                             private_template, COUNT(private_template), public_key, private_key));
}

static CK_OBJECT_HANDLE make_target(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL_PTR, 0};
    CK_ULONG length = 32;
    CK_ATTRIBUTE template[] = {
        {CKA_VALUE_LEN, &length, sizeof(length)},
        {CKA_EXTRACTABLE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &no, sizeof(no)},
    };
    CK_OBJECT_HANDLE key;

    CALL(C_GenerateKey, (session, &mechanism, template, COUNT(template), &key));
    return key;
}

static void value_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE value[32])
{
    CK_ATTRIBUTE attribute = {CKA_VALUE, NULL_PTR, 32};

    attribute.pValue = value;
    CALL(C_GetAttributeValue, (session, key, &attribute, 1));
    if (attribute.ulValueLen != 32)
        fail("C_GetAttributeValue", "an AES key of another length");
}

/* Unwraps and compares the value of the new key with that of the old one. */
static void unwrap_and_compare(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                               CK_OBJECT_HANDLE kek, CK_BYTE_PTR wrapped, CK_ULONG length,
                               CK_OBJECT_HANDLE key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_SENSITIVE, &no, sizeof(no)},
        {CKA_EXTRACTABLE, &yes, sizeof(yes)},
    };
    CK_OBJECT_HANDLE received;
    CK_BYTE before[32];
    CK_BYTE after[32];

    CALL(C_UnwrapKey,
         (session, mechanism, kek, wrapped, length, template, COUNT(template), &received));
    value_of(session, key, before);
    value_of(session, received, after);
    if (memcmp(before, after, sizeof(before)) != 0)
        fail("C_UnwrapKey", "another key came out");
}

int main(int argc, char **argv)
{
    char store[] = "memory:";
    CK_C_INITIALIZE_ARGS arguments;
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL_PTR, 0};
    CK_RSA_AES_KEY_WRAP_PARAMS parameters = {256, NULL_PTR};
    CK_MECHANISM aes_wrap = {CKM_RSA_AES_KEY_WRAP, NULL_PTR, sizeof(parameters)};
    CK_MECHANISM byok = {CKM_KEYFERRY_AZURE_BYOK, NULL_PTR, 0};
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key, key;
    CK_BYTE_PTR wrapped;
    CK_ULONG length;

    if (argc != 2)
        fail("usage", "wrap MODULE");
    load(argv[1]);
    memset(&arguments, 0, sizeof(arguments));
    arguments.flags = CKF_OS_LOCKING_OK;
    arguments.pReserved = store;
    CALL(C_Initialize, (&arguments));
    session = login();
    make_kek(session, &public_key, &private_key);
    key = make_target(session);

    parameters.pOAEPParams = &oaep;
    aes_wrap.pParameter = &parameters;
    wrapped = wrap(session, &aes_wrap, public_key, key, &length);
    /* The KEK's modulus, and RFC 5649 of 32 bytes. */
    if (length != 256 + 40)
        fail("C_WrapKey", "not as long as the standard says");
    unwrap_and_compare(session, &aes_wrap, private_key, wrapped, length, key);
    free(wrapped);

    wrapped = wrap(session, &byok, public_key, key, &length);
    unwrap_and_compare(session, &byok, private_key, wrapped, length, key);
    printf("byok %c\n", wrapped[0]);
    free(wrapped);

    CALL(C_Finalize, (NULL_PTR));
    return 0;
}
