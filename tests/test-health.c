/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that are asked for their health: by a script that stands for smartctl, below a folder that stands for the machine. The script prints the
 * file of the disk's name; that there is none it says as smartctl does not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "folder-fixture.h"
#include "run/health.h"
#include "smart-documents.h"
#include "smart-helper.h"

typedef struct Place {
        char root[48];
        char path[1024]; /* PATH of before */
        HealthWatch *watch;
        Target target;
        unsigned n_seen, n_notes;
        Observation seen[8], note; /* all of the one, the last of the other */
} Place;

static void put(const Place *p, const char *name, const char *text, mode_t mode) {
        char path[256], *slash;
        FILE *f;

        snprintf(path, sizeof(path), "%s%s", p->root, name);
        slash = strrchr(path, '/');
        *slash = 0;
        assert_int_equal(fs_mkdir_p(path), 0);
        *slash = '/';
        f = fopen(path, "we");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
}

static void put_smartctl(const Place *p, const char *script) {
        put(p, "/bin/smartctl", script, 0755);
}

static void put_text(const Place *p, const char *name, const char *text) {
        put(p, name, text, 0644);
}

static int setup(void **state) {
        Place *p = calloc(1, sizeof(*p));
        char text[1200];

        strcpy(p->root, "/tmp/scrubstress-test-health-XXXXXX");
        assert_non_null(mkdtemp(p->root));
        snprintf(p->path, sizeof(p->path), "%s", getenv("PATH"));
        snprintf(text, sizeof(text), "%s/bin:%s", p->root, p->path);
        setenv("PATH", text, 1);
        snprintf(text, sizeof(text), "#!/bin/sh\necho \"$@\" >>%s/asked\n[ \"$1 $2\" = '--json=c -a' ] && cat %s/smart/\"${3#/dev/}\"\nexit 4\n",
                 p->root, p->root);
        put_smartctl(p, text);
        p->target = (Target){ .n_disks = 2, .n_devices = 2,
                               .devices = { { .devid = 1, .path = "/dev/sda" }, { .devid = 2, .path = "/dev/nvme0n1" } } };
        strcpy(p->target.disks[0].identity.name, "nvme0n1");
        strcpy(p->target.disks[0].identity.serial, "S64ANS0T123456");
        strcpy(p->target.disks[1].identity.name, "sda");
        strcpy(p->target.disks[1].identity.serial, "2105E4F1AB12");
        put_text(p, "/smart/nvme0n1", SMART_NVME(47, 0, 3, 1000));
        put_text(p, "/smart/sda", SMART_SATA_HDD);
        assert_int_equal(health_watch_new(&p->watch, p->root), 0);
        health_watch_learn(p->watch, &p->target);
        *state = p;
        return 0;
}

static int teardown(void **state) {
        Place *p = *state;

        health_watch_free(p->watch);
        setenv("PATH", p->path, 1);
        folder_remove(p->root);
        free(p);
        return 0;
}

static void on_observation(void *userdata, const Observation *o) {
        Place *p = userdata;

        if (o->kind == OBS_NOTE) {
                p->note = *o;
                p->n_notes++;
                return;
        }
        assert_int_equal(o->kind, OBS_HEALTH);
        assert_true(p->n_seen < ELEMENTSOF(p->seen));
        p->seen[p->n_seen++] = *o;
}

static void look(Place *p, HealthLook what) {
        uint64_t begin = clock_mono_ns();

        health_watch_ask(p->watch, what, begin);
        while (health_watch_busy(p->watch)) {
                health_watch_poll(p->watch, clock_mono_ns(), on_observation, p);
                assert_true(clock_mono_ns() - begin < 20 * NSEC_PER_SEC);
                clock_sleep_ns(NSEC_PER_MSEC);
        }
}

/* How often smartctl was called so far. */
static unsigned calls(const Place *p) {
        char text[4096] = "";
        unsigned n = 0;

        fs_read(p->root, "/asked", text, sizeof(text));
        for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n')
                n++;
        return n;
}

static void each_disk_is_asked_and_nothing_is_news_at_first(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        assert_int_equal(health_watch_n(p->watch), 2);
        assert_int_equal(health_watch_asked_ns(p->watch, HEALTH_LOOK_ALL), 0);
        look(p, HEALTH_LOOK_ALL);
        assert_true(health_watch_asked_ns(p->watch, HEALTH_LOOK_ALL) > 0);
        assert_int_equal(health_watch_asked_ns(p->watch, HEALTH_LOOK_ALL), health_watch_asked_ns(p->watch, HEALTH_LOOK_WARMTH));
        assert_int_equal(calls(p), 2);
        assert_int_equal(d[0].now.values[HEALTH_TEMPERATURE], 47);
        assert_int_equal(d[0].hottest, 47);
        assert_int_equal(d[0].before.values[HEALTH_MEDIA_ERRORS], 3);
        assert_int_equal(d[1].now.values[HEALTH_REALLOCATED], 1992);
        assert_int_equal(p->n_seen, 0);
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_notes, 1);
        assert_string_equal(p->note.text, "/dev/sda, serial 2105E4F1AB12, says of itself that it fails, before the stress.");
}

/* Of the disk nvme0n1. */
static void expect_growth(const Observation *o, HealthCounter c, uint64_t count, const char *what) {
        char text[OBS_TEXT_MAX];

        snprintf(text, sizeof(text), "/dev/nvme0n1, serial S64ANS0T123456: %s", what);
        assert_string_equal(o->text, text);
        assert_int_equal(o->devid, 2);
        assert_int_equal(o->counter, c + 1);
        assert_int_equal(o->count, count);
}

static void growth_is_told_once_with_before_and_after(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        look(p, HEALTH_LOOK_ALL);
        put_text(p, "/smart/nvme0n1", SMART_NVME(61, 4, 5, 3000));
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_seen, 2);
        expect_growth(&p->seen[0], HEALTH_MEDIA_ERRORS, 2, "media errors grew from 3 to 5");
        expect_growth(&p->seen[1], HEALTH_WARNING, 4, "the disk's own warning grew from 0 to 4");
        put_text(p, "/smart/nvme0n1", SMART_NVME(50, 4, 5, 3000));
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_seen, 2);
        put_text(p, "/smart/nvme0n1", SMART_NVME(50, 4, 6, 3000));
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_seen, 3);
        expect_growth(&p->seen[2], HEALTH_MEDIA_ERRORS, 1, "media errors grew from 5 to 6");
        assert_int_equal(d[0].before.values[HEALTH_MEDIA_ERRORS], 3);
        assert_int_equal(d[0].now.values[HEALTH_MEDIA_ERRORS], 6);
        assert_int_equal(d[0].hottest, 61);
        assert_int_equal(d[0].now.values[HEALTH_TEMPERATURE], 50);
}

static void the_kernel_counts_what_it_wrote(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        put_text(p, "/sys/block/sda/stat", "    1234     56    78901     2345    67890     12    2048     3456        0     1       2\n");
        put_text(p, "/sys/block/nvme0n1/stat", "1 2 3\n");
        look(p, HEALTH_LOOK_ALL);
        put_text(p, "/sys/block/sda/stat", "1234 56 78901 2345 67890 12 4096 3456 0 1 2\n");
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(d[1].before.values[HEALTH_HOST_WRITTEN], MiB);
        assert_int_equal(d[1].now.values[HEALTH_HOST_WRITTEN], 2 * MiB);
        assert_false(health_knows(&d[0].now, HEALTH_HOST_WRITTEN));
}

static void the_warmth_is_the_kernels_where_it_has_a_sensor(void **state) {
        static const char *const places[] = { "device/hwmon3", "device/hwmon/hwmon3", "device/device/hwmon/hwmon3" };
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        p->target.n_disks = 1;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                char path[128], text[16];
                health_watch_learn(p->watch, &(Target){ 0 });
                health_watch_learn(p->watch, &p->target);
                snprintf(path, sizeof(path), "/sys/block/nvme0n1/%s/temp1_input", places[i]);
                snprintf(text, sizeof(text), "%zu850\n", 50 + i);
                put_text(p, path, text);
                look(p, HEALTH_LOOK_WARMTH);
                assert_int_equal(d[0].now.values[HEALTH_TEMPERATURE], 50 + i);
                assert_int_equal(calls(p), 0);
                snprintf(path, sizeof(path), "%s/sys/block/nvme0n1/%s/temp1_input", p->root, places[i]);
                assert_int_equal(remove(path), 0);
        }
        look(p, HEALTH_LOOK_WARMTH); /* and the disk's where not */
        assert_int_equal(d[0].now.values[HEALTH_TEMPERATURE], 47);
        assert_int_equal(calls(p), 1);
}

static void without_smartctl_it_is_said_once_and_the_kernel_is_asked(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        put_text(p, "/sys/block/nvme0n1/device/hwmon1/temp1_input", "38850\n");
        setenv("PATH", "/nonexistent", 1);
        look(p, HEALTH_LOOK_ALL);
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_notes, 1);
        assert_non_null(strstr(p->note.text, "it is not installed"));
        assert_int_equal(d[0].now.values[HEALTH_TEMPERATURE], 38);
        assert_false(health_knows(&d[0].now, HEALTH_MEDIA_ERRORS));
        assert_int_equal(d[1].now.known, 0);
        assert_int_equal(p->n_seen, 0);
}

static void what_smartctl_cannot_tell_is_said_in_its_words(void **state) {
        Place *p = *state;

        put_text(p, "/smart/nvme0n1", SMART_VIRTIO);
        put_text(p, "/smart/sda", "smartctl: a library is missing\n");
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_notes, 1);
        assert_true(strstr(p->note.text, "/dev/vda: Unable to detect device type") || strstr(p->note.text, "a library is missing"));
}

/* What is known stays, and is what the next answer is compared with. */
static void a_look_without_an_answer_changes_nothing(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        look(p, HEALTH_LOOK_ALL);
        put_text(p, "/smart/nvme0n1", "");
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(d[0].now.values[HEALTH_MEDIA_ERRORS], 3);
        assert_int_equal(p->n_seen, 0);
        put_text(p, "/smart/nvme0n1", SMART_NVME(47, 0, 4, 1000));
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(p->n_seen, 1);
}

static void a_disk_that_does_not_answer_is_given_up(void **state) {
        Place *p = *state;
        uint64_t now = clock_mono_ns();

        put_smartctl(p, "#!/bin/sh\n[ \"$3\" = /dev/sda ] && exec sleep 60\nexit 2\n");
        health_watch_ask(p->watch, HEALTH_LOOK_ALL, now);
        for (unsigned i = 0; i < 5000 && p->n_notes == 0; i++) {
                health_watch_poll(p->watch, now + SMART_TIMEOUT_NS, on_observation, p);
                clock_sleep_ns(NSEC_PER_MSEC);
        }
        assert_non_null(strstr(p->note.text, "no JSON")); /* of the other */
        assert_true(health_watch_busy(p->watch));
        health_watch_poll(p->watch, now + 2 * SMART_TIMEOUT_NS, on_observation, p);
        assert_false(health_watch_busy(p->watch));
        assert_int_equal(p->n_notes, 2);
        assert_non_null(strstr(p->note.text, "/dev/sda has not answered"));
        put_smartctl(p, "#!/bin/sh\nexec sleep 60\n");
        health_watch_ask(p->watch, HEALTH_LOOK_ALL, now); /* the other is asked again, and killed with the watch */
        assert_true(health_watch_busy(p->watch));
        p->target.n_disks = 1;
        health_watch_learn(p->watch, &p->target);
        assert_true(health_watch_busy(p->watch));
        health_watch_learn(p->watch, &(Target){ 0 });
        assert_false(health_watch_busy(p->watch));
}

static void a_target_made_again_goes_on_with_its_disks(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);

        look(p, HEALTH_LOOK_ALL);
        health_watch_learn(p->watch, &p->target);
        put_text(p, "/smart/nvme0n1", SMART_NVME(47, 0, 9, 1000));
        put_text(p, "/smart/sda", SMART_SATA_SSD);
        strcpy(p->target.disks[1].identity.serial, "ANOTHER");
        health_watch_learn(p->watch, &p->target);
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(d[0].before.values[HEALTH_MEDIA_ERRORS], 3);
        assert_int_equal(d[0].now.values[HEALTH_MEDIA_ERRORS], 9);
        assert_int_equal(d[1].before.values[HEALTH_REALLOCATED], 0);
        assert_int_equal(d[1].before.values[HEALTH_CRC_ERRORS], 2);
        assert_int_equal(p->n_seen, 1);
}

/* For evidence: what was printed first, and last. */
static void documents_are_kept_as_long_as_their_disk(void **state) {
        Place *p = *state;
        HealthDocuments d;

        assert_true(health_watch_documents(p->watch, 2, &d));
        assert_string_equal(d.name, "nvme0n1");
        assert_null(d.before);
        assert_null(d.now);
        look(p, HEALTH_LOOK_ALL);
        assert_true(health_watch_documents(p->watch, 2, &d));
        assert_string_equal(d.before, SMART_NVME(47, 0, 3, 1000));
        assert_string_equal(d.now, d.before);
        put_text(p, "/smart/nvme0n1", SMART_NVME(48, 0, 3, 1000));
        look(p, HEALTH_LOOK_ALL);
        put_text(p, "/smart/nvme0n1", SMART_NVME(49, 0, 3, 1000));
        look(p, HEALTH_LOOK_ALL);
        put_text(p, "/smart/nvme0n1", "{\"smartctl\":{}}"); /* tells nothing */
        look(p, HEALTH_LOOK_ALL);
        assert_true(health_watch_documents(p->watch, 2, &d));
        assert_string_equal(d.before, SMART_NVME(47, 0, 3, 1000));
        assert_string_equal(d.now, SMART_NVME(49, 0, 3, 1000));
        assert_true(health_watch_documents(p->watch, 1, &d));
        assert_string_equal(d.now, SMART_SATA_HDD);
        assert_false(health_watch_documents(p->watch, 3, &d));
        assert_false(health_watch_documents(p->watch, 0, &d));
        strcpy(p->target.disks[0].identity.serial, "ANOTHER");
        health_watch_learn(p->watch, &p->target);
        assert_true(health_watch_documents(p->watch, 2, &d));
        assert_null(d.before);
        assert_null(d.now);
}

static int help_twice(void *arg) {
        const Place *p = arg;
        int listening = smart_helper_listen(p->root);

        put_text(p, "/listens", "");
        for (unsigned i = 0; i < 2; i++) {
                int fd = accept(listening, NULL, NULL), r = smart_serve(p->root, fd, fd, 20 * NSEC_PER_SEC);
                close(fd);
                if (r < 0)
                        return 1;
        }
        return 0;
}

static void start_helper(const Place *p, Child *c, int (*entry)(void *arg)) {
        char path[128];

        snprintf(path, sizeof(path), "%s/listens", p->root);
        assert_int_equal(child_fork(c, "test", entry, (void *)(uintptr_t)p), 0);
        for (unsigned i = 0; i < 5000 && access(path, F_OK) != 0; i++)
                clock_sleep_ns(NSEC_PER_MSEC);
        assert_int_equal(access(path, F_OK), 0);
}

static void where_there_is_a_helper_it_asks(void **state) {
        Place *p = *state;
        const DiskHealth *d = health_watch_disks(p->watch);
        Child c = CHILD_NULL;
        int status;

        put_text(p, "/sys/block/sda/size", "1\n");
        put_text(p, "/sys/block/nvme0n1/size", "1\n");
        start_helper(p, &c, help_twice);
        setenv("PATH", "/nonexistent", 1);
        look(p, HEALTH_LOOK_ALL);
        assert_int_equal(child_wait(&c, 20 * NSEC_PER_SEC, &status), 1);
        assert_int_equal(status, 0);
        assert_int_equal(calls(p), 2);
        assert_int_equal(d[0].now.values[HEALTH_MEDIA_ERRORS], 3);
        assert_int_equal(d[1].now.values[HEALTH_REALLOCATED], 1992);
}

static int hang_up(void *arg) {
        const Place *p = arg;
        int listening = smart_helper_listen(p->root), fd;

        put_text(p, "/listens", "");
        while ((fd = accept(listening, NULL, NULL)) >= 0)
                close(fd);
        return 1;
}

static void a_helper_without_an_answer_is_told_of(void **state) {
        Place *p = *state;
        Child c = CHILD_NULL;
        int status;

        start_helper(p, &c, hang_up);
        look(p, HEALTH_LOOK_ALL);
        child_kill(&c, SIGKILL);
        assert_int_equal(child_wait(&c, 20 * NSEC_PER_SEC, &status), 1);
        assert_int_equal(calls(p), 0);
        assert_int_equal(p->n_notes, 1);
        assert_non_null(strstr(p->note.text, "scrubstress-smart@.service gives no answer"));
}

static void loop_files_are_not_asked(void **state) {
        Place *p = *state;

        p->target.n_disks = 0;
        health_watch_learn(p->watch, &p->target);
        health_watch_ask(p->watch, HEALTH_LOOK_ALL, clock_mono_ns());
        assert_false(health_watch_busy(p->watch));
        assert_int_equal(health_watch_n(p->watch), 0);
        assert_int_equal(calls(p), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(each_disk_is_asked_and_nothing_is_news_at_first),
                TEST(growth_is_told_once_with_before_and_after),
                TEST(the_kernel_counts_what_it_wrote),
                TEST(the_warmth_is_the_kernels_where_it_has_a_sensor),
                TEST(without_smartctl_it_is_said_once_and_the_kernel_is_asked),
                TEST(what_smartctl_cannot_tell_is_said_in_its_words),
                TEST(a_look_without_an_answer_changes_nothing),
                TEST(a_disk_that_does_not_answer_is_given_up),
                TEST(a_target_made_again_goes_on_with_its_disks),
                TEST(documents_are_kept_as_long_as_their_disk),
                TEST(where_there_is_a_helper_it_asks),
                TEST(a_helper_without_an_answer_is_told_of),
                TEST(loop_files_are_not_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
