/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "command.h"
#include "config/config.h"
#include "disk-list.h"

/* Every device as if it was named with the right serial: which interlocks would refuse it all the same? */
typedef struct Listing {
        DeviceUses uses;
        bool uses_known;
        struct json_object *devices; /* NULL: text for people */
        unsigned n;
} Listing;

static void put(struct json_object *o, const char *key, const char *value) {
        json_object_object_add(o, key, value[0] ? json_object_new_string(value) : NULL);
}

static void put_refusal(void *userdata, const Interlock *interlock, const char *sentence) {
        struct json_object *o = json_object_new_object();

        put(o, "interlock", interlock->name);
        put(o, "sentence", sentence);
        json_object_array_add(userdata, o);
}

static void add_json(struct json_object *devices, const Candidate *c) {
        struct json_object *o = json_object_new_object(), *refusals = json_object_new_array();
        const Identity *i = &c->identity;

        put(o, "name", i->name);
        put(o, "path", c->request.path);
        json_object_object_add(o, "major", json_object_new_int((int)c->major));
        json_object_object_add(o, "minor", json_object_new_int((int)c->minor));
        json_object_object_add(o, "size", json_object_new_uint64(i->size));
        put(o, "model", i->model);
        put(o, "serial", i->serial);
        put(o, "serial_source", i->serial_source);
        put(o, "wwid", i->wwid);
        put(o, "link", i->link);
        put(o, "holds", c->signatures_error < 0 ? "" : c->signatures.text);
        consent_check(c, put_refusal, refusals);
        json_object_object_add(o, "refusals", refusals);
        json_object_array_add(devices, o);
}

static int list(void *userdata, unsigned major, unsigned minor) {
        Listing *l = userdata;
        ConsentRequest request = { 0 };
        Candidate c;
        Identity i;

        if (identity_read(&i, "", major, minor) < 0)
                return 0; /* gone meanwhile */
        if (i.link[0])
                snprintf(request.path, sizeof(request.path), "%s", i.link);
        else
                snprintf(request.path, sizeof(request.path), "/dev/%s", i.name);
        snprintf(request.wipe, sizeof(request.wipe), "%s", i.serial);
        candidate_open(&c, &request, "");
        c.uses = l->uses_known ? &l->uses : NULL;
        if (l->devices)
                add_json(l->devices, &c);
        else {
                if (l->n > 0)
                        putchar('\n');
                disk_list_identity(&c, stdout);
                disk_list_consent(&c, stdout);
        }
        candidate_close(&c);
        l->n++;
        return 0;
}

static int print_json(struct json_object *devices) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "schema", json_object_new_int(1));
        json_object_object_add(o, "devices", devices);
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return fflush(stdout) != 0 ? -errno : 0;
}

static int run(const Options *o, Error *e) {
        Listing l = { .uses = DEVICE_USES_NULL, .devices = o->format == FORMAT_JSON ? json_object_new_array() : NULL };
        Config c;
        int r;

        config_init(&c);
        l.uses_known = device_uses_read(&l.uses, "", (const char *const[]){ c.run.evidence_directory, NULL }) == 0;
        r = identity_each("", list, &l);
        device_uses_free(&l.uses);
        if (r < 0) {
                json_object_put(l.devices);
                return error_set(e, EXIT_ERROR, -r, "/sys/block cannot be read: %s; mount sysfs.", strerror(-r));
        }
        if (l.devices)
                r = print_json(l.devices);
        else if (l.n == 0)
                puts("There is no block device.");
        return r < 0 ? error_set(e, EXIT_ERROR, -r, "The list could not be written to standard output: %s.", strerror(-r)) : EXIT_PASS;
}

const Command command_devices = {
        .name = "devices",
        .allowed = "fhV",
        .help = "list the block devices, what is on them, and what would refuse to stress them",
        .run = run,
};
