#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stddef.h>
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

/* Reads from a socket; `descriptors` has room for CP_DESCRIPTORS, which are closed on exec. Returns bytes read, 0 at the end, or a negative errno. */
long cp_receive(int socket, void *bytes, size_t count, int *descriptors, size_t *carried);

#endif
