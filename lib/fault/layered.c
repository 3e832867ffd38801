/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Means that lie in the layer of a device, which is replaced for the time of the strike. All wounds are on one device. */
#include <errno.h>
#include <inttypes.h>

#include "base/macro.h"
#include "fault/fault.h"
#include "target/layer.h"

static int heal(Wound *wounds, size_t n _unused_) {
        return layer_load(wounds[0].path, "linear", NULL);
}

#define LAYERED(_config, _strike, _look) \
        { .needs = "The target must have a layer (Layer=dm), and the kernel " _config ".", .strike = _strike, .look = _look, .heal = heal }

static int strike_dust(Wound *wounds, size_t n) {
        char text[64];
        int r;

        snprintf(text, sizeof(text), "%d", DISK_BLOCK);
        r = layer_load(wounds[0].path, "dust", text);
        for (Wound *w = wounds; w < wounds + n && r == 0; w++) {
                snprintf(text, sizeof(text), "addbadblock %" PRIu64, w->at / DISK_BLOCK);
                r = layer_message(w->path, text);
                w->struck = r == 0;
        }
        return r < 0 ? r : layer_message(wounds[0].path, "enable");
}

static int look_dust(const Wound *w, DiskBlock *ret) {
        int r = disk_block_read(ret, w->path, w->at);

        return r == -EIO ? WOUND_OPEN : r;
}

const Means means_dust = LAYERED("CONFIG_DM_DUST", strike_dust, look_dust);

static int load(Wound *wounds, size_t n, const char *target, const char *arguments) {
        int r = layer_load(wounds[0].path, target, arguments);

        for (Wound *w = wounds; w < wounds + n; w++)
                w->struck = r == 0;
        return r;
}

static int strike_delay(Wound *wounds, size_t n) {
        char text[64];

        snprintf(text, sizeof(text), "%d", FAULT_DELAY_MS);
        return load(wounds, n, "delay", text);
}

static int look_unchanged(const Wound *w, DiskBlock *ret) {
        return disk_block_read(ret, w->path, w->at);
}

const Means means_delay = LAYERED("CONFIG_DM_DELAY", strike_delay, look_unchanged);

/* Never up, and without features: all I/O fails. dm-error would let go of the device below. */
static int strike_fail(Wound *wounds, size_t n) {
        return load(wounds, n, "flakey", "0 3600");
}

const Means means_fail = LAYERED("CONFIG_DM_FLAKEY", strike_fail, look_unchanged);

static int strike_fail_writes(Wound *wounds, size_t n) {
        return load(wounds, n, "flakey", "0 3600 1 error_writes");
}

const Means means_fail_writes = LAYERED("CONFIG_DM_FLAKEY", strike_fail_writes, look_unchanged);
