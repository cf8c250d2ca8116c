/* A library to preload: of the calls that change files below FAIL_UNDER, the one whose number is FAIL_AT fails, or, with
 * FAIL_HOW=kill, the program ends before it, as at a power failure. What fails is written to the file FAIL_LOG. A
 * write that fails has written half, as on a disk that is full. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count;

static int is_below(const char *path) {
    const char *folder = getenv("FAIL_UNDER");
    return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_open_below(int file) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = '\0';
    return is_below(path);
}

/* Whether it is this call's turn to fail. */
static int fails(const char *call, const char *path) {
    const char *at = getenv("FAIL_AT"), *how = getenv("FAIL_HOW"), *log = getenv("FAIL_LOG");
    pthread_mutex_lock(&lock);
    int turn = at != NULL && ++count == atol(at);
    pthread_mutex_unlock(&lock);
    if (!turn) return 0;
    FILE *file = fopen(log, "a");
    if (file != NULL) {
        fprintf(file, "%s %s\n", call, path);
        fclose(file);
    }
    if (how != NULL && strcmp(how, "kill") == 0) _exit(9);
    errno = ENOSPC;
    return 1;
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (flags & O_CREAT && is_below(path) && fails("open", path)) return -1;
    return NEXT(int (*)(const char *, int, mode_t), "open64")(path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t length) {
    ssize_t (*next)(int, const void *, size_t) = NEXT(ssize_t (*)(int, const void *, size_t), "write");
    static __thread int is_full;
    if (is_full && is_open_below(file)) {
        is_full = 0;
        errno = ENOSPC;
        return -1;
    }
    if (is_open_below(file) && fails("write", "")) {
        if (length < 2) return -1;
        is_full = 1;
        length /= 2;
    }
    return next(file, bytes, length);
}

int fsync(int file) {
    if (is_open_below(file) && fails("fsync", "")) return -1;
    return NEXT(int (*)(int), "fsync")(file);
}

int fdatasync(int file) {
    if (is_open_below(file) && fails("fdatasync", "")) return -1;
    return NEXT(int (*)(int), "fdatasync")(file);
}

int rename(const char *from, const char *to) {
    if (is_below(to) && fails("rename", to)) return -1;
    return NEXT(int (*)(const char *, const char *), "rename")(from, to);
}

int link(const char *from, const char *to) {
    if (is_below(to) && fails("link", to)) return -1;
    return NEXT(int (*)(const char *, const char *), "link")(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (is_below(to) && fails("link", to)) return -1;
    return NEXT(int (*)(int, const char *, int, const char *, int), "linkat")(from_folder, from, to_folder, to, flags);
}

int unlink(const char *path) {
    if (is_below(path) && fails("unlink", path)) return -1;
    return NEXT(int (*)(const char *), "unlink")(path);
}
