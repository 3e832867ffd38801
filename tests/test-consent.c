/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fake-machine.h"
#include "target/consent.h"

static bool uses(const DeviceUses *u, unsigned major, unsigned minor, unsigned kind, const char *text) {
        for (size_t i = 0; i < u->n; i++)
                if (u->uses[i].major == major && u->uses[i].minor == minor && u->uses[i].kind == kind &&
                    strcmp(u->uses[i].text, text) == 0)
                        return true;
        return false;
}

static void test_uses(void **state) {
        _cleanup_(device_uses_free) DeviceUses u = DEVICE_USES_NULL;
        const FakeMachine *m = *state;

        fake_machine_mounts(m, "10", "22 1 8:16 / /never rw - ext4 /dev/sdb rw\n"); /* our first mount, so our namespace: not read */
        fake_machine_mounts(m, "11", "30 1 8:32 / /there\\040too rw - ext4 /dev/sdc rw\n"
                                     "31 1 0:40 / /srv rw - fuseblk /dev/vda rw\n"
                                     "32 1 0:41 / /net rw - nfs host:/sdb rw\n"
                                     "33 1 rubbish\n");
        fake_machine_text(m, "/sys/fs/btrfs/features/devices", "");
        fake_machine_link(m, "/sys/fs/btrfs/0a-1b/devices/nvme0n1", "../../../../block/nvme0n1");
        fake_machine_text(m, "/proc/swaps", "Filename Type Size\n/dev/loop3\tpartition 1 1\n/swapfile file 1 1\n");
        assert_int_equal(device_uses_read(&u, m->root, (const char *const[]){ "/boot/evidence", NULL }), 0);
        assert_true(uses(&u, 253, 0, USE_MOUNTED, "mounted on /"));
        assert_true(uses(&u, 8, 1, USE_MOUNTED, "mounted on /boot"));
        assert_true(uses(&u, 8, 32, USE_MOUNTED, "mounted on /there\\040too in the mount namespace of process 11"));
        assert_true(uses(&u, 254, 0, USE_MOUNTED, "mounted on /srv in the mount namespace of process 11"));
        assert_true(uses(&u, 259, 0, USE_MOUNTED, "a member of the mounted btrfs 0a-1b"));
        assert_true(uses(&u, 7, 3, USE_SWAP, "used as swap"));
        assert_null(device_uses_find(&u, 8, 16, USE_MOUNTED | USE_SWAP | USE_SYSTEM));
        /* / is on dm-0, that on sda2, that a part of sda. */
        assert_true(uses(&u, 253, 0, USE_SYSTEM, "holds /"));
        assert_true(uses(&u, 8, 2, USE_SYSTEM, "holds /"));
        assert_true(uses(&u, 8, 0, USE_SYSTEM, "holds /"));
        assert_true(uses(&u, 8, 1, USE_SYSTEM, "holds /boot"));
        assert_true(uses(&u, 8, 1, USE_SYSTEM, "holds /boot/evidence"));
        assert_null(device_uses_find(&u, 8, 32, USE_SYSTEM));
        assert_null(device_uses_find(&u, 259, 0, USE_SYSTEM | USE_SWAP));
}

/* As a service under ProtectHome= sees it: an empty folder over what the first process has there. */
static void test_uses_of_the_first_process(void **state) {
        _cleanup_(device_uses_free) DeviceUses u = DEVICE_USES_NULL;
        const FakeMachine *m = *state;

        fake_machine_mounts(m, "self", "50 1 253:0 / / rw - ext4 /dev/mapper/root rw\n"
                                       "51 50 0:25 /inaccessible /home ro - tmpfs tmpfs rw\n");
        fake_machine_mounts(m, "1", "22 1 253:0 / / rw - ext4 /dev/mapper/root rw\n"
                                    "23 22 8:33 / /home rw - ext4 /dev/sdc1 rw\n");
        assert_int_equal(device_uses_read(&u, m->root, NULL), 0);
        assert_true(uses(&u, 8, 33, USE_MOUNTED, "mounted on /home in the mount namespace of process 1"));
        assert_true(uses(&u, 8, 33, USE_SYSTEM, "holds /home"));
        assert_true(uses(&u, 8, 32, USE_SYSTEM, "holds /home"));
        assert_true(uses(&u, 253, 0, USE_SYSTEM, "holds /"));
}

/* A /proc that hides the processes of others, mounted with hidepid=. */
static void test_uses_hidden(void **state) {
        _cleanup_(device_uses_free) DeviceUses u = DEVICE_USES_NULL;
        const FakeMachine *m = *state;
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/proc/1/mountinfo", m->root);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(device_uses_read(&u, m->root, NULL), -ENOENT);
}

static void test_uses_unknown(void **state) {
        DeviceUses u = DEVICE_USES_NULL;

        assert_int_equal(device_uses_read(&u, "/nonexistent", NULL), -ENOENT);
        device_uses_free(&u);
        (void)state;
}

/* The disk 259:0, which every interlock consents to; each row spoils something. */
typedef struct Case {
        const FakeMachine *machine;
        Candidate candidate;
        Identity before;
} Case;

static void no_device(Case *k) { k->candidate.error = -ENODEV; }
static void a_file(Case *k) { k->candidate.mode = S_IFREG; }
static void not_in_sysfs(Case *k) { k->candidate.identity_error = -ENOENT; }
static void size_differs(Case *k) { k->candidate.size += 512; }
static void no_link(Case *k) { k->candidate.identity.link[0] = k->candidate.identity.wwid[0] = 0; }
static void wwid_alone(Case *k) { k->candidate.identity.link[0] = 0; }
static void link_alone(Case *k) { k->candidate.identity.wwid[0] = 0; }
static void named_by_link(Case *k) {
        no_link(k);
        strcpy(k->candidate.request.path, "/dev/disk/by-id/x");
}
static void a_partition(Case *k) { k->candidate.identity.partition = true; }
static void typo(Case *k) { k->candidate.request.wipe[1] = '5'; }
static void not_said(Case *k) { k->candidate.request.wipe[0] = 0; }
static void no_serial(Case *k) { k->candidate.identity.serial[0] = k->candidate.request.wipe[0] = 0; }
static void the_same(Case *k) { k->candidate.request.before = &k->before; }
static void renumbered(Case *k) {
        the_same(k);
        k->before.minor++;
}
static void busy(Case *k) { k->candidate.exclusive_error = -EBUSY; }
static void protected(Case *k) { k->candidate.exclusive_error = -EROFS; }
static void mounted(Case *k) { fake_machine_mounts(k->machine, "7", "1 1 259:0 / /x rw - ext4 /dev/root rw\n"); }
static void swap(Case *k) { fake_machine_text(k->machine, "/proc/swaps", "/dev/nvme0n1 partition 1 1\n"); }
static void held(Case *k) { fake_machine_text(k->machine, "/sys/devices/nvme0n1/holders/md0", ""); }
static void parted(Case *k) { fake_machine_text(k->machine, "/sys/devices/nvme0n1/nvme0n1p1/partition", "1\n"); }
static void partition_used(Case *k) {
        parted(k);
        fake_machine_text(k->machine, "/sys/devices/nvme0n1/nvme0n1p1/dev", "259:1\n");
        fake_machine_mounts(k->machine, "7", "1 1 259:1 / /x rw - ext4 /dev/nvme0n1p1 rw\n");
}
static void partition_held(Case *k) {
        parted(k);
        fake_machine_text(k->machine, "/sys/devices/nvme0n1/nvme0n1p1/dev", "259:1\n");
        fake_machine_text(k->machine, "/sys/devices/nvme0n1/nvme0n1p1/holders/dm-3", "");
        fake_machine_link(k->machine, "/sys/dev/block/259:1", "../../devices/nvme0n1/nvme0n1p1");
}
static void partition_idle(Case *k) {
        parted(k);
        fake_machine_text(k->machine, "/sys/devices/nvme0n1/nvme0n1p1/dev", "259:1\n");
}
static void below_root(Case *k) { fake_machine_text(k->machine, "/sys/devices/dm-0/slaves/nvme0n1", ""); }
static void signature(Case *k) { k->candidate.signatures = (Signatures){ .n = 1, .text = "ext4" }; }
static void own(Case *k) { k->candidate.signatures = (Signatures){ .n = 1, .own = true, .text = "btrfs" }; }
static void signature_given_up(Case *k) {
        signature(k);
        k->candidate.request.wipe_signatures = true;
}
static void unreadable(Case *k) {
        signature_given_up(k);
        k->candidate.signatures_error = -EIO;
}
static void read_only(Case *k) { k->candidate.identity.read_only = true; }
static void other_size(Case *k) { k->candidate.request.size = 4 * GiB + 64 * MiB; }
static void about_that_size(Case *k) { k->candidate.request.size = 4 * GiB + 32 * MiB; }
static void about_that_size_too(Case *k) { k->candidate.request.size = 4 * GiB - 32 * MiB; }
static void too_small(Case *k) { k->candidate.size = k->candidate.identity.size = 255 * MiB; }
static void fine(Case *k) { (void)k; }

static const struct {
        void (*spoil)(Case *k);
        const char *interlocks, *sentence;
} cases[] = {
        { fine, "", "" },
        { no_device, "block-device ", "/dev/nvme0n1 cannot be opened: No such device;" },
        { a_file, "block-device ", "is a regular file, not a block device;" },
        { not_in_sysfs, "known ", "is not known to sysfs (259:0)" },
        { size_differs, "known ", "has 4294967808 bytes when it is opened and 4294967296 in sysfs" },
        { no_link, "stable-name ", "there is no link to it in /dev/disk/by-id" },
        { wwid_alone, "", "" },
        { link_alone, "", "" },
        { named_by_link, "", "" },
        { a_partition, "whole-disk ", "is a partition" },
        { typo, "serial ", "has the serial S4-NVME, but Wipe= says S5-NVME;" },
        { not_said, "serial ", "has the serial S4-NVME, which no Wipe= confirms" },
        { no_serial, "serial ", "has no serial that the kernel knows" },
        { the_same, "", "" },
        { renumbered, "same-device ", "is another device than at first: 259:0" },
        { busy, "exclusive ", "is in use: it cannot be opened exclusively (O_EXCL); end what uses it (interlock exclusive)" },
        { protected, "exclusive ", "cannot be opened for writing: Read-only file system" },
        { mounted, "not-mounted ", "is mounted on /x in the mount namespace of process 7; unmount it" },
        { swap, "not-swap ", "is used as swap; swapoff it" },
        { held, "no-holders ", "is part of md0" },
        { partition_used, "partitions ", "has a partition in use: mounted on /x" },
        { partition_held, "partitions ", "has a partition in use: part of dm-3" },
        { partition_idle, "", "" },
        { below_root, "not-system ", "is a disk of the system: it holds /; take another disk" },
        { signature, "signature ", "is not empty: it holds ext4; if that may be lost, set WipeSignatures=yes" },
        { own, "", "" },
        { signature_given_up, "", "" },
        { unreadable, "signature ", "cannot be read to see what is on it" },
        { read_only, "writable ", "is read-only" },
        { other_size, "size ", "has 4.00 GiB (4294967296 bytes), but Size= says 4.06 GiB" },
        { about_that_size, "", "" },
        { about_that_size_too, "", "" },
        { too_small, "size ", "is too small" },
};

typedef struct Said {
        char interlocks[256], sentences[4096];
} Said;

static void on_refusal(void *userdata, const Interlock *k, const char *sentence) {
        Said *s = userdata;
        size_t n = strlen(s->interlocks), have = strlen(s->sentences);

        snprintf(s->interlocks + n, sizeof(s->interlocks) - n, "%s ", k->name);
        snprintf(s->sentences + have, sizeof(s->sentences) - have, "%s\n", sentence);
}

static void try_case(size_t i, Said *said) {
        _cleanup_(device_uses_free) DeviceUses u = DEVICE_USES_NULL;
        void *machine = NULL;
        Case k = { 0 };

        assert_int_equal(fake_machine_setup(&machine), 0);
        k.machine = machine;
        k.candidate = CANDIDATE_NULL;
        k.candidate.root = k.machine->root;
        k.candidate.mode = S_IFBLK;
        k.candidate.major = 259;
        strcpy(k.candidate.request.path, "/dev/nvme0n1");
        strcpy(k.candidate.request.wipe, "S4-NVME");
        candidate_read(&k.candidate);
        k.before = k.candidate.identity;
        cases[i].spoil(&k);
        assert_int_equal(device_uses_read(&u, k.machine->root, NULL), 0);
        k.candidate.uses = &u;
        *said = (Said){ 0 };
        consent_check(&k.candidate, on_refusal, said);
        assert_int_equal(fake_machine_teardown(&machine), 0);
}

static void test_interlocks(void **state) {
        char seen[1024] = " ";
        Said said;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                try_case(i, &said);
                assert_string_equal(said.interlocks, cases[i].interlocks);
                if (!strstr(said.sentences, cases[i].sentence))
                        fail_msg("\"%s\" is not in \"%s\"", cases[i].sentence, said.sentences);
                strcat(seen, said.interlocks);
        }
        for (size_t i = 0; i < n_interlocks; i++) {
                char name[64];
                snprintf(name, sizeof(name), " %s ", interlocks[i].name);
                if (!strstr(seen, name))
                        fail_msg("no row of this test makes the interlock%s refuse", name);
        }
}

/* Where /proc says nothing, nothing is consented to; and all that say no are told. */
static void test_unknown_uses_and_all_told(void **state) {
        const FakeMachine *m = *state;
        Candidate c = CANDIDATE_NULL;
        Said said = { 0 };

        c.root = m->root;
        c.mode = S_IFBLK;
        c.major = 8;
        c.minor = 16;
        candidate_read(&c);
        assert_int_equal(consent_check(&c, on_refusal, &said), 5);
        assert_string_equal(said.interlocks, "stable-name serial not-mounted not-swap not-system ");
}

/* Opening what is no block device, by a name that is looked up once. */
static void test_open(void **state) {
        ConsentRequest request = { .path = "/dev/null", .wipe = "x" };
        Said said = { 0 };
        Candidate c;

        (void)state;
        candidate_open(&c, &request, "");
        candidate_claim(&c);
        assert_true(c.pin == -1 && c.exclusive == -1);
        assert_int_equal(consent_check(&c, on_refusal, &said), 1);
        assert_non_null(strstr(said.sentences, "/dev/null is a character device, not a block device"));
        candidate_close(&c);
        strcpy(request.path, "/nonexistent");
        said = (Said){ 0 };
        candidate_open(&c, &request, "");
        assert_int_equal(consent_check(&c, on_refusal, &said), 1);
        assert_non_null(strstr(said.sentences, "/nonexistent cannot be opened: No such file or directory"));
        candidate_close(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_uses, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test_setup_teardown(test_uses_of_the_first_process, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test_setup_teardown(test_uses_hidden, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test(test_uses_unknown),
                cmocka_unit_test(test_interlocks),
                cmocka_unit_test_setup_teardown(test_unknown_uses_and_all_told, fake_machine_setup, fake_machine_teardown),
                cmocka_unit_test(test_open),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
