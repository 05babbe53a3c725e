#define _GNU_SOURCE
#include "cplatform.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
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
