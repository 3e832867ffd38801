/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files into Config. */
#include <errno.h>
#include <string.h>

#include "base/conf-search.h"
#include "config/key.h"

typedef struct Loader {
        Config *config;
        const ConfigWarn *warn;
} Loader;

static void warn_unknown(const Loader *l, const ConfLine *line) {
        char text[KEY_TEXT_MAX], sentence[KEY_TEXT_MAX + 512];

        if (!l->warn || !l->warn->func)
                return;
        key_explain_unknown(line->section, line->name, text);
        snprintf(sentence, sizeof(sentence), "%.400s:%u: %s (ignored)", line->path, line->number, text);
        l->warn->func(l->warn->userdata, sentence);
}

/* A ConfTaker. A whole section that is not ours gets one warning, at its head. */
static int take(void *userdata, const ConfLine *line, Error *e) {
        bool ours = line->section[0] == 0 || key_section_exists(line->section);
        const Key *k = line->name ? key_find(line->section, line->name) : NULL;
        _cleanup_free_ char *origin = NULL;
        Loader *l = userdata;

        if (!k) {
                if (line->name ? ours : !key_section_exists(line->section))
                        warn_unknown(l, line);
                return 0;
        }
        if (asprintf(&origin, "%s:%u", line->path, line->number) < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
        return key_assign(k, l->config, line->value, origin, e);
}

static int load_file(Config *c, const char *path, const ConfigWarn *warn, Error *e) {
        return conf_file_read(path, &(ConfTaker){ take, &(Loader){ c, warn } }, e);
}

int config_load_file(Config *c, const char *path, bool must_exist, const ConfigWarn *warn, Error *e) {
        Config next = *c;
        int r;

        if (!must_exist && access(path, F_OK) < 0 && errno == ENOENT)
                return 0;
        r = load_file(&next, path, warn, e);
        if (r == 0)
                *c = next;
        return r;
}

#define COMMON "scrubstress" /* .conf and .conf.d: what all instances read */

#define NO_FILE 1

/* The first NAME.conf; NO_FILE when there is none. */
static int load_main(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        for (size_t i = 0; i < CONF_DIRECTORIES; i++) {
                _cleanup_free_ char *path = NULL;
                if (asprintf(&path, "%s%s/%s.conf", root, conf_directories[i], name) < 0)
                        return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
                if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
                        return load_file(c, path, warn, e);
        }
        return NO_FILE;
}

static int load_drop_ins(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        _cleanup_free_ char *folder = NULL;

        if (asprintf(&folder, "%s.conf.d", name) < 0)
                return error_set(e, EXIT_ERROR, ENOMEM, "out of memory");
        return conf_drop_ins(root, folder, NULL, &(ConfTaker){ take, &(Loader){ c, warn } }, e);
}

int config_load(Config *c, const char *root, const ConfigWarn *warn, Error *e) {
        Config next = *c;
        int r = load_main(&next, root ?: "", COMMON, warn, e);

        if (r >= 0)
                r = load_drop_ins(&next, root ?: "", COMMON, warn, e);
        if (r == 0)
                *c = next;
        return r;
}

/* A name that Run.Instance takes, and not that of the common file. */
static int check_name(const char *name, Error *e) {
        const Key *k = key_find("Run", "Instance");
        char allowed[KEY_TEXT_MAX];
        Config scratch;

        if (name[0] && strcmp(name, COMMON) != 0 && k->type->parse(k, name, (char *)&scratch + k->offset) == 0)
                return 0;
        key_describe(k, allowed);
        return error_set(e, EXIT_USAGE, EINVAL, "instance \"%.80s\": not a name of an instance; allowed: %s; but not " COMMON
                         ", whose file is for all of them", name, allowed);
}

int config_load_instance(Config *c, const char *root, const char *name, const ConfigWarn *warn, Error *e) {
        const Key *k = key_find("Run", "Instance");
        char origin[CONFIG_ORIGIN_MAX];
        Config next = *c;
        int r = check_name(name, e);

        if (r < 0)
                return r;
        r = load_main(&next, root ?: "", name, warn, e);
        if (r == NO_FILE)
                return error_set(e, EXIT_USAGE, ENOENT, "instance \"%s\": there is no %s.conf in %s, %s, %s or %s; write one with what differs from "
                                 COMMON ".conf, such as [Target] Devices= and Wipe=", name, name, conf_directories[0], conf_directories[1],
                                 conf_directories[2], conf_directories[3]);
        if (r == 0)
                r = load_drop_ins(&next, root ?: "", name, warn, e);
        if (r == 0 && key_is_default(k, &next)) {
                snprintf(origin, sizeof(origin), "instance %s", name);
                r = key_assign(k, &next, name, origin, e);
        }
        if (r == 0)
                *c = next;
        return r;
}
