/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Units: sizes and durations as people write them.
 */
#include <stdint.h>

#define UNITS_MAX 32

/* "4096", "64KiB", "1MiB", "1.5GiB", "2TiB"; K, M, G, T alone are binary too, as in systemd and btrfs-progs; case does not count, blanks
 * around number and unit do not either. A fraction of a byte is cut off. -EINVAL, -ERANGE; *ret is then unchanged. */
int units_parse_size(const char *s, uint64_t *ret);
/* "500ms", "60s", "60" (seconds), "10m" or "10min", "2h", "3d", "1w", and sums: "1h 30m". Nanoseconds. -EINVAL, -ERANGE; *ret_ns is
 * then unchanged. */
int units_parse_duration(const char *s, uint64_t *ret_ns);

/* Exact, in the largest unit that divides evenly ("1GiB", "1536KiB", "90s", "0"): what is printed parses back to the same value. */
char *units_format_size(uint64_t bytes, char buf[static UNITS_MAX]);
char *units_format_duration(uint64_t ns, char buf[static UNITS_MAX]);
/* For people: three digits and a unit, "1.23 GiB", "870 MiB", "0.98 TiB". Does not parse back exactly. */
char *units_human_size(uint64_t bytes, char buf[static UNITS_MAX]);
/* Likewise "850 ns", "12.3 us", "3.20 ms", "1.50 s", "3600 s". */
char *units_human_duration(uint64_t ns, char buf[static UNITS_MAX]);
