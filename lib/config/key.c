/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/key.h"

/* Field by field of Config. */
#define SLOT(field) offsetof(Config, field), sizeof(((Config *)NULL)->field)

#define SEC(n) ((n) * NSEC_PER_SEC)
#define HOUR SEC(UINT64_C(3600))

static const char *const on_finding_names[] = { [ON_FINDING_CONTINUE] = "continue", [ON_FINDING_STOP] = "stop", [ON_FINDING_HOLD] = "hold",
                                                 NULL };
static const char *const populate_fill_names[] = { [POPULATE_WRITE] = "write", [POPULATE_SPARSE] = "sparse", NULL };
static const char *const fill_names[] = { [FILL_WRITE] = "write", [FILL_FALLOCATE] = "fallocate", [FILL_MIXED] = "mixed", NULL };
static const char *const engine_names[] = { [ENGINE_AUTO] = "auto", [ENGINE_URING] = "uring", [ENGINE_PWRITE] = "pwrite", NULL };
static const char *const layer_names[] = { [LAYER_NONE] = "none", [LAYER_DM] = "dm", NULL };
static const char *const sync_names[] = { [SYNC_SYNC] = "sync", [SYNC_START_WAIT] = "start-wait", [SYNC_MIXED] = "mixed", NULL };
static const char *const empty_names[] = { "unlink", "truncate", "punch", "subvolume", "overwrite", "reflink", "defrag",
                                           NULL }; /* bits of ChurnEmpty, in order */
static const char *const group_names[] = { "data", "metadata", "system", NULL }; /* bits of GroupType, in order */
static const char *const fault_names[] = {
        "bad-sector", "cancel", "data", "device-loss", "freeze", "io-limit", "memory-limit", "parity", "power-cut", "read-only", "slow-disk", "super", "tree",
        "write-error", NULL,
}; /* bits: the order of faults[] (fault/fault.h) */
static const char *const auto_names[] = { "auto", NULL };
static const char *const checksum_names[] = { "crc32c", "xxhash", "sha256", "blake2", NULL };

const Key keys[] = {
        { "Run", "Instance", &type_name, SLOT(run.instance), "default",
          .help = "Name of this run's configuration. Two runs of one name exclude each other; the name appears in the status line "
                  "and in the report." },
        { "Run", "Profile", &type_load_profile, SLOT(run.profile), "race",
          .help = "The load: a named set of values that stand in for the defaults of other keys. Files and the command line override "
                  "them, whatever the order." },
        { "Run", "Duration", &type_duration, SLOT(run.duration_ns), "0", .max = 8760 * HOUR,
          .help = "How long to stress. 0 runs until stopped. The command scrubstress run takes 60s when neither a file nor the "
                  "command line gives a value." },
        { "Run", "Seed", &type_number, SLOT(run.seed), "0",
          .help = "Seed of all random choices; the same seed makes the same choices again. 0 takes one from the kernel, and the "
                  "report names it." },
        { "Run", "PairTime", &type_duration, SLOT(run.pair_time_ns), "0", .max = 24 * HOUR,
          .help = "Walk all pairs of operations: churn and sync run all the time, of the other stressors that are switched on only two, so long, "
                  "then another two, until each has met each, and again from the first. The report says how much was met in which. "
                  "Needs three or more of them. 0: all run all the time." },
        { "Run", "Tune", &type_bool, SLOT(run.tune), "no",
          .help = "Try other settings than those asked for while the run goes on, and keep those with which removals and scrubs meet most "
                  "closely and most often here: rests of sync, scrub and balance, Dwell=, and FileSize=, Files= and Workers= of [Churn] up to "
                  "what is asked for. Takes a minute or two, needs trace events, and says what it has settled on." },
        { "Run", "MinCollisions", &type_number, SLOT(run.min_collisions), "100",
          .help = "A clean run with fewer collisions (a block group removed while a scrub that has it in range is in flight) ends "
                  "INCONCLUSIVE, not PASS." },
        { "Run", "Check", &type_bool, SLOT(run.check), "yes",
          .help = "Have btrfs check look at the target when it has been unmounted at the end; what it finds is a finding. It reads all metadata, and "
                  "needs memory for it: some GiB for some TiB of Populate=. It is given ten minutes. A run that is stopped by a signal does without." },
        { "Run", "MaxRemakes", &type_number, SLOT(run.max_remakes), "10", .max = 10000,
          .help = "A target lost to a transaction abort or to a forced read-only is saved as evidence and made again, at most so "
                  "many times; then the run ends. 0 ends it at the first loss." },
        { "Run", "OnFinding", &type_enum, SLOT(run.on_finding), "continue", on_finding_names,
          .help = "What to do after a finding against kernel or hardware: continue and count, stop at the first one, or hold everything at the "
                  "first one as it is for a debugger: the workers are stopped (SIGSTOP), the target stays mounted, and a signal that would "
                  "have ended the run still does. Time held is not time under stress." },
        { "Run", "OperationDeadline", &type_duration, SLOT(run.operation_deadline_ns), "2m", .min = SEC(1), .max = 24 * HOUR,
          .help = "An operation that stays in the kernel longer than this is reported as stuck, with its kernel stack where that is "
                  "readable." },
        { "Run", "ControlInterval", &type_duration, SLOT(run.control_interval_ns), "0", .max = 24 * HOUR,
          .help = "Pause the stress this often for a control scrub of the quiesced target and a look for empty block groups that the "
                  "kernel should have deleted, and for space that it keeps from use though nothing holds it. 0 does so only to confirm a "
                  "suspect and at the end." },
        { "Run", "MaxFindings", &type_number, SLOT(run.max_findings), "64", .min = 1, .max = 10000,
          .help = "So many findings get a folder of evidence; later ones are only counted." },
        { "Run", "EvidenceDirectory", &type_path, SLOT(run.evidence_directory), "/var/lib/scrubstress",
          .help = "Where the evidence of findings is kept. It must not lie below MountPoint=, where it would be lost with the "
                  "target." },

        { "Soak", "Duration", &type_duration, SLOT(soak.duration_ns), "0", .max = 8760 * HOUR,
          .help = "Stress so long in all, however many starts that takes: a soak. It is kept in a ledger, and after a kill, a crash, a loss of "
                  "power or an orderly stop the next start with the same configuration carries on with the same run id, counters and findings. "
                  "Only time under stress counts. Stands in for Duration= of [Run], which must be 0 then. 0: no soak and no ledger." },
        { "Soak", "LedgerDirectory", &type_path, SLOT(soak.ledger_directory), "/var/lib/scrubstress",
          .help = "Where the ledger of a soak is kept, an SQLite file for each Instance=. It must not lie below MountPoint=. It is written every ten "
                  "seconds, so its filesystem should be none that the stress slows down." },

        { "Target", "Devices", &type_devices, SLOT(target.devices), "loop:1536MiB*4",
          .help = "What the target is made of: sparse loop files of a size, and how many; they have no name in any directory, and "
                  "vanish with the run, kill -9 included. Or whole disks, best by their links in /dev/disk/by-id: all that is on "
                  "them is lost, and each needs its serial in Wipe=. A list may be continued over lines that end in a backslash." },
        { "Target", "Wipe", &type_serials, SLOT(target.wipe), "none",
          .help = "Consent to lose all that is on the disks of Devices=: the serial of each, in the same order, as the kernel reports "
                  "it and scrubstress devices prints it. A disk is written to only if every interlock agrees; otherwise the run is "
                  "refused with exit code 5 and nothing is written." },
        { "Target", "WipeSignatures", &type_bool, SLOT(target.wipe_signatures), "no",
          .help = "Also take disks that hold a filesystem, RAID, LVM, LUKS or a partition table. Without it only empty disks and the "
                  "targets of earlier runs, which are known by their label, are taken." },
        { "Target", "Size", &type_size, SLOT(target.size), "0",
          .help = "Size that each disk must have, within a hundredth of it. 0: any." },
        { "Target", "Layer", &type_enum, SLOT(target.layer), "none", layer_names,
          .help = "What lies between the loop files and the filesystem: dm puts a device of device mapper over each, which lets everything "
                  "through but while a fault that needs it strikes ([Fault] Faults=). Needs a kernel with CONFIG_BLK_DEV_DM. These devices "
                  "vanish with the run, kill -9 included." },
        { "Target", "ImageDirectories", &type_path_list, SLOT(target.image_directories), "/dev/shm /var/tmp",
          .help = "Directories for the loop files, separated by blanks; the first one with enough room is taken. A tmpfs is fastest "
                  "and makes the most collisions." },
        { "Target", "MountPoint", &type_path, SLOT(target.mount_point), "/mnt",
          .help = "Where the target is mounted, in the mount namespace of the run only: the rest of the system does not see it." },
        { "Target", "MountOptions", &type_options, SLOT(target.mount_options), "nodiscard",
          .help = "Mount options of the target, separated by commas; defaults stands for none. Without nodiscard, unused block "
                  "groups wait 10 seconds in the discard queue before they are removed, and collisions become rare." },
        { "Target", "DataProfile", &type_profile, SLOT(target.data_profile), "single",
          .help = "Block group profile for data, as mkfs.btrfs takes it. Devices= must give enough devices for it." },
        { "Target", "MetadataProfile", &type_profile, SLOT(target.metadata_profile), "auto", auto_names,
          .help = "Block group profile for metadata, as mkfs.btrfs takes it. Devices= must give enough devices for it. auto takes dup on "
                  "one device, raid1 on more, and raid1c4 on four or more of 1.5 GiB: a removal is met by the scrub of every device that "
                  "has a copy." },
        { "Target", "NodeSize", &type_power_of_two, SLOT(target.nodesize), "4KiB", .min = 4 * KiB, .max = 64 * KiB,
          .help = "Size of the metadata blocks, as mkfs.btrfs takes it. Small ones make short commits, and more hits." },
        { "Target", "Checksum", &type_word, SLOT(target.checksum), "xxhash", checksum_names,
          .help = "Checksum algorithm of the target, as mkfs.btrfs takes it." },
        { "Target", "Populate", &type_size, SLOT(target.populate), "0", .max = 16 * TiB,
          .help = "Bytes of data to write to the target when it is made, which stay there: a real disk is not empty. With up to 16 GiB that are "
                  "written goes a file of 64 KiB, which keeps the block group of the churn's small files." },
        { "Target", "PopulateFill", &type_enum, SLOT(target.populate_fill), "write", populate_fill_names,
          .help = "How Populate= is filled: written, or sparse, which allocates so much and then keeps 64 MiB of each GiB. As many block groups "
                  "stay as that would take, and there is little to write, to hold in memory or to scrub." },
        { "Target", "ReclaimThreshold", &type_percent, SLOT(target.reclaim_threshold), "0%", .max = 100,
          .help = "Have the kernel relocate, by itself, each data block group whose use falls below so much of its size (bg_reclaim_threshold, "
                  "Linux 5.19). It falls below it, and not to nothing at once, where files are large and several, or with Populate=. 0 "
                  "leaves the kernel as it is, which relocates none." },
        { "Target", "DynamicReclaim", &type_bool, SLOT(target.dynamic_reclaim), "no",
          .help = "Have the kernel choose that threshold by itself, the higher the less unallocated space is left (dynamic_reclaim, Linux 6.11)." },

        { "Churn", "Workers", &type_number, SLOT(churn.workers), "1", .max = CONFIG_WORKERS_MAX,
          .help = "Processes that fill block groups and empty them again, so that the kernel removes them. 0 switches the churn off; "
                  "there are hardly any collisions then." },
        { "Churn", "Fill", &type_enum, SLOT(churn.fill), "write", fill_names,
          .help = "How block groups are filled: by writing, by fallocate (no data, many groups at once), or by one cycle this way and one that." },
        { "Churn", "Empty", &type_set, SLOT(churn.empty), "unlink", empty_names,
          .help = "How they are emptied, one or more ways, taken in turn: unlink the files, truncate them to nothing, punch holes, "
                  "delete the subvolume that holds them, overwrite the files in place (the new data goes elsewhere), reflink each to a second "
                  "file and unlink one and then the other, or defrag them, which moves their data, and unlink them. overwrite and defrag need "
                  "files that are written, not allocated: with Fill=mixed, such cycles write." },
        { "Churn", "FileSize", &type_size, SLOT(churn.file_size), "64KiB", .min = 4 * KiB, .max = TiB,
          .help = "Size of each file. Small files keep scrubs and commits short, and short ones collide most often." },
        { "Churn", "Files", &type_number, SLOT(churn.files), "1", .min = 1, .max = 65536,
          .help = "Files that each worker fills per cycle." },
        { "Churn", "BlockSize", &type_power_of_two, SLOT(churn.block_size), "64KiB", .min = 4 * KiB, .max = 16 * MiB,
          .help = "Bytes of each write request. At most FileSize=." },
        { "Churn", "Depth", &type_number, SLOT(churn.depth), "4", .min = 1, .max = 256,
          .help = "Write requests in flight per worker, with io_uring. Each keeps a registered buffer of BlockSize=." },
        { "Churn", "Engine", &type_enum, SLOT(churn.engine), "auto", engine_names,
          .help = "How writes are issued: by io_uring, by plain pwrite, or auto for io_uring where the kernel allows it and pwrite "
                  "where not." },
        { "Churn", "Dwell", &type_duration, SLOT(churn.dwell_ns), "0", .max = HOUR,
          .help = "How long a worker leaves files that it has filled and synced before it empties them." },
        { "Churn", "SyncBetween", &type_bool, SLOT(churn.sync_between), "yes",
          .help = "Sync the filesystem after filling and after emptying. A block group can only be removed after the commit that "
                  "emptied it." },
        { "Churn", "VerifyEvery", &type_number, SLOT(churn.verify_every), "16", .max = UINT32_MAX,
          .help = "One block in so many of those written (BlockSize=), drawn at random, is read back from the devices before its file is "
                  "emptied, and compared with what was written. 1 reads back everything, 0 nothing." },
        { "Churn", "WriteBudget", &type_write_budget, SLOT(churn.write_budget), "0",
          .help = "How much data the workers may write, to spare disks: so many bytes in all, or so many drive writes per day (0.5dwpd), which the "
                  "capacity of the devices and the time under stress make up, copies of the data included. What is spent stops the writing and "
                  "not the run: from then on, or until time has brought more, files are only allocated, and not overwritten or "
                  "defragmented. Metadata, what balances move and Populate= are not counted. 0: no limit." },

        { "Sync", "Workers", &type_number, SLOT(sync.workers), "1", .max = CONFIG_WORKERS_MAX,
          .help = "Processes that sync the filesystem in a loop, which commits and wakes the cleaner that removes block groups. 0 "
                  "switches this off." },
        { "Sync", "Mode", &type_enum, SLOT(sync.mode), "sync", sync_names,
          .help = "By the sync ioctl, by start-wait (start a commit, then wait for it), or by both in turn." },
        { "Sync", "Rest", &type_duration, SLOT(sync.rest_ns), "300us", .max = HOUR,
          .help = "Rest between two syncs of a worker. Without any, most syncs find nothing to commit and take time from the scrubs." },

        { "Balance", "Enabled", &type_bool, SLOT(balance.enabled), "yes",
          .help = "Balance the filesystem in bursts, with usage filters." },
        { "Balance", "UsageData", &type_percent, SLOT(balance.usage_data), "5%", .max = 100,
          .help = "Data block groups filled at most so far are relocated. 0 takes empty ones only. What stays in the target and is half a group or "
                  "less would be moved by each balance with more than that." },
        { "Balance", "UsageMetadata", &type_percent, SLOT(balance.usage_metadata), "50%", .max = 100,
          .help = "Metadata block groups filled at most so far are relocated. 0 takes empty ones only." },
        { "Balance", "Burst", &type_number, SLOT(balance.burst), "1", .min = 1, .max = 1000,
          .help = "Balances in a row before a rest." },
        { "Balance", "Rest", &type_duration, SLOT(balance.rest_ns), "10s", .max = 24 * HOUR,
          .help = "Rest before each burst. A running balance holds the lock that the cleaner only tries for: without rests no block "
                  "group is removed by the cleaner." },

        { "Scrub", "Enabled", &type_bool, SLOT(scrub.enabled), "yes",
          .help = "Scrub every device in parallel, in a loop, one process per device. Without scrubs there are no collisions." },
        { "Scrub", "ReadOnly", &type_bool, SLOT(scrub.readonly), "no",
          .help = "Scrub without repairs. On a read-write mount the kernel still writes, for it sets block groups read-only "
                  "meanwhile." },
        { "Scrub", "Aim", &type_bool, SLOT(scrub.aim), "yes",
          .help = "Scrub the device extents of block groups that are there, looked for before each scrub, and leave out those that are full of "
                  "data which stays. From one commit to the next all devices scrub the oldest system group, if Groups= has them, for that is "
                  "deleted next; to the one after, any. no scrubs each device from end to end." },
        { "Scrub", "Groups", &type_set, SLOT(scrub.groups), "data system", group_names,
          .help = "With Aim=yes, the types of block groups to scrub. Scrubs of metadata groups have the kernel make and remove more of those; "
                  "with them the bug of released kernels that the load profile burst is for is met more often." },
        { "Scrub", "WholeInterval", &type_duration, SLOT(scrub.whole_interval_ns), "0",
          .help = "With Aim=yes, how often a device is scrubbed from end to end all the same. 0: never but in the control scrubs." },
        { "Scrub", "Rest", &type_duration, SLOT(scrub.rest_ns), "0", .max = HOUR,
          .help = "Rest between two scrubs of a device." },

        { "Cancel", "Enabled", &type_bool, SLOT(cancel.enabled), "no",
          .help = "Cancel the scrubs that are in flight, in a loop; they begin again at once." },
        { "Cancel", "Rest", &type_duration, SLOT(cancel.rest_ns), "50ms", .max = HOUR,
          .help = "Rest between two cancels." },

        { "Replace", "Enabled", &type_bool, SLOT(replace.enabled), "no",
          .help = "Replace the devices in turn by a spare, one more loop file of their size. Scrubs and replaces exclude each other, and so "
                  "do balances and replaces: to race with the removal of block groups, switch scrub and balance off, as the load "
                  "profile replace does. A block group that is removed while a replace of its device is in flight counts as a collision." },
        { "Replace", "Rest", &type_duration, SLOT(replace.rest_ns), "0", .max = HOUR,
          .help = "Rest between two replaces." },

        { "Remount", "Enabled", &type_bool, SLOT(remount.enabled), "no",
          .help = "Change mount options of the mounted target, in a loop, each time to MountOptions= with one set of Options=; at the end back to "
                  "MountOptions= alone." },
        /* Not in it: discard, for which see below; flushoncommit, with which kernels before a0f0cf8341e3 (5.17) warn at each commit, and a
         * warning is a finding; nodatasum and nodatacow, for data without checksums leaves scrubs little to do. */
        { "Remount", "Options", &type_option_sets, SLOT(remount.options), "compress=zstd commit=1 autodefrag",
          .help = "The sets, walked in this order and then again from the first; defaults stands for none. With discard in one of them empty "
                  "block groups may wait in the discard queue (see MountOptions=): collisions become rare, and the search for empty "
                  "block groups that the kernel should have deleted is off." },
        { "Remount", "Rest", &type_duration, SLOT(remount.rest_ns), "1s", .max = HOUR,
          .help = "Rest between two remounts. Each writes out all data, as sync does, and some lines to the kernel log." },

        { "Snapshot", "Enabled", &type_bool, SLOT(snapshot.enabled), "no",
          .help = "Take a snapshot of the whole target, hold it for a moment and delete it, in a loop. What is unlinked meanwhile keeps its block "
                  "group until the cleaner has dropped the snapshot." },
        { "Snapshot", "Hold", &type_duration, SLOT(snapshot.hold_ns), "20ms", .max = HOUR,
          .help = "How long a snapshot is held before it is deleted." },
        { "Snapshot", "Rest", &type_duration, SLOT(snapshot.rest_ns), "20ms", .max = HOUR,
          .help = "Rest after its deletion." },

        { "Trim", "Enabled", &type_bool, SLOT(trim.enabled), "no",
          .help = "Trim the whole target (FITRIM, as fstrim does) in a loop: the free space of every block group and what no block group has. "
                  "Devices= must be able to discard, as loop files are. A trim cannot be interrupted: a pause for a control scrub "
                  "waits a minute for its end, and then there is none; on large disks raise OperationDeadline=. Beside a balance "
                  "released kernels can warn, and beside scrubs they count errors in discarded blocks: the first fails the run, the second does on disks." },
        { "Trim", "Rest", &type_duration, SLOT(trim.rest_ns), "1s", .max = HOUR,
          .help = "Rest between two trims. While its free space is discarded the cleaner passes a block group by, and no chunk is made while "
                  "unallocated space is: without rests there are fewer collisions." },

        { "Verify", "Share", &type_percent, SLOT(verify.share), "10%", .max = 100,
          .help = "The data that stays (Populate=, written) is read over and over, from the devices, by a process that takes so much of its time, and "
                  "compared with what was written; all of it once more when the stress has ended. 0 switches this off." },

        { "Fault", "Enabled", &type_bool, SLOT(fault.enabled), "no",
          .help = "Break something on purpose, again and again, and hold the kernel to what must come of it: the stress pauses, single bits are flipped "
                  "on the devices below the mounted target, or devices fail, scrubs must report and repair exactly that, and all data must read back "
                  "right. More, less or other than that is a finding. Needs a kernel that lets mounted devices be written to, as most do." },
        { "Fault", "Faults", &type_set, SLOT(fault.faults),
          "bad-sector cancel data device-loss freeze io-limit memory-limit parity power-cut read-only slow-disk super tree write-error", fault_names,
          .help = "Which, in turn: bits of one copy of some data (where there is but one copy and no parity, exactly these blocks must be lost), a bit "
                  "of the parity of some data, of a superblock, of one copy of a tree block; a scrub or balance, with Replace.Enabled= also a replace, cancelled, or a balance paused, in its middle (cancel), a freeze of the filesystem under "
                  "writes and scrubs (freeze), a remount read-only and back (read-only), one who writes and is short of memory or I/O by the limits of a control group (memory-limit, io-limit), "
                  "under all of which nothing may get through or break. With Target.Layer=dm also: sectors of one copy of "
                  "some data that cannot be read until they are written (bad-sector; dm-dust), a device that is slow, under which nothing may fail "
                  "(slow-disk; dm-delay), one that is gone for a while, or takes no writes, and which a scrub must bring up to date (device-loss, "
                  "write-error; dm-flakey; where all is mirrored), and a loss of power of all devices in the middle of the stress, after which all must be there that fsync had promised and "
                  "btrfs check must find nothing (power-cut; dm-flakey). Those that the profiles and layers of the target, or the kernel, do not know are "
                  "passed by." },
        { "Fault", "Interval", &type_duration, SLOT(fault.interval_ns), "10s", .min = SEC(1), .max = 24 * HOUR,
          .help = "Time under stress between two of them." },

        { "Health", "SmartInterval", &type_duration, SLOT(health.smart_interval_ns), "10m", .max = 24 * HOUR,
          .help = "How often smartctl is asked for the health of the disks while they are under stress; it is always asked before and after. Growth "
                  "of what a disk counts as reallocated or pending sectors, media errors, CRC errors and the like is a finding against it. 0: only "
                  "before and after. Loop files have no health." },
        { "Health", "TemperatureLimit", &type_number, SLOT(health.temperature_limit), "70", .max = 150,
          .help = "Degrees C at which the stress pauses until the hottest disk is 5 below it: most disks are specified up to 70 (hard disks to 60), "
                  "and an error of one that is hotter would not be its fault. A pause is no time under stress, and one that lasts for an hour ends the "
                  "run, which is then INCONCLUSIVE. Looked at every 30 s, where the kernel has a sensor without asking the disk. 0: no limit." },

        { "Observe", "Trace", &type_bool, SLOT(observe.trace), "yes",
          .help = "Count collisions from trace events, in a tracefs instance of our own. Without it removals are counted from the "
                  "chunk tree instead." },
        { "Observe", "KernelLog", &type_bool, SLOT(observe.kmsg), "yes",
          .help = "Watch the kernel log for transaction aborts, warnings, hung tasks and the like." },
};
const size_t n_keys = ELEMENTSOF(keys);
_Static_assert(ELEMENTSOF(keys) <= CONFIG_KEYS_MAX, "Config.origins has a place for every key");
