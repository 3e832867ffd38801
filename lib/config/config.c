/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "config/device-spec.h"
#include "config/key.h"
#include "config/mount-options.h"
#include "config/profile.h"

void config_init(Config *c) {
        memset(c, 0, sizeof(*c));
        for (const Key *k = keys; k < keys + n_keys; k++)
                key_assign(k, c, "", "default", NULL);
        config_check(c, NULL);
}

uint64_t config_duration(const Config *c) {
        return c->soak.duration_ns ?: c->run.duration_ns;
}

bool config_is_default(const Config *c, const char *section, const char *name) {
        const Key *k = key_find(section, name);

        return k && key_is_default(k, c);
}

int config_set(Config *c, const char *assignment, Error *e) {
        _cleanup_free_ char *copy = strdup(assignment);
        char text[KEY_TEXT_MAX], *dot, *value;
        const Key *k;

        if (!copy)
                return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
        value = strchr(copy, '=');
        if (value)
                *value++ = 0;
        dot = strchr(copy, '.');
        if (!value || !dot)
                return error_set(e, EXIT_USAGE, EINVAL,
                                 "command line: \"%.100s\" is not of the form Section.Key=VALUE, for example Run.Duration=10m", assignment);
        *dot = 0;
        k = key_find(copy, dot + 1);
        if (!k) {
                key_explain_unknown(copy, dot + 1, text);
                return error_set(e, EXIT_USAGE, EINVAL, "command line: %s (\"scrubstress config\" prints all keys)", text);
        }
        for (size_t n = strlen(value); n > 0 && strchr(" \t", value[n - 1]); n--)
                value[n - 1] = 0;
        return key_assign(k, c, value, "command line", e);
}

/* "ORIGIN: [Section] Key=VALUE", how every sentence of config_check() starts. Of a long list its beginning. */
#define WHERE_MAX (CONFIG_ORIGIN_MAX + CONFIG_STRING_MAX + 64)
static const char *where(const Config *c, const char *section, const char *name, char buf[static WHERE_MAX]) {
        const Key *k = key_find(section, name);
        char value[KEY_VALUE_MAX];

        key_print(k, c, value);
        if (strlen(value) >= CONFIG_STRING_MAX)
                strcpy(value + CONFIG_STRING_MAX - sizeof("..."), "...");
        snprintf(buf, WHERE_MAX, "%s: [%s] %s=%s", key_origin(k, c), section, name, value);
        return buf;
}

/* A serial for each disk: without it not even a look at the disks is needed to refuse. */
static int check_consent(const Config *c, Error *e) {
        bool none = strcmp(c->target.wipe, "none") == 0;
        unsigned n = none ? 0 : device_words_count(c->target.wipe);
        char w[WHERE_MAX];

        if (n == c->target.n_devices)
                return 0;
        if (none)
                return error_set(e, EXIT_REFUSED, EPERM,
                                 "%s: everything on these disks would be lost, and no Wipe= confirms that; nothing was touched; give the "
                                 "serial of each in Wipe= (scrubstress devices prints them), or use loop files: loop:1GiB*4",
                                 where(c, "Target", "Devices", w));
        return error_set(e, EXIT_REFUSED, EPERM, "%s: that is %u serial%s for %u disk%s; nothing was touched; give one for each, in the "
                         "order of Devices= (scrubstress devices prints them)", where(c, "Target", "Wipe", w), n, n == 1 ? "" : "s",
                         c->target.n_devices, c->target.n_devices == 1 ? "" : "s");
}

static int check_devices(Config *c, Error *e) {
        char w[WHERE_MAX];
        DeviceSpec spec;
        int r = device_spec_parse(c->target.devices, &spec);

        if (r < 0)
                return error_set(e, EXIT_USAGE, -r, "%s: not understood; write loop:SIZE*N, such as loop:1GiB*4, or names of disks",
                                 where(c, "Target", "Devices", w));
        c->target.disks = spec.kind == DEVICE_BLOCK;
        c->target.n_devices = spec.n;
        c->target.device_size = c->target.disks ? c->target.size : spec.size;
        return c->target.disks ? check_consent(c, e) : 0;
}

/* The spare is a loop file, and the disk that it replaced would be handed back as the next spare without anybody's consent. */
static int check_replace(Config *c, Error *e) {
        char w[WHERE_MAX], devices[WHERE_MAX];

        if (!c->target.disks || !c->replace.enabled)
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: the spare is a loop file, and the devices are disks (%s); switch it off, or use loop "
                         "files: loop:1GiB*4", where(c, "Replace", "Enabled", w), where(c, "Target", "Devices", devices));
}

/* A spare has no layer, and then neither has the target. Disks are known by their own numbers from the consent to the mount, which a layer hides. */
static int check_layer(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX];

        if (c->target.layer == LAYER_NONE || !(c->target.disks || c->replace.enabled))
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: there is none over %s (%s); leave it out, or %s", where(c, "Target", "Layer", w),
                         c->target.disks ? "disks" : "the spare of a replace",
                         c->target.disks ? where(c, "Target", "Devices", other) : where(c, "Replace", "Enabled", other),
                         c->target.disks ? "use loop files: loop:1GiB*4" : "switch the replace off");
}

/* More device extents per block group than the board keeps: collisions on the rest of them would not be counted. */
static int check_stripes(Config *c, Error *e) {
        static const char *const striped[] = { "raid0", "raid10", "raid5", "raid6" };
        char w[WHERE_MAX], devices[WHERE_MAX];

        for (size_t i = 0; c->target.n_devices > DEVICE_LOOPS_MAX && i < ELEMENTSOF(striped); i++) {
                bool data = strcmp(c->target.data_profile, striped[i]) == 0;
                if (data || strcmp(c->target.metadata_profile, striped[i]) == 0)
                        return error_set(e, EXIT_USAGE, E2BIG, "%s: stripes over all devices, at most %d are counted, and there are %u "
                                         "(%s); take fewer devices or another profile",
                                         where(c, "Target", data ? "DataProfile" : "MetadataProfile", w), DEVICE_LOOPS_MAX,
                                         c->target.n_devices, where(c, "Target", "Devices", devices));
        }
        return 0;
}

static int check_profile(const Config *c, const char *name, const char *value, Error *e) {
        const Profile *p = profile_find(value);
        char w[WHERE_MAX], devices[WHERE_MAX];

        if (p->min_devices <= c->target.n_devices)
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: needs at least %u devices, but there are %u (%s); add devices or take %s",
                         where(c, "Target", name, w), p->min_devices, c->target.n_devices, where(c, "Target", "Devices", devices),
                         strcmp(name, "MetadataProfile") == 0 ? "dup" : "single");
}

static int check_profiles(Config *c, Error *e) {
        int r = check_profile(c, "DataProfile", c->target.data_profile, e);

        return r < 0 ? r : check_profile(c, "MetadataProfile", config_metadata_profile(c), e);
}

/* With less, three data groups do not fit beside four copies of the metadata and the headroom (budget.h). */
#define FOUR_COPIES_SIZE (1536 * MiB)

const char *config_metadata_profile(const Config *c) {
        if (strcmp(c->target.metadata_profile, "auto") != 0)
                return c->target.metadata_profile;
        if (c->target.n_devices >= 4 && (c->target.device_size == 0 || c->target.device_size >= FOUR_COPIES_SIZE))
                return "raid1c4";
        return c->target.n_devices > 1 ? "raid1" : "dup";
}

unsigned config_n_images(const Config *c) {
        unsigned spares = c->fault.enabled ? 2 : 1; /* that of the stressor, and of the fault that cancels replaces */

        return c->target.n_devices + (c->replace.enabled ? spares : 0);
}

/* What each write worker pins for io_uring; far above any useful pressure, far below what would hurt the machine. */
#define BUFFERS_MAX (256 * MiB)

static int check_writes(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX], max[UNITS_MAX];

        if (c->churn.workers == 0 || c->churn.fill == FILL_FALLOCATE)
                return 0;
        if (c->churn.block_size > c->churn.file_size)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: larger than the files that are written (%s); make it at most FileSize=",
                                 where(c, "Churn", "BlockSize", w), where(c, "Churn", "FileSize", other));
        if (c->churn.block_size * c->churn.depth > BUFFERS_MAX)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: with %s, more than %s of buffers per worker; make one of them smaller",
                                 where(c, "Churn", "Depth", w), where(c, "Churn", "BlockSize", other), units_format_size(BUFFERS_MAX, max));
        return 0;
}

static bool has_option(const char *options, const char *option) {
        size_t n = strlen(option);

        for (const char *p = options; *p; p += strspn(p, ",")) {
                size_t whole = strcspn(p, ",");
                if (whole == n && strncmp(p, option, n) == 0)
                        return true;
                p += whole;
        }
        return false;
}

/* A way that empties nothing would be no stress, however green the end. */
/* These are a property of each file, taken when it is made; the sets of a remount are separated by blanks. */
static bool changes_nodes(const char *sets) {
        return strstr(sets, "nodatacow") || strstr(sets, "nodatasum");
}

static int check_empty(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX];

        if (c->churn.workers == 0)
                return 0;
        if ((c->churn.empty & EMPTY_WRITES) && c->churn.fill == FILL_FALLOCATE)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: files that are only allocated (%s) are overwritten in place, and defrag leaves "
                                 "them where they are, so no block group would be emptied; take Fill=write or mixed, or other ways",
                                 where(c, "Churn", "Empty", w), where(c, "Churn", "Fill", other));
        if ((c->churn.empty & EMPTY_OVERWRITE) && has_option(c->target.mount_options, "nodatacow"))
                return error_set(e, EXIT_USAGE, EINVAL, "%s: with nodatacow (%s) files are overwritten in place, so no block group would be "
                                 "emptied; leave the option out, or take other ways",
                                 where(c, "Churn", "Empty", w), where(c, "Target", "MountOptions", other));
        if ((c->churn.empty & (EMPTY_OVERWRITE | EMPTY_REFLINK)) && c->remount.enabled && changes_nodes(c->remount.options))
                return error_set(e, EXIT_USAGE, EINVAL, "%s: files that were made while the target was mounted with nodatacow or nodatasum (%s) "
                                 "are overwritten in place, and share nothing with files made without; leave these out, or take other ways",
                                 where(c, "Churn", "Empty", w), where(c, "Remount", "Options", other));
        return 0;
}

/* sysfs.c, btrfs_sinfo_bg_reclaim_threshold_store(): -EINVAL while the kernel computes it. */
static int check_reclaim(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX];

        if (c->target.reclaim_threshold == 0 || !c->target.dynamic_reclaim)
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: with a threshold that the kernel chooses (%s) it takes no other; set one of them only",
                         where(c, "Target", "ReclaimThreshold", w), where(c, "Target", "DynamicReclaim", other));
}

/* Half of the target stays free: btrfs run nearly full aborts transactions with ENOSPC, a known failure that hides the one sought. */
static int check_room(Config *c, Error *e) {
        const Profile *p = profile_find(c->target.data_profile);
        uint64_t room = profile_capacity(p, c->target.n_devices, c->target.device_size) / 2;
        bool twice = c->churn.empty & EMPTY_WRITES;
        uint64_t need = (c->churn.file_size * c->churn.files * c->churn.workers) << twice; /* at most 2^63 by the ranges */
        char w[WHERE_MAX], files[UNITS_MAX], half[UNITS_MAX];

        if (c->target.populate > room && c->target.device_size > 0)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: more than %s, half of what fits on the target with DataProfile=%s; write less, "
                                 "or make the devices larger", where(c, "Target", "Populate", w), units_human_size(room, half), p->name);
        if (need <= room || c->target.device_size == 0) /* disks of any size: looked at when the target is made */
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL,
                         "%s: times Files=%llu times Workers=%llu%s is %s, more than %s, half of what fits on the target with "
                         "DataProfile=%s; make the files smaller or fewer, or the devices larger",
                         where(c, "Churn", "FileSize", w), (unsigned long long)c->churn.files, (unsigned long long)c->churn.workers,
                         twice ? ", twice with overwrite or defrag (Empty=)," : "", units_human_size(need, files),
                         units_human_size(room, half), p->name);
}

/* Workers finish their step, and rest a second or so, before a turn is theirs alone. */
#define PAIR_TIME_MIN NSEC_PER_SEC

static int check_pairs(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX], min[UNITS_MAX];

        if (c->run.pair_time_ns == 0)
                return 0;
        if (c->run.pair_time_ns < PAIR_TIME_MIN)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: too short for two stressors to meet, as others have to end their step first; take "
                                 "%s or more, or 0", where(c, "Run", "PairTime", w), units_format_duration(PAIR_TIME_MIN, min));
        if (c->run.tune)
                return error_set(e, EXIT_USAGE, EINVAL, "%s: what is tried would be compared between one pair and the next (%s), and not with "
                                 "what was tried before; set one of them only",
                                 where(c, "Run", "Tune", w), where(c, "Run", "PairTime", other));
        return 0;
}

static int check_soak(Config *c, Error *e) {
        char w[WHERE_MAX], other[WHERE_MAX];

        if (c->soak.duration_ns == 0 || c->run.duration_ns == 0)
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: how long to stress is asked for twice, the other is of the soak (%s); set one of them only",
                         where(c, "Run", "Duration", w), where(c, "Soak", "Duration", other));
}

static int check_workers(Config *c, Error *e) {
        uint64_t n = c->churn.workers + c->sync.workers + c->balance.enabled + c->replace.enabled + c->remount.enabled +
                     c->snapshot.enabled + c->trim.enabled + (c->scrub.enabled ? c->target.n_devices : 0);
        char w[WHERE_MAX];

        if (n == 0)
                return error_set(e, EXIT_USAGE, EINVAL,
                                 "%s: and sync, balance, scrub, replace, remount, snapshot and trim are off too, there is nothing to do; "
                                 "switch one of them on",
                                 where(c, "Churn", "Workers", w));
        if (n > CONFIG_WORKERS_MAX)
                return error_set(e, EXIT_USAGE, EINVAL,
                                 "%s: makes %llu workers in all, at most %d are possible; take fewer churn or sync workers",
                                 where(c, "Churn", "Workers", w), (unsigned long long)n, CONFIG_WORKERS_MAX);
        return 0;
}

/* Is the path of n bytes the directory itself or below it? Both are absolute and without "..". */
static bool is_below(const char *path, size_t n, const char *directory) {
        size_t d = strlen(directory);

        while (d > 0 && directory[d - 1] == '/')
                d--;
        return n >= d && memcmp(path, directory, d) == 0 && (n == d || path[d] == '/');
}

static int check_paths(Config *c, Error *e) {
        const struct {
                const char *section, *name, *path;
        } kept[] = {
                { "Run", "EvidenceDirectory", c->run.evidence_directory },
                { "Soak", "LedgerDirectory", c->soak.ledger_directory },
        };
        const char *mount = c->target.mount_point;
        char w[WHERE_MAX], other[WHERE_MAX];

        for (size_t i = 0; i < ELEMENTSOF(kept); i++)
                if (is_below(kept[i].path, strlen(kept[i].path), mount))
                        return error_set(e, EXIT_USAGE, EINVAL,
                                         "%s: lies below the target's mount point (%s) and would be lost with it; take another directory",
                                         where(c, kept[i].section, kept[i].name, w), where(c, "Target", "MountPoint", other));
        for (const char *p = c->target.image_directories; *p; p += strspn(p, " \t")) {
                size_t n = strcspn(p, " \t");
                if (is_below(p, n, mount))
                        return error_set(e, EXIT_USAGE, EINVAL, "%s: %.*s lies below the target's mount point (%s); take another directory",
                                         where(c, "Target", "ImageDirectories", w), (int)n, p, where(c, "Target", "MountPoint", other));
                p += n;
        }
        return 0;
}

static int check_options(const Config *c, const char *section, const char *name, const char *value, Error *e) {
        const RefusedOption *refused = mount_options_refused(value);
        char w[WHERE_MAX];

        if (!refused)
                return 0;
        return error_set(e, EXIT_USAGE, EINVAL, "%s: the option %s is not allowed: %s; leave it out", where(c, section, name, w),
                         refused->option, refused->reason);
}

static int check_mount_options(Config *c, Error *e) {
        return check_options(c, "Target", "MountOptions", c->target.mount_options, e);
}

static int check_remount_options(Config *c, Error *e) {
        char w[WHERE_MAX], names[KEY_TEXT_MAX];
        const char *fixed;
        size_t n;
        int r = check_options(c, "Remount", "Options", c->remount.options, e);

        if (r < 0)
                return r;
        fixed = mount_options_fixed(c->remount.options, &n);
        if (!fixed)
                return 0;
        mount_options_describe(names, sizeof(names));
        return error_set(e, EXIT_USAGE, EINVAL, "%s: the option %.*s is none that a remount changes and takes back; those are %s",
                         where(c, "Remount", "Options", w), (int)n, fixed, names);
}

int config_check(Config *c, Error *e) {
        static int (*const checks[])(Config *, Error *) = {
                check_devices, check_replace, check_layer,  check_stripes,       check_profiles,        check_writes,  check_empty,
                check_room,    check_workers, check_paths,  check_mount_options, check_remount_options, check_reclaim, check_pairs,
                check_soak,
        };

        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                int r = checks[i](c, e);
                if (r < 0)
                        return r;
        }
        return 0;
}
