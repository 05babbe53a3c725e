#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static const int resources[] = {[CP_CORE] = RLIMIT_CORE, [CP_DATA] = RLIMIT_DATA, [CP_FILES] = RLIMIT_NOFILE};

int cp_lower_limit(enum cp_limit limit, uint64_t value) {
    struct rlimit now;
    if (getrlimit(resources[limit], &now)) return -errno;
    if (now.rlim_max > value) now.rlim_max = value;
    if (now.rlim_cur > now.rlim_max) now.rlim_cur = now.rlim_max;
    return setrlimit(resources[limit], &now) ? -errno : 0;
}

uint64_t cp_limit_in_force(enum cp_limit limit) {
    struct rlimit now;
    return getrlimit(resources[limit], &now) ? UINT64_MAX : (uint64_t)now.rlim_cur;
}

int cp_no_dumps(void) {
#ifdef __linux__
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) return -errno;
#endif
    return cp_lower_limit(CP_CORE, 0);
}
