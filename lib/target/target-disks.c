/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target on block devices that are not ours. From the lookup of its name to the mount, a disk is the descriptor that was opened then:
 * mkfs.btrfs and mount(2) get /proc/self/fd/N, which the kernel follows to that device and not by way of a name.
 *
 * What remains: mkfs.btrfs and the mount claim the disk themselves (O_EXCL), so our own claim has to end before. Signatures that may be
 * lost are erased under our claim, and mkfs.btrfs is never forced: it refuses what another program put there in between.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "target/disks.h"
#include "target/target-internal.h"

/* struct btrfs_super_block: the device's own item, which begins with its devid. */
#define SUPERBLOCK (64 * KiB)
#define SUPERBLOCK_DEV_ITEM 0xc9

typedef struct Names {
        char texts[TARGET_DEVICES_MAX][32];
        const char *names[TARGET_DEVICES_MAX + 1]; /* NULL-terminated */
} Names;

/* Valid in this process and in children that inherit the descriptors. */
static void name_by_descriptor(Names *n, const Disks *d) {
        *n = (Names){ 0 };
        for (unsigned i = 0; i < d->n; i++) {
                snprintf(n->texts[i], sizeof(n->texts[i]), "/proc/self/fd/%d", d->candidates[i].pin);
                n->names[i] = n->texts[i];
        }
}

static void set_inherited(const Disks *d, bool inherited) {
        for (unsigned i = 0; i < d->n; i++)
                fcntl(d->candidates[i].pin, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

int target_disks_check(const Config *c, const char *root, Error *e) {
        _cleanup_(disks_close) Disks d = DISKS_NULL;

        disks_open(&d, c, root, NULL);
        return disks_check(&d, e) > 0 ? -EPERM : 0;
}

void target_learn(Config *c) {
        _cleanup_(disks_close) Disks d = DISKS_NULL;

        if (!c->target.disks)
                return;
        disks_open(&d, c, "", NULL);
        for (unsigned i = 0; i < d.n; i++)
                c->target.device_size = MAX_OF(c->target.device_size, d.candidates[i].size);
}

/* What the disks were when they were first taken: from now on, and for targets made later, they have to be these. */
static void remember(Target *t, Disks *d) {
        t->n_disks = d->n;
        for (unsigned i = 0; i < d->n; i++) {
                Candidate *c = &d->candidates[i];
                snprintf(t->disks[i].path, sizeof(t->disks[i].path), "%s", c->request.path);
                t->disks[i].identity = c->identity;
                c->request.before = &t->disks[i].identity;
        }
}

static int wipe(const Disks *d, Error *e) {
        for (unsigned i = 0; i < d->n; i++) {
                const Candidate *c = &d->candidates[i];
                int r = c->signatures.n > 0 ? signatures_wipe(c->exclusive) : 0;
                if (r < 0)
                        return error_set(e, EXIT_ERROR, -r, "the signatures on %s (%s) cannot be erased: %s; the kernel log has the reason "
                                         "(dmesg)", c->request.path, c->signatures.text, strerror(-r));
        }
        return 0;
}

static void release(Disks *d) {
        for (unsigned i = 0; i < d->n; i++)
                candidate_release(&d->candidates[i]);
}

/* After mkfs: the same disks, unused, and on each of them the one new filesystem. */
static int check_formatted(Disks *d, Error *e) {
        Error refusals = ERROR_NULL;

        disks_claim(d);
        if (disks_check(d, &refusals) > 0)
                return error_set(e, EXIT_ERROR, EPERM, "after mkfs.btrfs, before the mount: %.3900s", strchr(refusals.sentence, '\n') + 1);
        for (unsigned i = 0; i < d->n; i++) {
                const Candidate *c = &d->candidates[i];
                if (!c->signatures.own || strcmp(c->signatures.uuid, d->candidates[0].signatures.uuid) != 0)
                        return error_set(e, EXIT_ERROR, EIO, "%s does not hold the filesystem that mkfs.btrfs has just made, but %s; "
                                         "another program writes to it, or the disk loses writes", c->request.path, c->signatures.text);
        }
        return 0;
}

/* The kernel's own list of what the filesystem is on has to be the disks and nothing else. */
static int check_members(const Disks *d, const Target *t, Error *e) {
        _cleanup_(device_uses_free) DeviceUses uses = DEVICE_USES_NULL;
        unsigned ours = 0, all = 0;
        char member[96];
        int r = device_uses_read(&uses, "", NULL);

        if (strcmp(t->fsid_text, d->candidates[0].signatures.uuid) != 0)
                return error_set(e, EXIT_ERROR, ENODEV, "%s is mounted, but mkfs.btrfs made %s: another program wrote to the disks in between",
                                 t->fsid_text, d->candidates[0].signatures.uuid);
        snprintf(member, sizeof(member), "a member of the mounted btrfs %s", t->fsid_text);
        for (size_t k = 0; r == 0 && k < uses.n; k++) {
                if (strcmp(uses.uses[k].text, member) != 0)
                        continue;
                all++;
                for (unsigned i = 0; i < d->n; i++)
                        ours += d->candidates[i].major == uses.uses[k].major && d->candidates[i].minor == uses.uses[k].minor;
        }
        if (r == 0 && ours == d->n && all == d->n)
                return 0;
        return error_set(e, EXIT_ERROR, ENODEV, "the mounted target %s stands on %u devices, %u of them the %u disks that were asked for; "
                         "something else registered devices for it", t->fsid_text, all, ours, d->n);
}

/* The kernel shows the name that it was given: the descriptor's. */
static void name_devices(Target *t, const Disks *d) {
        for (unsigned i = 0; i < d->n; i++) {
                uint64_t devid = 0;
                if (pread(d->candidates[i].pin, &devid, sizeof(devid), SUPERBLOCK + SUPERBLOCK_DEV_ITEM) != sizeof(devid))
                        continue;
                for (unsigned k = 0; k < t->n_devices; k++)
                        if (t->devices[k].devid == le64toh(devid))
                                snprintf(t->devices[k].path, sizeof(t->devices[k].path), "/dev/%s", d->candidates[i].identity.name);
        }
}

static int mount_disks(Target *t, const Disks *d, const Names *names, const Config *c, Error *e) {
        int r = target_mount(t, names->names, c, e);

        if (r == 0)
                r = target_describe(t, &btrfs_kernel_ops, e);
        if (r == 0)
                r = check_members(d, t, e);
        if (r == 0)
                name_devices(t, d);
        return r;
}

int target_disks_make(Target *t, const Config *c, Error *e) {
        _cleanup_(disks_close) Disks d = DISKS_NULL;
        Names names;
        int r;

        disks_open(&d, c, "", t);
        disks_claim(&d);
        if (disks_check(&d, e) > 0)
                return -EPERM;
        *t = (Target){ .owner = t->owner, .makes = t->makes + 1 };
        remember(t, &d);
        r = wipe(&d, e);
        release(&d);
        if (r < 0)
                return r;
        name_by_descriptor(&names, &d);
        set_inherited(&d, true);
        r = target_format(names.names, c, e);
        set_inherited(&d, false);
        if (r == 0)
                r = check_formatted(&d, e);
        release(&d);
        if (r == 0)
                r = mount_disks(t, &d, &names, c, e);
        if (r < 0 && t->mounted) {
                umount2(t->mount_point, MNT_DETACH);
                t->mounted = false;
        }
        return r; /* from here on the mount alone holds the disks */
}
