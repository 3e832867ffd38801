/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Json: a report being written as JSON. Values go into objects (json-c) under a key; each function takes over what it is given.
 */
#include <json-c/json.h>

#include "report/report.h"

/* The report being written, and whether memory has run out on the way (every json_object_new_*() may give NULL). */
typedef struct Json {
        const Report *report;
        bool failed;
} Json;

/* Cleanup for an object that nobody has taken over. */
void json_freep(json_object **o);
/* One line and a newline. -ENOMEM: it has run out on the way, or `o` is NULL; else the errno of a failed write. */
int json_print(const Json *j, json_object *o, FILE *f);

/* `value` NULL means that there was no memory for it. */
void json_put(Json *j, json_object *o, const char *key, json_object *value);
void json_put_null(Json *j, json_object *o, const char *key);
/* A string that is not UTF-8 is made so. NULL: no memory. */
json_object *json_new_string(const char *s);
void json_put_string(Json *j, json_object *o, const char *key, const char *s);
/* Empty means that there is none. */
void json_put_optional(Json *j, json_object *o, const char *key, const char *s);
void json_put_u64(Json *j, json_object *o, const char *key, uint64_t n);
void json_put_bool(Json *j, json_object *o, const char *key, bool b);
/* With milliseconds, and printed so: not 60.000999999999998. */
void json_put_seconds(Json *j, json_object *o, const char *key, uint64_t ns);
void json_put_rate(Json *j, json_object *o, const char *key, double rate);
/* Of CLOCK_MONOTONIC, as ISO 8601. */
void json_put_time(Json *j, json_object *o, const char *key, uint64_t mono_ns);
/* A new object or array in `o` under `key`, filled by fill(). */
void json_put_filled(Json *j, json_object *o, const char *key, json_object *value, void (*fill)(Json *j, json_object *value));
void json_append(Json *j, json_object *array, json_object *value);
/* Count, quantiles and maximum in microseconds, of nanoseconds. NULL: no memory. */
json_object *json_new_quantiles(Json *j, const Histogram *h);
/* Nothing of an empty one. */
void json_put_quantiles(Json *j, json_object *o, const char *key, const Histogram *h);
