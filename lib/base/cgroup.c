/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cgroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/macro.h"

#define HIERARCHY "/sys/fs/cgroup"
#define LEAF "/supervisor"
#define PROCESSES "/cgroup.procs"
#define SELF "0" /* there: whoever writes it */

/* "DIRECTORY/FILE", below the root. */
static int locate(char *ret, const char *root, const char *directory, const char *file) {
        return snprintf(ret, PATH_MAX, "%s%s%s", root ?: "", directory, file) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool has(const char *root, const char *directory, const char *file) {
        char path[PATH_MAX];

        return locate(path, root, directory, file) == 0 && access(path, F_OK) == 0;
}

static int put(const char *root, const char *directory, const char *file, const char *text) {
        char path[PATH_MAX];
        int r = locate(path, NULL, directory, file);

        return r < 0 ? r : fs_write(root, path, text);
}

/* The directory of the group that we are in. The line of version 2 is "0::PATH" (cgroups(7)). */
static int own(char *ret, const char *root) {
        char text[4096], *line;
        int r = fs_read(root, "/proc/self/cgroup", text, sizeof(text));

        if (r < 0)
                return r;
        line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
        if (!line || !has(root, HIERARCHY, "/cgroup.controllers"))
                return -ENOENT;
        line = strstr(line, "0::/") + strlen("0::/");
        line[strcspn(line, "\n")] = 0;
        r = snprintf(ret, PATH_MAX, "%s%s%s", HIERARCHY, line[0] ? "/" : "", line);
        return r < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The top of the hierarchy, and nothing else, has none. */
static bool is_top(const char *root, const char *group) {
        return !has(root, group, "/cgroup.type");
}

static bool is_delegated(const char *root, const char *group) {
        static const char *const attributes[] = { "trusted.delegate", "user.delegate" };
        char path[PATH_MAX], value[8];

        if (locate(path, root, group, "") < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(attributes); i++)
                if (getxattr(path, attributes[i], value, sizeof(value)) == 1 && value[0] == '1')
                        return true;
        return false;
}

/* The group below which we may make others, and whether we are in its leaf, or need none. */
static int home(char *ret, const char *root, bool *ret_settled) {
        size_t n;
        int r = own(ret, root);

        if (r < 0)
                return r;
        *ret_settled = true;
        if (is_top(root, ret))
                return 0;
        n = strlen(ret);
        if (n > strlen(LEAF) && strcmp(ret + n - strlen(LEAF), LEAF) == 0)
                ret[n - strlen(LEAF)] = 0;
        else
                *ret_settled = false;
        return is_delegated(root, ret) ? 0 : -EPERM;
}

static int make(const char *root, const char *directory) {
        char path[PATH_MAX];
        int r = locate(path, root, directory, "");

        return r < 0 ? r : mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static bool is_empty(const char *root, const char *group) {
        char path[PATH_MAX], text[32];
        int r = locate(path, NULL, group, PROCESSES);

        return r == 0 && fs_read(root, path, text, sizeof(text)) == 0;
}

int cgroup_settle(const char *root) {
        char group[PATH_MAX], leaf[PATH_MAX];
        bool settled;
        int r = home(group, root, &settled);

        if (r < 0 || settled)
                return r;
        if (snprintf(leaf, sizeof(leaf), "%s" LEAF, group) >= (int)sizeof(leaf))
                return -ENAMETOOLONG;
        r = make(root, leaf);
        if (r == 0)
                r = put(root, leaf, PROCESSES, SELF);
        return r < 0 ? r : is_empty(root, group) ? 0 : -EBUSY;
}

int cgroup_make(Cgroup *ret, const char *root, const char *name, const char *controller) {
        char group[PATH_MAX], hand_down[32];
        bool settled;
        int r = home(group, root, &settled);

        *ret = CGROUP_NULL;
        if (r < 0)
                return r;
        snprintf(hand_down, sizeof(hand_down), "+%s", controller);
        r = put(root, group, "/cgroup.subtree_control", hand_down);
        if (r < 0)
                return r;
        if (snprintf(ret->path, sizeof(ret->path), "%s/%s", group, name) >= (int)sizeof(ret->path))
                return -ENAMETOOLONG;
        ret->root = root;
        return make(root, ret->path);
}

int cgroup_set(const Cgroup *g, const char *file, const char *value) {
        return put(g->root, g->path, file, value);
}

int cgroup_enter(const Cgroup *g) {
        return cgroup_set(g, PROCESSES, SELF);
}

int cgroup_count(const Cgroup *g, const char *file, const char *name, unsigned long long *ret) {
        char path[PATH_MAX], text[1024];
        size_t n = strlen(name);
        int r = locate(path, NULL, g->path, file);

        if (r == 0)
                r = fs_read(g->root, path, text, sizeof(text));
        if (r < 0)
                return r;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
                if (strncmp(line, name, n) == 0 && line[n] == ' ') {
                        *ret = strtoull(line + n, NULL, 10);
                        return 0;
                }
        return -ENODATA;
}

void cgroup_remove(Cgroup *g) {
        char path[PATH_MAX];

        if (g->path[0] && locate(path, g->root, g->path, "") == 0)
                rmdir(path);
        *g = CGROUP_NULL;
}
