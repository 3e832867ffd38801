/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * LoadProfile: a named load, [Run] Profile=: values that stand in for the built-in defaults of other keys. Files, drop-ins and --set
 * override them, whatever the order. One table, which `scrubstress config`, sample file and man page print. Not to be mixed up with the
 * block group profiles of profile.h.
 */
#include <stdbool.h>
#include <stddef.h>

typedef struct LoadProfile {
        const char *name;
        const char *help;          /* sentences */
        const char *const *values; /* "Section.Key=VALUE", NULL-terminated */
} LoadProfile;

/* The first is the default and has no values: the keys' defaults are its values. */
extern const LoadProfile load_profiles[];
extern const size_t n_load_profiles;

/* NULL: no such load profile. */
const LoadProfile *load_profile_find(const char *name);
/* What the profile gives the key, or NULL when it leaves the key alone. */
const char *load_profile_value(const LoadProfile *p, const char *section, const char *name);

#define LOAD_PROFILE_ORIGIN_MAX 40
/* Where such a value comes from: "profile burst". */
char *load_profile_origin(const LoadProfile *p, char buf[static LOAD_PROFILE_ORIGIN_MAX]);
/* Is this an origin that load_profile_origin() made? */
bool load_profile_is_origin(const char *origin);
