/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Key: the one table of configuration keys. To add a key: a field in Config, a row in key.c; parser, default, sample file, man page and
 * `scrubstress config` follow.
 */
#include <stddef.h>

#include "config/config.h"

typedef struct Key Key;

/* A value's type: how it is parsed into its slot and printed back. What is printed parses to the same value. */
typedef struct KeyType {
        const char *allowed; /* what an error message says is allowed, before range and choices */
        int (*parse)(const Key *k, const char *value, void *slot);  /* 0, -EINVAL, -ERANGE; the slot is only written on success */
        void (*print)(const Key *k, const void *slot, char *buf, size_t size);
        void (*describe)(const Key *k, char *buf, size_t size); /* instead of `allowed`, range and choices; NULL: those */
} KeyType;

struct Key {
        const char *section, *name;
        const KeyType *type;
        size_t offset, size;         /* of the field in Config */
        const char *value;           /* the default, as it would be written; never empty */
        const char *const *choices;  /* enumerations and sets: NULL-terminated names; index (enum) or bit (set) is the value;
                                      * a profile: one word that is allowed besides the profiles */
        uint64_t min, max;           /* numbers, sizes, durations; max 0: no limit */
        const char *help;            /* sentences for sample file and man page */
};

/* Grouped by section. */
extern const Key keys[];
extern const size_t n_keys;

/* What prints a key needs at most so much. */
#define KEY_VALUE_MAX CONFIG_LIST_MAX
#define KEY_TEXT_MAX 512

const Key *key_find(const char *section, const char *name);
/* An empty value, or one of blanks only, is the default again. Remembers the origin. Another load profile gives the keys that are at their
 * defaults its own. EXIT_USAGE; the slot is unchanged then. */
int key_assign(const Key *k, Config *c, const char *value, const char *origin, Error *e);
/* The value as it would be written. */
void key_print(const Key *k, const Config *c, char buf[static KEY_VALUE_MAX]);
const char *key_origin(const Key *k, const Config *c);
/* Nobody gave it a value: it has the built-in default or the load profile's. */
bool key_is_default(const Key *k, const Config *c);
/* What is allowed: "a number, from 1 to 256". */
void key_describe(const Key *k, char buf[static KEY_TEXT_MAX]);

bool key_section_exists(const char *section);
/* Why there is no such key, and what may have been meant: "unknown key [Run] Durtion=; did you mean Duration=?". */
void key_explain_unknown(const char *section, const char *name, char buf[static KEY_TEXT_MAX]);

/* The types, in key-types.c. Fields: bool; an unsigned-sized enum; unsigned (set); uint64_t (number, percent, size, power of two,
 * duration); WriteBudget; char[] (the rest). */
extern const KeyType type_bool, type_enum, type_set, type_number, type_percent, type_size, type_power_of_two, type_duration, type_write_budget;
extern const KeyType type_word; /* one of `choices`, kept as text */
extern const KeyType type_name, type_path, type_path_list, type_options, type_option_sets, type_devices, type_profile, type_load_profile,
        type_serials;
