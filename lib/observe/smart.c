/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/smart.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/macro.h"

#define NVME "nvme_smart_health_information_log/"

/* The number of error log entries of NVMe is not among them: it grows with each command that a disk does not support, smartctl's own included. */
const HealthInfo health_info[_HEALTH_MAX] = {
        [HEALTH_TEMPERATURE] = { "temperature_c", "temperature", false },
        [HEALTH_REALLOCATED] = { "reallocated", "reallocated sectors", true },
        [HEALTH_PENDING] = { "pending", "pending sectors", true },
        [HEALTH_UNCORRECTABLE] = { "uncorrectable", "sectors found unreadable", true },
        [HEALTH_MEDIA_ERRORS] = { "media_errors", "media errors", true },
        [HEALTH_CRC_ERRORS] = { "crc_errors", "CRC errors of the interface", true },
        [HEALTH_WARNING] = { "warning", "the disk's own warning", true },
        [HEALTH_PERCENTAGE_USED] = { "percentage_used", "endurance used in percent", false },
        [HEALTH_DEVICE_WRITTEN] = { "device_bytes_written", "bytes written by the disk's count", false },
        [HEALTH_HOST_WRITTEN] = { "host_bytes_written", "bytes written by the kernel's count", false },
};

/* Members of the document: the first that is there counts. A * stands for all members of an object, which are summed. */
static const struct {
        HealthCounter counter;
        const char *path;
        double unit;
} fields[] = {
        { HEALTH_TEMPERATURE, "temperature/current", 1 },
        { HEALTH_REALLOCATED, "scsi_grown_defect_list", 1 },
        { HEALTH_PENDING, "scsi_pending_defects/count", 1 },
        { HEALTH_MEDIA_ERRORS, NVME "media_errors", 1 },
        { HEALTH_MEDIA_ERRORS, "scsi_error_counter_log/*/total_uncorrected_errors", 1 },
        { HEALTH_PERCENTAGE_USED, NVME "percentage_used", 1 },
        { HEALTH_PERCENTAGE_USED, "scsi_percentage_used_endurance_indicator", 1 },
        { HEALTH_PERCENTAGE_USED, "endurance_used/current_percent", 1 }, /* of ATA too, since smartctl 7.5 */
        { HEALTH_DEVICE_WRITTEN, NVME "data_units_written", 512000 },
        { HEALTH_DEVICE_WRITTEN, "scsi_error_counter_log/write/gigabytes_processed", 1e9 },
};

/* Attributes of ATA. Vendors give numbers other meanings, so the name of smartctl's database must have the word in it. */
static const struct {
        HealthCounter counter;
        int id;
        const char *word;
} attributes[] = {
        { HEALTH_REALLOCATED, 5, "Realloc" },
        { HEALTH_MEDIA_ERRORS, 187, "Uncorrect" },
        { HEALTH_PENDING, 197, "Pending" },
        { HEALTH_UNCORRECTABLE, 198, "Uncorrect" },
        { HEALTH_CRC_ERRORS, 199, "CRC" },
        { HEALTH_DEVICE_WRITTEN, 241, "Writ" },
};

/* Of attribute 241, by its name; where it has none of these words nobody can say what it counts. */
static const struct {
        const char *word;
        uint64_t unit; /* 0: a logical block */
} written_units[] = { { "32MiB", 32 * MiB }, { "GiB", GiB }, { "MiB", MiB }, { "LBA", 0 }, { "Sector", 0 } };

#define WARNING_TEMPERATURE 0x02 /* bit of NVMe's critical warning: TemperatureLimit= is for that */

void health_set(Health *h, HealthCounter c, uint64_t value) {
        h->known |= UINT32_C(1) << c;
        h->values[c] = value;
}

void health_merge(Health *h, const Health *more) {
        for (HealthCounter c = 0; c < _HEALTH_MAX; c++)
                if (health_knows(more, c))
                        health_set(h, c, more->values[c]);
        if (more->serial[0])
                memcpy(h->serial, more->serial, sizeof(h->serial));
}

uint64_t health_growth(const Health *before, const Health *now, HealthCounter c) {
        if (!health_knows(before, c) || !health_knows(now, c) || strcmp(before->serial, now->serial) != 0)
                return 0;
        return now->values[c] > before->values[c] ? now->values[c] - before->values[c] : 0;
}

static void jsonp(json_object **o) {
        json_object_put(*o);
}

static void tokenerp(json_tokener **t) {
        if (*t)
                json_tokener_free(*t);
}

/* NULL: not there. */
static json_object *member(json_object *o, const char *name) {
        return json_object_is_type(o, json_type_object) ? json_object_object_get(o, name) : NULL;
}

/* Some numbers are too large for JSON, or have decimals, and are written as strings. */
static bool to_number(json_object *o, double *ret) {
        char *end;

        if (json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double)) {
                *ret = json_object_get_double(o);
                return true;
        }
        if (!json_object_is_type(o, json_type_string))
                return false;
        *ret = strtod(json_object_get_string(o), &end);
        return end != json_object_get_string(o);
}

/* What is at the path, added to *sum. False: nothing is there. */
static bool find_number(json_object *o, const char *path, double *sum) {
        size_t n = strcspn(path, "/");
        bool all = n == 1 && *path == '*', found = false;
        double number;

        if (*path == 0) {
                found = to_number(o, &number);
                *sum += found ? number : 0;
                return found;
        }
        if (!json_object_is_type(o, json_type_object))
                return false;
        json_object_object_foreach(o, key, value)
                if (all || (strlen(key) == n && memcmp(key, path, n) == 0))
                        found |= find_number(value, path + n + (path[n] == '/'), sum);
        return found;
}

/* 2^53 bytes are exact, and no disk has written more in its life. */
static uint64_t to_u64(double number) {
        return number <= 0 ? 0 : number >= 1e18 ? (uint64_t)1e18 : (uint64_t)number;
}

static void read_fields(json_object *o, Health *h) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                double number = 0;
                if (!health_knows(h, fields[i].counter) && find_number(o, fields[i].path, &number))
                        health_set(h, fields[i].counter, to_u64(number * fields[i].unit + 0.5));
        }
}

/* smartctl prints the count first, whatever else the vendor has packed into the raw value: "8 (2000 1)". Printed otherwise (hexadecimal, or
 * hours) the whole value is as good for telling growth. */
static bool raw_value(json_object *attribute, double *ret) {
        json_object *raw = member(attribute, "raw"), *string = member(raw, "string");
        const char *text = string ? json_object_get_string(string) : "";
        size_t digits = strspn(text, "0123456789");

        if (digits > 0 && (text[digits] == 0 || text[digits] == ' ')) {
                *ret = strtod(text, NULL);
                return true;
        }
        return to_number(member(raw, "value"), ret);
}

static double written_unit(json_object *o, const char *name) {
        double block = 512;

        for (size_t i = 0; i < ELEMENTSOF(written_units); i++) {
                if (!strstr(name, written_units[i].word))
                        continue;
                if (written_units[i].unit == 0)
                        to_number(member(o, "logical_block_size"), &block);
                return written_units[i].unit ? (double)written_units[i].unit : block;
        }
        return 0;
}

static void read_attribute(json_object *o, json_object *attribute, Health *h) {
        json_object *id = member(attribute, "id"), *named = member(attribute, "name");
        const char *name = named ? json_object_get_string(named) : "";
        double number;

        for (size_t i = 0; i < ELEMENTSOF(attributes); i++) {
                HealthCounter c = attributes[i].counter;
                double unit = c == HEALTH_DEVICE_WRITTEN ? written_unit(o, name) : 1;
                if (json_object_get_int(id) == attributes[i].id && strstr(name, attributes[i].word) && unit > 0 &&
                    raw_value(attribute, &number))
                        health_set(h, c, to_u64(number * unit));
        }
}

static void read_attributes(json_object *o, Health *h) {
        json_object *table = member(member(o, "ata_smart_attributes"), "table");

        for (size_t i = 0; json_object_is_type(table, json_type_array) && i < json_object_array_length(table); i++)
                read_attribute(o, json_object_array_get_idx(table, i), h);
}

static void read_warning(json_object *o, Health *h) {
        json_object *passed = member(member(o, "smart_status"), "passed");
        double bits = 0;

        if (find_number(o, NVME "critical_warning", &bits))
                health_set(h, HEALTH_WARNING, to_u64(bits) & ~(uint64_t)WARNING_TEMPERATURE);
        else if (passed)
                health_set(h, HEALTH_WARNING, !json_object_get_boolean(passed));
}

/* Printable, for it goes into sentences. */
static void copy_text(json_object *o, char *buf, size_t size) {
        snprintf(buf, size, "%s", o ? json_object_get_string(o) : "");
        for (char *p = buf; *p; p++)
                if (!isprint((unsigned char)*p))
                        *p = '?';
}

static int say_nothing(json_object *o, Error *e) {
        json_object *messages = member(member(o, "smartctl"), "messages"), *first = NULL;
        char text[200];

        if (json_object_is_type(messages, json_type_array) && json_object_array_length(messages) > 0)
                first = member(json_object_array_get_idx(messages, 0), "string");
        copy_text(first, text, sizeof(text));
        error_set(e, EXIT_PASS, 0, "%s", text[0] ? text : "it prints no counter of health");
        return SMART_NOTHING;
}

int smart_parse(const char *text, Health *ret, Error *e) {
        _cleanup_(tokenerp) json_tokener *tokener = json_tokener_new();
        _cleanup_(jsonp) json_object *o = tokener ? json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1) : NULL;

        *ret = (Health){ 0 };
        if (!member(o, "smartctl"))
                return error_set(e, EXIT_ERROR, EBADMSG, "what it prints is no JSON of smartctl: \"%.60s\"", text);
        read_fields(o, ret);
        read_attributes(o, ret);
        read_warning(o, ret);
        copy_text(member(o, "serial_number"), ret->serial, sizeof(ret->serial));
        return ret->known ? 0 : say_nothing(o, e);
}
