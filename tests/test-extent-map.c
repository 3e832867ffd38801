/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fake-btrfs.h"
#include "target/extent-map.h"

#define DISK_CHUNK_MAX (sizeof(struct btrfs_chunk) + 31 * sizeof(struct btrfs_stripe))

typedef struct DiskChunk {
        uint64_t storage[(DISK_CHUNK_MAX + 7) / 8];
} DiskChunk;

/* A chunk item as it is on disk: stripe i on devid i + 1 at (i + 1) MiB. */
static FakeItem chunk_item(DiskChunk *d, uint64_t logical, uint64_t length, uint64_t type, uint16_t n_stripes) {
        struct btrfs_chunk *c = (struct btrfs_chunk *)d;

        *c = (struct btrfs_chunk){ .length = htole64(length), .type = htole64(type), .num_stripes = htole16(n_stripes) };
        c->sub_stripes = htole16(type & BTRFS_BLOCK_GROUP_RAID10 ? 2 : 1);
        for (uint16_t i = 0; i < n_stripes; i++)
                (&c->stripe)[i] = (struct btrfs_stripe){ .devid = htole64(i + UINT64_C(1)), .offset = htole64((i + 1) * MiB) };
        return (FakeItem){
                .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY, .offset = logical,
                            .len = (uint32_t)(sizeof(*c) + (n_stripes - 1u) * sizeof(struct btrfs_stripe)) },
                .data = d,
        };
}

static void test_extent_lengths_of_every_profile(void **state) {
        static const struct {
                uint64_t type;
                uint16_t n_stripes, sub_stripes;
                uint64_t data_stripes;
        } rows[] = {
                { BTRFS_BLOCK_GROUP_DATA, 1, 1, 1 },     { BTRFS_BLOCK_GROUP_DUP, 2, 1, 1 },     { BTRFS_BLOCK_GROUP_RAID0, 4, 1, 4 },
                { BTRFS_BLOCK_GROUP_RAID1, 2, 1, 1 },    { BTRFS_BLOCK_GROUP_RAID1C3, 3, 1, 1 }, { BTRFS_BLOCK_GROUP_RAID1C4, 4, 1, 1 },
                { BTRFS_BLOCK_GROUP_RAID10, 4, 2, 2 },   { BTRFS_BLOCK_GROUP_RAID10, 6, 2, 3 },  { BTRFS_BLOCK_GROUP_RAID5, 3, 1, 2 },
                { BTRFS_BLOCK_GROUP_RAID6, 4, 1, 2 },    { BTRFS_BLOCK_GROUP_RAID6, 2, 1, 1 },   { BTRFS_BLOCK_GROUP_RAID10, 1, 0, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(chunk_extent_length(96 * MiB, rows[i].type, rows[i].n_stripes, rows[i].sub_stripes),
                                 96 * MiB / rows[i].data_stripes);
}

static void test_chunks_are_read(void **state) {
        DiskChunk a, b, c;
        FakeItem items[] = {
                chunk_item(&a, 16 * MiB, 8 * MiB, BTRFS_BLOCK_GROUP_SYSTEM, 1),
                chunk_item(&b, 32 * MiB, 64 * MiB, BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0, 4),
                chunk_item(&c, 96 * MiB, 32 * MiB, BTRFS_BLOCK_GROUP_DATA, 1),
        };
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = items, .n_items = ELEMENTSOF(items) },
        };
        ExtentMap m = EXTENT_MAP_NULL;
        uint64_t bytes;

        (void)state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 42), 0);
        assert_int_equal(fake_btrfs_last(FAKE_TREE_SEARCH)->fd, 42);
        assert_int_equal(m.n_chunks, 3);
        assert_int_equal(m.chunks[1].n_stripes, 4);
        assert_int_equal(m.chunks[1].extent_length, 16 * MiB);
        assert_int_equal(m.chunks[1].stripes[3].devid, 4);
        assert_int_equal(m.chunks[1].stripes[3].physical, 4 * MiB);
        assert_int_equal(extent_map_count(&m, BTRFS_BLOCK_GROUP_DATA, &bytes), 2);
        assert_int_equal(bytes, 96 * MiB);
        assert_int_equal(extent_map_count(&m, BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0, &bytes), 1);
        assert_int_equal(extent_map_count(&m, BTRFS_BLOCK_GROUP_METADATA, &bytes), 0);
        assert_int_equal(bytes, 0);
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 42), 0); /* replaces */
        assert_int_equal(m.n_chunks, 3);
        extent_map_free(&m);
        fake_btrfs_end();
}

static void test_find_knows_holes_and_borders(void **state) {
        Chunk chunks[] = { { .logical = 16 * MiB, .length = 8 * MiB }, { .logical = 32 * MiB, .length = 64 * MiB },
                           { .logical = 96 * MiB, .length = 32 * MiB } };
        ExtentMap m = { .chunks = chunks, .n_chunks = ELEMENTSOF(chunks) };

        (void)state;
        assert_null(extent_map_find(&m, 0));
        assert_ptr_equal(extent_map_find(&m, 16 * MiB), &chunks[0]);
        assert_ptr_equal(extent_map_find(&m, 24 * MiB - 1), &chunks[0]);
        assert_null(extent_map_find(&m, 24 * MiB));
        assert_ptr_equal(extent_map_find(&m, 96 * MiB - 1), &chunks[1]);
        assert_ptr_equal(extent_map_find(&m, 96 * MiB), &chunks[2]);
        assert_null(extent_map_find(&m, 128 * MiB));
        assert_null(extent_map_find(&EXTENT_MAP_NULL, 0));
}

static void test_more_stripes_than_we_keep(void **state) {
        DiskChunk d;
        FakeItem item = chunk_item(&d, 1 * GiB, 320 * MiB, BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID0, 20);
        FakeRule script[] = { { .call = FAKE_TREE_SEARCH, .items = &item, .n_items = 1 } };
        ExtentMap m = EXTENT_MAP_NULL;

        (void)state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 0), 0);
        assert_int_equal(m.chunks[0].n_stripes, EXTENT_MAP_STRIPES);
        assert_int_equal(m.chunks[0].extent_length, 16 * MiB);
        extent_map_free(&m);
        fake_btrfs_end();
}

static void test_many_chunks(void **state) {
        static DiskChunk disk;
        static FakeItem items[1000];
        FakeRule script[] = { { .call = FAKE_TREE_SEARCH, .items = items, .n_items = ELEMENTSOF(items) } };
        ExtentMap m = EXTENT_MAP_NULL;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                items[i] = chunk_item(&disk, i * GiB, GiB, BTRFS_BLOCK_GROUP_DATA, 1);
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 0), 0);
        assert_int_equal(m.n_chunks, 1000);
        assert_int_equal(extent_map_find(&m, 999 * GiB + 5)->logical, 999 * GiB);
        extent_map_free(&m);
        fake_btrfs_end();
}

static void test_failures_are_handed_on(void **state) {
        DiskChunk d;
        FakeItem item = chunk_item(&d, 0, GiB, BTRFS_BLOCK_GROUP_DATA, 2);
        FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .nth = 1, .result = -EIO },
                { .call = FAKE_TREE_SEARCH, .items = &item, .n_items = 1 },
        };
        ExtentMap m = EXTENT_MAP_NULL;

        (void)state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 0), -EIO);
        item.header.len -= 1; /* the second stripe is cut */
        assert_int_equal(extent_map_read(&m, &fake_btrfs_ops, 0), -EBADMSG);
        assert_int_equal(m.n_chunks, 0);
        extent_map_free(&m);
        fake_btrfs_end();
}

/*
 * BTRFS_IOC_TREE_SEARCH_V2 of btrfs-kernel.c against a kernel made of a list: this ioctl() stands in front of the C library's, for the
 * descriptor FAKE_KERNEL_FD only.
 */
#define FAKE_KERNEL_FD 1000000

typedef struct Item {
        uint64_t objectid;
        uint32_t type;
        uint64_t offset;
        uint32_t len;
} Item;

static struct {
        const Item *items;
        size_t n;
        uint32_t batch; /* items an answer takes at most */
        unsigned calls;
        struct btrfs_ioctl_balance_args balance; /* as asked for by the last one */
} kernel;

static int key_cmp(uint64_t o, uint32_t t, uint64_t f, const Item *i) {
        if (o != i->objectid)
                return o < i->objectid ? -1 : 1;
        if (t != i->type)
                return t < i->type ? -1 : 1;
        return f < i->offset ? -1 : f > i->offset;
}

static int kernel_search(struct btrfs_ioctl_search_args_v2 *args) {
        struct btrfs_ioctl_search_key *k = &args->key;
        uint64_t used = 0;
        uint32_t found = 0;

        kernel.calls++;
        for (size_t i = 0; i < kernel.n && found < MIN_OF(kernel.batch, k->nr_items); i++) {
                const Item *item = &kernel.items[i];
                struct btrfs_ioctl_search_header h = { .objectid = item->objectid, .type = item->type, .offset = item->offset,
                                                       .len = item->len };
                if (key_cmp(k->min_objectid, k->min_type, k->min_offset, item) > 0 ||
                    key_cmp(k->max_objectid, k->max_type, k->max_offset, item) < 0)
                        continue;
                if (used + sizeof(h) + item->len > args->buf_size) {
                        if (found > 0)
                                break;
                        args->buf_size = sizeof(h) + item->len;
                        errno = EOVERFLOW;
                        return -1;
                }
                memcpy(args->buf + used, &h, sizeof(h));
                memset(args->buf + used + sizeof(h), (int)(i + 1), item->len);
                used += sizeof(h) + item->len;
                found++;
        }
        k->nr_items = found;
        return 0;
}

int ioctl(int fd, unsigned long request, ...) {
        va_list ap;
        void *arg;

        va_start(ap, request);
        arg = va_arg(ap, void *);
        va_end(ap);
        if (fd == FAKE_KERNEL_FD && request == BTRFS_IOC_TREE_SEARCH_V2)
                return kernel_search(arg);
        if (fd == FAKE_KERNEL_FD && request == BTRFS_IOC_BALANCE_V2) {
                struct btrfs_ioctl_balance_args *args = arg;
                kernel.balance = *args;
                args->stat.completed = 3;
                return 8; /* as when an exclusive operation is running */
        }
        return (int)syscall(SYS_ioctl, fd, request, arg);
}

static const struct btrfs_ioctl_search_key everything = {
        .max_objectid = UINT64_MAX, .max_type = UINT8_MAX, .max_offset = UINT64_MAX, .max_transid = UINT64_MAX,
};

typedef struct Seen {
        unsigned n, stop_at;
        Item items[64];
} Seen;

static int see(void *userdata, const struct btrfs_ioctl_search_header *h, const void *item) {
        Seen *seen = userdata;

        assert_true(seen->n < ELEMENTSOF(seen->items));
        if (h->len > 0)
                assert_int_equal(((const uint8_t *)item)[h->len - 1], seen->n + 1);
        seen->items[seen->n++] = (Item){ h->objectid, h->type, h->offset, h->len };
        return seen->n == seen->stop_at;
}

static void test_search_carries_from_key_to_key(void **state) {
        static const Item items[] = {
                { 1, 1, 5, 3 }, { 1, 1, UINT64_MAX, 1 }, { 1, 2, 0, 7 }, { 1, 254, UINT64_MAX, 6 },
                { 1, 255, UINT64_MAX, 2 }, { 2, 0, 0, 0 }, { 2, 0, 1, 9 },
                { UINT64_MAX, 255, UINT64_MAX, 4 },
        };

        (void)state;
        for (uint32_t batch = 1; batch <= 8; batch++) {
                Seen seen = { 0 };
                kernel = (__typeof__(kernel)){ .items = items, .n = ELEMENTSOF(items), .batch = batch };
                assert_int_equal(btrfs_kernel_ops.tree_search(FAKE_KERNEL_FD, &everything, see, &seen), 0);
                assert_int_equal(seen.n, ELEMENTSOF(items));
                for (size_t i = 0; i < ELEMENTSOF(items); i++)
                        assert_int_equal(key_cmp(seen.items[i].objectid, seen.items[i].type, seen.items[i].offset, &items[i]), 0);
        }
}

static void test_search_stops_when_told_and_knows_an_empty_range(void **state) {
        static const Item items[] = { { 1, 1, 1, 8 }, { 1, 1, 2, 8 }, { 1, 1, 3, 8 } };
        struct btrfs_ioctl_search_key nothing = everything;
        Seen seen = { .stop_at = 2 };

        (void)state;
        kernel = (__typeof__(kernel)){ .items = items, .n = ELEMENTSOF(items), .batch = 10 };
        assert_int_equal(btrfs_kernel_ops.tree_search(FAKE_KERNEL_FD, &everything, see, &seen), 0);
        assert_int_equal(seen.n, 2);
        assert_int_equal(kernel.calls, 1);
        nothing.min_objectid = 5;
        assert_int_equal(btrfs_kernel_ops.tree_search(FAKE_KERNEL_FD, &nothing, see, &seen), 0);
        assert_int_equal(seen.n, 2);
}

static void test_search_grows_its_buffer(void **state) {
        static const Item items[] = { { 1, 1, 1, 60000 }, { 1, 1, 2, 200000 }, { 1, 1, 3, 8 } };
        Seen seen = { 0 };

        (void)state;
        kernel = (__typeof__(kernel)){ .items = items, .n = ELEMENTSOF(items), .batch = 10 };
        assert_int_equal(btrfs_kernel_ops.tree_search(FAKE_KERNEL_FD, &everything, see, &seen), 0);
        assert_int_equal(seen.n, 3);
        assert_int_equal(seen.items[1].len, 200000);
}

static void test_search_errno_is_handed_on(void **state) {
        (void)state;
        assert_int_equal(btrfs_kernel_ops.tree_search(-1, &everything, see, NULL), -EBADF);
}

static void test_balance_asks_for_what_the_filters_say(void **state) {
        BalanceFilter off = { 0 }, empty = { .enabled = true }, some = { .enabled = true, .usage_max = 30, .limit = 4 };
        BalanceFilter full = { .enabled = true, .usage_max = 100 };
        uint64_t completed = 0;

        (void)state;
        assert_int_equal(btrfs_kernel_ops.balance(FAKE_KERNEL_FD, &some, &off, &completed), 8);
        assert_int_equal(completed, 3);
        assert_int_equal(kernel.balance.flags, BTRFS_BALANCE_DATA);
        assert_int_equal(kernel.balance.data.flags, BTRFS_BALANCE_ARGS_USAGE | BTRFS_BALANCE_ARGS_LIMIT);
        assert_int_equal(kernel.balance.data.usage, 30);
        assert_int_equal(kernel.balance.data.limit, 4);
        btrfs_kernel_ops.balance(FAKE_KERNEL_FD, &empty, &full, &completed);
        assert_int_equal(kernel.balance.flags, BTRFS_BALANCE_DATA | BTRFS_BALANCE_METADATA);
        assert_int_equal(kernel.balance.data.flags, BTRFS_BALANCE_ARGS_USAGE);
        assert_int_equal(kernel.balance.data.usage, 0);
        assert_int_equal(kernel.balance.meta.flags, 0); /* "less than 100 %" would leave full groups out */
        assert_int_equal(kernel.balance.sys.flags, 0);
}

/* The fake itself: what it must refuse is tried in a child, where CMOCKA_TEST_ABORT makes a failed test abort. */
static void assert_aborts(void (*func)(void)) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                setenv("CMOCKA_TEST_ABORT", "1", 1);
                if (!freopen("/dev/null", "w", stderr))
                        _exit(1);
                func();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void unexpected_call(void) {
        FakeRule script[] = { { .call = FAKE_SYNC, .optional = true } };

        fake_btrfs_begin(script, ELEMENTSOF(script));
        fake_btrfs_ops.balance_cancel(0);
}

static void unused_rule(void) {
        FakeRule script[] = { { .call = FAKE_SYNC, .nth = 2 }, { .call = FAKE_SYNC, .optional = true } };

        fake_btrfs_begin(script, ELEMENTSOF(script));
        fake_btrfs_ops.sync(0);
        fake_btrfs_end();
}

static void rule_used_too_rarely(void) {
        FakeRule script[] = { { .call = FAKE_SYNC, .times = 2 } };

        fake_btrfs_begin(script, ELEMENTSOF(script));
        fake_btrfs_ops.sync(0);
        fake_btrfs_end();
}

static void unexpected_call_of_a_child(void) {
        fake_btrfs_begin(NULL, 0);
        pid_t pid = fork();
        if (pid == 0)
                _exit(fake_btrfs_ops.sync(0) == -ENOSYS ? 0 : 1);
        waitpid(pid, NULL, 0);
        fake_btrfs_end();
}

static void test_the_fake_fails_a_test(void **state) {
        (void)state;
        assert_aborts(unexpected_call);
        assert_aborts(unused_rule);
        assert_aborts(rule_used_too_rarely);
        assert_aborts(unexpected_call_of_a_child);
}

static void count(void *userdata) {
        ++*(unsigned *)userdata;
}

static void test_the_fake_follows_its_script(void **state) {
        unsigned hooks = 0;
        FakeRule script[] = {
                { .call = FAKE_SCRUB, .devid = 2, .nth = 3, .result = -EINVAL, .stats.last_physical = 77, .hook = count,
                  .userdata = &hooks },
                { .call = FAKE_SCRUB },
                { .call = FAKE_BALANCE, .result = 8, .times = 1 },
                { .call = FAKE_BALANCE, .number = 5 },
                { .call = FAKE_SUBVOL_CREATE, .name = "b", .result = -EEXIST },
                { .call = FAKE_SUBVOL_CREATE },
        };
        BalanceFilter data = { .enabled = true, .usage_max = 30 }, metadata = { 0 };
        uint64_t completed;
        ScrubStats s;

        (void)state;
        fake_btrfs_begin(script, ELEMENTSOF(script));
        for (int i = 1; i <= 4; i++) {
                assert_int_equal(fake_btrfs_ops.scrub(3, &(ScrubRange){ 1, 0, UINT64_MAX, false }, &s), 0);
                assert_int_equal(fake_btrfs_ops.scrub(3, &(ScrubRange){ 2, 10, 20, true }, &s), i == 3 ? -EINVAL : 0);
                assert_int_equal(s.last_physical, i == 3 ? 77 : 0);
        }
        assert_int_equal(hooks, 1);
        assert_int_equal(fake_btrfs_ops.balance(3, &data, &metadata, &completed), 8);
        assert_int_equal(fake_btrfs_ops.balance(3, &data, &metadata, &completed), 0);
        assert_int_equal(completed, 5);
        assert_int_equal(fake_btrfs_ops.subvol_create(3, "a"), 0);
        assert_int_equal(fake_btrfs_ops.subvol_create(3, "b"), -EEXIST);
        assert_int_equal(fake_btrfs_count(FAKE_SCRUB), 8);
        assert_int_equal(fake_btrfs_count_devid(FAKE_SCRUB, 2), 4);
        assert_int_equal(fake_btrfs_record(1)->end, 20);
        assert_true(fake_btrfs_record(1)->readonly);
        assert_int_equal(fake_btrfs_last(FAKE_BALANCE)->data.usage_max, 30);
        assert_string_equal(fake_btrfs_last(FAKE_SUBVOL_CREATE)->name, "b");
        assert_null(fake_btrfs_last(FAKE_SYNC));
        assert_null(fake_btrfs_record(12));
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_extent_lengths_of_every_profile),
                cmocka_unit_test(test_chunks_are_read),
                cmocka_unit_test(test_find_knows_holes_and_borders),
                cmocka_unit_test(test_more_stripes_than_we_keep),
                cmocka_unit_test(test_many_chunks),
                cmocka_unit_test(test_failures_are_handed_on),
                cmocka_unit_test(test_search_carries_from_key_to_key),
                cmocka_unit_test(test_search_stops_when_told_and_knows_an_empty_range),
                cmocka_unit_test(test_search_grows_its_buffer),
                cmocka_unit_test(test_search_errno_is_handed_on),
                cmocka_unit_test(test_balance_asks_for_what_the_filters_say),
                cmocka_unit_test(test_the_fake_fails_a_test),
                cmocka_unit_test(test_the_fake_follows_its_script),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
