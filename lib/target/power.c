/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/power.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "target/layer.h"
#include "target/target-internal.h"

/* Never up, long down: all writes are dropped, flushes too, and reads answered (drivers/md/dm-flakey.c, flakey_map()). */
#define DEAD "0 3600 1 drop_writes"

bool power_can_go(const Target *t) {
        return target_has_layers(t) && layer_knows("flakey");
}

static int cannot(const char *path, const char *what, int r, Error *e) {
        return error_set(e, EXIT_ERROR, -r, "The layer %s cannot be %s: %s. The kernel log has the reason (dmesg); do without power cuts "
                         "([Fault] Faults=).", path, what, strerror(-r));
}

/* All of them, whatever comes of one. */
int power_restore(const Target *t, Error *e) {
        int first = 0;

        for (unsigned i = 0; i < t->n_devices; i++) {
                int r = layer_load(t->devices[i].path, "linear", NULL);
                if (r < 0 && first == 0)
                        first = cannot(t->devices[i].path, "restored", r, e);
        }
        return first;
}

/* All that may fail for want of memory is done before the first is held: memory may wait for the held filesystem. */
int power_cut(const Target *t, Error *e) {
        int r = 0;

        for (unsigned i = 0; i < t->n_devices && r == 0; i++)
                if ((r = layer_prepare(t->devices[i].path, "flakey", DEAD)) < 0)
                        cannot(t->devices[i].path, "made dm-flakey", r, e);
        for (unsigned i = 0; i < t->n_devices && r == 0; i++)
                if ((r = layer_suspend(t->devices[i].path)) < 0)
                        cannot(t->devices[i].path, "held", r, e);
        for (unsigned i = 0; i < t->n_devices && r == 0; i++)
                if ((r = layer_resume(t->devices[i].path)) < 0)
                        cannot(t->devices[i].path, "cut", r, e);
        if (r < 0)
                power_restore(t, NULL);
        return r;
}

int power_mount(Target *t, const Config *c, const BtrfsOps *ops, Error *e) {
        char paths[TARGET_DEVICES_MAX][sizeof(t->devices[0].path)];
        const char *names[TARGET_DEVICES_MAX + 1] = { NULL };
        int r;

        for (unsigned i = 0; i < t->n_devices; i++) {
                memcpy(paths[i], t->devices[i].path, sizeof(paths[i]));
                names[i] = paths[i];
        }
        r = target_mount_devices(t, names, c, e);
        return r < 0 ? r : target_describe(t, ops, e);
}
