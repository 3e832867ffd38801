/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/macro.h"
#include "config/mount-options.h"
#include "target/vfs-options.h"

/* Wherever it stands, with whatever value, in whichever list; never what only looks like it. */
static void the_refused_are_found(void **state _unused_) {
        static const struct {
                const char *list, *option;
        } lists[] = {
                { "", NULL },
                { "nodiscard", NULL },
                { "ro", "ro" },
                { "rw,noatime", NULL },
                { "nodiscard,ro", "ro" },
                { "compress=zstd ro", "ro" },
                { "compress=zstd\tcommit=1,ro commit=2", "ro" },
                { " ,ro", "ro" },
                { "ro=recurse", "ro" },
                { "rot", NULL },
                { "commit=1 device=/dev/sda", "device" },
                { "x=ro", NULL },
                { "x=\",ro,\"", "ro" },
                { "fatal_errors=panic", "fatal_errors=panic" },
                { "fatal_errors=bug", NULL },
                { "fatal_errors", NULL },
                { "remount,bind", "remount" },
        };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                const RefusedOption *r = mount_options_refused(lists[i].list);
                if (!r != !lists[i].option || (r && strcmp(r->option, lists[i].option) != 0))
                        fail_msg("\"%s\": %s", lists[i].list, r ? r->option : "nothing");
                assert_true(!r || strlen(r->reason) > 10);
        }
}

static void sets_are_counted_out(void **state _unused_) {
        static const char sets[] = " a=1,b \t c\td,e ";
        char set[8];

        assert_true(mount_options_set(sets, 0, set, sizeof(set)) && strcmp(set, "a=1,b") == 0);
        assert_true(mount_options_set(sets, 1, set, sizeof(set)) && strcmp(set, "c") == 0);
        assert_true(mount_options_set(sets, 2, set, sizeof(set)) && strcmp(set, "d,e") == 0);
        assert_false(mount_options_set(sets, 3, set, sizeof(set)));
        assert_false(mount_options_set("", 0, set, sizeof(set)));
        assert_false(mount_options_set("12345678", 0, set, sizeof(set)));
}

/* Only what can be taken back, and each by what takes it back, once. */
static void what_changes_is_undone(void **state _unused_) {
        static const struct {
                const char *sets, *fixed, *undo;
        } all[] = {
                { "", NULL, "" },
                { "defaults", NULL, "" },
                { "commit=1 commit=5", NULL, "commit=30," },
                { "compress", NULL, "compress=no," },
                { "compress=lzo,nodatasum notreelog", NULL, "compress=no,datasum,treelog," },
                { "nodatacow", NULL, "datasum," },
                { "nodiscard autodefrag", NULL, "noautodefrag,nodiscard," },
                { "discard=async", NULL, "nodiscard," },
                { "commit=1 ssd,compress", "ssd,compress", "commit=30,compress=no," },
                { "nocommit", "nocommit", "" },
                { "nocompress", "nocompress", "" },
                { "no", "no", "" },
                { "nonodiscard", "nonodiscard", "" },
                { "comm", "comm", "" },
                { "commits=1", "commits=1", "" },
                { "noatime", "noatime", "" },
        };
        char undo[MOUNT_UNDO_MAX], names[256];

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                size_t n;
                const char *fixed = mount_options_fixed(all[i].sets, &n);
                if (!fixed != !all[i].fixed || (fixed && (strcmp(fixed, all[i].fixed) != 0 || n != strcspn(fixed, ", "))))
                        fail_msg("\"%s\": %s is fixed", all[i].sets, fixed ?: "nothing");
                mount_options_undo(all[i].sets, undo);
                assert_string_equal(undo, all[i].undo);
        }
        mount_options_describe(names, sizeof(names));
        assert_int_equal(strncmp(names, "[no]autodefrag, [no]barrier, commit, ", 37), 0);
        mount_options_undo("autodefrag barrier commit compress compress-force datacow datasum discard flushoncommit treelog", undo);
        assert_true(strlen(undo) < MOUNT_UNDO_MAX - 1); /* it was not cut off */
        assert_string_equal(strstr(undo, "noflush"), "noflushoncommit,treelog,");
}

static void flags_are_split_off(void **state _unused_) {
        static const struct {
                const char *options, *fs;
                unsigned long flags;
        } all[] = {
                { "nodiscard", "nodiscard", 0 },
                { "noatime,compress=zstd,nosuid,commit=5", "compress=zstd,commit=5", MS_NOATIME | MS_NOSUID },
                { "rw,noatime", NULL, MS_NOATIME },
                { "defaults", NULL, 0 },
                { "nodiscard,defaults,commit=1", "nodiscard,commit=1", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                _cleanup_free_ char *fs = NULL;
                unsigned long flags = 99;
                assert_int_equal(vfs_options_split(all[i].options, &flags, &fs), 0);
                assert_int_equal(flags, all[i].flags);
                if (!fs != !all[i].fs || (fs && strcmp(fs, all[i].fs) != 0))
                        fail_msg("\"%s\": \"%s\"", all[i].options, fs ?: "nothing");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_refused_are_found),
                cmocka_unit_test(sets_are_counted_out),
                cmocka_unit_test(what_changes_is_undone),
                cmocka_unit_test(flags_are_split_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
