/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "config-assign.h"
#include "config/device-spec.h"
#include "config/key.h"
#include "config/profile.h"

/* Assignments separated by '|', and what config_check() makes of them: words of the sentence, or NULL when all is well. */
static const struct {
        const char *assignments, *error;
        ExitCode exit;
} checks[] = {
        { "", NULL, 0 },
        { "Target.Devices=loop:2GiB*8", NULL, 0 },
        { "Target.Devices=loop:256MiB*2", NULL, 0 },
        { "Target.Devices=/dev/sdb", "command line: [Target] Devices=/dev/sdb: everything on these disks would be lost, and no Wipe=",
          EXIT_REFUSED },
        { "Target.Devices=/dev/sdb /dev/sdc", "no Wipe= confirms that; nothing was touched", EXIT_REFUSED },
        { "Target.Devices=/dev/sdb /dev/sdc|Target.Wipe=A",
          "command line: [Target] Wipe=A: that is 1 serial for 2 disks; nothing was touched; give one for each", EXIT_REFUSED },
        { "Target.Devices=/dev/sdb|Target.Wipe=A B", "that is 2 serials for 1 disk;", EXIT_REFUSED },
        { "Target.Devices=/dev/sdb|Target.Wipe=A", NULL, 0 },
        { "Target.Layer=dm", NULL, 0 },
        { "Target.Layer=dm|Replace.Enabled=yes", "[Target] Layer=dm: there is none over the spare of a replace (command line: [Replace] Enabled=yes)",
          EXIT_USAGE },
        { "Target.Layer=dm|Target.Devices=/dev/sdb|Target.Wipe=A", "[Target] Layer=dm: there is none over disks (command line: [Target] Devices=/dev/sdb)",
          EXIT_USAGE },
        { "Target.Devices=/dev/sdb|Target.Wipe=A|Replace.Enabled=yes",
          "[Replace] Enabled=yes: the spare is a loop file, and the devices are disks", EXIT_USAGE },
        { "Target.Devices=/dev/sdb /dev/sdc|Target.Wipe=A B|Target.DataProfile=raid1|Target.Size=4TiB", NULL, 0 },
        { "Target.Devices=/dev/sdb|Target.Wipe=A|Target.DataProfile=raid1", "needs at least 2 devices, but there are 1", EXIT_USAGE },
        { "Target.Devices=/dev/sdb|Target.Wipe=A|Target.Size=1GiB|Churn.FileSize=4GiB", "half of what fits on the target", EXIT_USAGE },
        { "Target.Devices=/dev/sdb|Target.Wipe=A|Churn.FileSize=4GiB", NULL, 0 },
        { "Target.Wipe=A", NULL, 0 }, /* loop files need no consent */
        { "Target.Devices=/dev/a /dev/b /dev/c /dev/d /dev/e /dev/f /dev/g /dev/h /dev/i|Target.Wipe=1 2 3 4 5 6 7 8 9", NULL, 0 },
        { "Target.Devices=/dev/a /dev/b /dev/c /dev/d /dev/e /dev/f /dev/g /dev/h /dev/i|Target.Wipe=1 2 3 4 5 6 7 8 9|"
          "Target.DataProfile=raid0", "DataProfile=raid0: stripes over all devices, at most 8 are counted, and there are 9", EXIT_USAGE },
        { "Target.Devices=/dev/a /dev/b /dev/c /dev/d /dev/e /dev/f /dev/g /dev/h /dev/i|Target.Wipe=1 2 3 4 5 6 7 8 9|"
          "Target.MetadataProfile=raid10", "MetadataProfile=raid10: stripes over all devices", EXIT_USAGE },
        { "Target.Devices=loop:1GiB", NULL, 0 },
        { "Target.Devices=loop:1GiB|Target.MetadataProfile=raid1",
          "command line: [Target] MetadataProfile=raid1: needs at least 2 devices, but there are 1 "
          "(command line: [Target] Devices=loop:1GiB); "
          "add devices or take dup", EXIT_USAGE },
        { "Target.Devices=loop:1GiB|Target.MetadataProfile=dup", NULL, 0 },
        { "Target.DataProfile=raid1c4|Target.Devices=loop:1GiB*3", "[Target] DataProfile=raid1c4: needs at least 4 devices", EXIT_USAGE },
        { "Target.DataProfile=raid1c4", NULL, 0 },
        { "Target.DataProfile=raid1c3|Target.Devices=loop:1GiB*2", "needs at least 3 devices", EXIT_USAGE },
        { "Target.DataProfile=raid6|Target.Devices=loop:1GiB*2", "needs at least 3 devices", EXIT_USAGE },
        { "Target.DataProfile=raid6|Target.Devices=loop:1GiB*3", NULL, 0 },
        { "Target.DataProfile=raid5|Target.Devices=loop:1GiB*1", "needs at least 2 devices", EXIT_USAGE },
        { "Target.DataProfile=raid10|Target.Devices=loop:1GiB*1", "needs at least 2 devices", EXIT_USAGE },
        { "Target.MetadataProfile=raid1c4|Target.Devices=loop:1GiB*3", "[Target] MetadataProfile=raid1c4: needs at least 4", EXIT_USAGE },
        { "Churn.FileSize=32KiB",
          "default: [Churn] BlockSize=64KiB: larger than the files that are written (command line: [Churn] FileSize=32KiB)", EXIT_USAGE },
        { "Churn.FileSize=32KiB|Churn.BlockSize=32KiB", NULL, 0 },
        { "Churn.FileSize=32KiB|Churn.Fill=fallocate", NULL, 0 },
        { "Churn.FileSize=32KiB|Churn.Fill=mixed", "larger than the files", EXIT_USAGE },
        { "Churn.FileSize=32KiB|Churn.Workers=0", NULL, 0 },
        { "Churn.FileSize=16MiB|Churn.BlockSize=16MiB|Churn.Depth=16", NULL, 0 },
        { "Churn.FileSize=16MiB|Churn.BlockSize=16MiB|Churn.Depth=17",
          "[Churn] Depth=17: with command line: [Churn] BlockSize=16MiB, more than 256MiB", EXIT_USAGE },
        { "Target.ReclaimThreshold=100", NULL, 0 },
        { "Target.DynamicReclaim=yes", NULL, 0 },
        { "Target.ReclaimThreshold=30|Target.DynamicReclaim=yes", "[Target] ReclaimThreshold=30%: with a threshold that the kernel chooses "
          "(command line: [Target] DynamicReclaim=yes) it takes no other", EXIT_USAGE },
        { "Churn.Empty=overwrite defrag reflink|Churn.Fill=mixed", NULL, 0 },
        { "Churn.Empty=reflink|Churn.Fill=fallocate", NULL, 0 },
        { "Churn.Empty=unlink overwrite|Churn.Fill=fallocate",
          "command line: [Churn] Empty=unlink overwrite: files that are only allocated (command line: [Churn] Fill=fallocate) are overwritten in "
          "place", EXIT_USAGE },
        { "Churn.Empty=defrag|Run.Profile=burst", "(profile burst: [Churn] Fill=fallocate)", EXIT_USAGE },
        { "Churn.Empty=defrag|Churn.Fill=fallocate|Churn.Workers=0", NULL, 0 },
        { "Churn.Empty=overwrite|Target.MountOptions=nodiscard,nodatacow",
          "[Churn] Empty=overwrite: with nodatacow (command line: [Target] MountOptions=nodiscard,nodatacow) files are overwritten in place",
          EXIT_USAGE },
        { "Churn.Empty=reflink|Remount.Enabled=yes|Remount.Options=nodatasum", "[Churn] Empty=reflink: files that were made while", EXIT_USAGE },
        { "Churn.Empty=reflink|Remount.Options=nodatasum", NULL, 0 }, /* nobody remounts */
        { "Churn.Empty=overwrite|Target.MountOptions=nodatacow2,datacow", NULL, 0 },
        { "Churn.Empty=defrag unlink|Target.MountOptions=nodatacow", NULL, 0 }, /* a defragmented extent is written elsewhere all the same */
        { "Target.Devices=loop:1GiB*4|Churn.Empty=reflink|Churn.FileSize=2GiB", NULL, 0 },
        { "Target.Devices=loop:1GiB*4|Churn.Empty=defrag|Churn.FileSize=1GiB", NULL, 0 },
        { "Target.Devices=loop:1GiB*4|Churn.Empty=overwrite|Churn.FileSize=1025MiB",
          "FileSize=1025MiB: times Files=1 times Workers=1, twice with overwrite or defrag (Empty=), is 2.00 GiB, more than", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.Empty=defrag|Churn.FileSize=1TiB|Churn.Files=65536|Churn.Workers=58", "half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=2GiB", NULL, 0 },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=2049MiB",
          "[Churn] FileSize=2049MiB: times Files=1 times Workers=1 is 2.00 GiB, more than 2.00 GiB, half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1GiB|Churn.Files=2|Churn.Workers=1", NULL, 0 },
        { "Target.Devices=loop:1GiB*4|Target.Populate=2GiB", NULL, EXIT_PASS },
        { "Target.Devices=loop:1GiB*4|Target.Populate=2049MiB", "[Target] Populate=2049MiB: more than 2.00 GiB, half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1GiB|Churn.Files=2|Churn.Workers=2", "half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1TiB|Churn.Files=65536|Churn.Workers=64", "half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1025MiB|Target.DataProfile=raid1", "half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1GiB|Target.DataProfile=raid1", NULL, 0 },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1025MiB|Target.DataProfile=raid6", "half of what fits", EXIT_USAGE },
        { "Target.Devices=loop:1GiB*4|Churn.FileSize=1536MiB|Target.DataProfile=raid5", NULL, 0 },
        { "Churn.Workers=58", NULL, 0 },
        { "Churn.Workers=59", "[Churn] Workers=59: makes 65 workers in all, at most 64", EXIT_USAGE },
        { "Churn.Workers=60|Balance.Enabled=no|Sync.Workers=0", NULL, 0 },
        { "Churn.Workers=60|Scrub.Enabled=no", NULL, 0 },
        { "Churn.Workers=0|Sync.Workers=0|Balance.Enabled=no|Scrub.Enabled=no", "there is nothing to do", EXIT_USAGE },
        { "Churn.Workers=0|Sync.Workers=0|Balance.Enabled=no", NULL, 0 },
        { "Run.EvidenceDirectory=/mnt", "command line: [Run] EvidenceDirectory=/mnt: lies below the target's mount point", EXIT_USAGE },
        { "Run.EvidenceDirectory=/mnt/a", "lies below", EXIT_USAGE },
        { "Run.EvidenceDirectory=/mnt2", NULL, 0 },
        { "Run.EvidenceDirectory=/mn", NULL, 0 },
        { "Soak.LedgerDirectory=/mnt/a", "command line: [Soak] LedgerDirectory=/mnt/a: lies below the target's mount point", EXIT_USAGE },
        { "Soak.LedgerDirectory=/mnt2", NULL, 0 },
        { "Soak.Duration=72h", NULL, 0 },
        { "Soak.Duration=72h|Run.Duration=1h", "command line: [Run] Duration=1h: how long to stress is asked for twice, the other is of the soak "
          "(command line: [Soak] Duration=3d); set one of them only", EXIT_USAGE },
        { "Soak.Duration=72h|Run.Duration=0", NULL, 0 },
        { "Target.MountPoint=/", "lies below", EXIT_USAGE },
        { "Target.MountPoint=/var/lib/", "lies below", EXIT_USAGE },
        { "Target.MountPoint=/var/tmp/target", NULL, 0 },
        { "Target.MountPoint=/var/tmp", "[Target] ImageDirectories=/dev/shm /var/tmp: /var/tmp lies below", EXIT_USAGE },
        { "Target.ImageDirectories=/tmp /mnt/x", "/mnt/x lies below", EXIT_USAGE },
        { "Target.MountOptions=defaults", NULL, 0 },
        { "Target.MountOptions=rw,nodiscard,noatime,discard=async", NULL, 0 },
        { "Target.MountOptions=nodiscard,ro",
          "MountOptions=nodiscard,ro: the option ro is not allowed: the stressors have to write", EXIT_USAGE },
        { "Target.MountOptions=ro,nodiscard", "the option ro is not allowed", EXIT_USAGE },
        { "Target.MountOptions=,,ro", "the option ro is not allowed", EXIT_USAGE },
        { "Target.MountOptions=rescue=all", "the option rescue is not allowed", EXIT_USAGE },
        { "Target.MountOptions=device=/dev/sda", "the option device is not allowed", EXIT_USAGE },
        { "Target.MountOptions=subvol=x", "the option subvol is not allowed", EXIT_USAGE },
        { "Target.MountOptions=subvolid=5", "the option subvolid is not allowed", EXIT_USAGE },
        { "Target.MountOptions=fatal_errors=panic", "would crash the machine", EXIT_USAGE },
        { "Target.MountOptions=fatal_errors=bug", NULL, 0 },
        { "Target.MountOptions=degraded", "would hide a lost device", EXIT_USAGE },
        { "Remount.Options=compress=lzo,noautodefrag defaults nodatacow,nodiscard", NULL, 0 },
        { "Remount.Options=commit=1 ro commit=2",
          "[Remount] Options=commit=1 ro commit=2: the option ro is not allowed: the stressors have to write; leave it out", EXIT_USAGE },
        { "Remount.Options=commit=1,device=/dev/sda", "the option device is not allowed: the devices are those of Devices=", EXIT_USAGE },
        { "Remount.Options=commit=1 rw,subvolid=5", "the option subvolid is not allowed", EXIT_USAGE },
        { "Remount.Options=commit=1 noatime", "the option noatime is none that a remount changes and takes back; those are [no]autodefrag,",
          EXIT_USAGE },
        { "Remount.Options=nocommit=1", "the option nocommit=1 is none", EXIT_USAGE },
        { "Remount.Options=space_cache=v2", "the option space_cache=v2 is none", EXIT_USAGE },
        { "Run.PairTime=1s", NULL, 0 },
        { "Run.PairTime=999ms", "command line: [Run] PairTime=999ms: too short for two stressors to meet", EXIT_USAGE },
        { "Run.PairTime=10s|Run.Tune=yes", "[Run] Tune=yes: what is tried would be compared between one pair and the next (command line: [Run] "
          "PairTime=10s)", EXIT_USAGE },
        { "Remount.Enabled=yes|Churn.Workers=58", "makes 65 workers in all", EXIT_USAGE },
};

static void test_check(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                Error e = ERROR_NULL;
                Config c;
                int r;
                config_init(&c);
                assign_all(&c, checks[i].assignments);
                r = config_check(&c, &e);
                if (!checks[i].error && r < 0)
                        fail_msg("\"%s\": %s", checks[i].assignments, e.sentence);
                if (checks[i].error && (r >= 0 || e.exit != checks[i].exit || !strstr(e.sentence, checks[i].error)))
                        fail_msg("\"%s\": %d, %d, \"%s\"; expected \"%s\"", checks[i].assignments, r, e.exit, e.sentence, checks[i].error);
        }
}

static void test_check_broken_devices(void **state _unused_) {
        Error e = ERROR_NULL;
        Config c;

        config_init(&c);
        strcpy(c.target.devices, "junk");
        assert_int_equal(config_check(&c, &e), -EINVAL);
        assert_non_null(strstr(e.sentence, "[Target] Devices=junk: not understood"));
}

static void test_devices(void **state _unused_) {
        static const struct {
                const char *text;
                int r;
                unsigned n;
                uint64_t size;
        } specs[] = {
                { "loop:1GiB*4", 0, 4, GiB },
                { "loop:1GiB", 0, 1, GiB },
                { "loop:1G*8", 0, 8, GiB },
                { "loop:268435456", 0, 1, 256 * MiB },
                { "loop:1.1GiB*2", 0, 2, 1126 * MiB },
                { "loop:16TiB", 0, 1, 16 * TiB },
                { "loop:268435455", -ERANGE, 0, 0 },
                { "loop:16385GiB", -ERANGE, 0, 0 },
                { "loop:1GiB*9", -ERANGE, 0, 0 },
                { "loop:1GiB*10", -ERANGE, 0, 0 },
                { "loop:1GiB*99999999999999999999", -ERANGE, 0, 0 },
                { "loop:1GiB*0", -EINVAL, 0, 0 },
                { "loop:1GiB*04", -EINVAL, 0, 0 },
                { "loop:1GiB*", -EINVAL, 0, 0 },
                { "loop:1GiB*-1", -EINVAL, 0, 0 },
                { "loop:1GiB*4*2", -EINVAL, 0, 0 },
                { "loop:1GiB*4 ", -EINVAL, 0, 0 },
                { "loop:1GiBx4", -EINVAL, 0, 0 },
                { "loop:4*1GiB", -EINVAL, 0, 0 },
                { "loop:00000000000000000000000000000001GiB", -EINVAL, 0, 0 },
                { "loop", -EINVAL, 0, 0 },
                { "LOOP:1GiB", -EINVAL, 0, 0 },
                { "sda", -EINVAL, 0, 0 },
                { "/tmp/image", -EINVAL, 0, 0 },
                { "/dev/", -EINVAL, 0, 0 },
                { "/dev/sda /tmp/image", -EINVAL, 0, 0 },
                { "/dev/sda loop:1GiB", -EINVAL, 0, 0 },
                { "/dev/../tmp/image", -EINVAL, 0, 0 },
                { "/dev//sda", -EINVAL, 0, 0 },
                { "/dev/a /dev/b /dev/c /dev/d /dev/e /dev/f /dev/g /dev/h /dev/i /dev/j /dev/k /dev/l /dev/m /dev/n /dev/o /dev/p /dev/q",
                  -ERANGE, 0, 0 },
                { "", -EINVAL, 0, 0 },
        };
        DeviceSpec spec;

        for (size_t i = 0; i < ELEMENTSOF(specs); i++) {
                int r = device_spec_parse(specs[i].text, &spec);
                if (r != specs[i].r || (r == 0 && (spec.kind != DEVICE_LOOP || spec.n != specs[i].n || spec.size != specs[i].size)))
                        fail_msg("\"%s\": %d", specs[i].text, r);
        }
        assert_int_equal(device_spec_parse("/dev/disk/by-id/x", &spec), 0);
        assert_int_equal(spec.kind, DEVICE_BLOCK);
        assert_int_equal(spec.n, 1);
        assert_int_equal(device_spec_parse("/dev/sda\t/dev/sdb  /dev/sdc ", &spec), 0);
        assert_int_equal(spec.n, 3);
}

static void test_device_words(void **state _unused_) {
        char word[DEVICE_NAME_MAX], longest[2 * DEVICE_NAME_MAX];

        assert_int_equal(device_words_count(""), 0);
        assert_int_equal(device_words_count(" \t"), 0);
        assert_int_equal(device_words_count(" a b\tccc "), 3);
        assert_true(device_words_get(" a b\tccc ", 0, word) && strcmp(word, "a") == 0);
        assert_true(device_words_get(" a b\tccc ", 2, word) && strcmp(word, "ccc") == 0);
        assert_false(device_words_get(" a b\tccc ", 3, word));
        memset(longest, 'x', sizeof(longest));
        longest[DEVICE_NAME_MAX - 1] = 0;
        assert_true(device_words_get(longest, 0, word));
        assert_string_equal(word, longest);
        longest[DEVICE_NAME_MAX - 1] = 'x';
        longest[DEVICE_NAME_MAX] = 0;
        assert_false(device_words_get(longest, 0, word));
}

static void test_profiles(void **state _unused_) {
        static const struct {
                const char *name;
                uint64_t capacity; /* of four devices of 12 */
        } rooms[] = {
                { "single", 48 },  { "dup", 24 },    { "raid0", 48 }, { "raid1", 24 }, { "raid1c3", 16 },
                { "raid1c4", 12 }, { "raid10", 24 }, { "raid5", 36 }, { "raid6", 24 },
        };

        assert_int_equal(ELEMENTSOF(rooms), n_profiles);
        for (size_t i = 0; i < ELEMENTSOF(rooms); i++)
                assert_int_equal(profile_capacity(profile_find(rooms[i].name), 4, 12), rooms[i].capacity);
        assert_null(profile_find("raid"));
}

static void test_metadata_auto(void **state _unused_) {
        static const char *const raid1[] = { "Target.Devices=loop:1535MiB*4", "Target.Devices=loop:64GiB*3", "Target.Devices=loop:64GiB*2" };
        Config c;

        config_init(&c);
        assert_string_equal(config_metadata_profile(&c), "raid1c4");
        for (size_t i = 0; i < ELEMENTSOF(raid1); i++) {
                assert_int_equal(config_set(&c, raid1[i], NULL), 0);
                assert_int_equal(config_check(&c, NULL), 0);
                assert_string_equal(config_metadata_profile(&c), "raid1");
        }
        assert_int_equal(config_set(&c, "Target.Devices=loop:1GiB", NULL), 0);
        assert_int_equal(config_check(&c, NULL), 0);
        assert_string_equal(config_metadata_profile(&c), "dup");
        assert_int_equal(config_set(&c, "Target.MetadataProfile=single", NULL), 0);
        assert_string_equal(config_metadata_profile(&c), "single");
        assert_int_equal(config_set(&c, "Target.DataProfile=auto", NULL), -EINVAL);
}

/* The spare is an image more: room for it is looked for, and a replace alone is something to do. */
static void test_replace(void **state _unused_) {
        Config c;

        config_init(&c);
        assert_int_equal(config_n_images(&c), 4);
        assign_all(&c, "Replace.Enabled=yes|Target.Devices=loop:1GiB*8|Churn.Workers=0|Sync.Workers=0|Balance.Enabled=no|Scrub.Enabled=no");
        assert_int_equal(config_check(&c, NULL), 0);
        assert_int_equal(config_n_images(&c), 9);
        assign_all(&c, "Fault.Enabled=yes"); /* and one for the fault that cancels them */
        assert_int_equal(config_n_images(&c), 10);
        assign_all(&c, "Fault.Enabled=no");
        assign_all(&c, "Replace.Enabled=no|Snapshot.Enabled=yes"); /* so is a snapshot, a trim, or a remount */
        assert_int_equal(config_check(&c, NULL), 0);
        assign_all(&c, "Snapshot.Enabled=no|Trim.Enabled=yes");
        assert_int_equal(config_check(&c, NULL), 0);
        assign_all(&c, "Trim.Enabled=no|Remount.Enabled=yes");
        assert_int_equal(config_check(&c, NULL), 0);
        assign_all(&c, "Remount.Enabled=no");
        assert_int_equal(config_check(&c, NULL), -EINVAL);
        assign_all(&c, "Replace.Enabled=yes");
        assign_all(&c, "Churn.Workers=64");
        assert_int_equal(config_check(&c, NULL), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),        cmocka_unit_test(test_check_broken_devices), cmocka_unit_test(test_devices),
                cmocka_unit_test(test_device_words), cmocka_unit_test(test_profiles),             cmocka_unit_test(test_metadata_auto),
                cmocka_unit_test(test_replace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
