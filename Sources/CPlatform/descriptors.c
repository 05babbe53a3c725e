#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/prctl.h>
#endif
#include <unistd.h>

/* Room for a control message with every descriptor that one part may carry. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * CP_DESCRIPTORS)];
    struct cmsghdr aligned;
};

long cp_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t carried) {
    if (carried > CP_DESCRIPTORS) return -EINVAL;
    if (carried == 0) {
        ssize_t sent = write(socket, bytes, count);
        return sent < 0 ? -errno : sent;
    }
    union control control = {0};
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(sizeof(int) * carried)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * carried);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * carried);
    ssize_t sent = sendmsg(socket, &message, 0);
    return sent < 0 ? -errno : sent;
}

int cp_memory_file(off_t count) {
#ifdef __linux__
    int file = memfd_create("model", MFD_CLOEXEC);
    if (file < 0) return -errno;
    if (ftruncate(file, count) == 0) return file;
    int code = errno;
    close(file);
    return -code;
#else
    (void)count;
    return -ENOSYS;
#endif
}

long cp_receive(int socket, void *bytes, size_t count, int *descriptors, size_t *carried) {
    union control control = {0};
    struct iovec part = {bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *carried = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived && *carried < CP_DESCRIPTORS; i++)
            memcpy(&descriptors[(*carried)++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
    }
    return message.msg_flags & MSG_CTRUNC ? -EMSGSIZE : received;
}

void cp_name(const char *name) {
#ifdef __linux__
    prctl(PR_SET_NAME, name, 0, 0, 0);
#endif
}

int cp_spawn(pid_t *process, char *const arguments[], char *const environment[], const int *descriptors, size_t count) {
    if (count > CP_DESCRIPTORS) return EINVAL;
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    /* From numbers above the new ones, so that none is written over before it was copied. */
    int above[CP_DESCRIPTORS], last = 3 + (int)count;
    size_t copied = 0;
    for (; code == 0 && copied < count; copied++) {
        above[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, last);
        code = above[copied] < 0 ? errno : posix_spawn_file_actions_adddup2(&actions, above[copied], 3 + (int)copied);
    }
    /* Some libraries do not mark what they open, network sockets among it. */
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, last);
    if (code == 0) code = posix_spawn(process, "/proc/self/exe", &actions, NULL, arguments, environment);
    for (size_t i = 0; i < copied; i++) close(above[i]);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}
