/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Key: the one table of configuration keys. To add a key: a field in Config, a row in key.c; parser, default, sample file, man page and
 * `scrubstress config` follow.
 */
#include <stddef.h>

#include "config/config.h"

typedef struct Key Key;

/* A value's type: how it is parsed into its slot and printed back. */
typedef struct KeyType {
        const char *allowed; /* what an error message says is allowed; NULL: the key's `choices` or range says it */
        int (*parse)(const Key *k, const char *value, void *slot);  /* 0, -EINVAL, -ERANGE */
        void (*print)(const Key *k, const void *slot, char *buf, size_t size);
} KeyType;

struct Key {
        const char *section, *name;
        const KeyType *type;
        size_t offset, size;         /* of the field in Config */
        const char *value;           /* the default, as it would be written */
        const char *const *choices;  /* enumerations and sets: NULL-terminated names; index (enum) or bit (set) is the value */
        uint64_t min, max;           /* numbers, sizes, durations; max 0: no limit */
        const char *help;            /* sentences for sample file and man page */
};

extern const Key keys[];
extern const size_t n_keys;

const Key *key_find(const char *section, const char *name);
int key_assign(const Key *k, Config *c, const char *value, const char *origin, Error *e);
