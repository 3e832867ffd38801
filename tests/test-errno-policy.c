/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "judge/errno-policy.h"

/*
 * What is expected, written a second time and in another form: per operation the names of the errnos of each grade, what is not named is a
 * FINDING. "EIO/i" holds only under that flag (o ours, s signal, n near full, v overlap, w swap file, i injected), "+8" is a positive
 * result. `abort` and `race` are the findings whose class is not kernel/errno.
 */
typedef struct Expectation {
        Operation op;
        const char *expect, *setup, *hw, *consequence, *lingers, *suspect, *abort, *unsupported;
} Expectation;

#define CALLER "EPERM EBADF EFAULT ENOTTY EOPNOTSUPP"
#define CUT "EINTR/o EINTR/s ECANCELED/o ECANCELED/s"
#define FAULTY "ENOMEM/i EIO/i EUCLEAN/i"
#define ABORTS "ENOSPC ENOENT EEXIST EFBIG"
#define SCRUB CUT " " FAULTY " EINPROGRESS/v EINPROGRESS/o ENODEV/v ENODEV/i ETXTBSY/w EAGAIN/o"
#define FILE_EXPECT CUT " " FAULTY " ETXTBSY/w"

static const Expectation expectations[] = {
        { OP_SCRUB, .expect = SCRUB, .setup = CALLER " EINTR", .hw = "EIO ENODEV", .consequence = "EROFS",
          .lingers = "EINPROGRESS ECANCELED", .suspect = "EINVAL", .abort = "EFBIG" },
        { OP_SCRUB_CANCEL, .expect = "ENOTCONN", .setup = CALLER },
        { OP_CONTROL_SCRUB, .expect = SCRUB, .setup = CALLER " EINTR EINVAL", .hw = "EIO ENODEV",
          .consequence = "EROFS", .lingers = "EINPROGRESS ECANCELED", .abort = "EFBIG", .unsupported = "EINVAL" },
        { OP_BALANCE, .expect = CUT " " FAULTY " ENOSPC/n EINVAL/o EINVAL/s EINPROGRESS/v EINPROGRESS/o +8/v +8/o ENOTCONN ETXTBSY/w",
          .setup = CALLER, .hw = "EIO", .consequence = "EROFS", .lingers = "EINPROGRESS +8", .abort = "EFBIG" },
        { OP_BALANCE_CANCEL, .expect = "ENOTCONN", .setup = CALLER, .consequence = "EROFS" },
        { OP_REPLACE, .expect = CUT " " FAULTY " +2 +3 +8/v +8/o ETXTBSY/w",
          .setup = CALLER " EEXIST ENOENT EBUSY ENXIO ENOTBLK ENAMETOOLONG", .hw = "EIO ENODEV",
          .consequence = "EROFS", .lingers = "+8", .suspect = "EINVAL" },
        { OP_SYNC, .expect = CUT " " FAULTY, .setup = CALLER, .hw = "EIO", .consequence = "EROFS", .abort = ABORTS },
        { OP_START_SYNC, .expect = CUT " " FAULTY, .setup = CALLER, .hw = "EIO", .consequence = "EROFS",
          .abort = ABORTS },
        { OP_WAIT_SYNC, .expect = CUT " " FAULTY, .setup = CALLER, .hw = "EIO", .consequence = "EROFS",
          .abort = ABORTS },
        { OP_FSYNC, .expect = CUT " " FAULTY, .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS",
          .abort = ABORTS },
        { OP_OPEN, .expect = FILE_EXPECT " ENOSPC", .setup = CALLER " EDQUOT EMFILE ENFILE EACCES", .hw = "EIO", .consequence = "EROFS" },
        { OP_WRITE, .expect = FILE_EXPECT " ENOSPC", .setup = CALLER " EDQUOT EFBIG", .hw = "EIO", .consequence = "EROFS" },
        { OP_READ, .expect = FILE_EXPECT, .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS" },
        { OP_FALLOCATE, .expect = FILE_EXPECT " ENOSPC", .setup = CALLER " EDQUOT EFBIG", .hw = "EIO", .consequence = "EROFS" },
        { OP_UNLINK, .expect = FILE_EXPECT, .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS" },
        { OP_TRUNCATE, .expect = FILE_EXPECT " ENOSPC/n", .setup = CALLER " EDQUOT EFBIG", .hw = "EIO", .consequence = "EROFS" },
        { OP_PUNCH, .expect = FILE_EXPECT " ENOSPC/n", .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS" },
        { OP_CLONE, .expect = FILE_EXPECT " ENOSPC/n", .setup = CALLER " EDQUOT EFBIG", .hw = "EIO", .consequence = "EROFS" },
        { OP_DEFRAG, .expect = FILE_EXPECT " ENOSPC EAGAIN/o EAGAIN/s", .setup = CALLER " EDQUOT EAGAIN", .hw = "EIO", .consequence = "EROFS" },
        { OP_SUBVOL_CREATE, .expect = FILE_EXPECT " ENOSPC", .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS" },
        { OP_SUBVOL_DELETE, .expect = FILE_EXPECT, .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS" },
        { OP_SNAPSHOT, .expect = FILE_EXPECT, .setup = CALLER " EDQUOT", .hw = "EIO", .consequence = "EROFS",
          .abort = ABORTS },
        { OP_TRIM, .expect = "EINTR/o EINTR/s ENOMEM/i EIO/i", .setup = "EPERM EBADF EFAULT ENOTTY EOPNOTSUPP EINTR",
          .hw = "EIO ENODEV ENODATA ENOLINK ETIMEDOUT EREMOTEIO", .consequence = "EROFS" },
        { OP_TREE_SEARCH, .expect = CUT " " FAULTY, .setup = CALLER " EOVERFLOW", .hw = "EIO" },
        { OP_MOUNT, .expect = CUT " " FAULTY, .hw = "EIO", .consequence = "EROFS",
          .setup = CALLER " EINVAL EBUSY ENODEV ENOENT ENOTBLK ENXIO EACCES EEXIST" },
        { OP_REMOUNT, .expect = "ENOMEM/i", .setup = CALLER " EINVAL EBUSY EACCES ENOENT", .consequence = "EROFS" },
        { OP_UMOUNT, .expect = CUT, .setup = CALLER " EBUSY EINVAL ENOENT" },
        { OP_FREEZE, .expect = FAULTY, .setup = CALLER " EBUSY EINVAL", .hw = "EIO", .consequence = "EROFS", .abort = ABORTS },
};

static const uint32_t all_flags[] = { 0, OBS_OURS, OBS_SIGNAL, OBS_NEAR_FULL, OBS_OVERLAP, OBS_SWAPFILE, OBS_INJECTED };
static const char flag_letters[] = "-osnvwi";

/* 2: listed for this flag; 1: listed without condition; 0: not listed. */
static int listed(const char *list, int result, size_t flag) {
        char name[16], copy[512], *save = NULL;
        int found = 0;

        snprintf(copy, sizeof(copy), "%s", list ?: "");
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                char *slash = strchr(word, '/');
                if (slash)
                        *slash = 0;
                if (result > 0 ? word[0] != '+' || atoi(word) != result : strcmp(word, errno_name(-result, name)) != 0)
                        continue;
                if (slash && slash[1] == flag_letters[flag])
                        return 2;
                if (!slash)
                        found = 1;
        }
        return found;
}

static Grade expected_grade(const Expectation *x, int result, size_t flag) {
        const struct {
                const char *list;
                Grade grade;
        } lists[] = {
                { x->expect, GRADE_EXPECT }, { x->setup, GRADE_SETUP }, { x->hw, GRADE_HW },
                { x->consequence, GRADE_CONSEQUENCE }, { x->lingers, GRADE_EXPECT },
        };

        for (int rank = 2; rank >= 1; rank--)
                for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                        if (listed(lists[i].list, result, flag) == rank)
                                return lists[i].grade;
        return GRADE_FINDING;
}

static FindingClass expected_class(const Expectation *x, int result, Grade grade) {
        switch (grade) {
        case GRADE_SETUP:
                return listed(x->unsupported, result, 0) ? CLASS_SETUP_SCRUB : CLASS_SETUP_ERRNO;
        case GRADE_HW:
                return CLASS_IO_ERROR;
        case GRADE_FINDING:
                if (listed(x->suspect, result, 0))
                        return x->op == OP_REPLACE ? CLASS_REPLACE_RACE : CLASS_SCRUB_RACE;
                if (x->op == OP_BALANCE && result == -EINVAL)
                        return CLASS_BALANCE_EINVAL;
                return listed(x->abort, result, 0) ? CLASS_TRANSACTION_ABORT : CLASS_ERRNO;
        default:
                return CLASS_ERRNO;
        }
}

static void check_one(const Expectation *x, int result, size_t flag) {
        const ErrnoRule *r = errno_rule(x->op, result, all_flags[flag]);
        Grade grade = expected_grade(x, result, flag);
        bool lingers = grade == GRADE_EXPECT && listed(x->lingers, result, flag) && listed(x->expect, result, flag) != 2;
        char name[16];

        if (r->grade != grade || r->class != expected_class(x, result, grade) || r->lingers != lingers ||
            r->suspect != (grade == GRADE_FINDING && listed(x->suspect, result, flag)))
                fail_msg("%s %s%+d under '%c': %s %s, expected %s %s", operation_name(x->op), errno_name(-result, name), result,
                         flag_letters[flag], grade_name(r->grade), finding_classes[r->class].name, grade_name(grade),
                         finding_classes[expected_class(x, result, grade)].name);
        assert_non_null(r->why);
}

static void test_every_errno_of_every_operation(void **state _unused_) {
        assert_int_equal(ELEMENTSOF(expectations), _OP_MAX - 1);
        for (size_t i = 0; i < ELEMENTSOF(expectations); i++)
                for (size_t flag = 0; flag < ELEMENTSOF(all_flags); flag++) {
                        assert_int_equal(expectations[i].op, i + 1);
                        for (int err = 1; err <= 133; err++)
                                check_one(&expectations[i], -err, flag);
                        for (int positive = 1; positive <= 12; positive++)
                                check_one(&expectations[i], positive, flag);
                }
}

static void test_success_is_ok(void **state _unused_) {
        for (int op = 0; op < _OP_MAX; op++)
                for (size_t flag = 0; flag < ELEMENTSOF(all_flags); flag++)
                        assert_int_equal(errno_rule((Operation)op, 0, all_flags[flag])->grade, GRADE_OK);
}

static void test_unknown_operation_is_a_finding(void **state _unused_) {
        assert_int_equal(errno_rule(OP_NONE, -EIO, 0)->grade, GRADE_FINDING);
        assert_int_equal(errno_rule(_OP_MAX, -EIO, 0)->grade, GRADE_FINDING);
        assert_int_equal(errno_rule(OP_SCRUB, -4095, 0)->grade, GRADE_FINDING);
}

static void test_grouped_and_complete(void **state _unused_) {
        bool seen[_OP_MAX] = { 0 };

        for (size_t i = 0; i < n_errno_rules; i++) {
                assert_true(errno_rules[i].op > OP_NONE && errno_rules[i].op < _OP_MAX);
                assert_true(i == 0 || errno_rules[i - 1].op <= errno_rules[i].op);
                seen[errno_rules[i].op] = true;
        }
        for (int op = OP_NONE + 1; op < _OP_MAX; op++)
                if (!seen[op])
                        fail_msg("%s has no row", operation_name((Operation)op));
}

static void test_no_unreachable_row(void **state _unused_) {
        for (size_t i = 0; i < n_errno_rules; i++)
                for (size_t k = 0; k < i; k++) {
                        const ErrnoRule *late = &errno_rules[i], *early = &errno_rules[k];
                        if (late->op != early->op || late->result != early->result)
                                continue;
                        if (early->when == 0 || (late->when && (late->when & ~early->when) == 0))
                                fail_msg("row %zu (%s %d) hides row %zu", k, operation_name(late->op), late->result, i);
                }
}

static void test_rows_explain_themselves(void **state _unused_) {
        for (size_t i = 0; i < n_errno_rules; i++) {
                const ErrnoRule *r = &errno_rules[i];
                assert_true(r->result != 0 && r->result <= 133);
                assert_int_not_equal(r->grade, GRADE_OK);
                assert_true(r->why && strlen(r->why) > 10);
                assert_int_not_equal(r->grade, GRADE_KNOWN); /* that is what known issues are for */
                assert_true(!r->suspect || r->grade == GRADE_FINDING);
                assert_true(!r->lingers || (r->grade == GRADE_EXPECT && r->when == 0));
                if (r->grade == GRADE_SETUP)
                        assert_false(finding_classes[r->class].fails);
                if (r->grade == GRADE_FINDING || r->grade == GRADE_HW)
                        assert_true(finding_classes[r->class].fails);
        }
}

static void test_two_flags_at_once(void **state _unused_) {
        assert_int_equal(errno_rule(OP_SCRUB, -EIO, OBS_INJECTED | OBS_NEAR_FULL)->grade, GRADE_EXPECT);
        assert_int_equal(errno_rule(OP_BALANCE, -ENOSPC, OBS_OVERLAP | OBS_NEAR_FULL)->grade, GRADE_EXPECT);
        assert_int_equal(errno_rule(OP_SYNC, -ENOSPC, OBS_OVERLAP | OBS_NEAR_FULL)->grade, GRADE_FINDING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_errno_of_every_operation),
                cmocka_unit_test(test_success_is_ok),
                cmocka_unit_test(test_unknown_operation_is_a_finding),
                cmocka_unit_test(test_grouped_and_complete),
                cmocka_unit_test(test_no_unreachable_row),
                cmocka_unit_test(test_rows_explain_themselves),
                cmocka_unit_test(test_two_flags_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
