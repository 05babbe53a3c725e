#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __linux__
#include <fcntl.h>

/* Pages that the kernel takes out of its own map too: not even root reads them through /proc or ptrace (memfd_secret(2), Linux 5.14). */
static void *secret(size_t count) {
#ifdef SYS_memfd_secret
    int file = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (file < 0) return MAP_FAILED;
    void *memory = ftruncate(file, (off_t)count) ? MAP_FAILED : mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return memory;
#else
    return MAP_FAILED;
#endif
}
#endif

void *cp_key_memory(size_t count, enum cp_key_memory *kind) {
#ifdef __linux__
    void *memory = secret(count);
    *kind = CP_KEYS_SECRET;
    if (memory == MAP_FAILED) {
        memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return NULL;
        int left_out = madvise(memory, count, MADV_DONTDUMP) == 0 && madvise(memory, count, MADV_WIPEONFORK) == 0;
        *kind = mlock(memory, count) == 0 && left_out ? CP_KEYS_LOCKED : CP_KEYS_ORDINARY;
    }
    /* The pages come now, not when a key is there. */
    memset(memory, 0, count);
    return memory;
#else
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    *kind = mlock(memory, count) == 0 ? CP_KEYS_LOCKED : CP_KEYS_ORDINARY;
    return memory;
#endif
}

void cp_erase(void *bytes, size_t count) {
    memset(bytes, 0, count);
    /* The compiler must believe that somebody reads it. */
    __asm__ volatile("" : : "r"(bytes) : "memory");
}
