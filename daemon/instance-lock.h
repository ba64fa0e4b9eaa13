/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon for each network namespace, and for each state directory: two would take each other's work for somebody
 * else's and undo it without end. The first is held as an abstract socket, which belongs to the namespace and goes with
 * the process; the second as a locked file.
 */
#pragma once

#include "common/macros.h"

typedef struct InstanceLock {
        int socket_fd, file_fd; /* owned; -1 = not held */
} InstanceLock;

#define INSTANCE_LOCK_NONE ((InstanceLock) { .socket_fd = -1, .file_fd = -1 })

/*
 * `state_directory` may be "", or not be there. -EBUSY after a message that names the other process and what to do.
 * Where the lock itself cannot be had (no permission, a user who is nobody to us has the name), that is logged and 0:
 * no user of this node may keep its services from it.
 */
int instance_lock_take(InstanceLock *lock, const char *state_directory);
void instance_lock_release(InstanceLock *lock);
