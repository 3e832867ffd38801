/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Layer: a device mapper device between a device of the target and the filesystem, so that faults can make of it, for a while, a disk that
 * fails or is slow. From its first moment on it is to be removed when the last opener is gone (a deferred remove): kill -9 included, the
 * unmount takes it away, and then what lies below. Nothing to clean up but what a kill leaves between two calls, and that is swept.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define LAYER_PATH_MAX 64

typedef struct Layer {
        int fd; /* the open device: keeps it until it is mounted */
        char path[LAYER_PATH_MAX];
} Layer;

#define LAYER_NULL ((Layer){ .fd = -1 })

/* -ENODEV: the kernel has no device mapper. `root` as for target_check(). */
int layer_check(const char *root, Error *e);
/* Removes what killed runs have left, and nobody uses. What is suspended is resumed before. */
void layers_sweep(void);
/* Lays a layer over the device that lets everything through; `number` tells it from others of the owner, without whom it is a dead one's and
 * swept. Blocks shortly. */
int layer_create(Layer *l, const char *device, pid_t owner, unsigned number, Error *e);
void layer_close(Layer *l);

/* The device below this path. False: this is none of our layers. */
bool layer_below(const char *path, char ret[static LAYER_PATH_MAX]);
/* True when the kernel has, or can load, this target of device mapper. */
bool layer_knows(const char *target);
/* Has the whole layer be this from now on; no I/O is lost or fails by the change, what is in flight ends before. `arguments` follow device and
 * offset in the table, NULL: none. Negative errno. Blocks. */
int layer_load(const char *path, const char *target, const char *arguments);
/* The two halves of layer_load(): what will be, and that it is from now on. Only the second changes anything. Negative errno. */
int layer_prepare(const char *path, const char *target, const char *arguments);
int layer_resume(const char *path);
/* Holds back all I/O that comes to the layer from now on, until layer_resume(); what is in flight ends before. Negative errno. Blocks. */
int layer_suspend(const char *path);
/* Sends a message to the target of the layer. Negative errno. */
int layer_message(const char *path, const char *text);
