/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-btrfs.h"
#include "target/extent-map.h"
#include "target/file-place.h"

typedef struct File {
        int fd;
        uint64_t inode;
        struct btrfs_file_extent_item extents[3];
        struct {
                struct btrfs_chunk chunk;
                struct btrfs_stripe more;
        } chunk;
        FakeItem items[3], chunks[1];
} File;

/* [0, 64 KiB) is written: the second half of an extent of 128 KiB at 100 MiB; [64, 128 KiB) is preallocated, [128, 192 KiB) compressed; then a hole. The
 * chunk is of two copies, on devid 5 at 7 MiB and on devid 9 at 3 MiB. */
static int setup(void **state) {
        static File f;
        struct stat st;

        f = (File){ .fd = open("/tmp", O_RDONLY | O_DIRECTORY) };
        assert_int_equal(fstat(f.fd, &st), 0);
        f.inode = st.st_ino;
        for (unsigned i = 0; i < 3; i++) {
                f.extents[i] = (struct btrfs_file_extent_item){
                        .type = i == 1 ? BTRFS_FILE_EXTENT_PREALLOC : BTRFS_FILE_EXTENT_REG, .compression = i == 2,
                        .disk_bytenr = htole64(100 * MiB), .disk_num_bytes = htole64(128 * KiB), .offset = htole64(64 * KiB), .num_bytes = htole64(64 * KiB),
                };
                f.items[i] = (FakeItem){ .header = { .objectid = f.inode, .type = BTRFS_EXTENT_DATA_KEY, .offset = i * 64 * KiB,
                                                     .len = sizeof(f.extents[i]) }, .data = &f.extents[i] };
        }
        f.chunk.chunk = (struct btrfs_chunk){ .length = htole64(GiB), .type = htole64(BTRFS_BLOCK_GROUP_DATA | BTRFS_BLOCK_GROUP_RAID1),
                                              .num_stripes = htole16(2), .sub_stripes = htole16(1),
                                              .stripe = { .devid = htole64(5), .offset = htole64(7 * MiB) } };
        f.chunk.more = (struct btrfs_stripe){ .devid = htole64(9), .offset = htole64(3 * MiB) };
        f.chunks[0] = (FakeItem){ .header = { .objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID, .type = BTRFS_CHUNK_ITEM_KEY, .offset = 64 * MiB,
                                              .len = sizeof(f.chunk) }, .data = &f.chunk };
        *state = &f;
        return 0;
}

static int teardown(void **state) {
        close(((File *)*state)->fd);
        return 0;
}

static void a_byte_of_a_written_extent_has_a_place(void **state) {
        const File *f = *state;
        const FakeRule script[] = {
                { .call = FAKE_TREE_SEARCH, .tree = BTRFS_CHUNK_TREE_OBJECTID, .items = f->chunks, .n_items = 1 },
                { .call = FAKE_TREE_SEARCH, .items = f->items, .n_items = 3 },
        };
        uint64_t logical;
        char text[200];

        fake_btrfs_begin(script, 2);
        assert_int_equal(file_place_find(&logical, &fake_btrfs_ops, f->fd, 4096 + 5), 0);
        assert_int_equal(logical, 100 * MiB + 64 * KiB + 4096 + 5);
        file_place_say(text, sizeof(text), &fake_btrfs_ops, f->fd, 4096);
        /* The chunk begins at 64 MiB, and so 36 MiB before the extent. */
        assert_string_equal(text, "logical 104927232, devid 5 at 45158400, devid 9 at 40964096");
        assert_int_equal(104927232, 100 * MiB + 64 * KiB + 4096);
        assert_int_equal(45158400, 7 * MiB + 36 * MiB + 64 * KiB + 4096);
        assert_int_equal(40964096, 3 * MiB + 36 * MiB + 64 * KiB + 4096);
        fake_btrfs_end();
}

static void what_is_not_written_as_it_is_has_none(void **state) {
        const File *f = *state;
        const FakeRule script[] = { { .call = FAKE_TREE_SEARCH, .items = f->items, .n_items = 3 } };
        uint64_t logical;
        char text[200];

        fake_btrfs_begin(script, 1);
        for (uint64_t at = 64 * KiB; at <= 256 * KiB; at += 64 * KiB)
                assert_int_equal(file_place_find(&logical, &fake_btrfs_ops, f->fd, at), -ENODATA);
        file_place_say(text, sizeof(text), &fake_btrfs_ops, f->fd, 64 * KiB);
        assert_string_equal(text, "its place on the devices is not known (in no plain extent)");
        fake_btrfs_end();
}

static void a_search_that_fails_is_said(void **state) {
        static const FakeRule script[] = { { .call = FAKE_TREE_SEARCH, .result = -EIO } };
        const File *f = *state;
        char text[200];

        fake_btrfs_begin(script, 1);
        file_place_say(text, sizeof(text), &fake_btrfs_ops, f->fd, 0);
        assert_string_equal(text, "its place on the devices is not known (Input/output error)");
        fake_btrfs_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_byte_of_a_written_extent_has_a_place, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_not_written_as_it_is_has_none, setup, teardown),
                cmocka_unit_test_setup_teardown(a_search_that_fails_is_said, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
