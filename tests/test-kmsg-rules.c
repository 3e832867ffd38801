/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macro.h"
#include "judge/kmsg-rules.h"

#define NOTHING _GRADE_MAX /* no rule matches */

#define OURS (1 << 0)
#define LOST (1 << 1)
#define FATAL (1 << 2)
#define TEARDOWN (1 << 3)
#define RELATED (1 << 4)
#define END (1 << 5)

typedef struct Line {
        const char *text;
        Grade grade;
        FindingClass class;
        unsigned is; /* OURS … */
        const char *device;
        int error;
        uint32_t flags;
} Line;

#define ABORT CLASS_TRANSACTION_ABORT
#define LOOP3 "loop3"

static const Line lines[] = {
        /* A healthy run. */
        { "BTRFS info (device loop3): scrub: started on devid 2", GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): scrub: finished on devid 2 with status: 0",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): scrub: not finished on devid 2 with status: -22",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3, .error = -22 },
        { "BTRFS info (device sdb): started on devid 1", GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = "sdb" },
        { "BTRFS info (device loop3): balance: start -dusage=50 -musage=50", GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): balance: ended with status: -28",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3, .error = -28 },
        { "BTRFS info (device loop3): relocating block group 298844160 flags metadata|raid1",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): reclaiming chunk 298844160 with 12% used 0% reserved 0% unusable",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): found 1 extents, stage: move data extents",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): 3 enospc errors during balance", GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "btrfs_printk: 212 callbacks suppressed", GRADE_EXPECT, CLASS_ERRNO, .is = RELATED },
        { "BTRFS: device fsid f9fde593-7b4c-4bfb-8ba8-c16138d8a04e devid 4 transid 6 /dev/loop3 (7:3) scanned by mkfs.btrfs (4711)",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED },
        { "BTRFS warning (device loop3): skipping scrub of block group 22020096 due to active swapfile",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device nvme0n1p5): bdev /dev/nvme0n1p5 errs: wr 0, rd 0, flush 0, corrupt 1, gen 0",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = "nvme0n1p5" },
        { "BTRFS error (device loop3): fixed up error at logical 22020096 on dev /dev/loop3 physical 22020096",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device vda3): read error corrected: ino 0 off 254406656 (dev /dev/vda3 sector 513272)",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = "vda3" },
        { "BTRFS warning (device loop3): failed setting block group ro: -30",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3, .error = -30 },
        { "BTRFS warning (device loop3): scrub: failed setting block group ro: -28",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3, .error = -28 },

        /* Nothing. */
        { "BTRFS info (device loop3): first mount of filesystem 7bfa2a6e-6ff5-4df4-a290-48f55ec8fbfd",
          NOTHING, 0, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): using crc32c (crc32c-x86) checksum algorithm", NOTHING, 0, .is = RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3): last unmount of filesystem 7bfa2a6e-6ff5-4df4-a290-48f55ec8fbfd",
          NOTHING, 0, .is = RELATED, .device = LOOP3 },
        { "EXT4-fs (sda1): mounted filesystem with ordered data mode", NOTHING, 0, .is = 0 },
        { "usb 4-1: USB disconnect, device number 2", NOTHING, 0, .is = 0 },
        { "loop3: detected capacity change from 0 to 2097152", NOTHING, 0, .is = 0 },
        { "systemd[1]: Started Debug shell.", NOTHING, 0, .is = 0 },
        { "audit: type=1400 audit(1.2:3): apparmor=\"DENIED\" comm=\"ss:churn\"", NOTHING, 0, .is = 0 },
        { "firmware_class: See https://wiki.debian.org/Firmware for information about missing firmware", NOTHING, 0, .is = 0 },
        { "CPU: 1 PID: 5237 Comm: ss:scrub/0 Tainted: G        W          6.12.0 #1", NOTHING, 0, .is = RELATED },
        { "CPU: 1 PID: 5237 Comm: Xorg Not tainted 6.12.0 #1", NOTHING, 0, .is = 0 },
        { "RIP: 0010:btrfs_remove_chunk+0x8a1/0x8b0", NOTHING, 0, .is = RELATED },
        { "---[ end trace 0000000000000000 ]---", NOTHING, 0, .is = END },
        { "------------[ cut here ]------------", NOTHING, 0, .is = 0 },
        { "DEBUG: this is not a bug", NOTHING, 0, .is = 0 },
        { "nobody debug:BUGS: 0", NOTHING, 0, .is = 0 },
        { "mce: CPU0: Core temperature/speed normal", NOTHING, 0, .is = 0 },
        { "task ss:churn/0 resumed", NOTHING, 0, .is = RELATED },

        /* Aborts; "X: state EA" is how 5.18 to 6.1 wrote it. */
        { "BTRFS: Transaction aborted (error -28)", GRADE_FINDING, ABORT, .is = LOST | RELATED, .error = -28 },
        { "BTRFS: Transaction aborted (error -28)", GRADE_FINDING, ABORT, .is = LOST | RELATED, .error = -28, .flags = OBS_NEAR_FULL },
        { "BTRFS: Transaction aborted (error -2)", GRADE_FINDING, ABORT, .is = LOST | RELATED, .error = -2, .flags = OBS_NEAR_FULL },
        { "BTRFS: Transaction aborted (error 1)", GRADE_FINDING, ABORT, .is = LOST | RELATED },
        { "BTRFS: error (device loop3 state A) in btrfs_remove_chunk:3392: errno=1 unknown",
          GRADE_FINDING, ABORT, .is = LOST | RELATED, .device = LOOP3 },
        { "BTRFS error (device loop3 state A): Transaction aborted (error -117)",
          GRADE_FINDING, ABORT, .is = LOST | RELATED, .device = LOOP3, .error = -117 },
        { "BTRFS: error (device loop3 state A) in btrfs_run_delayed_refs:2141: errno=-28 No space left",
          GRADE_FINDING, ABORT, .is = LOST | RELATED, .device = LOOP3, .error = -28 },
        { "BTRFS: error (device loop3 state A) in btrfs_run_delayed_refs:2141: errno=-28 No space left",
          GRADE_FINDING, ABORT, .is = LOST | RELATED, .device = LOOP3, .error = -28, .flags = OBS_NEAR_FULL },
        { "BTRFS: error (device sda3: state EA) in btrfs_run_delayed_refs:2141: errno=-2 No such entry",
          GRADE_FINDING, ABORT, .is = LOST | RELATED, .device = "sda3", .error = -2 },
        { "BTRFS: error (device loop2 state EA) in cleanup_transaction:1999: errno=-30 Readonly filesystem",
          GRADE_CONSEQUENCE, ABORT, .is = LOST | RELATED, .device = "loop2", .error = -30 },
        { "BTRFS warning (device loop3 state EA): Skipping commit of aborted transaction.",
          GRADE_CONSEQUENCE, ABORT, .is = LOST | RELATED, .device = LOOP3 },
        { "BTRFS info (device loop3 state EA): forced readonly", GRADE_CONSEQUENCE, ABORT, .is = LOST | RELATED, .device = LOOP3 },

        /* Splats. */
        { "kernel BUG at fs/btrfs/volumes.c:1949!", GRADE_FINDING, CLASS_SPLAT, .is = FATAL | RELATED },
        { "kernel BUG at mm/slub.c:379!", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "assertion failed: cache->start == chunk_offset, in fs/btrfs/scrub.c:2775",
          GRADE_FINDING, CLASS_SPLAT, .is = FATAL | RELATED },
        { "Oops: invalid opcode: 0000 [#1] PREEMPT SMP", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "Oops: general protection fault, probably for non-canonical address 0xdffffc0000000004: 0000 [#1]",
          GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "general protection fault: 0000 [#1] SMP", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "BUG: kernel NULL pointer dereference, address: 0000000000000018", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "BUG: unable to handle page fault for address: ffffffffc0a0b000", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "Kernel panic - not syncing: Fatal exception in interrupt", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "Unable to handle kernel paging request at virtual address dead000000000108", GRADE_FINDING, CLASS_SPLAT, .is = FATAL },
        { "BUG: KASAN: slab-use-after-free in btrfs_delete_unused_bgs+0x11/0x22", GRADE_FINDING, CLASS_SPLAT, .is = RELATED },
        { "BUG: KCSAN: data-race in __btrfs_block_rsv_release / btrfs_use_block_rsv", GRADE_FINDING, CLASS_SPLAT, .is = RELATED },
        { "UBSAN: array-index-out-of-bounds in fs/btrfs/scrub.c:1000:2", GRADE_FINDING, CLASS_SPLAT, .is = RELATED },
        { "refcount_t: underflow; use-after-free.", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "WARNING: possible circular locking dependency detected", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "WARNING: possible recursive locking detected", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "WARNING: suspicious RCU usage", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "BUG btrfs_extent_map (Tainted: G    B): Objects remaining in btrfs_extent_map on __kmem_cache_shutdown()",
          GRADE_FINDING, CLASS_SPLAT, .is = RELATED },
        { "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "BUG: Bad page state in process kswapd0  pfn:10a3f", GRADE_FINDING, CLASS_SPLAT, .is = 0 },
        { "WARNING: CPU: 0 PID: 531 at fs/btrfs/delayed-inode.c:1386 btrfs_assert_delayed_root_empty+0x1c/0x20 [btrfs]",
          GRADE_FINDING, CLASS_SPLAT, .is = TEARDOWN | RELATED },
        { "WARNING: fs/btrfs/transaction.c:2045 at btrfs_commit_transaction+0xa21/0xd30 [btrfs], CPU#11: bonnie++/3377975",
          GRADE_FINDING, CLASS_SPLAT, .is = TEARDOWN | RELATED },
        { "WARNING: CPU: 3 PID: 99 at drivers/gpu/drm/i915/display/intel_display.c:100 foo+0x1/0x2 [i915]",
          GRADE_FINDING, CLASS_SPLAT, .is = TEARDOWN },

        /* Hangs and memory. */
        { "INFO: task btrfs-transacti:123 blocked for more than 120 seconds.", GRADE_FINDING, CLASS_HANG, .is = RELATED },
        { "INFO: task ss:scrub/0:123 blocked for more than 122 seconds.", GRADE_FINDING, CLASS_HANG, .is = RELATED },
        { "INFO: task nfsd:77 blocked for more than 120 seconds.", GRADE_FINDING, CLASS_HANG, .is = 0 },
        { "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [btrfs-cleaner:300]", GRADE_FINDING, CLASS_HANG, .is = RELATED },
        { "watchdog: Watchdog detected hard LOCKUP on cpu 3", GRADE_FINDING, CLASS_HANG, .is = 0 },
        { "rcu: INFO: rcu_preempt self-detected stall on CPU", GRADE_FINDING, CLASS_HANG, .is = 0 },
        { "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=ss:churn/0,pid=5,uid=0",
          GRADE_SETUP, CLASS_SETUP_ERRNO, .is = RELATED },
        { "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/x,task=java,pid=5,uid=0",
          GRADE_SETUP, CLASS_SETUP_ERRNO, .is = 0 },

        /* btrfs' own words. */
        { "BTRFS error (device loop3): btrfs_scrub_dev(/dev/loop3, 1, /dev/loop7) failed -22",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3, .error = -22 },
        { "BTRFS info (device loop3): dev_replace from /dev/loop3 (devid 1) to /dev/loop7 started",
          GRADE_EXPECT, CLASS_ERRNO, .is = RELATED, .device = LOOP3 },
        { "BTRFS critical (device loop3): unable to find chunk map for logical 2147483648 length 16384",
          GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS critical (device loop3): unable to find chunk map for logical 2147483648 length 16384",
          GRADE_FINDING, CLASS_SCRUB_RACE, .is = OURS | RELATED, .device = LOOP3, .flags = OBS_COLLIDED },
        { "BTRFS critical (device loop3): unable to find logical 2147483648 length 4096",
          GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS warning (device loop3): block group 1104150528 has wrong amount of free space",
          GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS critical (device sdc2): corrupt leaf: root=2 block=1029783552 slot=1, unexpected item end",
          GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = "sdc2" },
        { "BTRFS error (device sda3): block=5763170304 write time tree block corruption detected",
          GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = "sda3" },
        { "BTRFS critical (device loop3): found a bad chunk map, wanted 1 length 2, found logical 3 length 4", GRADE_FINDING, CLASS_ERRNO,
          .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS critical (device loop3): something new and bad", GRADE_FINDING, CLASS_ERRNO, .is = OURS | RELATED, .device = LOOP3 },

        /* What scrub says of discarded blocks. */
        { "BTRFS error (device loop3): bdev /dev/loop3 errs: wr 0, rd 0, flush 0, corrupt 1, gen 0",
          GRADE_FINDING, CLASS_SCRUB_COUNTERS, .is = OURS | RELATED, .device = LOOP3, .flags = OBS_DISCARDS },
        { "BTRFS error (device loop3): bdev /dev/loop3 errs: wr 0, rd 1, flush 0, corrupt 1, gen 0",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = LOOP3, .flags = OBS_DISCARDS },
        { "BTRFS warning (device loop3): scrub: tree block 30605312 mirror 1 has bad bytenr, has 0 want 30605312",
          GRADE_FINDING, CLASS_SCRUB_COUNTERS, .is = OURS | RELATED, .device = LOOP3, .flags = OBS_DISCARDS },
        { "BTRFS error (device loop3): scrub: unable to fixup (regular) error at logical 30605312 on dev /dev/loop3 physical 30605312",
          GRADE_FINDING, CLASS_SCRUB_COUNTERS, .is = OURS | RELATED, .device = LOOP3, .flags = OBS_DISCARDS },

        /* Devices. */
        { "BTRFS error (device sdb1): bdev /dev/sdb1 errs: wr 10, rd 0, flush 0, corrupt 0, gen 0",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = "sdb1" },
        { "BTRFS error (device loop3): unable to fixup (regular) error at logical 22020096 on dev /dev/loop3 physical 22020096",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS warning (device vda3): csum failed root 257 ino 34956 off 0 csum 0xf5f4f143 expected csum 0x00000000 mirror 1",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = "vda3" },
        { "BTRFS warning (device loop3): checksum error at logical 22020096 on dev /dev/loop3, physical 22020096, root 5, inode 257",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = LOOP3 },
        { "BTRFS error (device vda3): parent transid verify failed on logical 60178432 mirror 1 wanted 13 found 0",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = "vda3" },
        { "BTRFS error (device loop3): error writing primary super block to device 1",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = LOOP3 },
        { "I/O error, dev loop3, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS, .device = LOOP3 },
        { "blk_update_request: critical medium error, dev sdb, sector 99", GRADE_HW, CLASS_IO_ERROR, .is = OURS, .device = "sdb" },
        { "critical target error, dev nvme0n1, sector 99", GRADE_HW, CLASS_IO_ERROR, .is = OURS, .device = "nvme0n1" },
        { "Buffer I/O error on dev loop3, logical block 0, async page read", GRADE_HW, CLASS_IO_ERROR, .is = OURS, .device = LOOP3 },
        { "WARNING: no carrier on dev eth0", GRADE_FINDING, CLASS_SPLAT, .is = TEARDOWN },
        { "blk_update_request: I/O error, dev sdb, sector 99 op 0x1:(WRITE) flags 0x800",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS, .device = "sdb" },
        { "BTRFS warning (device mapper/vg-lv): csum failed root 5 ino 1 off 0",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = "mapper/vg-lv" },
        { "BTRFS warning (device /dev/sdb): csum failed root 5 ino 1 off 0",
          GRADE_HW, CLASS_IO_ERROR, .is = OURS | RELATED, .device = "sdb" },
};

static unsigned traits(const Line *l, const KmsgRule *r) {
        return (r && r->ours_only ? OURS : 0) | (r && r->lost ? LOST : 0) | (r && r->fatal ? FATAL : 0) |
               (r && r->teardown ? TEARDOWN : 0) | (kmsg_is_related(l->text) ? RELATED : 0) | (kmsg_ends_report(l->text) ? END : 0);
}

static void check_line(const KmsgMatcher *m, const Line *l) {
        const KmsgRule *r = kmsg_match(m, l->text, l->flags);
        char device[KMSG_DEVICE_MAX] = "";
        bool named = kmsg_device(l->text, device);

        if ((r ? r->grade : NOTHING) != l->grade || (r && r->class != l->class))
                fail_msg("\"%s\": %s by \"%s\"", l->text, r ? grade_name(r->grade) : "no rule", r ? r->pattern : "");
        if (traits(l, r) != l->is)
                fail_msg("\"%s\": traits %#x, expected %#x", l->text, traits(l, r), l->is);
        if (named != (l->device != NULL) || strcmp(device, l->device ?: "") != 0)
                fail_msg("\"%s\": device \"%s\"", l->text, device);
        if (kmsg_errno(l->text) != l->error)
                fail_msg("\"%s\": errno %d", l->text, kmsg_errno(l->text));
}

static void test_lines(void **state) {
        assert_true(ELEMENTSOF(lines) >= 60);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                check_line(*state, &lines[i]);
}

/* Every rule is what some line of the table comes to: none is dead, none hidden by an earlier one. */
static void test_every_rule_is_met(void **state) {
        for (size_t k = 0; k < n_kmsg_rules; k++) {
                bool met = false;
                for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                        met |= kmsg_match(*state, lines[i].text, lines[i].flags) == &kmsg_rules[k];
                if (!met)
                        fail_msg("no line meets \"%s\"", kmsg_rules[k].pattern);
        }
}

static void test_rules_explain_themselves(void **state _unused_) {
        for (size_t k = 0; k < n_kmsg_rules; k++) {
                const KmsgRule *r = &kmsg_rules[k];
                assert_true(r->why && strlen(r->why) > 10);
                assert_int_not_equal(r->grade, GRADE_KNOWN); /* that is what known issues are for */
                assert_true(r->grade != GRADE_CONSEQUENCE || r->lost);
        }
}

static void test_devices_at_the_edge(void **state _unused_) {
        char device[KMSG_DEVICE_MAX], line[2 * KMSG_DEVICE_MAX];

        assert_false(kmsg_device("BTRFS info (device ", device));
        assert_false(kmsg_device("BTRFS info (device )", device));
        assert_false(kmsg_device("a text that ends in dev ", device));
        assert_false(kmsg_device("", device));
        snprintf(line, sizeof(line), "BTRFS info (device %0*d): x", KMSG_DEVICE_MAX - 1, 7);
        assert_true(kmsg_device(line, device));
        assert_int_equal(strlen(device), KMSG_DEVICE_MAX - 1);
        snprintf(line, sizeof(line), "BTRFS info (device %0*d): x", KMSG_DEVICE_MAX, 7);
        assert_false(kmsg_device(line, device));
}

static void test_errnos_at_the_edge(void **state _unused_) {
        assert_int_equal(kmsg_errno("errno=-0"), 0);
        assert_int_equal(kmsg_errno("errno=-99999999999999999999"), 0);
        assert_int_equal(kmsg_errno("errno=-"), 0);
        assert_int_equal(kmsg_errno("offset -28 ret -5"), -5);
}

static int setup(void **state) {
        return kmsg_matcher_new((KmsgMatcher **)state);
}

static int teardown(void **state) {
        kmsg_matcher_free(*state);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_every_rule_is_met),
                cmocka_unit_test(test_rules_explain_themselves),
                cmocka_unit_test(test_devices_at_the_edge),
                cmocka_unit_test(test_errnos_at_the_edge),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
