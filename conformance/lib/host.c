/* A host program that exports functions with the names of PKCS#11 (linked with -rdynamic) and loads a
 * module: none of the module's calls may end in the host's functions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef unsigned long CK_ULONG;
typedef CK_ULONG (*function)();

/* The start of CK_FUNCTION_LIST: a version, padding, and functions in the standard's order. */
struct function_list {
    unsigned char version[2];
    function functions[68];
};

/* CK_INTERFACE */
struct interface {
    const char *name;
    struct function_list *list;
    CK_ULONG flags;
};

enum { C_INITIALIZE = 0, C_FINALIZE = 1, C_GET_INFO = 2, C_SIGN = 43, C_WRAP_KEY = 60 };
enum { CKR_OK = 0, CKR_CRYPTOKI_NOT_INITIALIZED = 0x190, CAPTURED = 0xBAD };

CK_ULONG C_Initialize(void *arguments) { (void)arguments; return CAPTURED; }
CK_ULONG C_Finalize(void *reserved) { (void)reserved; return CAPTURED; }
CK_ULONG C_GetInfo(void *info) { (void)info; return CAPTURED; }
CK_ULONG C_Sign(CK_ULONG s, void *d, CK_ULONG l, void *o, void *n) { (void)s, (void)d, (void)l, (void)o, (void)n; return CAPTURED; }
CK_ULONG C_WrapKey(CK_ULONG s, void *m, CK_ULONG w, CK_ULONG k, void *o, void *n) { (void)s, (void)m, (void)w, (void)k, (void)o, (void)n; return CAPTURED; }
CK_ULONG C_GetFunctionList(struct function_list **list) { (void)list; return CAPTURED; }

static int complain(const char *what, CK_ULONG code)
{
    printf("%s: 0x%lx\n", what, code);
    return 1;
}

static int judge_list(const char *name, struct function_list *list)
{
    unsigned char info[256];
    CK_ULONG length = 0, code;
    if (list == NULL)
        return complain(name, CAPTURED);
    code = list->functions[C_SIGN]((CK_ULONG)1, info, (CK_ULONG)1, info, &length);
    if (code != CKR_CRYPTOKI_NOT_INITIALIZED)
        return complain("C_Sign before C_Initialize", code);
    code = list->functions[C_INITIALIZE](NULL);
    if (code != CKR_OK)
        return complain("C_Initialize", code);
    code = list->functions[C_GET_INFO](info);
    if (code != CKR_OK)
        return complain("C_GetInfo", code);
    code = list->functions[C_WRAP_KEY](0UL, NULL, 0UL, 0UL, NULL, NULL);
    if (code == CAPTURED || code == CKR_OK)
        return complain("C_WrapKey with NULLs", code);
    code = list->functions[C_FINALIZE](NULL);
    return code == CKR_OK ? 0 : complain("C_Finalize", code);
}

int main(int argc, char **argv)
{
    struct function_list *list = NULL;
    struct interface *interface = NULL;
    if (argc != 2)
        return complain("usage: host MODULE", 0);
    void *first = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL), *second = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (first == NULL || first != second) {
        printf("dlopen: %s\n", dlerror());
        return 1;
    }
    function function_list = (function)dlsym(first, "C_GetFunctionList");
    function get_interface = (function)dlsym(first, "C_GetInterface");
    if (function_list == NULL || get_interface == NULL)
        return complain("dlsym", 0);
    if (function_list(&list) != CKR_OK || judge_list("C_GetFunctionList", list))
        return 1;
    if (get_interface(NULL, NULL, &interface, 0UL) != CKR_OK || strcmp(interface->name, "PKCS 11") != 0)
        return complain("C_GetInterface", 0);
    if (judge_list("C_GetInterface", interface->list))
        return 1;
    dlclose(second);
    if (judge_list("the other handle closed", list))
        return 1;
    dlclose(first);
    puts("loaded twice, nothing captured");
    return 0;
}
