/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shim (LD_PRELOAD, tests only): stands between the program and the kernel under test and breaks what the environment asks for.
 *
 *   SHIM="scrub after=12 times=1 errno=EINVAL; sync comm=ss:sync errno=EIO"
 *
 * Rules are separated by ';'. The first word is the operation, then come conditions (all must hold)
 *   comm=PREFIX    name of the calling task: workers are "ss:NAME/N", jobs "ss:job"
 *   devid=N        scrub, dev-info, dev-stats: of this device only
 *   after=N        not the first N calls that the other conditions hold for
 *   times=N        strike N times, then no more (default: always)
 * and actions
 *   sleep=SECONDS  stay "in the kernel" so long, whatever signals come but SIGKILL
 *   kill=SIGNAL    the calling task gets this signal
 *   errno=NAME     fail, the kernel is not asked
 *   return=N       return this, the kernel is not asked
 *   physical=N     scrub: this is how far it came (progress.last_physical)
 *   csum=N         scrub: when the kernel succeeds, so many checksum errors more
 *   writes=N       dev-stats: when the kernel succeeds, so many write errors more
 *   flip=N         pread: when the kernel succeeds, the lowest bit of byte N of what was read is the other one
 *
 * Tasks whose name does not begin with "ss:" are left alone, and programs that are started are not preloaded. Counters are shared over
 * forks. Each strike is a line "RULE-NUMBER OPERATION COMM" appended to the file $SHIM_LOG, so that a test can see that it was one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RULES_MAX 16
#define NAME_LENGTH 24

typedef struct Rule {
        char op[NAME_LENGTH], comm[NAME_LENGTH];
        uint64_t devid, after, times;
        double sleep;
        int kill, error;
        long result;
        bool has_result;
        uint64_t csum, physical, writes, flip;
        bool has_flip;
} Rule;

static Rule rules[RULES_MAX];
static unsigned n_rules;
static char log_path[256];
static _Atomic uint64_t *seen; /* calls that a rule's conditions held for; shared by all processes */

static const struct {
        const char *name;
        unsigned long request;
} requests[] = {
        { "balance", BTRFS_IOC_BALANCE_V2 },
        { "balance-ctl", BTRFS_IOC_BALANCE_CTL },
        { "clone", FICLONE },
        { "defrag", BTRFS_IOC_DEFRAG_RANGE },
        { "dev-info", BTRFS_IOC_DEV_INFO },
        { "dev-stats", BTRFS_IOC_GET_DEV_STATS },
        { "freeze", FIFREEZE },
        { "fs-info", BTRFS_IOC_FS_INFO },
        { "replace", BTRFS_IOC_DEV_REPLACE },
        { "scrub", BTRFS_IOC_SCRUB },
        { "scrub-cancel", BTRFS_IOC_SCRUB_CANCEL },
        { "scrub-progress", BTRFS_IOC_SCRUB_PROGRESS },
        { "start-sync", BTRFS_IOC_START_SYNC },
        { "subvol-create", BTRFS_IOC_SUBVOL_CREATE },
        { "subvol-create", BTRFS_IOC_SUBVOL_CREATE_V2 },
        { "snapshot", BTRFS_IOC_SNAP_CREATE_V2 },
        { "subvol-delete", BTRFS_IOC_SNAP_DESTROY },
        { "subvol-delete", BTRFS_IOC_SNAP_DESTROY_V2 },
        { "sync", BTRFS_IOC_SYNC },
        { "thaw", FITHAW },
        { "tree-search", BTRFS_IOC_TREE_SEARCH_V2 },
        { "trim", FITRIM },
        { "wait-sync", BTRFS_IOC_WAIT_SYNC },
};

static const char *const files[] = { "fallocate", "open", "pread", "punch", "pwrite", "truncate", "umount", "unlink" };

/* A rule that is not understood must not be taken for one that did not strike. */
static void refuse(const char *what) {
        fprintf(stderr, "shim: \"%s\" is not understood\n", what);
        _exit(99);
}

static bool known_operation(const char *op) {
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                if (strcmp(requests[i].name, op) == 0)
                        return true;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                if (strcmp(files[i], op) == 0)
                        return true;
        return false;
}

static int error_number(const char *name) {
        for (int i = 1; i < 134; i++) {
                const char *known = strerrorname_np(i);
                if (known && strcmp(known, name) == 0)
                        return i;
        }
        refuse(name);
        return 0;
}

static void parse_word(Rule *r, const char *word) {
        const char *value = strchr(word, '=');

        if (!value) {
                if (!known_operation(word))
                        refuse(word);
                snprintf(r->op, sizeof(r->op), "%s", word);
                return;
        }
        value++;
        if (strncmp(word, "comm=", 5) == 0)
                snprintf(r->comm, sizeof(r->comm), "%s", value);
        else if (strncmp(word, "devid=", 6) == 0)
                r->devid = strtoull(value, NULL, 10);
        else if (strncmp(word, "after=", 6) == 0)
                r->after = strtoull(value, NULL, 10);
        else if (strncmp(word, "times=", 6) == 0)
                r->times = strtoull(value, NULL, 10);
        else if (strncmp(word, "sleep=", 6) == 0)
                r->sleep = strtod(value, NULL);
        else if (strncmp(word, "kill=", 5) == 0)
                r->kill = atoi(value);
        else if (strncmp(word, "errno=", 6) == 0)
                r->error = error_number(value);
        else if (strncmp(word, "return=", 7) == 0) {
                r->result = strtol(value, NULL, 10);
                r->has_result = true;
        } else if (strncmp(word, "csum=", 5) == 0)
                r->csum = strtoull(value, NULL, 10);
        else if (strncmp(word, "physical=", 9) == 0)
                r->physical = strtoull(value, NULL, 10);
        else if (strncmp(word, "writes=", 7) == 0)
                r->writes = strtoull(value, NULL, 10);
        else if (strncmp(word, "flip=", 5) == 0) {
                r->flip = strtoull(value, NULL, 10);
                r->has_flip = true;
        } else
                refuse(word);
}

static void parse(const char *text) {
        char copy[2048], *save_rule = NULL;

        if (strlen(text) >= sizeof(copy))
                refuse(text);
        strcpy(copy, text);
        for (char *one = strtok_r(copy, ";", &save_rule); one; one = strtok_r(NULL, ";", &save_rule)) {
                char *save_word = NULL;
                if (n_rules == RULES_MAX)
                        refuse(one);
                for (char *word = strtok_r(one, " ", &save_word); word; word = strtok_r(NULL, " ", &save_word))
                        parse_word(&rules[n_rules], word);
                if (!rules[n_rules++].op[0])
                        refuse(one);
        }
}

__attribute__((constructor)) static void begin(void) {
        const char *text = getenv("SHIM"), *path = getenv("SHIM_LOG");

        unsetenv("LD_PRELOAD");
        seen = mmap(NULL, sizeof(*seen) * RULES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (seen == MAP_FAILED)
                refuse("no memory");
        if (path)
                snprintf(log_path, sizeof(log_path), "%s", path);
        if (text)
                parse(text);
}

/* Raw system calls: nothing here may come back to the functions below. */
static void log_strike(const Rule *r, const char *comm) {
        char line[128];
        int n = snprintf(line, sizeof(line), "%d %s %s\n", (int)(r - rules) + 1, r->op, comm), fd;

        if (!log_path[0])
                return;
        fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
                return;
        syscall(SYS_write, fd, line, (size_t)n);
        syscall(SYS_close, fd);
}

/* The first rule that strikes this call, or NULL. */
static const Rule *strike(const char *op, uint64_t devid) {
        char comm[NAME_LENGTH] = "";

        for (unsigned i = 0; i < n_rules; i++) {
                const Rule *r = &rules[i];
                uint64_t nth;
                if (strcmp(r->op, op) != 0 || (r->devid && r->devid != devid))
                        continue;
                if (!comm[0])
                        prctl(PR_GET_NAME, comm);
                if (strncmp(comm, "ss:", 3) != 0 || strncmp(comm, r->comm, strlen(r->comm)) != 0)
                        continue;
                nth = atomic_fetch_add(&seen[i], 1);
                if (nth < r->after || (r->times && nth >= r->after + r->times))
                        continue;
                log_strike(r, comm);
                return r;
        }
        return NULL;
}

static void stay(double seconds) {
        struct timespec left = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };

        while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &left, &left) != 0 && errno == EINTR)
                ;
}

/* What a rule does instead of the call: true, then *ret is the answer (and errno). */
static bool answer(const Rule *r, long *ret) {
        if (!r)
                return false;
        if (r->sleep > 0)
                stay(r->sleep);
        if (r->kill)
                syscall(SYS_kill, getpid(), r->kill);
        if (r->error) {
                errno = r->error;
                *ret = -1;
                return true;
        }
        *ret = r->result;
        return r->has_result;
}

static const char *request_name(unsigned long request) {
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                if (requests[i].request == request)
                        return requests[i].name;
        return "";
}

static uint64_t devid_of(unsigned long request, const void *arg) {
        switch (request) {
        case BTRFS_IOC_SCRUB:
        case BTRFS_IOC_SCRUB_PROGRESS:
                return ((const struct btrfs_ioctl_scrub_args *)arg)->devid;
        case BTRFS_IOC_DEV_INFO:
                return ((const struct btrfs_ioctl_dev_info_args *)arg)->devid;
        case BTRFS_IOC_GET_DEV_STATS:
                return ((const struct btrfs_ioctl_get_dev_stats *)arg)->devid;
        default:
                return 0;
        }
}

int ioctl(int fd, unsigned long request, ...) {
        const char *op = request_name(request);
        const Rule *r;
        va_list ap;
        void *arg;
        long ret;

        va_start(ap, request);
        arg = va_arg(ap, void *);
        va_end(ap);
        r = op[0] ? strike(op, devid_of(request, arg)) : NULL;
        if (r && r->physical)
                ((struct btrfs_ioctl_scrub_args *)arg)->progress.last_physical = r->physical;
        if (answer(r, &ret))
                return (int)ret;
        ret = syscall(SYS_ioctl, fd, request, arg);
        if (ret == 0 && r && request == BTRFS_IOC_SCRUB)
                ((struct btrfs_ioctl_scrub_args *)arg)->progress.csum_errors += r->csum;
        if (ret == 0 && r && request == BTRFS_IOC_GET_DEV_STATS)
                ((struct btrfs_ioctl_get_dev_stats *)arg)->values[BTRFS_DEV_STAT_WRITE_ERRS] += r->writes;
        return (int)ret;
}

int unlinkat(int fd, const char *path, int flags) {
        long ret;

        return (int)(answer(strike("unlink", 0), &ret) ? ret : syscall(SYS_unlinkat, fd, path, flags));
}

int ftruncate(int fd, off_t length) {
        long ret;

        return (int)(answer(strike("truncate", 0), &ret) ? ret : syscall(SYS_ftruncate, fd, length));
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
        long ret;

        return (int)(answer(strike(mode ? "punch" : "fallocate", 0), &ret) ? ret : syscall(SYS_fallocate, fd, mode, offset, length));
}

ssize_t pread(int fd, void *buffer, size_t length, off_t offset) {
        const Rule *r = strike("pread", 0);
        long ret;

        if (answer(r, &ret))
                return ret;
        ret = syscall(SYS_pread64, fd, buffer, length, offset);
        if (r && r->has_flip && ret > 0 && r->flip < (uint64_t)ret)
                ((uint8_t *)buffer)[r->flip] ^= 1;
        return ret;
}

ssize_t pwrite(int fd, const void *buffer, size_t length, off_t offset) {
        long ret;

        return answer(strike("pwrite", 0), &ret) ? ret : syscall(SYS_pwrite64, fd, buffer, length, offset);
}

int umount2(const char *path, int flags) {
        long ret;

        return (int)(answer(strike("umount", 0), &ret) ? ret : syscall(SYS_umount2, path, flags));
}

int openat(int fd, const char *path, int flags, ...) {
        va_list ap;
        mode_t mode;
        long ret;

        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
        return (int)(answer(strike("open", 0), &ret) ? ret : syscall(SYS_openat, fd, path, flags, mode));
}
