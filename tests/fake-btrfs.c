/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake-btrfs.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"

#define RULES_MAX 256
#define LOG_MAX 4096

typedef struct Fake {
        pthread_mutex_t lock;
        pid_t owner;
        size_t n_rules, n_records;
        unsigned seen[RULES_MAX], used[RULES_MAX];
        unsigned counts[_FAKE_CALL_MAX], n_unexpected;
        char unexpected[256]; /* the first */
        FakeRecord log[LOG_MAX];
} Fake;

static Fake *fake;
static const FakeRule *rules;

static const char *const names[_FAKE_CALL_MAX] = {
        [FAKE_SCRUB] = "scrub",
        [FAKE_SCRUB_CANCEL] = "scrub_cancel",
        [FAKE_SCRUB_PROGRESS] = "scrub_progress",
        [FAKE_BALANCE] = "balance",
        [FAKE_BALANCE_CANCEL] = "balance_cancel",
        [FAKE_BALANCE_PAUSE] = "balance_pause",
        [FAKE_REPLACE_START] = "replace_start",
        [FAKE_REPLACE_STATUS] = "replace_status",
        [FAKE_REPLACE_CANCEL] = "replace_cancel",
        [FAKE_SYNC] = "sync",
        [FAKE_START_SYNC] = "start_sync",
        [FAKE_WAIT_SYNC] = "wait_sync",
        [FAKE_SUBVOL_CREATE] = "subvol_create",
        [FAKE_SUBVOL_DELETE] = "subvol_delete",
        [FAKE_SUBVOL_SNAPSHOT] = "subvol_snapshot",
        [FAKE_TRIM] = "trim",
        [FAKE_REMOUNT] = "remount",
        [FAKE_FREEZE] = "freeze",
        [FAKE_THAW] = "thaw",
        [FAKE_CLONE] = "clone",
        [FAKE_DEFRAG] = "defrag",
        [FAKE_DEVICE_INFO] = "device_info",
        [FAKE_FS_INFO] = "fs_info",
        [FAKE_DEVICE_STATS] = "device_stats",
        [FAKE_TREE_SEARCH] = "tree_search",
};

const char *fake_call_name(FakeCall call) {
        return call > 0 && call < _FAKE_CALL_MAX ? names[call] : "no such call";
}

void fake_btrfs_begin(const FakeRule *script, size_t n_rules) {
        pthread_mutexattr_t attr;

        assert_true(n_rules <= RULES_MAX);
        for (size_t i = 0; i < n_rules; i++)
                if (script[i].call <= 0 || script[i].call >= _FAKE_CALL_MAX)
                        fail_msg("rule %zu of the script names no call", i);
        if (!fake)
                fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(fake, MAP_FAILED);
        memset(fake, 0, sizeof(*fake));
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
        pthread_mutex_init(&fake->lock, &attr);
        fake->owner = getpid();
        fake->n_rules = n_rules;
        rules = script;
}

static unsigned rule_times(const FakeRule *rule) {
        return rule->times ?: rule->nth ? 1 : 0;
}

void fake_btrfs_end(void) {
        Fake *f = TAKE_PTR(fake);
        char text[384] = "";

        assert_non_null(f);
        if (f->n_unexpected > 0)
                snprintf(text, sizeof(text), "%u calls that no rule applies to, first: %s", f->n_unexpected, f->unexpected);
        for (size_t i = 0; i < f->n_rules && !text[0]; i++) {
                unsigned want = MAX_OF(rule_times(&rules[i]), 1u);
                if (!rules[i].optional && f->used[i] < want)
                        snprintf(text, sizeof(text), "rule %zu of the script (%s) was used %u times of %u", i,
                                 fake_call_name(rules[i].call), f->used[i], want);
        }
        munmap(f, sizeof(*f));
        if (text[0])
                fail_msg("fake-btrfs: %s", text);
}

/* Counts the call for every rule it matches; the first whose turn it is answers. */
static const FakeRule *match(const FakeRecord *record) {
        const FakeRule *answer = NULL;

        for (size_t i = 0; i < fake->n_rules; i++) {
                const FakeRule *rule = &rules[i];
                unsigned times = rule_times(rule);
                if (rule->call != record->call || (rule->devid && rule->devid != record->devid) ||
                    (rule->name && strcmp(rule->name, record->name) != 0) || (rule->tree && rule->tree != record->key.tree_id))
                        continue;
                fake->seen[i]++;
                if (answer || fake->seen[i] < rule->nth || (times && fake->used[i] >= times))
                        continue;
                fake->used[i]++;
                answer = rule;
        }
        return answer;
}

static void unexpected(const FakeRecord *record) {
        char text[sizeof(fake->unexpected)];

        snprintf(text, sizeof(text), "%s(devid %" PRIu64 ", \"%s\")", fake_call_name(record->call), record->devid, record->name);
        pthread_mutex_lock(&fake->lock);
        if (fake->n_unexpected++ == 0)
                memcpy(fake->unexpected, text, sizeof(text));
        pthread_mutex_unlock(&fake->lock);
        if (fake->owner == getpid())
                fail_msg("fake-btrfs: no rule applies to %s", text);
}

/* Logs the call and finds its answer; NULL: none (only returns so in a child of the test). */
static const FakeRule *call(FakeRecord *record) {
        const FakeRule *rule;

        assert_non_null(fake);
        pthread_mutex_lock(&fake->lock);
        rule = match(record);
        record->result = rule ? rule->result : -ENOSYS;
        if (fake->n_records < LOG_MAX)
                fake->log[fake->n_records] = *record;
        fake->n_records++;
        fake->counts[record->call]++;
        pthread_mutex_unlock(&fake->lock);
        if (!rule) {
                unexpected(record);
                return NULL;
        }
        if (rule->delay_ns > 0)
                clock_sleep_ns(rule->delay_ns);
        if (rule->hook)
                rule->hook(rule->userdata);
        return rule;
}

static int fake_scrub(int fd, const ScrubRange *range, ScrubStats *stats) {
        const FakeRule *rule = call(&(FakeRecord){
                .call = FAKE_SCRUB, .fd = fd, .devid = range->devid, .start = range->start, .end = range->end,
                .readonly = range->readonly });

        *stats = rule ? rule->stats : (ScrubStats){ 0 };
        return rule ? rule->result : -ENOSYS;
}

static int fake_scrub_progress(int fd, uint64_t devid, ScrubStats *stats) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_SCRUB_PROGRESS, .fd = fd, .devid = devid });

        *stats = rule ? rule->stats : (ScrubStats){ 0 };
        return rule ? rule->result : -ENOSYS;
}

static int result_only(FakeCall which, int fd) {
        const FakeRule *rule = call(&(FakeRecord){ .call = which, .fd = fd });

        return rule ? rule->result : -ENOSYS;
}

static int fake_scrub_cancel(int fd) {
        return result_only(FAKE_SCRUB_CANCEL, fd);
}

static int fake_balance_cancel(int fd) {
        return result_only(FAKE_BALANCE_CANCEL, fd);
}

static int fake_replace_start(int fd, uint64_t devid, const char *target) {
        FakeRecord record = { .call = FAKE_REPLACE_START, .fd = fd, .devid = devid };
        const FakeRule *rule;

        snprintf(record.name, sizeof(record.name), "%s", target);
        rule = call(&record);
        return rule ? rule->result : -ENOSYS;
}

static int fake_replace_status(int fd, uint64_t *state) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_REPLACE_STATUS, .fd = fd });

        *state = rule ? rule->number : 0;
        return rule ? rule->result : -ENOSYS;
}

static int fake_replace_cancel(int fd) {
        return result_only(FAKE_REPLACE_CANCEL, fd);
}

static int fake_balance_pause(int fd) {
        return result_only(FAKE_BALANCE_PAUSE, fd);
}

static int fake_sync(int fd) {
        return result_only(FAKE_SYNC, fd);
}

static int fake_balance(int fd, const BalanceFilter *data, const BalanceFilter *metadata, uint64_t *completed) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_BALANCE, .fd = fd, .data = *data, .metadata = *metadata });

        *completed = rule ? rule->number : 0;
        return rule ? rule->result : -ENOSYS;
}

static int fake_start_sync(int fd, uint64_t *transid) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_START_SYNC, .fd = fd });

        *transid = rule ? rule->number : 0;
        return rule ? rule->result : -ENOSYS;
}

static int fake_wait_sync(int fd, uint64_t transid) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_WAIT_SYNC, .fd = fd, .transid = transid });

        return rule ? rule->result : -ENOSYS;
}

static int named(FakeCall which, int fd, const char *name) {
        FakeRecord record = { .call = which, .fd = fd };
        const FakeRule *rule;

        snprintf(record.name, sizeof(record.name), "%s", name);
        rule = call(&record);
        return rule ? rule->result : -ENOSYS;
}

static int fake_subvol_create(int parent_fd, const char *name) {
        return named(FAKE_SUBVOL_CREATE, parent_fd, name);
}

static int fake_subvol_delete(int parent_fd, const char *name) {
        return named(FAKE_SUBVOL_DELETE, parent_fd, name);
}

static int fake_subvol_snapshot(int source_fd, int parent_fd, const char *name) {
        return source_fd == parent_fd ? named(FAKE_SUBVOL_SNAPSHOT, parent_fd, name) : -EXDEV;
}

static int fake_trim(int fd, uint64_t *trimmed) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_TRIM, .fd = fd });

        *trimmed = rule ? rule->number : 0;
        return rule ? rule->result : -ENOSYS;
}

static int fake_remount(int fd, const char *options) {
        return named(FAKE_REMOUNT, fd, options);
}

static int fake_freeze(int fd) {
        return result_only(FAKE_FREEZE, fd);
}

static int fake_thaw(int fd) {
        return result_only(FAKE_THAW, fd);
}

static int fake_clone(int fd, int source_fd) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_CLONE, .fd = fd, .source_fd = source_fd });

        return rule ? rule->result : -ENOSYS;
}

static int fake_defrag(int fd) {
        return result_only(FAKE_DEFRAG, fd);
}

static int fake_device_info(int fd, uint64_t devid, BtrfsDevice *ret) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_DEVICE_INFO, .fd = fd, .devid = devid });

        *ret = rule && rule->device ? *rule->device : (BtrfsDevice){ .devid = devid };
        return rule ? rule->result : -ENOSYS;
}

static int fake_fs_info(int fd, struct btrfs_ioctl_fs_info_args *ret) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_FS_INFO, .fd = fd });

        *ret = rule && rule->fs_info ? *rule->fs_info : (struct btrfs_ioctl_fs_info_args){ 0 };
        return rule ? rule->result : -ENOSYS;
}

static int fake_device_stats(int fd, uint64_t devid, uint64_t values[static BTRFS_DEV_STAT_VALUES_MAX]) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_DEVICE_STATS, .fd = fd, .devid = devid });

        memset(values, 0, BTRFS_DEV_STAT_VALUES_MAX * sizeof(values[0]));
        if (rule && rule->values)
                memcpy(values, rule->values, BTRFS_DEV_STAT_VALUES_MAX * sizeof(values[0]));
        return rule ? rule->result : -ENOSYS;
}

static int key_compare(uint64_t objectid, uint32_t type, uint64_t offset, const struct btrfs_ioctl_search_header *h) {
        if (objectid != h->objectid)
                return objectid < h->objectid ? -1 : 1;
        if (type != h->type)
                return type < h->type ? -1 : 1;
        return offset < h->offset ? -1 : offset > h->offset;
}

static int fake_tree_search(int fd, const struct btrfs_ioctl_search_key *key, TreeItemFunc func, void *userdata) {
        const FakeRule *rule = call(&(FakeRecord){ .call = FAKE_TREE_SEARCH, .fd = fd, .key = *key });

        if (!rule)
                return -ENOSYS;
        for (size_t i = 0; i < rule->n_items; i++) {
                const struct btrfs_ioctl_search_header *h = &rule->items[i].header;
                if (key_compare(key->min_objectid, key->min_type, key->min_offset, h) > 0 ||
                    key_compare(key->max_objectid, key->max_type, key->max_offset, h) < 0)
                        continue;
                if (func(userdata, h, rule->items[i].data) != 0)
                        break;
        }
        return rule->result;
}

const BtrfsOps fake_btrfs_ops = {
        .scrub = fake_scrub,
        .scrub_cancel = fake_scrub_cancel,
        .scrub_progress = fake_scrub_progress,
        .balance = fake_balance,
        .balance_cancel = fake_balance_cancel,
        .balance_pause = fake_balance_pause,
        .replace_start = fake_replace_start,
        .replace_status = fake_replace_status,
        .replace_cancel = fake_replace_cancel,
        .sync = fake_sync,
        .start_sync = fake_start_sync,
        .wait_sync = fake_wait_sync,
        .subvol_create = fake_subvol_create,
        .subvol_delete = fake_subvol_delete,
        .subvol_snapshot = fake_subvol_snapshot,
        .trim = fake_trim,
        .remount = fake_remount,
        .freeze = fake_freeze,
        .thaw = fake_thaw,
        .clone = fake_clone,
        .defrag = fake_defrag,
        .device_info = fake_device_info,
        .fs_info = fake_fs_info,
        .device_stats = fake_device_stats,
        .tree_search = fake_tree_search,
};

unsigned fake_btrfs_count(FakeCall which) {
        assert_true(which > 0 && which < _FAKE_CALL_MAX);
        return fake->counts[which];
}

unsigned fake_btrfs_count_devid(FakeCall which, uint64_t devid) {
        unsigned n = 0;

        for (size_t i = 0; i < MIN_OF(fake->n_records, (size_t)LOG_MAX); i++)
                n += fake->log[i].call == which && fake->log[i].devid == devid;
        return n;
}

const FakeRecord *fake_btrfs_record(size_t i) {
        return i < MIN_OF(fake->n_records, (size_t)LOG_MAX) ? &fake->log[i] : NULL;
}

const FakeRecord *fake_btrfs_last(FakeCall which) {
        for (size_t i = MIN_OF(fake->n_records, (size_t)LOG_MAX); i > 0; i--)
                if (fake->log[i - 1].call == which)
                        return &fake->log[i - 1];
        return NULL;
}
