/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/consent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/units.h"
#include "config/device-spec.h"

#define CLAIM_TRIES 20
#define CLAIM_REST_NS (50 * NSEC_PER_MSEC)
#define SIZE_TOLERANCE 100 /* vendors' sizes are round, disks are not: a hundredth of the size is no other disk */

/* The same file again, not the same name: the kernel follows the descriptor. */
static int reopen(int fd, int flags) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

void candidate_read(Candidate *c) {
        off_t end;

        c->identity_error = identity_read(&c->identity, c->root, c->major, c->minor);
        c->signatures_error = c->error;
        c->size = c->identity.size;
        if (c->pin < 0)
                return;
        end = lseek(c->pin, 0, SEEK_END);
        c->size = end < 0 ? 0 : (uint64_t)end;
        c->signatures_error = signatures_read(&c->signatures, c->pin);
}

void candidate_open(Candidate *c, const ConsentRequest *request, const char *root) {
        _cleanup_close_ int path = -1;
        struct stat st;

        *c = CANDIDATE_NULL;
        c->request = *request;
        c->root = root;
        path = open(request->path, O_PATH | O_CLOEXEC);
        if (path < 0 || fstat(path, &st) < 0) {
                c->error = -errno;
                return;
        }
        c->mode = st.st_mode;
        if (!S_ISBLK(st.st_mode))
                return;
        c->major = major(st.st_rdev);
        c->minor = minor(st.st_rdev);
        c->pin = reopen(path, O_RDONLY);
        c->error = MIN_OF(c->pin, 0);
        candidate_read(c);
}

void candidate_claim(Candidate *c) {
        if (c->pin < 0)
                return;
        candidate_release(c);
        for (unsigned i = 0; i < CLAIM_TRIES; i++) {
                c->exclusive = reopen(c->pin, O_RDWR | O_EXCL);
                if (c->exclusive != -EBUSY)
                        break;
                clock_sleep_ns(CLAIM_REST_NS);
        }
        c->exclusive_error = MIN_OF(c->exclusive, 0);
}

void candidate_release(Candidate *c) {
        closep(&c->exclusive);
        c->exclusive = -1;
        c->exclusive_error = 0;
}

void candidate_close(Candidate *c) {
        candidate_release(c);
        closep(&c->pin);
        c->pin = -1;
}

static const char *kind_of(mode_t mode) {
        if (S_ISREG(mode))
                return "a regular file";
        if (S_ISCHR(mode))
                return "a character device";
        return S_ISDIR(mode) ? "a directory" : "something else";
}

static bool is_block_device(const Candidate *c, char *why, size_t size) {
        if (c->error == 0 && S_ISBLK(c->mode))
                return true;
        if (c->error < 0)
                snprintf(why, size, "cannot be opened: %s", strerror(-c->error));
        else
                snprintf(why, size, "is %s, not a block device", kind_of(c->mode));
        return false;
}

static bool is_known(const Candidate *c, char *why, size_t size) {
        if (c->identity_error < 0)
                snprintf(why, size, "is not known to sysfs (%u:%u): %s", c->major, c->minor, strerror(-c->identity_error));
        else if (c->identity.size != c->size)
                snprintf(why, size, "has %" PRIu64 " bytes when it is opened and %" PRIu64 " in sysfs", c->size, c->identity.size);
        else
                return true;
        return false;
}

/* The number of a loop device says nothing about it, but the file does, and that is its serial. */
static bool has_stable_name(const Candidate *c, char *why, size_t size) {
        static const char by_id[] = "/dev/disk/by-id/";

        if (strncmp(c->request.path, by_id, strlen(by_id)) == 0 || c->identity.link[0] || c->identity.wwid[0] ||
            strcmp(c->identity.serial_source, "loop/backing_file") == 0)
                return true;
        snprintf(why, size, "is a name of this boot only, there is no link to it in /dev/disk/by-id and it has no WWN");
        return false;
}

static bool is_whole(const Candidate *c, char *why, size_t size) {
        if (!c->identity.partition)
                return true;
        snprintf(why, size, "is a partition, and consent is for whole disks");
        return false;
}

static bool serial_agrees(const Candidate *c, char *why, size_t size) {
        const char *serial = c->identity.serial;

        if (serial[0] && strcmp(serial, c->request.wipe) == 0)
                return true;
        if (!serial[0])
                snprintf(why, size, "has no serial that the kernel knows, so Wipe= cannot confirm that it is the one meant");
        else if (!c->request.wipe[0])
                snprintf(why, size, "has the serial %.255s, which no Wipe= confirms", serial);
        else
                snprintf(why, size, "has the serial %.255s, but Wipe= says %.255s", serial, c->request.wipe);
        return false;
}

static bool is_the_same(const Candidate *c, char *why, size_t size) {
        const Identity *b = c->request.before;

        if (!b || identity_same(b, &c->identity))
                return true;
        snprintf(why, size, "is another device than at first: %u:%u, %" PRIu64 " bytes, was %u:%u, %" PRIu64 " bytes, serial %.128s",
                 c->major, c->minor, c->size, b->major, b->minor, b->size, b->serial);
        return false;
}

static bool is_ours_alone(const Candidate *c, char *why, size_t size) {
        if (c->exclusive_error == 0)
                return true;
        if (c->exclusive_error == -EBUSY)
                snprintf(why, size, "is in use: it cannot be opened exclusively (O_EXCL)");
        else
                snprintf(why, size, "cannot be opened for writing: %s", strerror(-c->exclusive_error));
        return false;
}

static bool is_not_used(const Candidate *c, unsigned kinds, char *why, size_t size) {
        const DeviceUse *u = c->uses ? device_uses_find(c->uses, c->major, c->minor, kinds) : NULL;

        if (c->uses && !u)
                return true;
        if (u && u->kind == USE_SYSTEM)
                snprintf(why, size, "is a disk of the system: it %s", u->text);
        else if (u)
                snprintf(why, size, "is %s", u->text);
        else
                snprintf(why, size, "may be in use: /proc and /sys do not say what is");
        return false;
}

static bool is_not_mounted(const Candidate *c, char *why, size_t size) {
        return is_not_used(c, USE_MOUNTED, why, size);
}

static bool is_not_swap(const Candidate *c, char *why, size_t size) {
        return is_not_used(c, USE_SWAP, why, size);
}

static bool is_not_system(const Candidate *c, char *why, size_t size) {
        return is_not_used(c, USE_SYSTEM, why, size);
}

static bool has_no_holder(const Candidate *c, char *why, size_t size) {
        char holder[64];

        if (device_holder(c->root, c->major, c->minor, holder, sizeof(holder)) == 0)
                return true;
        snprintf(why, size, "is part of %s (LVM, RAID, dm or the like)", holder);
        return false;
}

typedef struct PartitionUse {
        const Candidate *candidate;
        char text[320];
} PartitionUse;

/* A partition table by itself is a signature; this is about what the system does with its partitions. */
static int partition_in_use(void *userdata, unsigned major, unsigned minor) {
        PartitionUse *p = userdata;
        const Candidate *c = p->candidate;
        const DeviceUse *u = c->uses ? device_uses_find(c->uses, major, minor, USE_MOUNTED | USE_SWAP) : NULL;
        char holder[64];

        if (u)
                snprintf(p->text, sizeof(p->text), "%s", u->text);
        else if (device_holder(c->root, major, minor, holder, sizeof(holder)) > 0)
                snprintf(p->text, sizeof(p->text), "part of %s", holder);
        return p->text[0] != 0;
}

static bool has_no_partition_in_use(const Candidate *c, char *why, size_t size) {
        PartitionUse p = { .candidate = c };
        int r = device_partitions(c->root, c->major, c->minor, partition_in_use, &p);

        if (r == 0)
                return true;
        snprintf(why, size, "has a partition in use: %s", r < 0 ? strerror(-r) : p.text);
        return false;
}

static bool has_no_signature(const Candidate *c, char *why, size_t size) {
        const Signatures *s = &c->signatures;

        if (c->signatures_error == 0 && (s->n == 0 || s->own || c->request.wipe_signatures))
                return true;
        if (c->signatures_error < 0)
                snprintf(why, size, "cannot be read to see what is on it: %s", strerror(-c->signatures_error));
        else
                snprintf(why, size, "is not empty: it holds %s", s->text);
        return false;
}

static bool is_writable(const Candidate *c, char *why, size_t size) {
        if (!c->identity.read_only)
                return true;
        snprintf(why, size, "is read-only");
        return false;
}

static bool size_agrees(const Candidate *c, char *why, size_t size) {
        char have[UNITS_MAX], want[UNITS_MAX];
        uint64_t asked = c->request.size, tolerance = asked / SIZE_TOLERANCE;

        if (c->size < DEVICE_SIZE_MIN) {
                snprintf(why, size, "is too small: %s, and %s are needed", units_human_size(c->size, have),
                         units_human_size(DEVICE_SIZE_MIN, want));
                return false;
        }
        if (asked == 0 || (c->size >= asked - tolerance && c->size <= asked + tolerance))
                return true;
        snprintf(why, size, "has %s (%" PRIu64 " bytes), but Size= says %s", units_human_size(c->size, have), c->size,
                 units_human_size(asked, want));
        return false;
}

const Interlock interlocks[] = {
        { "block-device", false, is_block_device, "name a disk that can be, as scrubstress devices lists them",
          "is a block device that can be opened" },
        { "known", true, is_known, "plug it in again, or take another",
          "is known to sysfs, with the size there that it has when it is opened" },
        { "stable-name", true, has_stable_name, "name it by a link of /dev/disk/by-id, which udev makes",
          "is named by a link of /dev/disk/by-id, or there is one, or it has a WWN; a loop device: it has a file" },
        { "whole-disk", true, is_whole, "name the disk",
          "is no partition" },
        { "serial", true, serial_agrees, "look at the label of the disk you mean, and at scrubstress devices",
          "has the serial that Wipe= gives" },
        { "same-device", true, is_the_same, "start again when you know which disk is which",
          "is what it was when it was first taken in this run: number, size, serial, WWN" },
        { "exclusive", true, is_ours_alone, "end what uses it",
          "can be opened exclusively (O_EXCL) for writing" },
        { "not-mounted", true, is_not_mounted, "unmount it where it is mounted",
          "is not mounted in any mount namespace that /proc shows, nor a member of a mounted btrfs" },
        { "not-swap", true, is_not_swap, "swapoff it",
          "is not used as swap" },
        { "no-holders", true, has_no_holder, "take it out of there first",
          "has no LVM, RAID, dm or the like built on it" },
        { "partitions", true, has_no_partition_in_use, "free its partitions",
          "has no partition that is mounted, swap, or part of something" },
        { "not-system", true, is_not_system, "take another disk",
          "is not below /, /boot, /usr, /var, /home and the like, or the evidence directory" },
        { "signature", true, has_no_signature, "if that may be lost, set WipeSignatures=yes",
          "holds nothing that libblkid knows, but for a target of an earlier run (a btrfs labelled scrubstress); or WipeSignatures=yes" },
        { "writable", true, is_writable, "switch its write protection off (blockdev --setrw)",
          "is not read-only" },
        { "size", true, size_agrees, "name the disk that you mean, or correct Size=",
          "has at least 256 MiB, and within a hundredth the Size= that is given" },
};
const size_t n_interlocks = ELEMENTSOF(interlocks);

unsigned consent_check(const Candidate *c, ConsentRefusal refusal, void *userdata) {
        char why[768], sentence[1280];
        unsigned n = 0;

        for (size_t i = 0; i < n_interlocks; i++) {
                const Interlock *k = &interlocks[i];
                if ((k->needs_device && !S_ISBLK(c->mode)) || k->agrees(c, why, sizeof(why)))
                        continue;
                n++;
                snprintf(sentence, sizeof(sentence), "%s %s; %s (interlock %s)", c->request.path, why, k->remedy, k->name);
                if (refusal)
                        refusal(userdata, k, sentence);
        }
        return n;
}
