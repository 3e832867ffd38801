/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Means: one bit of each block is flipped on the device below the mounted filesystem, which does not learn of it. */
#include <string.h>

#include "base/macro.h"
#include "fault/wound.h"

static int strike(Wound *wounds, size_t n) {
        for (Wound *w = wounds; w < wounds + n; w++) {
                int r;

                w->spoiled = w->was;
                w->spoiled.bytes[w->bit / 8] ^= (uint8_t)(1U << w->bit % 8);
                r = disk_block_write(&w->spoiled, w->path, w->at);
                if (r < 0)
                        return r;
                w->struck = true;
        }
        return 0;
}

static int look(const Wound *w, DiskBlock *ret) {
        int r = disk_block_read(ret, w->path, w->at);

        return r == 0 && memcmp(ret, &w->spoiled, sizeof(*ret)) == 0 ? WOUND_OPEN : r;
}

/* Only what is still as we have left it: the kernel may have given the place to something else. */
static int heal(Wound *wounds, size_t n) {
        int r = 0;

        for (const Wound *w = wounds; w < wounds + n; w++) {
                DiskBlock now;

                if (w->struck && look(w, &now) == WOUND_OPEN)
                        r = MIN_OF(r, disk_block_write(&w->was, w->path, w->at));
        }
        return r;
}

const Means means_flip = {
        .needs = "The kernel must let mounted devices be written to: CONFIG_BLK_DEV_WRITE_MOUNTED=y, and not bdev_allow_write_mounted=0.",
        .strike = strike,
        .look = look,
        .heal = heal,
};
