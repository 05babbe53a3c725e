#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static const char variable[] = "SWIFT_BACKTRACE", quiet[] = "enable=no";

int cp_quiet_crashes(char *const argv[]) {
    const char *value = getenv(variable);
    if (!value || strcmp(value, quiet) != 0) {
        if (setenv(variable, quiet, 1) != 0) return errno;
#ifdef __linux__
        execv("/proc/self/exe", argv);
        return errno;
#endif
    }
    static const int fatal[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGQUIT};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    return 0;
}

int cp_dumpable(void) {
#ifdef __linux__
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
#else
    return -1;
#endif
}
