/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replays observations through the judge: tests/replay/NAME.obs must give NAME.verdict. A field report becomes a test by saving its
 * observations.obs here. Devices of the target are loop3 and loop4; a remake takes two seconds.
 *
 * NAME.verdict: the verdict's word, then a line per finding: class operation errno grade count confirmed consequences; then "asks" and
 * "incidents" when there were any.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macro.h"
#include "judge/judge.h"
#include "known-fixture.h"

#define TICK (100 * NSEC_PER_MSEC)
#define REMAKE (2 * NSEC_PER_SEC)

typedef struct Replay {
        Judge *judge;
        uint64_t now, remade_at; /* remade_at 0: no remake under way */
        unsigned confirms, remakes;
} Replay;

static void tick(Replay *r) {
        unsigned asks = judge_tick(r->judge, r->now);

        r->confirms += (asks & JUDGE_CONFIRM) != 0;
        r->remakes += (asks & JUDGE_REMAKE) != 0;
        if (asks & JUDGE_REMAKE)
                r->remade_at = r->now + REMAKE;
        if (r->remade_at && r->now >= r->remade_at) {
                judge_remade(r->judge, r->now);
                r->remade_at = 0;
        }
}

static void advance(Replay *r, uint64_t to) {
        if (r->now == 0)
                r->now = to;
        while (r->now + TICK <= to) {
                r->now += TICK;
                tick(r);
        }
}

static void feed_file(Replay *r, const char *path) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        char line[4096];

        if (!f)
                fail_msg("%s: %s", path, strerror(errno));
        while (fgets(line, sizeof(line), f)) {
                Error e = ERROR_NULL;
                Observation o;
                int k;

                line[strcspn(line, "\n")] = 0;
                k = observation_parse(line, &o, &e);
                if (k == -ENODATA)
                        continue;
                if (k < 0)
                        fail_msg("%s: \"%s\": %s", path, line, e.sentence);
                advance(r, o.time_ns);
                judge_feed(r->judge, &o);
        }
}

static void print_finding(FILE *out, const Finding *f) {
        char name[16] = "0";

        if (f->result > 0)
                snprintf(name, sizeof(name), "%+d", f->result);
        fprintf(out, "%s %s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", finding_classes[f->class].name, operation_name(f->op),
                f->result < 0 ? errno_name(-f->result, name) : name, grade_name(f->grade), f->count, f->confirmed, f->consequences);
}

static void print_outcome(FILE *out, Replay *r) {
        RunFacts facts = { .collisions = 1000, .removals = 2000, .min_collisions = 100, .trace = true, .completed = true };
        char why[512];

        fprintf(out, "%s\n", exit_code_name(judge_verdict(r->judge, &facts, why, sizeof(why))));
        for (size_t i = 0; i < judge_n_findings(r->judge); i++)
                print_finding(out, judge_finding(r->judge, i));
        if (r->confirms || r->remakes)
                fprintf(out, "asks %u confirm, %u remake\n", r->confirms, r->remakes);
        if (judge_incidents(r->judge))
                fprintf(out, "incidents %" PRIu64 "\n", judge_incidents(r->judge));
}

/* Reads the whole file without comments; empty when there is none. */
static void slurp(const char *path, char *buf, size_t size) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");
        size_t have = 0;

        buf[0] = 0;
        while (f && have + 1 < size && fgets(buf + have, (int)(size - have), f))
                if (buf[have] != '#')
                        have += strlen(buf + have);
        buf[have] = 0;
}

static void outcome_of(const char *path, char *buf, size_t size) {
        KnownIssues known = carried_issues("6.18.44");
        JudgePolicy policy = { .confirm_max = 3, .known = &known, .devices = { "loop3", "loop4" } };
        Replay r = { 0 };
        FILE *out = fmemopen(buf, size, "w");

        assert_non_null(out);
        assert_int_equal(judge_new(&r.judge, &policy), 0);
        feed_file(&r, path);
        advance(&r, r.now + 3 * NSEC_PER_SEC);
        judge_close(r.judge, r.now);
        print_outcome(out, &r);
        for (size_t i = 0; i < judge_n_findings(r.judge); i++) {
                char sentence[1024];
                finding_sentence(judge_finding(r.judge, i), sentence, sizeof(sentence));
                assert_true(strlen(sentence) > 20);
        }
        judge_free(r.judge);
        known_issues_free(&known);
        fclose(out);
}

static bool replay_one(const char *directory, const char *name) {
        char obs[1024], verdict[1024], got[8192] = "", again[8192] = "", want[8192];

        snprintf(obs, sizeof(obs), "%s/%s.obs", directory, name);
        snprintf(verdict, sizeof(verdict), "%s/%s.verdict", directory, name);
        outcome_of(obs, got, sizeof(got));
        outcome_of(obs, again, sizeof(again));
        assert_string_equal(got, again);
        slurp(verdict, want, sizeof(want));
        if (strcmp(got, want) == 0)
                return true;
        print_error("%s: got\n%s--- wanted\n%s", name, got, want);
        return false;
}

static void test_replay(void **state) {
        const char *directory = *state;
        DIR *d = opendir(directory);
        unsigned n = 0, failed = 0, verdicts = 0;

        if (!d)
                fail_msg("%s: %s (set SRCDIR to the source folder)", directory, strerror(errno));
        for (struct dirent *e; (e = readdir(d));) {
                char *dot = strrchr(e->d_name, '.');
                verdicts += dot && strcmp(dot, ".verdict") == 0;
                if (!dot || strcmp(dot, ".obs") != 0)
                        continue;
                *dot = 0;
                n++;
                failed += !replay_one(directory, e->d_name);
        }
        closedir(d);
        assert_true(n >= 25);
        assert_int_equal(n, verdicts);
        assert_int_equal(failed, 0);
}

int main(int argc, char **argv) {
        const char *source = getenv("SRCDIR");
        char directory[1024];
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(test_replay, directory),
        };

        if (argc > 1)
                snprintf(directory, sizeof(directory), "%s", argv[1]);
        else
                snprintf(directory, sizeof(directory), "%s%stests/replay", source ?: "", source ? "/" : "");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
