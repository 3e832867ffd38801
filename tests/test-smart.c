/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "observe/smart.h"
#include "smart-documents.h"

#define UNKNOWN UINT64_MAX

/* In the order of HealthCounter, without the kernel's count. */
static void expect(const char *document, const uint64_t expected[_HEALTH_MAX - 1]) {
        Error e = ERROR_NULL;
        Health h;
        int r = smart_parse(document, &h, &e);

        if (r != 0)
                fail_msg("%d: %s", r, e.sentence);
        for (HealthCounter c = 0; c < _HEALTH_MAX - 1; c++) {
                uint64_t value = health_knows(&h, c) ? h.values[c] : UNKNOWN;
                if (value != expected[c])
                        fail_msg("%s: %llu, expected %llu", health_info[c].name, (unsigned long long)value, (unsigned long long)expected[c]);
        }
        assert_false(health_knows(&h, HEALTH_HOST_WRITTEN));
}
#define EXPECT(document, ...) expect(document, (const uint64_t[_HEALTH_MAX - 1]){ __VA_ARGS__ })

static void each_kind_of_disk_is_read(void **state _unused_) {
        /*                      deg.C  realloc. pending  uncorr.  media    CRC      warning  used     written */
        EXPECT(SMART_NVME(47, 0, 0, 9812345),
                                47,    UNKNOWN, UNKNOWN, UNKNOWN, 0,       UNKNOWN, 0,       4,       9812345 * UINT64_C(512000));
        EXPECT(SMART_NVME(85, 6, 21, 1),
                                85,    UNKNOWN, UNKNOWN, UNKNOWN, 21,      UNKNOWN, 4,       4,       512000);
        EXPECT(SMART_SATA_SSD,  36,    0,       0,       0,       0,       2,       0,       UNKNOWN, 40000000 * UINT64_C(512));
        EXPECT(SMART_SATA_HDD,  36,    1992,    8,       3,       17,      0,       1,       UNKNOWN, 1000 * UINT64_C(4096));
        EXPECT(SMART_SATA_STRANGE,
                                36,    UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0,       UNKNOWN, UNKNOWN);
        EXPECT(SMART_SAS,       41,    5,       6,       UNKNOWN, 7,       UNKNOWN, 0,       3,       UINT64_C(1234567000000));
}

static void what_was_written_is_counted_in_what_the_name_says(void **state _unused_) {
        static const struct {
                const char *document;
                uint64_t bytes;
        } cases[] = {
                { SMART_ATA(512, true, SMART_ATTRIBUTE(241, "Host_Writes_32MiB", "3", "3")), 96 * MiB },
                { SMART_ATA(512, true, SMART_ATTRIBUTE(241, "Host_Writes_MiB", "3", "3")), 3 * MiB },
                { SMART_ATA(512, true, SMART_ATTRIBUTE(241, "Lifetime_Writes_GiB", "3", "3")), 3 * GiB },
                { SMART_ATA(4096, true, SMART_ATTRIBUTE(241, "Total_LBAs_Written", "3", "3")), 3 * 4096 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Health h;
                assert_int_equal(smart_parse(cases[i].document, &h, NULL), 0);
                assert_int_equal(h.values[HEALTH_DEVICE_WRITTEN], cases[i].bytes);
        }
}

static void the_serial_is_the_disks(void **state _unused_) {
        Health h;

        smart_parse(SMART_NVME(47, 0, 0, 1), &h, NULL);
        assert_string_equal(h.serial, "S64ANS0T123456");
        smart_parse(SMARTCTL(0, "") ",\"serial_number\":\"\\u001b[2J\",\"temperature\":{\"current\":-5}}", &h, NULL);
        assert_string_equal(h.serial, "?[2J");
        assert_true(health_knows(&h, HEALTH_TEMPERATURE));
        assert_int_equal(h.values[HEALTH_TEMPERATURE], 0);
}

static void who_knows_nothing_says_so(void **state _unused_) {
        Error e = ERROR_NULL;
        Health h;

        assert_int_equal(smart_parse(SMART_VIRTIO, &h, &e), SMART_NOTHING);
        assert_string_equal(e.sentence, "/dev/vda: Unable to detect device type");
        assert_int_equal(h.known, 0);
        assert_int_equal(smart_parse(SMART_QEMU_SCSI, &h, &e), SMART_NOTHING);
        assert_string_equal(e.sentence, "it prints no counter of health");
        assert_string_equal(h.serial, "drive-scsi0");
}

static void what_is_no_document_of_smartctl_is_refused(void **state _unused_) {
        static const char *const documents[] = { "", "{", "smartctl: not found", "[1,2]", "{}", "null", "\"smartctl\"", "{\"device\":{}}" };
        Error e = ERROR_NULL;
        Health h;

        for (size_t i = 0; i < ELEMENTSOF(documents); i++) {
                assert_int_equal(smart_parse(documents[i], &h, &e), -EBADMSG);
                assert_non_null(strstr(e.sentence, "no JSON of smartctl"));
                assert_int_equal(h.known, 0);
        }
}

/* Cut at each byte it is no document any more; with any byte changed it may be one, and is read without harm. */
static void broken_documents_do_no_harm(void **state _unused_) {
        static const char *const documents[] = { SMART_NVME(47, 0, 0, 1), SMART_SATA_HDD, SMART_SAS, SMART_VIRTIO };
        static const char bytes[] = { 0x7f, '"', '{', '[', '0', (char)0xff };
        Health h;

        for (size_t i = 0; i < ELEMENTSOF(documents); i++) {
                size_t n = strlen(documents[i]) - 2; /* without the last brace and the newline */
                _cleanup_free_ char *copy = strdup(documents[i]);
                copy[n + 1] = 0;
                for (size_t k = 0; k <= n; k++) {
                        char was = copy[k];
                        copy[k] = 0;
                        assert_int_equal(smart_parse(copy, &h, NULL), -EBADMSG);
                        copy[k] = bytes[k % ELEMENTSOF(bytes)];
                        smart_parse(copy, &h, NULL);
                        copy[k] = was;
                }
        }
}

static void members_of_other_types_are_passed_by(void **state _unused_) {
        static const char *const documents[] = {
                SMARTCTL(0, "") ",\"temperature\":47,\"ata_smart_attributes\":[{\"id\":5}],\"scsi_error_counter_log\":{\"read\":[1]}}",
                SMARTCTL(0, "") ",\"temperature\":{\"current\":\"warm\"},\"ata_smart_attributes\":{\"table\":{\"id\":5}},\"serial_number\":null}",
                SMARTCTL(0, "") ",\"ata_smart_attributes\":{\"table\":[null,5,{\"id\":5},{\"id\":5,\"name\":\"Reallocated\",\"raw\":9},"
                                "{\"id\":5,\"name\":\"Reallocated\",\"raw\":{\"value\":{}}}]}}",
        };
        Health h;

        for (size_t i = 0; i < ELEMENTSOF(documents); i++)
                assert_int_equal(smart_parse(documents[i], &h, NULL), SMART_NOTHING);
}

static void growth_is_of_one_disk_and_of_what_both_know(void **state _unused_) {
        Health before = { .serial = "S1" }, now = { .serial = "S1" };

        assert_int_equal(health_growth(&before, &now, HEALTH_PENDING), 0);
        health_set(&before, HEALTH_PENDING, 2);
        assert_int_equal(health_growth(&before, &now, HEALTH_PENDING), 0);
        health_set(&now, HEALTH_PENDING, 9);
        assert_int_equal(health_growth(&before, &now, HEALTH_PENDING), 7);
        assert_int_equal(health_growth(&now, &before, HEALTH_PENDING), 0);
        assert_int_equal(health_growth(&before, &now, HEALTH_REALLOCATED), 0);
        strcpy(now.serial, "S2");
        assert_int_equal(health_growth(&before, &now, HEALTH_PENDING), 0);
}

static void a_later_look_adds_to_what_is_known(void **state _unused_) {
        Health h = { .serial = "S1" }, more = { 0 };

        health_set(&h, HEALTH_TEMPERATURE, 30);
        health_set(&h, HEALTH_PENDING, 2);
        health_set(&more, HEALTH_TEMPERATURE, 50);
        health_merge(&h, &more);
        assert_int_equal(h.values[HEALTH_TEMPERATURE], 50);
        assert_int_equal(h.values[HEALTH_PENDING], 2);
        assert_string_equal(h.serial, "S1");
}

/* What is held against a disk, and what only wears or warms it. */
static void the_table_says_what_is_a_finding(void **state _unused_) {
        for (HealthCounter c = 0; c < _HEALTH_MAX; c++) {
                assert_true(health_info[c].name && health_info[c].label);
                assert_int_equal(health_info[c].finding, c >= HEALTH_REALLOCATED && c <= HEALTH_WARNING);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_of_disk_is_read),
                cmocka_unit_test(what_was_written_is_counted_in_what_the_name_says),
                cmocka_unit_test(the_serial_is_the_disks),
                cmocka_unit_test(who_knows_nothing_says_so),
                cmocka_unit_test(what_is_no_document_of_smartctl_is_refused),
                cmocka_unit_test(broken_documents_do_no_harm),
                cmocka_unit_test(members_of_other_types_are_passed_by),
                cmocka_unit_test(growth_is_of_one_disk_and_of_what_both_know),
                cmocka_unit_test(a_later_look_adds_to_what_is_known),
                cmocka_unit_test(the_table_says_what_is_a_finding),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
