/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "base/rng.h"
#include "observe/observation.h"

#define ALL_FLAGS (OBS_OURS | OBS_SIGNAL | OBS_NEAR_FULL | OBS_OVERLAP | OBS_SWAPFILE | OBS_INJECTED | OBS_COLLIDED | OBS_DISCARDS)

static void assert_same(const Observation *a, const Observation *b) {
        assert_int_equal(a->time_ns, b->time_ns);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->op, b->op);
        assert_int_equal(a->result, b->result);
        assert_int_equal(a->flags, b->flags);
        assert_int_equal(a->worker, b->worker);
        assert_int_equal(a->counter, b->counter);
        assert_int_equal(a->devid, b->devid);
        assert_int_equal(a->physical, b->physical);
        assert_int_equal(a->logical, b->logical);
        assert_int_equal(a->length, b->length);
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->begin_ns, b->begin_ns);
        assert_string_equal(a->text, b->text);
}

static void operations_have_names(void **state _unused_) {
        for (int op = 0; op < _OP_MAX; op++) {
                assert_true(strlen(operation_name((Operation)op)) > 0);
                assert_int_equal(operation_from_name(operation_name((Operation)op)), op);
        }
        assert_string_equal(operation_name(OP_START_SYNC), "start-sync");
        assert_string_equal(operation_name(_OP_MAX), "unknown");
        assert_string_equal(operation_name((Operation)-1), "unknown");
        assert_int_equal(operation_from_name("unknown"), -1);
        assert_int_equal(operation_from_name(""), -1);
}

static void kinds_have_names(void **state _unused_) {
        for (int a = 0; a < _OBS_MAX; a++)
                for (int b = 0; b < a; b++)
                        assert_string_not_equal(observation_kind_name((ObservationKind)a), observation_kind_name((ObservationKind)b));
        assert_string_equal(observation_kind_name(OBS_STUCK), "stuck");
        assert_string_equal(observation_kind_name(_OBS_MAX), "unknown");
}

static void prints_as_documented(void **state _unused_) {
        static const struct {
                Observation o;
                const char *line;
        } cases[] = {
                { { .time_ns = 1234567890, .op = OP_SCRUB, .result = -EINVAL, .flags = OBS_OURS | OBS_OVERLAP, .devid = 2, .physical = 4096,
                    .text = "a b" }, "1234567890 result op=scrub errno=EINVAL flags=ours,overlap devid=2 physical=4096 text=a b" },
                { { .time_ns = 1, .op = OP_BALANCE, .result = 8 }, "1 result op=balance result=+8" },
                { { .time_ns = 1, .op = OP_SYNC }, "1 result op=sync result=0" },
                { { .kind = OBS_CONTROL, .devid = 1 }, "0 control result=0 devid=1" },
                { { .kind = OBS_KMSG, .text = "two\nlines\tand \\ \x7f" }, "0 kmsg text=two\\nlines\\x09and \\\\ \\x7f" },
                { { .kind = OBS_NOTE }, "0 note" },
                { { .kind = OBS_DIED, .result = 9, .worker = 3, .text = "churn/0" }, "0 died result=+9 worker=3 text=churn/0" },
                { { .kind = OBS_HEALTH, .counter = HEALTH_CRC_ERRORS + 1, .devid = 2, .count = 1 }, "0 health counter=crc_errors devid=2 count=1" },
                { { .op = OP_READ, .result = -600, .begin_ns = 5 }, "0 result op=read result=-600 begin=5" },
                { { .op = OP_READ, .result = -EOPNOTSUPP, .flags = ALL_FLAGS },
                  "0 result op=read errno=EOPNOTSUPP flags=ours,signal,near-full,overlap,swapfile,injected,collided,discards" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char buf[OBS_LINE_MAX];
                Observation back;

                assert_int_equal(observation_print(&cases[i].o, buf, sizeof(buf)), strlen(cases[i].line));
                assert_string_equal(buf, cases[i].line);
                assert_int_equal(observation_parse(buf, &back, NULL), 0);
                assert_same(&cases[i].o, &back);
        }
}

static uint64_t some_u64(Rng *r) {
        switch (rng_below(r, 4)) {
        case 0:
                return 0;
        case 1:
                return UINT64_MAX;
        default:
                return rng_next(r) >> rng_below(r, 64);
        }
}

static Observation some_observation(Rng *r) {
        static const int32_t results[] = { 0, 8, INT32_MAX, INT32_MIN, -133, -134, -EINVAL, -ENOSPC, -524 };
        size_t length = rng_below(r, OBS_TEXT_MAX);
        Observation o = {
                .time_ns = some_u64(r),
                .kind = (ObservationKind)rng_below(r, _OBS_MAX),
                .op = (Operation)rng_below(r, _OP_MAX),
                .result = rng_below(r, 2) ? results[rng_below(r, ELEMENTSOF(results))] : -(int32_t)rng_below(r, 140),
                .flags = (uint32_t)rng_below(r, ALL_FLAGS + 1),
                .worker = (uint32_t)some_u64(r),
                .counter = (uint32_t)rng_below(r, _HEALTH_MAX + 1),
                .devid = some_u64(r),
                .physical = some_u64(r),
                .logical = some_u64(r),
                .length = some_u64(r),
                .count = some_u64(r),
                .begin_ns = some_u64(r),
        };

        for (size_t i = 0; i < length; i++)
                o.text[i] = (char)(1 + rng_below(r, 255));
        return o;
}

static void every_observation_comes_back(void **state _unused_) {
        Rng r;

        rng_seed(&r, 1, 0);
        for (unsigned i = 0; i < 20000; i++) {
                Observation o = some_observation(&r), back;
                char buf[OBS_LINE_MAX];
                int n = observation_print(&o, buf, sizeof(buf));

                assert_true(n > 0);
                assert_int_equal(strlen(buf), n);
                assert_null(strchr(buf, '\n'));
                if (rng_below(&r, 2))
                        strcpy(buf + n, "\n");
                assert_int_equal(observation_parse(buf, &back, NULL), 0);
                assert_same(&o, &back);
        }
}

static void the_longest_fits(void **state _unused_) {
        Observation o = { .time_ns = UINT64_MAX, .kind = OBS_MISCOMPARE, .op = OP_BALANCE_CANCEL, .result = INT32_MIN, .flags = ALL_FLAGS,
                          .worker = UINT32_MAX, .counter = HEALTH_DEVICE_WRITTEN + 1, .devid = UINT64_MAX, .physical = UINT64_MAX, .logical = UINT64_MAX, .length = UINT64_MAX,
                          .count = UINT64_MAX, .begin_ns = UINT64_MAX };
        char buf[OBS_LINE_MAX + 1];
        int full;

        memset(o.text, 1, sizeof(o.text)); /* no terminating zero: what a confused worker may send */
        full = observation_print(&o, buf, OBS_LINE_MAX);
        assert_true(full > 4 * OBS_TEXT_MAX);
        for (int size = 1; size <= full; size++) {
                buf[size] = '~';
                assert_int_equal(observation_print(&o, buf, (size_t)size), -ENOSPC);
                assert_int_equal(buf[size], '~');
        }
        assert_int_equal(observation_print(&o, buf, (size_t)full + 1), full);
        o.kind = (ObservationKind)1000;
        o.op = (Operation)1000;
        o.counter = UINT32_MAX;
        assert_true(observation_print(&o, buf, OBS_LINE_MAX) > 0);
}

static void bad_lines_are_named(void **state _unused_) {
        static const char *const lines[] = {
                "result op=scrub", "12x result", "-1 result", "99999999999999999999 result", "1", "1 ", "1 results", "1 result op",
                "1 result op=", "1 result op=dance", "1 result errno=EFOO", "1 result errno=22", "1 result result=",
                "1 result result=x", "1 result result=+-1",
                "1 result result=2147483648", "1 result result=-2147483649",
                "1 result flags=", "1 result flags=ours,", "1 result flags=our",
                "1 result worker=4294967296", "1 result devid=-1", "1 result devid=18446744073709551616",
                "1 result color=red", "1 result =1",
                "1 note text=\\q", "1 note text=\\", "1 note text=\\x0", "1 note text=\\x00", "1 note text=\\xzz",
        };
        char many[OBS_LINE_MAX + 64];
        Observation o;

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                Error e = ERROR_NULL;

                if (observation_parse(lines[i], &o, &e) != -EINVAL)
                        fail_msg("accepted: %s", lines[i]);
                assert_true(strlen(e.sentence) > 20);
                assert_int_equal(e.exit, EXIT_USAGE);
        }
        snprintf(many, sizeof(many), "1 note text=%0*d", OBS_TEXT_MAX, 0);
        assert_int_equal(observation_parse(many, &o, NULL), -EINVAL);
        snprintf(many, sizeof(many), "1 note text=%0*d", OBS_TEXT_MAX - 1, 0);
        assert_int_equal(observation_parse(many, &o, NULL), 0);
        snprintf(many, sizeof(many), "1 note text=%0*d", OBS_LINE_MAX, 0);
        assert_int_equal(observation_parse(many, &o, NULL), -EINVAL);
        assert_int_equal(observation_parse("", &o, NULL), -ENODATA);
        assert_int_equal(observation_parse("\n", &o, NULL), -ENODATA);
        assert_int_equal(observation_parse("# 1 note", &o, NULL), -ENODATA);
        assert_int_equal(observation_parse("1  result   devid=3 op=scrub errno=EOPNOTSUPP", &o, NULL), 0);
        assert_int_equal(o.result, -EOPNOTSUPP);
        assert_int_equal(o.devid, 3);
}

static void flags_have_names(void **state _unused_) {
        unsigned n = 0;

        for (uint32_t bit = 1; bit; bit <<= 1) {
                const char *name = observation_flag_name(bit);
                n += name != NULL;
                if (name)
                        assert_int_equal(observation_flag(name, strlen(name)), bit);
        }
        assert_int_equal(n, 8);
        assert_int_equal(observation_flag("near-full,ours", 9), OBS_NEAR_FULL);
        assert_int_equal(observation_flag("near-full", 8), 0);
        assert_int_equal(observation_flag("", 0), 0);
        assert_null(observation_flag_name(0));
        assert_null(observation_flag_name(OBS_OURS | OBS_SIGNAL));
}

/* What parses must print and parse to the same again; nothing may crash (this is worth most under ASan and UBSan). */
static void junk_is_survived(void **state _unused_) {
        unsigned accepted = 0;
        Rng r;

        rng_seed(&r, 2, 0);
        for (unsigned i = 0; i < 60000; i++) {
                Observation o = some_observation(&r), first, second;
                char buf[OBS_LINE_MAX];
                size_t n;

                o.text[rng_below(&r, 12)] = 0;
                n = (size_t)observation_print(&o, buf, sizeof(buf));
                for (uint64_t k = 1 + rng_below(&r, 4); k > 0; k--) {
                        size_t at = rng_below(&r, n);

                        switch (rng_below(&r, 4)) {
                        case 0:
                                buf[at] = (char)rng_next(&r);
                                break;
                        case 1:
                                buf[at] = " =,\\#+-\n0x"[rng_below(&r, 10)];
                                break;
                        case 2:
                                memmove(buf + at, buf + at + 1, n - at);
                                n -= n > 1;
                                break;
                        default:
                                memmove(buf + at, buf + n / 2, n - MAX_OF(at, n / 2));
                        }
                }
                if (observation_parse(buf, &first, &ERROR_NULL) < 0)
                        continue;
                accepted++;
                assert_true(observation_print(&first, buf, sizeof(buf)) > 0);
                assert_int_equal(observation_parse(buf, &second, NULL), 0);
                assert_same(&first, &second);
        }
        assert_true(accepted > 1000 && accepted < 59000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(operations_have_names),
                cmocka_unit_test(kinds_have_names),
                cmocka_unit_test(prints_as_documented),
                cmocka_unit_test(every_observation_comes_back),
                cmocka_unit_test(the_longest_fits),
                cmocka_unit_test(bad_lines_are_named),
                cmocka_unit_test(flags_have_names),
                cmocka_unit_test(junk_is_survived),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
