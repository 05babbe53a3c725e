#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>

#ifdef __linux__
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Declared here because older headers end before network rules and scopes. Kernels ignore what they do not know, as long as it is zero. */
struct rules {
    uint64_t files, network, scopes;
};
struct path_rule {
    uint64_t rights;
    int32_t descriptor;
} __attribute__((packed));

/* Rights that mean something for a file: EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV; others would be EINVAL. */
static const uint64_t rights_of_files = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15;

int cp_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return version == -1 ? -errno : (int)version;
}

int cp_landlock_rules(uint64_t files, uint64_t network, uint64_t scopes) {
    struct rules rules = {files, network, scopes};
    long descriptor = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    return descriptor == -1 ? -errno : (int)descriptor;
}

int cp_landlock_allow(int rules, const char *path, uint64_t rights) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    struct stat status;
    int result = fstat(descriptor, &status) ? -errno : 0;
    if (result == 0) {
        struct path_rule rule = {S_ISDIR(status.st_mode) ? rights : rights & rights_of_files, descriptor};
        if (syscall(SYS_landlock_add_rule, rules, 1, &rule, 0)) result = -errno;
    }
    close(descriptor);
    return result;
}

int cp_landlock_enforce(int rules) { return syscall(SYS_landlock_restrict_self, rules, 0) ? -errno : 0; }
#else
int cp_landlock_version(void) { return -ENOSYS; }
int cp_landlock_rules(uint64_t files, uint64_t network, uint64_t scopes) { return -ENOSYS; }
int cp_landlock_allow(int rules, const char *path, uint64_t rights) { return -ENOSYS; }
int cp_landlock_enforce(int rules) { return -ENOSYS; }
#endif
