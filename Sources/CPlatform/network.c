#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>

#ifdef __linux__
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int put(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    ssize_t size = (ssize_t)strlen(text);
    int result = write(file, text, (size_t)size) == size ? 0 : -errno;
    close(file);
    return result;
}

/* Every id stands for itself; without a map, all owners of files would look alike. Groups are given up first, or the map is refused. */
static int keep_ids(uid_t user, gid_t group) {
    char users[32], groups[32];
    snprintf(users, sizeof users, "%u %u 1", user, user);
    snprintf(groups, sizeof groups, "%u %u 1", group, group);
    int result = put("/proc/self/uid_map", users);
    if (result == 0) result = put("/proc/self/setgroups", "deny");
    return result == 0 ? put("/proc/self/gid_map", groups) : result;
}

/* A new user namespace comes with all capabilities in it; nothing here needs one. */
static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int cp_empty_network(void) {
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) return -errno;
    /* The maps belong to root as long as the process is not dumpable. It holds nothing yet that is worth a dump. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    int result = keep_ids(user, group);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int dropped = drop_capabilities();
    return result == 0 ? dropped : result;
}
#else
int cp_empty_network(void) { return -ENOSYS; }
#endif
