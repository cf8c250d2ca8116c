/* A PKCS#11 module that lies, over honest.so beside it: what no honest module does on demand.
 *
 * LIES holds statements, each ended by a semicolon; numbers are hexadecimal:
 *   token SLOT CKR       C_GetTokenInfo of this slot answers so
 *   lacks CKM            C_GetMechanismInfo does not know this mechanism
 *   answers NAME CKR     C_NAME answers so and does nothing: GenerateKey, CopyObject, UnwrapKey, WrapKey, DestroyObject
 *   drops CKA            C_CopyObject, C_UnwrapKey, C_GenerateKey and C_GenerateKeyPair overlook it in the template, and
 *                        answer CKR_OK
 *   refuses CKA CKR      C_GenerateKey and C_GenerateKeyPair answer so if it is in a template
 *   spoils CKA           C_CopyObject makes it false in the original
 *   keeps HEX            C_WrapKey answers CKR_KEY_UNEXTRACTABLE for keys with these CKA_EC_PARAMS
 *   says CKA HEX         C_GetAttributeValue gives these bytes, whatever the object
 *   long CKA LENGTH      C_GetAttributeValue says that the value has this length
 *   slots NUMBER         C_GetSlotList says that there are so many
 *   endless 1            C_FindObjects finds the same objects for ever
 *   fails CKA CKR        C_GetAttributeValue answers so for each object whose attribute is not empty, as SoftHSM does
 *                        for dates */
#define _GNU_SOURCE
#include "../../pkcs11-headers/pkcs11.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST liar;

/* The next statement of this form at or after `from`; what follows its words is at *rest. */
static const char *statement(const char *from, const char *verb, const char **rest)
{
    size_t len = strlen(verb);
    while (from && *from) {
        const char *end = strchr(from, ';');
        if (strncmp(from, verb, len) == 0 && from[len] == ' ') {
            *rest = from + len + 1;
            return end ? end + 1 : from + strlen(from);
        }
        from = end ? end + 1 : NULL;
    }
    return NULL;
}

static const char *lies(void)
{
    const char *all = getenv("LIES");
    return all ? all : "";
}

/* Whether there is a statement of the verb with this number first; what follows that is at *rest. */
static int is_lie(const char *verb, CK_ULONG number, const char **rest)
{
    const char *words, *at = lies();
    while ((at = statement(at, verb, &words))) {
        char *after;
        if (strtoul(words, &after, 16) == number) {
            *rest = *after == ' ' ? after + 1 : after;
            return 1;
        }
    }
    return 0;
}

/* The answer that the function is to give, or CKR_OK. */
static CK_RV answer_of(const char *function)
{
    const char *words, *at = lies();
    size_t len = strlen(function);
    while ((at = statement(at, "answers", &words)))
        if (strncmp(words, function, len) == 0 && words[len] == ' ')
            return strtoul(words + len, NULL, 16);
    return CKR_OK;
}

/* The template without what is overlooked; the caller frees it. */
static CK_ATTRIBUTE *without(const CK_ATTRIBUTE *template, CK_ULONG *count)
{
    CK_ATTRIBUTE *rest = calloc(*count + 1, sizeof *rest);
    const char *unused;
    CK_ULONG kept = 0;
    for (CK_ULONG at = 0; rest && at < *count; at++)
        if (!is_lie("drops", template[at].type, &unused))
            rest[kept++] = template[at];
    *count = kept;
    return rest;
}

/* The answer to a template with something in it that is refused, or CKR_OK. */
static CK_RV refusal_of(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    const char *code;
    for (CK_ULONG at = 0; at < count; at++)
        if (is_lie("refuses", template[at].type, &code))
            return strtoul(code, NULL, 16);
    return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
    const char *words;
    if (list || !statement(lies(), "slots", &words))
        return real->C_GetSlotList(present, list, count);
    *count = strtoul(words, NULL, 16);
    return CKR_OK;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG room, CK_ULONG *count)
{
    const char *words;
    if (!statement(lies(), "endless", &words))
        return real->C_FindObjects(session, found, room, count);
    for (CK_ULONG at = 0; at < room; at++)
        found[at] = at + 1;
    *count = room;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const char *code;
    return is_lie("token", slot, &code) ? strtoul(code, NULL, 16) : real->C_GetTokenInfo(slot, info);
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)
{
    const char *unused;
    return is_lie("lacks", mechanism, &unused) ? CKR_MECHANISM_INVALID
                                               : real->C_GetMechanismInfo(slot, mechanism, info);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                                 CK_ULONG count)
{
    const char *hex, *code;
    if (count == 1 && is_lie("fails", template->type, &code)) {
        CK_ATTRIBUTE size = { template->type, NULL, 0 };
        CK_RV answer = real->C_GetAttributeValue(session, object, &size, 1);
        if (answer == CKR_OK && size.ulValueLen > 0)
            return strtoul(code, NULL, 16);
    }
    if (count == 1 && is_lie("long", template->type, &code)) {
        template->ulValueLen = strtoul(code, NULL, 16);
        return CKR_OK;
    }
    if (count != 1 || !is_lie("says", template->type, &hex))
        return real->C_GetAttributeValue(session, object, template, count);
    CK_ULONG len = strspn(hex, "0123456789abcdef") / 2;
    unsigned byte;
    for (CK_ULONG at = 0; template->pValue && at < len && sscanf(hex + 2 * at, "%2x", &byte) == 1; at++)
        ((CK_BYTE *)template->pValue)[at] = (CK_BYTE)byte;
    template->ulValueLen = len;
    return CKR_OK;
}

static CK_RV generate_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                          CK_OBJECT_HANDLE *key)
{
    CK_RV answer = answer_of("GenerateKey");
    if (answer == CKR_OK)
        answer = refusal_of(template, count);
    if (answer != CKR_OK)
        return answer;
    CK_ATTRIBUTE *rest = without(template, &count);
    answer = real->C_GenerateKey(session, mechanism, rest, count, key);
    free(rest);
    return answer;
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
                               CK_ULONG public_count, CK_ATTRIBUTE *private, CK_ULONG private_count,
                               CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_RV answer = refusal_of(public, public_count);
    if (answer == CKR_OK)
        answer = refusal_of(private, private_count);
    if (answer != CKR_OK)
        return answer;
    CK_ATTRIBUTE *rest_public = without(public, &public_count), *rest_private = without(private, &private_count);
    answer = real->C_GenerateKeyPair(session, mechanism, rest_public, public_count, rest_private, private_count,
                                     public_key, private_key);
    free(rest_public);
    free(rest_private);
    return answer;
}

static CK_RV copy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *copy)
{
    CK_RV answer = answer_of("CopyObject");
    if (answer != CKR_OK)
        return answer;
    CK_ATTRIBUTE *rest = without(template, &count);
    answer = real->C_CopyObject(session, object, rest, count, copy);
    free(rest);
    const char *words;
    if (statement(lies(), "spoils", &words)) {
        CK_BBOOL no = CK_FALSE;
        CK_ATTRIBUTE other = { strtoul(words, NULL, 16), &no, sizeof no };
        real->C_SetAttributeValue(session, object, &other, 1);
    }
    return answer;
}

static CK_RV unwrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_BYTE *wrapped,
                        CK_ULONG length, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    CK_RV answer = answer_of("UnwrapKey");
    if (answer != CKR_OK)
        return answer;
    CK_ATTRIBUTE *rest = without(template, &count);
    answer = real->C_UnwrapKey(session, mechanism, kek, wrapped, length, rest, count, key);
    free(rest);
    return answer;
}

/* Whether the key is on the curve that keys are kept of. */
static int is_kept(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    const char *hex;
    CK_BYTE oid[32];
    char digits[3];
    CK_ATTRIBUTE curve = { CKA_EC_PARAMS, oid, sizeof oid };
    if (!statement(lies(), "keeps", &hex) || real->C_GetAttributeValue(session, key, &curve, 1) != CKR_OK ||
        curve.ulValueLen != strspn(hex, "0123456789abcdef") / 2)
        return 0;
    for (CK_ULONG at = 0; at < curve.ulValueLen; at++)
        if (snprintf(digits, sizeof digits, "%02x", oid[at]) != 2 || strncmp(digits, hex + 2 * at, 2) != 0)
            return 0;
    return 1;
}

static CK_RV wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key,
                      CK_BYTE *wrapped, CK_ULONG *length)
{
    CK_RV answer = is_kept(session, key) ? CKR_KEY_UNEXTRACTABLE : answer_of("WrapKey");
    return answer == CKR_OK ? real->C_WrapKey(session, mechanism, kek, key, wrapped, length) : answer;
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_RV answer = answer_of("DestroyObject");
    return answer == CKR_OK ? real->C_DestroyObject(session, object) : answer;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    char path[4096];
    Dl_info own;
    const char *slash = dladdr(&real, &own) ? strrchr(own.dli_fname, '/') : NULL;
    int folder = slash ? (int)(slash - own.dli_fname) : 0;
    int len = snprintf(path, sizeof path, "%.*s/honest.so", folder, slash ? own.dli_fname : "");
    void *library = len < (int)sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList find = (CK_C_GetFunctionList)symbol;
    if (!find || find(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    liar = *real;
    liar.C_GetTokenInfo = get_token_info;
    liar.C_GetMechanismInfo = get_mechanism_info;
    liar.C_GetAttributeValue = get_attribute_value;
    liar.C_GetSlotList = get_slot_list;
    liar.C_FindObjects = find_objects;
    liar.C_GenerateKey = generate_key;
    liar.C_GenerateKeyPair = generate_key_pair;
    liar.C_CopyObject = copy_object;
    liar.C_UnwrapKey = unwrap_key;
    liar.C_WrapKey = wrap_key;
    liar.C_DestroyObject = destroy_object;
    *list = &liar;
    return CKR_OK;
}
