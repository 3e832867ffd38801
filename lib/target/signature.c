/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/signature.h"

#include <blkid/blkid.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "target/mkfs.h"

#define SIGNATURES_MAX 64 /* more than any disk has; ends a probe that does not end */

static void probe_free(blkid_probe *pr) {
        blkid_free_probe(*pr);
}

static int probe_new(blkid_probe *ret, int fd) {
        _cleanup_(probe_free) blkid_probe pr = blkid_new_probe();

        if (!pr)
                return -ENOMEM;
        errno = EIO;
        if (blkid_probe_set_device(pr, fd, 0, 0) < 0)
                return -errno;
        blkid_probe_enable_superblocks(pr, 1);
        blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_MAGIC |
                                                  BLKID_SUBLKS_BADCSUM);
        blkid_probe_enable_partitions(pr, 1);
        blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
        *ret = TAKE_PTR(pr);
        return 0;
}

/* One that was found has a type, or it is a table of partitions. Labels are anybody's: nothing that a terminal would act on. */
static void take(Signatures *s, blkid_probe pr, bool *foreign) {
        const char *type = NULL, *label = NULL, *uuid = NULL, *table = NULL;
        size_t n = strlen(s->text);
        bool own;

        blkid_probe_lookup_value(pr, "TYPE", &type, NULL);
        blkid_probe_lookup_value(pr, "LABEL", &label, NULL);
        blkid_probe_lookup_value(pr, "UUID", &uuid, NULL);
        blkid_probe_lookup_value(pr, "PTTYPE", &table, NULL);
        own = type && strcmp(type, "btrfs") == 0 && label && strcmp(label, MKFS_LABEL) == 0 && !table;
        *foreign = *foreign || !own;
        if (s->n++ == 0 && uuid)
                snprintf(s->uuid, sizeof(s->uuid), "%s", uuid);
        snprintf(s->text + n, sizeof(s->text) - n, "%s%s%s%.64s%s%s%s", n ? ", " : "", type ?: "", label ? " \"" : "", label ?: "",
                 label ? "\"" : "", type && table ? ", " : "", table ?: "");
        n = strlen(s->text);
        if (table)
                snprintf(s->text + n, sizeof(s->text) - n, " partition table");
        for (char *p = s->text; *p; p++)
                if (iscntrl((unsigned char)*p))
                        *p = '?';
}

int signatures_read(Signatures *s, int fd) {
        _cleanup_(probe_free) blkid_probe pr = NULL;
        bool foreign = false;
        int r = probe_new(&pr, fd);

        *s = (Signatures){ 0 };
        if (r < 0)
                return r;
        while (s->n < SIGNATURES_MAX && (r = blkid_do_probe(pr)) == 0)
                take(s, pr, &foreign);
        if (r < 0)
                return -EIO;
        s->own = s->n > 0 && !foreign;
        if (s->n == 0)
                strcpy(s->text, "nothing");
        return 0;
}

int signatures_wipe(int fd) {
        _cleanup_(probe_free) blkid_probe pr = NULL;
        int r = probe_new(&pr, fd);

        if (r < 0)
                return r;
        errno = EIO;
        for (unsigned i = 0; i < SIGNATURES_MAX && (r = blkid_do_probe(pr)) == 0; i++)
                if (blkid_do_wipe(pr, 0) < 0)
                        return -errno;
        if (r < 0)
                return -EIO;
        return fsync(fd) < 0 ? -errno : 0;
}
