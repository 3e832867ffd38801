/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reports say of the health of disks, and of what btrfs counts for its devices. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "base/units.h"
#include "made-up-report.h"

static DiskHealth health[2];

/* An NVMe disk that fared well, and a SATA disk of which less is known, and that worse. */
static void new_report(MadeUp *m) {
        assert_true(made_up_new(m));
        m->target.n_disks = 2;
        strcpy(m->target.disks[0].identity.name, "nvme0n1");
        strcpy(m->target.disks[1].identity.name, "sda");
        memset(health, 0, sizeof(health));
        health_set(&health[0].before, HEALTH_TEMPERATURE, 31);
        health_set(&health[0].now, HEALTH_TEMPERATURE, 52);
        health[0].hottest = 58;
        health_set(&health[0].before, HEALTH_MEDIA_ERRORS, 7);
        health_set(&health[0].now, HEALTH_MEDIA_ERRORS, 7);
        health_set(&health[0].before, HEALTH_HOST_WRITTEN, 10 * GiB);
        health_set(&health[0].now, HEALTH_HOST_WRITTEN, 13 * GiB);
        health_set(&health[0].before, HEALTH_DEVICE_WRITTEN, TiB);
        health_set(&health[0].now, HEALTH_DEVICE_WRITTEN, TiB + 4 * GiB);
        health_set(&health[1].before, HEALTH_REALLOCATED, 0);
        health_set(&health[1].now, HEALTH_REALLOCATED, 8);
        health_set(&health[1].before, HEALTH_PENDING, 5);
        health_set(&health[1].now, HEALTH_PENDING, 6);
        health_set(&health[1].before, HEALTH_PERCENTAGE_USED, 1);
        health_set(&health[1].now, HEALTH_PERCENTAGE_USED, 2);
        m->report.health = health;
}

static json_object *disk_of(json_object *report, unsigned i) {
        json_object *target = json_object_object_get(report, "target"), *disks = json_object_object_get(target, "disks");

        assert_int_equal(json_object_array_length(disks), 2);
        return json_object_array_get_idx(disks, i);
}

static json_object *json_of(const MadeUp *m) {
        _cleanup_free_ char *text = PRINTED(f, assert_int_equal(report_json(&m->report, f), 0));

        return json_tokener_parse(text);
}

static void the_json_has_before_and_after(void **state _unused_) {
        MadeUp m;
        json_object *o;

        new_report(&m);
        o = json_of(&m);
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(disk_of(o, 0), "health"), JSON_C_TO_STRING_PLAIN),
                            "{\"temperature_c\":{\"before\":31,\"after\":52,\"max\":58},\"media_errors\":{\"before\":7,\"after\":7},"
                            "\"device_bytes_written\":{\"before\":1099511627776,\"after\":1103806595072},"
                            "\"host_bytes_written\":{\"before\":10737418240,\"after\":13958643712}}");
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(disk_of(o, 1), "health"), JSON_C_TO_STRING_PLAIN),
                            "{\"reallocated\":{\"before\":0,\"after\":8},\"pending\":{\"before\":5,\"after\":6},"
                            "\"percentage_used\":{\"before\":1,\"after\":2}}");
        json_object_put(o);
        m.report.health = NULL;
        o = json_of(&m);
        assert_true(json_object_object_get_ex(disk_of(o, 0), "health", NULL));
        assert_null(json_object_object_get(disk_of(o, 0), "health"));
        json_object_put(o);
        made_up_free(&m);
}

static void the_error_counters_of_btrfs_are_with_its_devices(void **state _unused_) {
        json_object *o, *devices;
        MadeUp m;

        new_report(&m);
        m.target.devices[3].stats_at_start[BTRFS_DEV_STAT_READ_ERRS] = 1;
        m.target.devices[3].stats[BTRFS_DEV_STAT_READ_ERRS] = 4;
        m.target.devices[3].stats[BTRFS_DEV_STAT_GENERATION_ERRS] = 2;
        o = json_of(&m);
        devices = json_object_object_get(json_object_object_get(o, "target"), "devices");
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(json_object_array_get_idx(devices, 3), "errors"),
                                                           JSON_C_TO_STRING_PLAIN),
                            "{\"write\":{\"before\":0,\"after\":0},\"read\":{\"before\":1,\"after\":4},\"flush\":{\"before\":0,\"after\":0},"
                            "\"corruption\":{\"before\":0,\"after\":0},\"generation\":{\"before\":0,\"after\":2}}");
        json_object_put(o);
        made_up_free(&m);
}

static void the_closing_block_has_a_row_per_disk(void **state _unused_) {
        _cleanup_free_ char *text = NULL, *without = NULL, *unknown = NULL;
        MadeUp m;

        new_report(&m);
        text = PRINTED(f, report_closing(&m.report, f, false));
        assert_non_null(strstr(text, "\ndisk          degrees C (max)  host wrote  disk wrote  errors that grew\n"
                                     "nvme0n1         31 to 52 (58)    3.00 GiB    4.00 GiB  nothing\n"
                                     "sda                         -           -           -  "));
        assert_non_null(strstr(text, "8, pending"));
        assert_null(strstr(text, "endurance"));
        memset(health, 0, sizeof(health));
        unknown = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(unknown, "host wrote"));
        m.report.health = NULL;
        without = PRINTED(f, report_closing(&m.report, f, false));
        assert_null(strstr(without, "host wrote"));
        made_up_free(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_json_has_before_and_after),
                cmocka_unit_test(the_error_counters_of_btrfs_are_with_its_devices),
                cmocka_unit_test(the_closing_block_has_a_row_per_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
