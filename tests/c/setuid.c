/* A program that runs with other rights than its caller's. Loads the module given as its first argument and starts it,
 * with the second as pReserved if there is one. Prints the user and the rights that it has, the answer of C_Initialize,
 * and the number of slots with a token. */
#define _POSIX_C_SOURCE 200809L
#include "pkcs11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    CK_FUNCTION_LIST *functions;
    CK_C_INITIALIZE_ARGS arguments = { 0 };
    CK_C_GetFunctionList list;
    CK_ULONG slots = 0;
    CK_RV rv;
    void *module = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = module ? dlsym(module, "C_GetFunctionList") : NULL;

    if (!symbol) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "no module");
        return 1;
    }
    /* ISO C has no conversion from an object's address to a function's. */
    memcpy(&list, &symbol, sizeof(list));
    if (list(&functions) != CKR_OK)
        return 1;
    arguments.flags = CKF_OS_LOCKING_OK;
    arguments.pReserved = argc > 2 ? argv[2] : NULL;
    rv = functions->C_Initialize(&arguments);
    if (rv == CKR_OK) {
        if (functions->C_GetSlotList(CK_TRUE, NULL, &slots) != CKR_OK)
            return 1;
        functions->C_Finalize(NULL);
    }
    printf("user %lu rights %lu answer 0x%lx slots %lu\n", (unsigned long)getuid(), (unsigned long)geteuid(), rv, slots);
    return 0;
}
