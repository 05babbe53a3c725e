#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

_Static_assert(sizeof(struct cp_instruction) == sizeof(struct sock_filter), "the kernel's instruction");

/* The system calls that the table and the self-test name. The second list is x86-64's own: other architectures never had them. */
#define EVERYWHERE(X) \
    X(accept) X(accept4) X(bind) X(brk) X(capset) X(chdir) X(clock_getres) X(clock_gettime) X(clock_nanosleep) X(clone) X(clone3) X(close) X(close_range) \
    X(connect) X(copy_file_range) X(dup) X(dup3) X(epoll_create1) X(epoll_ctl) X(epoll_pwait) X(epoll_pwait2) X(eventfd2) X(execve) X(execveat) \
    X(exit) X(exit_group) X(faccessat) X(faccessat2) X(fadvise64) X(fallocate) X(fchmod) X(fchown) X(fcntl) X(fdatasync) X(flock) X(fstat) \
    X(fstatfs) X(fsync) X(ftruncate) X(futex) X(getcpu) X(getcwd) X(getdents64) X(getegid) X(geteuid) X(getgid) X(getpeername) X(getpgid) X(getpid) \
    X(getppid) X(getrandom) X(getrlimit) X(getrusage) X(getsockname) X(getsockopt) X(gettid) X(gettimeofday) X(getuid) X(io_uring_setup) X(ioctl) \
    X(kill) X(landlock_add_rule) X(landlock_create_ruleset) X(landlock_restrict_self) X(linkat) X(listen) X(lseek) X(madvise) X(membarrier) \
    X(memfd_create) X(memfd_secret) X(mincore) X(mkdirat) X(mlock) X(mlock2) X(mmap) X(mprotect) X(mremap) X(munlock) X(munmap) X(nanosleep) \
    X(newfstatat) X(openat) X(pidfd_getfd) X(pidfd_open) X(pidfd_send_signal) X(pipe2) X(ppoll) X(prctl) X(pread64) X(preadv) X(prlimit64) \
    X(process_vm_readv) X(pselect6) X(ptrace) X(pwrite64) X(pwritev) X(read) X(readlinkat) X(readv) X(recvfrom) X(recvmsg) X(renameat) X(renameat2) \
    X(restart_syscall) X(rseq) X(rt_sigaction) X(rt_sigprocmask) X(rt_sigreturn) X(rt_sigsuspend) X(rt_sigtimedwait) X(sched_get_priority_max) \
    X(sched_get_priority_min) X(sched_getaffinity) X(sched_getparam) X(sched_getscheduler) X(sched_yield) X(seccomp) X(sendmmsg) \
    X(sendmsg) X(sendto) X(set_robust_list) X(set_tid_address) X(setpgid) X(setpriority) X(setrlimit) X(setsid) X(setsockopt) X(shutdown) X(sigaltstack) \
    X(signalfd4) X(socket) X(socketpair) X(statfs) X(statx) X(sysinfo) X(tgkill) X(timerfd_create) X(timerfd_gettime) X(timerfd_settime) \
    X(umask) X(uname) X(unlinkat) X(unshare) X(wait4) X(waitid) X(write) X(writev)
#define X86_64_ONLY(X) \
    X(access) X(arch_prctl) X(dup2) X(epoll_create) X(epoll_wait) X(fork) X(getpgrp) X(link) X(lstat) X(mkdir) X(open) X(pipe) X(poll) \
    X(readlink) X(rename) X(rmdir) X(select) X(stat) X(time) X(unlink) X(vfork)
#define ENTRY(name) {#name, SYS_##name},
static const struct {
    const char *name;
    int number;
} calls[] = {
    EVERYWHERE(ENTRY)
#ifdef __x86_64__
    X86_64_ONLY(ENTRY)
#endif
};

int cp_number(const char *name) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0) return calls[i].number;
    return -1;
}

long cp_call(const char *name, long a, long b, long c, long d, long e, long f) {
    int number = cp_number(name);
    if (number < 0) return -ENOSYS;
    long result = syscall(number, a, b, c, d, e, f);
    return result == -1 ? -errno : result;
}

int cp_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0; }

int cp_filter(const struct cp_instruction *program, unsigned short count) {
    struct sock_fprog filter = {count, (struct sock_filter *)program};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return result == -1 ? -errno : (int)result;
}

const char *cp_error_name(int error) {
    const char *name = strerrorname_np(error);
    return name ? name : "unknown";
}

int cp_try_fork(void) {
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child < 0) return -errno;
    waitpid((pid_t)child, NULL, 0);
    return 0;
}
#else
int cp_number(const char *name) { return -1; }
long cp_call(const char *name, long a, long b, long c, long d, long e, long f) { return -ENOSYS; }
int cp_no_new_privileges(void) { return -ENOSYS; }
int cp_filter(const struct cp_instruction *program, unsigned short count) { return -ENOSYS; }
int cp_try_fork(void) { return -ENOSYS; }
const char *cp_error_name(int error) { return strerror(error); }
#endif
