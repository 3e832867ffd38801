/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start of a soak makes of the kernel's log when the machine went down under the start before. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "soak-fixture.h"

static void boot_was_another(Case *c) {
        assert_int_equal(sql_run(c->run->ledger, "UPDATE start SET boot_id = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'", ""), SQLITE_OK);
}

/* A file of this text in a folder below the case's; its path goes to ret. */
static void put(const Case *c, const char *folder, const char *name, const char *text, char ret[static 256]) {
        FILE *f;

        snprintf(ret, 256, "%s/%s", c->directory, folder);
        assert_int_equal(fs_mkdir_p(ret), 0);
        snprintf(ret, 256, "%s/%s/%s", c->directory, folder, name);
        f = fopen(ret, "w");
        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

/* The start before was in another boot, and pstore has this, of so many seconds after its begin; the newest sample is of 20. Returns the findings
 * told. */
static unsigned reboot_after(Case *c, int seconds, const char *dmesg) {
        struct timespec then[2] = { 0 };
        char path[256];
        Run *r;

        stress(c->run, seconds > 0 ? 20 : 0);
        then[0].tv_sec = then[1].tv_sec = (time_t)(c->run->report.started_real_ns / NSEC_PER_SEC) + seconds;
        boot_was_another(c);
        put(c, "root/var/lib/systemd/pstore/1", "dmesg.txt", dmesg, path);
        assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
        r = start(c);
        assert_noted(c, "after a reboot");
        assert_noted(c, "nothing, neither in pstore nor in the journal");
        snprintf(path, sizeof(path), "%s/root", c->directory);
        run_last_boot(r, path);
        run_tell_findings(r);
        return c->findings;
}

static unsigned reboot(Case *c, const char *dmesg) {
        return reboot_after(c, 25, dmesg);
}

/* In the middle of a report, as pstore cuts it. */
static const char death_of_btrfs[] =
        "<6>[   90.1] RIP: 0010:of_another\n<4>[  100.1] kernel BUG at fs/btrfs/block-group.c:1949!\n<4>[  100.2] Oops: invalid opcode: 0000 [#1]\n"
        "<4>[  100.3] CPU: 0 PID: 412 Comm: btrfs-cleaner\n<4>[  100.4] RIP: 0010:btrfs_remove_chunk+0x1\n<4>[  100.5] RIP: 0033:0x7f\n"
        "<0>[  100.6] Kernel panic - not syncing: Fatal exception\n";

static void test_kernel_died(void **state) {
        Case *c = *state;
        const Finding *f;
        char kept[8192];
        struct stat st;

        start(c);
        assert_int_equal(reboot(c, death_of_btrfs), 1);
        f = judge_finding(c->run->judge, 0);
        assert_int_equal(f->class, CLASS_KERNEL_DIED);
        assert_int_equal(f->grade, GRADE_FINDING);
        assert_string_equal(f->text, "kernel BUG at fs/btrfs/block-group.c:1949!; RIP: 0010:btrfs_remove_chunk+0x1; "
                                     "Kernel panic - not syncing: Fatal exception");
        assert_noted(c, "The kernel died under start 1: kernel BUG at fs/btrfs/block-group.c:1949!");
        snprintf(kept, sizeof(kept), "%s/last-boot.txt", f->evidence);
        assert_int_equal(stat(kept, &st), 0);
        assert_true(st.st_size > 100);
        assert_int_equal(reboot(c, death_of_btrfs), 0); /* the next time: of the same row */
        assert_int_equal(judge_finding(c->run->judge, 0)->count, 2);
        c->run->stop = true;
        run_conclude(c->run);
        assert_int_equal(c->run->report.verdict, EXIT_FAIL);
}

/* The modules that a report lists make it nobody's. */
static void test_kernel_died_of_another(void **state) {
        Case *c = *state;

        start(c);
        assert_int_equal(reboot(c, "<1>[  5.0] BUG: kernel NULL pointer dereference, address: 0\n<4>[  5.1] CPU: 1 PID: 9 Comm: bash\n"
                                   "<4>[  5.2] Modules linked in: btrfs loop\n<0>[  5.3] Kernel panic - not syncing: Fatal exception\n"), 0);
        assert_noted(c, "The kernel died under start 1, of something that is neither btrfs nor this program: BUG: kernel NULL pointer");
}

/* A task waited for something, btrfs went on talking, and then a driver fell. */
static void test_kernel_died_of_a_driver(void **state) {
        Case *c = *state;

        start(c);
        assert_int_equal(reboot(c, "<3>[  4.0] INFO: task ls:7 blocked for more than 120 seconds.\n<4>[  4.1]  nfs_wait+0x1\n"
                                   "<6>[  4.2] BTRFS info (device loop0): balance: start -d\n<1>[  5.0] BUG: unable to handle page fault\n"
                                   "<6>[  5.1] BTRFS info (device loop0): scrub: started on devid 1\n<4>[  5.2] RIP: 0010:e1000_clean+0x9\n"
                                   "<0>[  5.3] Kernel panic - not syncing: Fatal exception in interrupt\n"), 0);
        assert_noted(c, "neither btrfs nor this program: BUG: unable to handle page fault; RIP: 0010:e1000_clean+0x9; Kernel panic");
}

/* A record of before it began, when there is no sample yet. */
static void test_died_before_the_start(void **state) {
        Case *c = *state;

        start(c);
        assert_int_equal(sql_run(c->run->ledger, "DELETE FROM sample", ""), SQLITE_OK);
        assert_int_equal(reboot_after(c, -60, death_of_btrfs), 0);
        assert_int_equal(judge_n_findings(c->run->judge), 0);
}

/* It went on after that. */
static void test_died_before_the_newest_sample(void **state) {
        Case *c = *state;

        start(c);
        assert_int_equal(reboot_after(c, 15, death_of_btrfs), 0);
        assert_null(strstr(c->notes, "died"));
        assert_int_equal(judge_n_findings(c->run->judge), 0);
}

/* The journal of that boot; nor is the warning in it the death. */
static void test_power_was_lost(void **state) {
        char path[256], search[512], *before = strdup(getenv("PATH"));
        Case *c = *state;

        start(c);
        put(c, "bin", "journalctl", "#!/bin/sh\ncase \"$*\" in *_BOOT_ID=0f1e2d3c4b5a69788796a5b4c3d2e1f0*) ;; *) exit 1 ;; esac\n"
            "echo 'WARNING: CPU: 0 PID: 1 at fs/btrfs/x.c:1 btrfs_x'; echo 'BTRFS info (device loop0): balance: end'\n", path);
        assert_int_equal(chmod(path, 0755), 0);
        snprintf(search, sizeof(search), "%s/bin:%s", c->directory, before);
        boot_was_another(c);
        setenv("PATH", search, 1);
        start(c);
        setenv("PATH", before, 1);
        free(before);
        assert_noted(c, "The machine went down under start 1, and the kernel's log, of the journal, does not say that the kernel died");
        assert_int_equal(judge_n_findings(c->run->judge), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kernel_died, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_kernel_died_of_another, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_kernel_died_of_a_driver, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_died_before_the_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_died_before_the_newest_sample, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_power_was_lost, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
