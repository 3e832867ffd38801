/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "report/replay.h"

typedef struct OptionInfo {
        char letter; /* what `allowed` says and getopt returns */
        const char *name, *argument, *key, *help;
} OptionInfo;

/* `key`: the option is another spelling of --set KEY=argument. */
static const OptionInfo option_table[] = {
        { 'd', "duration", "TIME", "Run.Duration", "time under stress: 60s, 10m, 2h 30m; 0: until stopped" },
        { 't', "target", "SPEC", "Target.Devices", "what to stress: loop:SIZE*N, for example loop:1GiB*4; or disks, see Target.Wipe" },
        { 's', "seed", "N", "Run.Seed", "seed of all random choices; 0: one from the kernel" },
        { 'c', "config", "FILE", NULL, "read this file instead of searching the system's folders" },
        { 'i', "instance", "NAME", NULL, "also read NAME.conf, over that; Run.Instance is then NAME" },
        { 'S', "set", "Section.Key=VALUE", NULL, "set one key; may be given often; wins over files" },
        { 'f', "format", "text|json", NULL, "json: one object on stdout at the end, people's text on stderr" },
        { 'p', "plan", NULL, NULL, "print what would be done, device by device, and touch nothing" },
        { 'n', "times", "N", NULL, "how often to try, from 1 to 1000; default: 10" },
        { 'P', "part", "NAME", NULL, "which table to print" },
        { 'h', "help", NULL, NULL, "this text" },
        { 'V', "version", NULL, NULL, "the version" },
};

static const char *const format_names[_FORMAT_MAX] = { [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json" };

static int add_set(Options *o, const char *assignment, Error *e) {
        if (o->n_sets == OPTIONS_SETS_MAX)
                return error_set(e, EXIT_USAGE, E2BIG, "More than %u --set options; put them into a file and give it with --config.",
                                 OPTIONS_SETS_MAX);
        o->sets[o->n_sets++] = assignment;
        return 0;
}

static int spell_out(Options *o, const OptionInfo *info, const char *argument, Error *e) {
        char *text = o->spelt[o->n_spelt];

        if (o->n_spelt == ELEMENTSOF(o->spelt))
                return error_set(e, EXIT_USAGE, E2BIG, "--%s was given too often; once is enough.", info->name);
        if (snprintf(text, sizeof(o->spelt[0]), "%s=%s", info->key, argument) >= (int)sizeof(o->spelt[0]))
                return error_set(e, EXIT_USAGE, ENAMETOOLONG, "The argument of --%s is too long.", info->name);
        o->n_spelt++;
        return add_set(o, text, e);
}

static int set_format(Options *o, const char *argument, Error *e) {
        for (unsigned i = 0; i < _FORMAT_MAX; i++)
                if (strcmp(argument, format_names[i]) == 0) {
                        o->format = (OutputFormat)i;
                        return 0;
                }
        return error_set(e, EXIT_USAGE, EINVAL, "--format %s is not known; text and json are.", argument);
}

static int set_times(Options *o, const char *argument, Error *e) {
        char *end;
        unsigned long n = strtoul(argument, &end, 10);

        if (argument[0] < '0' || argument[0] > '9' || *end || n < 1 || n > REPLAY_TIMES_MAX)
                return error_set(e, EXIT_USAGE, EINVAL, "--times %s: from 1 to %u is possible.", argument, REPLAY_TIMES_MAX);
        o->times = (unsigned)n;
        return 0;
}

static int take(Options *o, const OptionInfo *info, const char *argument, Error *e) {
        if (info->key)
                return spell_out(o, info, argument, e);
        switch (info->letter) {
        case 'c': o->config_file = argument; return 0;
        case 'i': o->instance = argument; return 0;
        case 'S': return add_set(o, argument, e);
        case 'f': return set_format(o, argument, e);
        case 'n': return set_times(o, argument, e);
        case 'P': o->part = argument; return 0;
        case 'p': o->plan = true; return 0;
        case 'h': o->help = true; return 0;
        default: o->version = true; return 0;
        }
}

static const OptionInfo *option_by_letter(int letter, const char *allowed) {
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++)
                if (option_table[i].letter == letter && strchr(allowed, letter))
                        return &option_table[i];
        return NULL;
}

int options_parse(Options *o, int argc, char **argv, const char *allowed, Error *e) {
        struct option longs[ELEMENTSOF(option_table) + 1] = { 0 };
        unsigned n = 0;
        int letter;

        for (size_t i = 0; i < ELEMENTSOF(option_table); i++)
                if (strchr(allowed, option_table[i].letter))
                        longs[n++] = (struct option){ .name = option_table[i].name,
                                                      .has_arg = option_table[i].argument ? required_argument : no_argument,
                                                      .val = option_table[i].letter };
        opterr = 0;
        optind = 1;
        while ((letter = getopt_long(argc, argv, ":hV", longs, NULL)) >= 0) {
                const OptionInfo *info = option_by_letter(letter, allowed);
                int r;

                if (letter == ':')
                        return error_set(e, EXIT_USAGE, EINVAL, "The option %s needs an argument; see --help.", argv[optind - 1]);
                if (!info)
                        return error_set(e, EXIT_USAGE, EINVAL, "There is no option %s here; see --help.", argv[optind - 1]);
                r = take(o, info, optarg, e);
                if (r < 0)
                        return r;
        }
        if (optind < argc && strchr(allowed, OPTIONS_OPERAND))
                o->operand = argv[optind++];
        if (optind < argc)
                return error_set(e, EXIT_USAGE, EINVAL, "'%s' is not expected here; see --help.", argv[optind]);
        return 0;
}

void options_print(FILE *f, const char *allowed) {
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                const OptionInfo *info = &option_table[i];
                char left[64];

                if (!strchr(allowed, info->letter))
                        continue;
                snprintf(left, sizeof(left), "--%s%s%s", info->name, info->argument ? " " : "", info->argument ?: "");
                fprintf(f, "  %-26s %s\n", left, info->help);
        }
}

static void warn_to_stderr(void *userdata _unused_, const char *sentence) {
        fprintf(stderr, "Warning: %s\n", sentence);
}

const ConfigWarn options_warn = { .func = warn_to_stderr };

int options_set(const Options *o, Config *c, Error *e) {
        int r = 0;

        for (unsigned i = 0; i < o->n_sets && r >= 0; i++)
                r = config_set(c, o->sets[i], e);
        return r;
}

int options_load(const Options *o, Config *c, Error *e) {
        int r;

        config_init(c);
        r = o->config_file ? config_load_file(c, o->config_file, true, &options_warn, e) : config_load(c, "", &options_warn, e);
        if (r >= 0 && o->instance)
                r = config_load_instance(c, "", o->instance, &options_warn, e);
        return r < 0 ? r : options_set(o, c, e);
}

int options_config(const Options *o, Config *c, Error *e) {
        int r = options_load(o, c, e);

        return r < 0 ? r : config_check(c, e);
}
