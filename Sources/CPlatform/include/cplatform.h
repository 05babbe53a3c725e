#ifndef CPLATFORM_H
#define CPLATFORM_H

/*
 * Keeps memory out of crash output (F1). Swift's backtracer prints registers and what they point to, unless SWIFT_BACKTRACE=enable=no was in the
 * environment before exec: so the process executes itself once with it. Then the fatal signals get their default action and core dumps are off.
 * Call as the first statement of main, before any thread exists. Returns 0, or an errno if the process could not execute itself.
 */
int cp_quiet_crashes(char *const argv[]);

/* Whether the kernel would write this process to a core dump or let others of the user read it: PR_GET_DUMPABLE; -1 where there is no such thing. */
int cp_dumpable(void);

#endif
