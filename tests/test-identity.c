/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "fake-machine.h"
#include "target/identity.h"

static void test_table(void **state) {
        static const struct {
                unsigned major, minor;
                const char *name, *serial, *source, *wwid, *model, *link;
                uint64_t size;
                bool partition;
        } rows[] = {
                { 259, 0, "nvme0n1", "S4-NVME", "device/serial", "eui.0025385b01234567", "Made_Up_NVMe",
                  "/dev/disk/by-id/nvme-Made_Up_S4-NVME", 4 * GiB, false },
                { 8, 0, "sda", "SATA-SERIAL_1", "device/vpd_pg80", "t10.ATA_____MADE_UP___1", "", "", 8 * GiB, false },
                { 8, 1, "sda1", "SATA-SERIAL_1", "device/vpd_pg80", "t10.ATA_____MADE_UP___1", "", "", GiB, true },
                { 8, 16, "sdb", "", "", "", "No_Serial", "", 4 * GiB, false },
                { 8, 32, "sdc", "SATA-2", "device/vpd_pg80", "", "", "/dev/disk/by-id/ata-2", 4 * GiB, false },
                { 254, 0, "vda", "virtio_1", "serial", "", "", "", 4 * GiB, false },
                { 7, 3, "loop3", "/srv/an_image", "loop/backing_file", "", "", "", GiB, false },
                { 7, 4, "loop4", "", "", "", "", "", 0, false },
        };
        const FakeMachine *m = *state;

        for (size_t k = 0; k < ELEMENTSOF(rows); k++) {
                Identity i;
                assert_int_equal(identity_read(&i, m->root, rows[k].major, rows[k].minor), 0);
                assert_string_equal(i.name, rows[k].name);
                assert_string_equal(i.serial, rows[k].serial);
                assert_string_equal(i.serial_source, rows[k].source);
                assert_string_equal(i.wwid, rows[k].wwid);
                assert_string_equal(i.model, rows[k].model);
                assert_string_equal(i.link, rows[k].link);
                assert_int_equal(i.size, rows[k].size);
                assert_int_equal(i.partition, rows[k].partition);
                assert_false(i.read_only);
        }
}

static void test_absent_and_bad(void **state) {
        const FakeMachine *m = *state;
        Identity i;

        assert_int_equal(identity_read(&i, m->root, 8, 48), -ENOENT);
        /* A page of another number, and one that says it is longer than it is. */
        fake_machine_put(m, "/sys/devices/sdc/device/vpd_pg80", "\0\x83\0\x06SATA-2", 10);
        assert_int_equal(identity_read(&i, m->root, 8, 32), 0);
        assert_string_equal(i.serial, "");
        fake_machine_put(m, "/sys/devices/sdc/device/vpd_pg80", "\0\x80\x01\x06SATA-2", 10);
        assert_int_equal(identity_read(&i, m->root, 8, 32), 0);
        assert_string_equal(i.serial, "SATA-2");
        fake_machine_put(m, "/sys/devices/sdc/device/vpd_pg80", "\0\x80", 2);
        assert_int_equal(identity_read(&i, m->root, 8, 32), 0);
        assert_string_equal(i.serial, "");
        /* Nothing that a terminal would act on. */
        fake_machine_text(m, "/sys/devices/nvme0n1/device/serial", " a\033[2Jb\tc \n");
        fake_machine_text(m, "/sys/devices/nvme0n1/ro", "1\n");
        assert_int_equal(identity_read(&i, m->root, 259, 0), 0);
        assert_string_equal(i.serial, "a?[2Jb_c");
        assert_true(i.read_only);
}

static void test_same(void **state) {
        const FakeMachine *m = *state;
        Identity a, b;

        assert_int_equal(identity_read(&a, m->root, 259, 0), 0);
        assert_int_equal(identity_read(&b, m->root, 259, 0), 0);
        assert_true(identity_same(&a, &b));
        b.minor = 1;
        assert_false(identity_same(&a, &b));
        b = a;
        b.size += 512;
        assert_false(identity_same(&a, &b));
        b = a;
        b.serial[0] = 's';
        assert_false(identity_same(&a, &b));
        b = a;
        b.wwid[0] = 'E';
        assert_false(identity_same(&a, &b));
        b = a;
        b.link[0] = 0; /* udev may not have made it again yet */
        assert_true(identity_same(&a, &b));
}

static int collect(void *userdata, unsigned major, unsigned minor) {
        size_t n = strlen(userdata);

        snprintf((char *)userdata + n, 256 - n, "%u:%u ", major, minor);
        return minor == 16 && strstr(userdata, "stop") ? -ECANCELED : 0;
}

static void test_each(void **state) {
        const FakeMachine *m = *state;
        char all[256] = "", some[256] = "stop ";

        assert_int_equal(identity_each(m->root, collect, all), 0);
        assert_string_equal(all, "253:0 7:3 259:0 8:0 8:16 8:32 254:0 "); /* not loop4, which is nothing */
        assert_int_equal(identity_each(m->root, collect, some), -ECANCELED);
        assert_string_equal(some, "stop 253:0 7:3 259:0 8:0 8:16 ");
        assert_int_equal(identity_each("/nonexistent", collect, all), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_table, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test_setup_teardown(test_absent_and_bad, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test_setup_teardown(test_same, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test_setup_teardown(test_each, fake_machine_setup, fake_machine_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
