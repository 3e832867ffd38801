/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/cleaners.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/macro.h"

/* Cut off at TASK_COMM_LEN, or in full ("btrfs-transaction"), as newer kernels tell the names of their threads. */
#define CLEANER "btrfs-cleaner"
#define TRANSACTION "btrfs-transacti"

/* Threads come and go while they are counted: what is mounted meanwhile may be seen without its cleaner. */
#define LOOKS 5
#define BETWEEN_US 100000

static bool begins_with(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static unsigned count_dead(const char *root) {
        unsigned cleaners = 0, transactions = 0;
        char path[PATH_MAX], comm[64];
        struct dirent *entry;
        DIR *proc;

        if (snprintf(path, sizeof(path), "%s/proc", root ?: "") >= (int)sizeof(path))
                return 0;
        proc = opendir(path);
        while (proc && (entry = readdir(proc))) {
                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
                if (fs_read(root, path, comm, sizeof(comm)) < 0)
                        continue;
                cleaners += begins_with(comm, CLEANER);
                transactions += begins_with(comm, TRANSACTION);
        }
        if (proc)
                closedir(proc);
        return transactions > cleaners ? transactions - cleaners : 0;
}

unsigned cleaners_dead(const char *root) {
        unsigned dead = count_dead(root);

        for (unsigned i = 1; i < LOOKS && dead > 0; i++) {
                usleep(BETWEEN_US);
                dead = MIN_OF(dead, count_dead(root));
        }
        return dead;
}
