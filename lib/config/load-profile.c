/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/load-profile.h"

#include <string.h>

#include "base/macro.h"

/*
 * The defaults. A removal waits for commits, and so does a scrub between looking a group up and looking for its chunk map. What makes commits short
 * makes both come oftener: little data in a cycle, small metadata blocks, and a checksum that is quick where crc32c has no instruction of its own.
 */
static const char *const race_values[] = { NULL };

/* The shape in which the cleaner of an unmodified 6.12 was seen to fail: one large device, groups allocated and emptied in bursts. */
static const char *const burst_values[] = {
        "Target.Devices=loop:2GiB",
        "Target.DataProfile=single",
        "Target.MetadataProfile=single",
        "Target.NodeSize=16KiB",
        "Target.Checksum=crc32c",
        "Target.MountOptions=nodiscard",
        "Churn.Fill=fallocate",
        "Churn.FileSize=180MiB",
        "Churn.Files=4",
        "Sync.Workers=0",
        "Balance.Enabled=no",
        "Scrub.Aim=no",
        NULL,
};

/* A scrub or balance in flight refuses the replace. Without scrubs, which set groups read-only, small files use one data group for ever: a
 * file larger than a group makes groups die (a tenth of the device, 112 MiB). Allocated, not written, for what it holds is copied. */
static const char *const replace_values[] = {
        "Target.Devices=loop:1GiB",
        "Target.MetadataProfile=single",
        "Churn.Fill=fallocate",
        "Churn.FileSize=130MiB",
        "Replace.Enabled=yes",
        "Scrub.Enabled=no",
        "Balance.Enabled=no",
        NULL,
};

/*
 * A turn is long against a replace, which copies what the churn holds on the device: some hundred MiB, a second or less. Without scrubs, which set
 * groups read-only, groups only die when a cycle fills more than one: a tenth of the device's sum, 208 MiB, against 7 x 32 MiB. Twice that, while
 * it is overwritten or a snapshot holds it, has to fit above the headroom, which with metadata in two copies it would not. Rests are short
 * against a turn, and so long that a scrub, a balance and a replace, which exclude each other, each come to it.
 */
static const char *const matrix_values[] = {
        "Run.PairTime=10s",
        "Target.Devices=loop:1GiB*2",
        "Target.MetadataProfile=single",
        "Churn.Fill=mixed",
        "Churn.Empty=unlink subvolume overwrite reflink defrag",
        "Churn.FileSize=32MiB",
        "Churn.Files=7",
        "Balance.Rest=300ms",
        "Replace.Enabled=yes",
        "Replace.Rest=300ms",
        "Remount.Enabled=yes",
        "Remount.Rest=300ms",
        "Snapshot.Enabled=yes",
        "Snapshot.Hold=100ms",
        "Snapshot.Rest=100ms",
        "Trim.Enabled=yes",
        "Trim.Rest=100ms",
        NULL,
};

/*
 * ControlInterval, WholeInterval: what does not race with anything, and what has lain for long, is read too; the whole scrubs come to block groups
 * that aimed ones leave out (load profile burst), so they are rare.
 * Populate: as much as an aimed scrub takes for a group that lives (CHURN_SLACK in budget.c). The churn shares that group, and only while scrubs
 * set it read-only are other groups made and removed.
 * Empty: not overwrite, with which files stay, and with them the group would be taken for a full one.
 * FileSize, Files, Dwell: 32 MiB every two seconds, some more than half of them written: about 1 TB a day, which a disk endures for weeks.
 * NodeSize, Checksum, BlockSize: as filesystems in use have them.
 * VerifyEvery: all that is written is read back.
 * Rests: without any a disk would do nothing but commit and seek. A balance moves what Populate= wrote, which is written once more then.
 */
static const char *const soak_values[] = {
        "Run.ControlInterval=1h",
        "Target.NodeSize=16KiB",
        "Target.Checksum=crc32c",
        "Target.Populate=16MiB",
        "Churn.Fill=mixed",
        "Churn.Empty=unlink truncate punch subvolume reflink defrag",
        "Churn.FileSize=4MiB",
        "Churn.Files=8",
        "Churn.BlockSize=256KiB",
        "Churn.Dwell=2s",
        "Churn.VerifyEvery=1",
        "Sync.Rest=50ms",
        "Balance.Rest=5m",
        "Scrub.WholeInterval=30m",
        "Scrub.Rest=50ms",
        NULL,
};

/* With these devices and this population 2.3 GiB are unallocated, of which 1 GiB is the headroom (budget.h): a run may start (three data groups
 * of 368 MiB are free above it), and the files of a cycle are more than what is left. Allocated, not written, so that a cycle takes a moment. */
static const char *const enospc_values[] = {
        "Target.Devices=loop:896MiB*4",
        "Target.Populate=400MiB",
        "Churn.Fill=fallocate",
        "Churn.Empty=unlink truncate punch subvolume",
        "Churn.FileSize=170MiB",
        "Churn.Files=10",
        NULL,
};

const LoadProfile load_profiles[] = {
        { "race", "Small written files on four devices with four copies of metadata, a sync loop, a scrub per device, aimed at block groups "
                  "that live: the most hits, and clear of the bug of released kernels that burst is for, as far as a load can be.",
          race_values },
        { "replace", "A device is replaced by a spare, again and again, while block groups come and go, with neither scrub nor balance in "
                     "the way: the race as device replace meets it.", replace_values },
        { "matrix", "Every two of balance, remount, replace, scrub, snapshot and trim run together for ten seconds, beside a churn that also "
                    "defragments, reflinks and deletes subvolumes: the pairs that fstests walks in btrfs/060 to 074. Once through takes 150 s. "
                    "Large files die here as in burst, so it may meet the same bug.", matrix_values },
        { "soak", "Gentle and verifying, for weeks on hardware: everything that is written is read back, files are emptied in many ways, devices "
                  "are scrubbed from end to end now and then, and a control scrub comes every hour. About 1 TB is written a day.", soak_values },
        { "enospc", "The churn fills the target up to the headroom and empties it, all the time: space is reserved, chunks are made and removed "
                    "with little more than that left. A transaction that is aborted then for want of space is a known failure, and the target is "
                    "made again, at most MaxRemakes= times. The values belong together: with other devices the churn may stay far from the "
                    "headroom, or find no room at all.", enospc_values },
        { "burst", "Large files allocated and emptied all at once on one device: many block groups die together. Not for a machine "
                   "that is needed: this load alone has broken released kernels (an assertion in the cleaner, aborted transactions).",
          burst_values },
};
const size_t n_load_profiles = ELEMENTSOF(load_profiles);

const LoadProfile *load_profile_find(const char *name) {
        for (size_t i = 0; i < n_load_profiles; i++)
                if (strcmp(load_profiles[i].name, name) == 0)
                        return &load_profiles[i];
        return NULL;
}

const char *load_profile_value(const LoadProfile *p, const char *section, const char *name) {
        size_t n = strlen(section), m = strlen(name);

        for (const char *const *v = p->values; *v; v++)
                if (strncmp(*v, section, n) == 0 && (*v)[n] == '.' && strncmp(*v + n + 1, name, m) == 0 && (*v)[n + 1 + m] == '=')
                        return *v + n + 1 + m + 1;
        return NULL;
}

char *load_profile_origin(const LoadProfile *p, char buf[static LOAD_PROFILE_ORIGIN_MAX]) {
        snprintf(buf, LOAD_PROFILE_ORIGIN_MAX, "profile %s", p->name);
        return buf;
}

bool load_profile_is_origin(const char *origin) {
        char buf[LOAD_PROFILE_ORIGIN_MAX];

        for (size_t i = 0; i < n_load_profiles; i++)
                if (strcmp(load_profile_origin(&load_profiles[i], buf), origin) == 0)
                        return true;
        return false;
}
