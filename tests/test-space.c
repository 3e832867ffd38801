/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "space-fixture.h"

static void every_number_is_read(void **state) {
        SysFolder *f = *state;
        Target t = { .fsid_text = SYS_FSID };
        Space s;

        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++)
                for (SpaceCount count = 0; count < _SPACE_COUNT_MAX; count++)
                        sys_folder_set(f, type, count, 100 * type + count + 1);
        sys_folder_set_reserve(f, 3670016);
        assert_int_equal(space_read(&s, &t, f->root), 0);
        for (SpaceType type = 0; type < _SPACE_TYPE_MAX; type++)
                for (SpaceCount count = 0; count < _SPACE_COUNT_MAX; count++)
                        assert_int_equal(s.bytes[type][count], 100 * type + count + 1);
        assert_int_equal(s.global_reserve, 3670016);
}

/* Each on its own; and what was read before stays. */
static void a_file_that_is_missing_is_told(void **state) {
        static const char *const missing[] = { "data/bytes_pinned", "system/total_bytes", "metadata/bytes_may_use", "global_rsv_reserved" };
        SysFolder *f = *state;
        Target t = { .fsid_text = SYS_FSID };

        for (size_t i = 0; i < ELEMENTSOF(missing); i++) {
                Space s = { .bytes[SPACE_DATA][SPACE_USED] = 77 };

                sys_folder_remove(f, missing[i]);
                assert_int_equal(space_read(&s, &t, f->root), SPACE_UNKNOWN);
                assert_int_equal(s.bytes[SPACE_DATA][SPACE_USED], 77);
                sys_folder_fill(f);
                assert_int_equal(space_read(&s, &t, f->root), 0);
        }
}

static void another_filesystem_is_another(void **state) {
        SysFolder *f = *state;
        Target t = { .fsid_text = "00000000-0000-0000-0000-000000000000" };
        Space s;

        assert_int_equal(space_read(&s, &t, f->root), SPACE_UNKNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_number_is_read, sys_folder_setup, sys_folder_teardown),
                cmocka_unit_test_setup_teardown(a_file_that_is_missing_is_told, sys_folder_setup, sys_folder_teardown),
                cmocka_unit_test_setup_teardown(another_filesystem_is_another, sys_folder_setup, sys_folder_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
