/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "report/text.h"

void json_freep(json_object **o) {
        json_object_put(*o);
}

int json_print(const Json *j, json_object *o, FILE *f) {
        const char *text = NULL;

        if (o && !j->failed)
                text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text)
                return -ENOMEM;
        errno = 0;
        if (fprintf(f, "%s\n", text) < 0 || fflush(f) != 0)
                return -(errno ?: EIO);
        return 0;
}

void json_put(Json *j, json_object *o, const char *key, json_object *value) {
        if (value && json_object_object_add(o, key, value) == 0)
                return;
        json_object_put(value);
        j->failed = true;
}

void json_put_null(Json *j, json_object *o, const char *key) {
        j->failed |= json_object_object_add(o, key, NULL) < 0;
}

json_object *json_new_string(const char *s) {
        char clean[4096];

        return json_object_new_string(text_utf8(s, clean, sizeof(clean)));
}

void json_put_string(Json *j, json_object *o, const char *key, const char *s) {
        json_put(j, o, key, json_new_string(s));
}

void json_put_optional(Json *j, json_object *o, const char *key, const char *s) {
        if (s[0])
                json_put_string(j, o, key, s);
        else
                json_put_null(j, o, key);
}

void json_put_u64(Json *j, json_object *o, const char *key, uint64_t n) {
        json_put(j, o, key, json_object_new_uint64(n));
}

void json_put_bool(Json *j, json_object *o, const char *key, bool b) {
        json_put(j, o, key, json_object_new_boolean(b));
}

void json_put_seconds(Json *j, json_object *o, const char *key, uint64_t ns) {
        char text[32];

        snprintf(text, sizeof(text), "%" PRIu64 ".%03u", ns / NSEC_PER_SEC, (unsigned)(ns / NSEC_PER_MSEC % 1000));
        json_put(j, o, key, json_object_new_double_s((double)ns / (double)NSEC_PER_SEC, text));
}

void json_put_rate(Json *j, json_object *o, const char *key, double rate) {
        char text[32];

        snprintf(text, sizeof(text), "%.1f", rate);
        json_put(j, o, key, json_object_new_double_s(rate, text));
}

void json_put_time(Json *j, json_object *o, const char *key, uint64_t mono_ns) {
        char iso[CLOCK_ISO_MAX];

        json_put_string(j, o, key, clock_iso(report_real_ns(j->report, mono_ns), iso));
}

void json_put_filled(Json *j, json_object *o, const char *key, json_object *value, void (*fill)(Json *j, json_object *value)) {
        if (value)
                fill(j, value);
        json_put(j, o, key, value);
}

void json_append(Json *j, json_object *array, json_object *value) {
        if (value && json_object_array_add(array, value) == 0)
                return;
        json_object_put(value);
        j->failed = true;
}

/* Microseconds: a scrub of a small range takes some hundreds of them. */
json_object *json_new_quantiles(Json *j, const Histogram *h) {
        static const struct {
                const char *name;
                unsigned permyriad;
        } quantiles[] = { { "p50_us", 5000 }, { "p90_us", 9000 }, { "p99_us", 9900 }, { "p999_us", 9990 } };
        json_object *o = json_object_new_object();

        if (!o)
                return NULL;
        json_put_u64(j, o, "count", histogram_count(h));
        for (size_t i = 0; i < ELEMENTSOF(quantiles); i++)
                json_put_u64(j, o, quantiles[i].name, histogram_quantile(h, quantiles[i].permyriad) / NSEC_PER_USEC);
        json_put_u64(j, o, "max_us", histogram_max(h) / NSEC_PER_USEC);
        return o;
}

void json_put_quantiles(Json *j, json_object *o, const char *key, const Histogram *h) {
        if (histogram_count(h) > 0)
                json_put(j, o, key, json_new_quantiles(j, h));
}
