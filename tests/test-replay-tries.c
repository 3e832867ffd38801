/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tries that never were: what a run would have told them is in a script. */
#include "original-fixture.h"

#include <json-c/json.h>
#include <sys/wait.h>

#include "report/replay.h"

/* One try of the script. */
typedef enum Act { SAME, SAME_IN_SETUP, OTHER, NOTED, NOTHING, WEAK, REFUSED, DIES, STOPPED, STOPPED_EARLY, STOPPED_AT_THE_END, MET_AND_STOPPED } Act;

typedef struct Script {
        Kept *kept;
        Replay replay;
        const Act *acts;
        const unsigned *found_ms; /* of each try that meets it; NULL: 1 s */
        unsigned begun, told;
} Script;

static void meets(Script *s, Try *t, FindingClass class, Grade grade) {
        Finding f = s->kept->finding;
        Report *r = &s->kept->m.report;

        f.class = class;
        f.grade = grade;
        snprintf(f.evidence, sizeof(f.evidence), "/evidence/%u", s->begun);
        r->totals.stress_ns = (s->found_ms ? s->found_ms[s->begun - 1] : 1000) * NSEC_PER_MSEC;
        try_finding(t, &s->kept->original, &f, r);
}

static void ends(Script *s, Try *t, ExitCode verdict) {
        Report *r = &s->kept->m.report;

        r->verdict = verdict;
        r->totals.stress_ns = 10 * NSEC_PER_SEC;
        snprintf(r->why, sizeof(r->why), "because %u", s->begun);
        try_ended(t, r);
}

static void act(Script *s, Try *t, Act what) {
        static const Error refusal = { EXIT_REFUSED, "The disk is in use." };

        switch (what) {
        case SAME:
        case MET_AND_STOPPED:
                meets(s, t, CLASS_ERRNO, GRADE_FINDING);
                meets(s, t, CLASS_HANG, GRADE_FINDING);
                return ends(s, t, EXIT_FAIL);
        case SAME_IN_SETUP:
                meets(s, t, CLASS_ERRNO, GRADE_KNOWN);
                return ends(s, t, EXIT_PASS);
        case OTHER:
                meets(s, t, CLASS_HANG, GRADE_FINDING);
                return ends(s, t, EXIT_FAIL);
        case NOTED:
                meets(s, t, CLASS_SPLAT, GRADE_EXPECT);
                return ends(s, t, EXIT_PASS);
        case NOTHING:
        case STOPPED_AT_THE_END:
                return ends(s, t, EXIT_PASS);
        case WEAK:
        case STOPPED:
                return ends(s, t, EXIT_INCONCLUSIVE);
        case REFUSED:
                return try_failed(t, &refusal);
        default:
                return;
        }
}

static bool play(void *userdata, Try *t) {
        Script *s = userdata;
        Act what = s->acts[s->begun++];

        act(s, t, what);
        return what >= STOPPED;
}

static void tell(void *userdata, const Replay *p, const Try *t) {
        Script *s = userdata;

        assert_ptr_equal(p, &s->replay);
        assert_ptr_equal(t, &p->tries[s->told]);
        s->told++;
}

static void run_script(Script *s, Kept *k, const Act *acts, unsigned times) {
        const ReplayCaller caller = { s, play, tell };

        s->kept = k;
        s->acts = acts;
        s->begun = s->told = 0;
        assert_int_equal(replay_init(&s->replay, &k->original, "0.1.0", times, &k->error), 0);
        snprintf(s->replay.kernel, sizeof(s->replay.kernel), "6.18.44 x86_64");
        replay_run(&s->replay, &caller);
}

/* k of n after so many were begun, the verdict, and words of its sentence. */
static void expect(Kept *k, const Act *acts, unsigned times, const unsigned counts[static 3], ExitCode verdict, const char *says) {
        char why[REPLAY_WHY_MAX];
        Script s = { 0 };

        run_script(&s, k, acts, times);
        assert_int_equal(replay_k(&s.replay), counts[0]);
        assert_int_equal(s.replay.n, counts[1]);
        assert_int_equal(s.begun, counts[2]);
        assert_int_equal(s.told, counts[1] + (s.replay.failed != NULL));
        assert_int_equal(replay_verdict(&s.replay), verdict);
        replay_describe(&s.replay, why);
        if (!strstr(why, says))
                fail_msg("\"%s\" does not say \"%s\"", why, says);
        replay_done(&s.replay);
}

#define EXPECT(acts, times, k, n, begun, verdict, says) expect(*state, acts, times, (const unsigned[]){ k, n, begun }, verdict, says)

static void test_k_of_n(void **state) {
        keep_and_read(*state);
        EXPECT(((const Act[]){ SAME, NOTHING, SAME }), 3, 2, 3, 3, EXIT_FAIL, "2 of 3 met kernel/errno of unlink (ENOSPC) again, after ");
        EXPECT(((const Act[]){ NOTHING, NOTHING }), 2, 0, 2, 2, EXIT_PASS, "0 of 2 met");
        EXPECT(((const Act[]){ NOTHING, NOTED }), 2, 0, 2, 2, EXIT_PASS, "0 of 2 met");
        EXPECT(((const Act[]){ NOTHING, SAME_IN_SETUP }), 2, 1, 2, 2, EXIT_FAIL, "1 of 2 met");
        EXPECT(((const Act[]){ NOTHING, OTHER }), 2, 0, 2, 2, EXIT_FAIL, "1 met another finding instead");
        EXPECT(((const Act[]){ NOTHING, WEAK }), 2, 0, 2, 2, EXIT_INCONCLUSIVE, "1 had too little pressure");
        EXPECT(((const Act[]){ WEAK, SAME }), 2, 1, 2, 2, EXIT_FAIL, "1 of 2 met");
}

static void test_stopped(void **state) {
        keep_and_read(*state);
        EXPECT(((const Act[]){ SAME, STOPPED }), 9, 1, 1, 2, EXIT_FAIL, "1 of 1 met kernel/errno of unlink (ENOSPC) again");
        EXPECT(((const Act[]){ NOTHING, STOPPED_EARLY }), 9, 0, 1, 2, EXIT_INCONCLUSIVE, "stopped before all 9 were tried");
        EXPECT(((const Act[]){ STOPPED }), 1, 0, 0, 1, EXIT_INCONCLUSIVE, "0 of 0 met");
        EXPECT(((const Act[]){ NOTHING, STOPPED_AT_THE_END }), 9, 0, 2, 2, EXIT_INCONCLUSIVE, "0 of 2 met");
        EXPECT(((const Act[]){ NOTHING, STOPPED_AT_THE_END }), 2, 0, 2, 2, EXIT_PASS, "0 of 2 met");
        EXPECT(((const Act[]){ MET_AND_STOPPED }), 9, 1, 1, 1, EXIT_FAIL, "1 of 1 met");
}

/* The others would fail as well. */
static void test_failed(void **state) {
        keep_and_read(*state);
        EXPECT(((const Act[]){ REFUSED }), 3, 0, 0, 1, EXIT_REFUSED, "then a try failed: The disk is in use.");
        EXPECT(((const Act[]){ NOTHING, DIES }), 3, 0, 1, 2, EXIT_ERROR, "again; then a try failed: its process ended without");
        EXPECT(((const Act[]){ SAME, DIES }), 3, 1, 1, 2, EXIT_FAIL, "then a try failed");
}

static void test_times(void **state) {
        static const Act acts[] = { SAME, SAME, NOTHING, SAME, SAME };
        static const unsigned found_ms[] = { 900, 100, 0, 400, 200 };
        Script s = { .found_ms = found_ms };
        ReplayTimes t;

        keep_and_read(*state);
        run_script(&s, *state, acts, 5);
        assert_true(replay_times(&s.replay, &t));
        assert_int_equal(t.min_ns, 100 * NSEC_PER_MSEC);
        assert_int_equal(t.median_ns, 300 * NSEC_PER_MSEC);
        assert_int_equal(t.max_ns, 900 * NSEC_PER_MSEC);
        replay_done(&s.replay);
        run_script(&s, *state, acts, 4);
        assert_true(replay_times(&s.replay, &t));
        assert_int_equal(t.median_ns, 400 * NSEC_PER_MSEC);
        replay_done(&s.replay);
        run_script(&s, *state, acts + 2, 1);
        assert_false(replay_times(&s.replay, &t));
        replay_done(&s.replay);
}

static const char *string_of(json_object *o, const char *key) {
        return json_object_get_string(json_object_object_get(o, key));
}

static void test_json(void **state) {
        static const Act acts[] = { SAME, NOTHING, OTHER, REFUSED };
        static const char *const outcomes[] = { "reproduced", "none", "other", "failed" };
        static const char *const evidence[] = { "/evidence/1", NULL, "/evidence/3", NULL };
        Script s = { 0 };
        json_object *o, *tries, *original;
        char *text;

        keep_and_read(*state);
        run_script(&s, *state, acts, 10);
        text = PRINTED(f, assert_int_equal(replay_json(&s.replay, f), 0));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        o = json_tokener_parse(text);
        assert_non_null(o);
        assert_string_equal(string_of(o, "verdict"), "FAIL");
        assert_string_equal(string_of(o, "exit_code"), "1");
        assert_string_equal(string_of(o, "reproduced"), "1");
        assert_string_equal(string_of(o, "tried"), "3");
        assert_string_equal(string_of(o, "asked"), "10");
        assert_string_equal(string_of(json_object_object_get(o, "found_s"), "median"), "1.000");
        original = json_object_object_get(o, "original");
        assert_string_equal(string_of(original, "folder"), s.kept->finding.evidence);
        assert_string_equal(string_of(original, "class"), "kernel/errno");
        assert_string_equal(string_of(original, "operation"), "unlink");
        assert_string_equal(string_of(original, "errno"), "ENOSPC");
        assert_string_equal(string_of(original, "seed"), "18446744073709551615");
        assert_string_equal(string_of(original, "found_s"), "4.200");
        tries = json_object_object_get(o, "tries");
        assert_int_equal(json_object_array_length(tries), 4);
        for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
                json_object *t = json_object_array_get_idx(tries, i);
                assert_string_equal(string_of(t, "outcome"), outcomes[i]);
                if (evidence[i])
                        assert_string_equal(string_of(t, "evidence"), evidence[i]);
                else
                        assert_null(json_object_object_get(t, "evidence"));
        }
        assert_string_equal(string_of(json_object_array_get_idx(tries, 0), "found_s"), "1.000");
        assert_null(string_of(json_object_array_get_idx(tries, 0), "other")); /* what came after it is its consequence or another's */
        assert_string_equal(string_of(json_object_array_get_idx(tries, 2), "other"), "kernel/hang");
        assert_string_equal(string_of(json_object_array_get_idx(tries, 3), "verdict"), "REFUSED");
        json_object_put(o);
        free(text);
        replay_done(&s.replay);
}

static void test_print(void **state) {
        static const Act acts[] = { SAME, NOTHING, OTHER, WEAK, DIES };
        static const char *const wanted[] = {
                "try 1/10    reproduced after 1.00 s under stress; evidence: /evidence/1\n",
                "try 2/10    not in 10.0 s under stress\n",
                "try 3/10    another finding: kernel/hang; evidence: /evidence/3\n",
                "try 4/10    not in 10.0 s under stress, but: because 4\n",
                "try 5/10    failed: its process ended without a verdict\n",
        };
        Script s = { 0 };
        Kept *k = *state;
        char *text;

        keep_and_read(k);
        assert_int_equal(replay_config(&k->original, &k->m.config, NULL, &k->error), 0);
        run_script(&s, k, acts, 10);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                text = PRINTED(f, replay_print_try(&s.replay, &s.replay.tries[i], f));
                assert_string_equal(text, wanted[i]);
                free(text);
        }
        text = PRINTED(f, replay_print_header(&s.replay, &k->m.config, f));
        assert_non_null(strstr(text, "\ntries       10 of at most 12600ms under stress, seed 18446744073709551615\n"));
        assert_null(strstr(text, "note"));
        free(text);
        text = PRINTED(f, replay_print_closing(&s.replay, f));
        assert_ptr_equal(text, strstr(text, "\nFAIL  1 of 4 met kernel/errno of unlink (ENOSPC) again, after 1.00 s / 1.00 s /\n"
                                      "      1.00 s under stress"));
        free(text);
        strcpy(s.replay.kernel, "6.1.0 x86_64");
        s.replay.version = "0.2.0";
        text = PRINTED(f, replay_print_header(&s.replay, &k->m.config, f));
        assert_non_null(strstr(text, "\nnote        it was found on another kernel, 6.18.44 x86_64\n"));
        assert_non_null(strstr(text, "\nnote        this is scrubstress 0.2.0,"));
        free(text);
        replay_done(&s.replay);
}

/* What a child has seen stays, whatever becomes of it. */
static void test_child_dies(void **state) {
        Script s = { .kept = *state, .begun = 1 };
        pid_t pid;
        int status;

        keep_and_read(*state);
        assert_int_equal(replay_init(&s.replay, &s.kept->original, "0.1.0", 1, NULL), 0);
        pid = fork();
        if (pid == 0) {
                meets(&s, s.replay.tries, CLASS_ERRNO, GRADE_FINDING);
                raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_int_equal(try_end(s.replay.tries), TRY_SAME);
        assert_false(s.replay.tries[0].ended);
        replay_done(&s.replay);
}

static void test_config(void **state) {
        Kept *k = *state;
        Config c;

        assert_int_equal(config_set(&k->m.config, "Soak.Duration=72h", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Run.OnFinding=hold", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Run.Profile=burst", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Scrub.ReadOnly=yes", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Run.Seed=0", &k->error), 0);
        assert_int_equal(config_check(&k->m.config, &k->error), 0);
        keep_and_read(k);
        assert_int_equal(replay_config(&k->original, &c, NULL, &k->error), 0);
        assert_int_equal(replay_config_check(&c, &k->error), 0);
        assert_true(c.run.seed == k->original.seed);
        assert_int_equal(c.run.on_finding, ON_FINDING_STOP);
        assert_int_equal(c.soak.duration_ns, 0);
        assert_int_equal(c.run.duration_ns, 12600 * NSEC_PER_MSEC);
        assert_true(c.scrub.readonly);
        assert_string_equal(c.run.evidence_directory, k->base);
        /* All else is as it was. */
        assert_int_equal(config_set(&c, "Run.Seed=0", &k->error) | config_set(&c, "Soak.Duration=72h", &k->error) |
                         config_set(&c, "Run.OnFinding=hold", &k->error) | config_set(&c, "Run.Duration=0", &k->error), 0);
        k->m.config.run.duration_ns = 0;
        {
                _cleanup_free_ char *before = PRINTED(f, config_print_values(&k->m.config, f)), *after = PRINTED(f, config_print_values(&c, f));
                assert_string_equal(before, after);
        }
}

static void test_config_refused(void **state) {
        static const struct {
                const char *set, *says;
        } refused[] = {
                { "Soak.Duration=1h", "no soak" },
                { "Run.OnFinding=hold", "Run.OnFinding=" },
                { "Run.Duration=0", "--duration" },
                { "Target.Devices=/dev/sda", "nothing was touched" }, /* the interlocks hold */
        };
        Kept *k = *state;
        Config c;

        keep_and_read(k);
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                assert_int_equal(replay_config(&k->original, &c, NULL, &k->error), 0);
                assert_int_equal(config_set(&c, refused[i].set, &k->error), 0);
                assert_true(replay_config_check(&c, &k->error) < 0);
                if (!strstr(k->error.sentence, refused[i].says))
                        fail_msg("\"%s\" does not say \"%s\"", k->error.sentence, refused[i].says);
        }
        strcpy(k->original.folder, k->base);
        assert_true(replay_config(&k->original, &c, NULL, &k->error) < 0);
        assert_non_null(strstr(k->error.sentence, "config.conf"));
}

/* Consent was to what the disk held then. */
static void test_consent(void **state) {
        Kept *k = *state;
        Config c;

        assert_int_equal(config_set(&k->m.config, "Target.Devices=/dev/disk/by-id/nvme-X_S4", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Target.Wipe=S4", &k->error), 0);
        assert_int_equal(config_set(&k->m.config, "Target.WipeSignatures=yes", &k->error), 0);
        assert_int_equal(config_check(&k->m.config, &k->error), 0);
        keep_and_read(k);
        assert_int_equal(replay_config(&k->original, &c, NULL, &k->error), 0);
        assert_string_equal(c.target.devices, "/dev/disk/by-id/nvme-X_S4");
        assert_true(replay_config_check(&c, &k->error) < 0);
        assert_int_equal(k->error.exit, EXIT_REFUSED);
        assert_non_null(strstr(k->error.sentence, "Wipe="));
        assert_int_equal(config_set(&c, "Target.Wipe=S4", &k->error), 0);
        assert_int_equal(replay_config_check(&c, &k->error), 0);
        assert_false(c.target.wipe_signatures);
}

static void test_try_ns(void **state) {
        Original o = { .found_ns = 100 * NSEC_PER_MSEC };

        (void)state;
        assert_int_equal(replay_try_ns(&o), 10 * NSEC_PER_SEC);
        o.found_ns = 20 * NSEC_PER_SEC;
        assert_int_equal(replay_try_ns(&o), 60 * NSEC_PER_SEC);
        o.asked_ns = 30 * NSEC_PER_SEC;
        assert_int_equal(replay_try_ns(&o), 30 * NSEC_PER_SEC);
        o.asked_ns = 2 * NSEC_PER_SEC;
        assert_int_equal(replay_try_ns(&o), 2 * NSEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_k_of_n, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_stopped, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_failed, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_times, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_json, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_print, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_child_dies, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_config, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_config_refused, kept_setup, kept_teardown),
                cmocka_unit_test_setup_teardown(test_consent, kept_setup, kept_teardown),
                cmocka_unit_test(test_try_ns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
