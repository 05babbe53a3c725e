#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Keeps memory out of crash output (F1). Swift's backtracer prints registers and what they point to, unless SWIFT_BACKTRACE=enable=no was in the
 * environment before exec: so the process executes itself once with it. Then the fatal signals get their default action and core dumps are off.
 * Call as the first statement of main, before any thread exists. Returns 0, or an errno if the process could not execute itself.
 */
int cp_quiet_crashes(char *const argv[]);

/* Whether the kernel would write this process to a core dump or let others of the user read it: PR_GET_DUMPABLE; -1 where there is no such thing. */
int cp_dumpable(void);

/* What `ps` and `top` call the calling thread, and so the process before it has others; 15 bytes. */
void cp_name(const char *name);

/* Descriptors that one part of a message between Cloister's processes, or a new process, may carry. */
#define CP_DESCRIPTORS 4

/*
 * Starts this binary again with `descriptors` as 3, 4, …, nothing to read, the standard outputs, and nothing else: descriptors that are not marked
 * to be closed on exec are closed all the same. Returns 0 or an errno.
 */
int cp_spawn(pid_t *process, char *const arguments[], char *const environment[], const int *descriptors, size_t count);

/*
 * Writes to a socket, with descriptors beside the first byte if there are any; only then is it sendmsg, which most roles may not call.
 * Returns bytes written, or a negative errno.
 */
long cp_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t carried);

/* A file of so many zeros that is in memory only (memfd_create(2)). Returns its descriptor, closed on exec, or a negative errno. */
int cp_memory_file(off_t count);

/* Reads from a socket; `descriptors` has room for CP_DESCRIPTORS, which are closed on exec. Returns bytes read, 0 at the end, or a negative errno. */
long cp_receive(int socket, void *bytes, size_t count, int *descriptors, size_t *carried);

/*
 * Confinement. Results are 0 or more, or the negative errno; everything is -ENOSYS where the kernel is not Linux.
 */

/* The number of a system call on this architecture; -1 if it has none of that name, or the list in seccomp.c lacks it. */
int cp_number(const char *name);

/* Makes the system call of that name, past the C library. For the self-test, which tries what the library would not. */
long cp_call(const char *name, long a, long b, long c, long d, long e, long f);

/* Makes a child that ends at once, and waits for it. For the self-test: Swift cannot fork. */
int cp_try_fork(void);

/* The name of an error: EPERM. */
const char *cp_error_name(int error);

/* PR_SET_NO_NEW_PRIVS for the calling thread and what it starts. */
int cp_no_new_privileges(void);

/* The kernel's struct sock_filter: one instruction of classic BPF. */
struct cp_instruction {
    uint16_t code;
    uint8_t if_true, if_false;
    uint32_t k;
};

/* Puts a seccomp filter before every thread of the process. A positive result is the id of a thread that could not be covered: nothing is enforced then. */
int cp_filter(const struct cp_instruction *program, unsigned short count);

/*
 * For processes that may open no file at all. Once a second, while work waits, libdispatch opens /proc/<thread>/stat of its workers, and ends the
 * process if it cannot (workqueue.c). Where the filter answers openat with SIGSYS (SECCOMP_RET_TRAP), this handler gives that one question a
 * descriptor that says "running", and every other one EPERM. It runs inside of the process and guards nothing: the kernel has refused already.
 */
int cp_answer_opening(void);

/* Landlock: the version that the kernel offers; an empty set of rules (a descriptor) that handles the given rights; one more path that
 * may be reached with the given rights; and putting the rules in force, for the calling thread and what it starts. */
int cp_landlock_version(void);
int cp_landlock_rules(uint64_t files, uint64_t network, uint64_t scopes);
int cp_landlock_allow(int rules, const char *path, uint64_t rights);
int cp_landlock_enforce(int rules);

/*
 * Moves the calling process, which must have one thread, into a user namespace and a network namespace of its own: no interface but a loopback that is
 * down. Its user and group stay what they are, and it has no capability in there. Sockets that it has already keep their network.
 */
int cp_empty_network(void);

/* Resource limits: core files, private writable memory, open descriptors. Lowering is for good. In force: the soft limit, UINT64_MAX if none. */
enum cp_limit { CP_CORE, CP_DATA, CP_FILES };
int cp_lower_limit(enum cp_limit limit, uint64_t value);
uint64_t cp_limit_in_force(enum cp_limit limit);

/*
 * Zeroed memory for keys, for as long as the process lives, and what the kernel gave: secret pages, pages that are locked, left out of dumps and
 * empty in a fork, or ordinary ones. NULL: there is no memory.
 */
enum cp_key_memory { CP_KEYS_ORDINARY, CP_KEYS_LOCKED, CP_KEYS_SECRET };
void *cp_key_memory(size_t count, enum cp_key_memory *kind);

/* Zeroes bytes, whatever the compiler thinks of it. */
void cp_erase(void *bytes, size_t count);

/* No core dumps, and no reading of this process by others of its user. */
int cp_no_dumps(void);

#endif
