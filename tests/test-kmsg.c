/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "observe/src-kmsg.h"

#define TEXTS_MAX 64

typedef struct Seen {
        unsigned n;
        char texts[TEXTS_MAX][OBS_TEXT_MAX];
        uint64_t logical; /* of the last */
} Seen;

static void see(void *userdata, const Observation *o) {
        Seen *s = userdata;

        assert_int_equal(o->kind, OBS_KMSG);
        assert_int_equal(o->time_ns, 42);
        assert_int_equal(o->op, OP_NONE);
        s->logical = o->logical;
        if (s->n < TEXTS_MAX)
                strcpy(s->texts[s->n], o->text);
        s->n++;
}

/* A file of the test, opened as the kernel log, and the descriptor to write to it. */
typedef struct Log {
        KmsgSource source;
        char path[64];
        int writer;
        Seen seen;
} Log;

static void log_open(Log *l, bool fifo) {
        *l = (Log){ .source = KMSG_SOURCE_NULL };
        strcpy(l->path, "/tmp/test-kmsg-XXXXXX");
        l->writer = mkstemp(l->path);
        assert_true(l->writer >= 0);
        if (fifo) {
                close(l->writer);
                unlink(l->path);
                assert_int_equal(mkfifo(l->path, 0600), 0);
                assert_int_equal(kmsg_source_open(&l->source, l->path, NULL), 0);
                l->writer = open(l->path, O_WRONLY | O_NONBLOCK);
                assert_true(l->writer >= 0);
        } else {
                assert_int_equal(write(l->writer, "6,0,0,-;before the open\n", 24), 24);
                assert_int_equal(kmsg_source_open(&l->source, l->path, NULL), 0);
        }
        unlink(l->path);
}

static void log_close(Log *l) {
        kmsg_source_close(&l->source);
        assert_int_equal(l->source.fd, -1);
        close(l->writer);
}

static void log_write(Log *l, const char *text) {
        assert_int_equal(write(l->writer, text, strlen(text)), strlen(text));
}

static int log_step(Log *l) {
        l->seen.n = 0;
        return kmsg_source_step(&l->source, 42, see, &l->seen);
}

static void the_address_that_a_line_names_comes_along(void **state _unused_) {
        Log l;

        log_open(&l, true);
        log_write(&l, "2,1,1,-;BTRFS critical (device loop0): unable to find chunk map for logical 13631488 length 8388608\n");
        assert_int_equal(log_step(&l), 1);
        assert_int_equal(l.seen.logical, 13631488);
        log_write(&l, "2,1,1,-;BTRFS info (device loop0): relocating block group 13631488 flags data\n");
        assert_int_equal(log_step(&l), 1);
        assert_int_equal(l.seen.logical, 0);
        log_close(&l);
}

static void records_become_their_text(void **state _unused_) {
        for (int fifo = 0; fifo < 2; fifo++) {
                Log l;

                log_open(&l, fifo);
                assert_int_equal(log_step(&l), 0);
                log_write(&l, "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=net\n DEVICE=n3\n"
                              "4,340,5690716,-,caller=T7;udevd[80]: a;b\n"
                              "30,341,5690717,c;tail\n"
                              "a plain line, not a record;\n"
                              "3,342,1,-;tab\\x09 back\\x5c zero\\x00 utf\\xc3\\xa4 not \\xZZ \\x4\n");
                assert_int_equal(log_step(&l), 5);
                assert_string_equal(l.seen.texts[0], "NET: Registered protocol family 10");
                assert_string_equal(l.seen.texts[1], "udevd[80]: a;b");
                assert_string_equal(l.seen.texts[2], "tail");
                assert_string_equal(l.seen.texts[3], "a plain line, not a record;");
                assert_string_equal(l.seen.texts[4], "tab\t back\\ zero? utf\xc3\xa4 not \\xZZ \\x4");
                assert_int_equal(log_step(&l), 0);
                log_close(&l);
        }
}

static void half_a_line_waits_for_the_rest(void **state _unused_) {
        Log l;

        log_open(&l, true);
        log_write(&l, "6,1,1,-;first\n6,2,1,-;sec");
        assert_int_equal(log_step(&l), 1);
        assert_int_equal(log_step(&l), 0);
        log_write(&l, "ond\n");
        assert_int_equal(log_step(&l), 1);
        assert_string_equal(l.seen.texts[0], "second");
        log_close(&l);
}

static void a_storm_is_cut_into_steps(void **state _unused_) {
        unsigned total = 0, steps = 0;
        Log l;
        int n;

        log_open(&l, false);
        for (int i = 0; i < 3500; i++)
                dprintf(l.writer, "6,%d,1,-;message number %d\n DEVICE=n%d\n", i, i, i);
        while ((n = log_step(&l)) > 0) {
                char want[64];

                assert_true(n <= KMSG_STEP_MAX);
                snprintf(want, sizeof(want), "message number %u", total);
                assert_string_equal(l.seen.texts[0], want);
                assert_int_equal(l.seen.n, n);
                total += (unsigned)n;
                steps++;
        }
        assert_int_equal(n, 0);
        assert_int_equal(total, 3500);
        assert_int_equal(steps, 4);
        log_close(&l);
}

static void long_lines_are_cut(void **state _unused_) {
        static char line[3 * KMSG_RECORD_MAX];
        Log l;

        log_open(&l, false);
        memset(line, 'x', sizeof(line));
        memcpy(line, "6,1,1,-;", 8);
        line[2000] = '\n';
        memcpy(line + 2001, "6,2,1,-;", 8);
        line[sizeof(line) - 2] = '\n';
        line[sizeof(line) - 1] = 0;
        log_write(&l, line);
        log_write(&l, "6,3,1,-;after\n");
        assert_true(log_step(&l) >= 3);
        assert_int_equal(strlen(l.seen.texts[0]), OBS_TEXT_MAX - 1);
        assert_int_equal(strspn(l.seen.texts[0], "x"), OBS_TEXT_MAX - 1);
        assert_string_equal(l.seen.texts[l.seen.n - 1], "after");
        log_close(&l);
}

/* A sequenced socket stands for the device: one record per read, as there. */
static void a_record_per_read(void **state _unused_) {
        Log l = { .source = KMSG_SOURCE_NULL };
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
        l.source.fd = pair[0];
        l.writer = pair[1];
        log_write(&l, "6,1,1,-;one\n SUBSYSTEM=block\n");
        log_write(&l, "6,2,1,-;two\n");
        assert_int_equal(log_step(&l), 2);
        assert_string_equal(l.seen.texts[1], "two");
        log_close(&l);
}

static void what_cannot_be_opened_is_named(void **state _unused_) {
        KmsgSource s;
        Error e = ERROR_NULL;

        assert_int_equal(kmsg_source_open(&s, "/nonexistent/kmsg", &e), -ENOENT);
        assert_non_null(strstr(e.sentence, "/nonexistent/kmsg"));
        assert_int_equal(s.fd, -1);
        kmsg_source_close(&s);
}

static void see_marker(void *userdata, const Observation *o) {
        char *marker = userdata;

        if (strstr(o->text, marker))
                marker[0] = 0;
}

static void the_real_log(void **state _unused_) {
        KmsgSource s = KMSG_SOURCE_NULL;
        char marker[64], line[80];
        int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
        Error e = ERROR_NULL;

        if (fd < 0 || kmsg_source_open(&s, "/dev/kmsg", &e) < 0) {
                print_message("skipped: /dev/kmsg cannot be opened: %s %s\n", fd < 0 ? strerror(errno) : "", e.sentence);
                if (fd >= 0)
                        close(fd);
                skip();
        }
        snprintf(marker, sizeof(marker), "scrubstress test-kmsg %d \\ %llx", (int)getpid(), (unsigned long long)clock_mono_ns());
        snprintf(line, sizeof(line), "<7>%s\n", marker);
        assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        for (unsigned i = 0; i < 100 && marker[0]; i++) {
                assert_true(kmsg_source_step(&s, 1, see_marker, marker) >= 0);
                clock_sleep_ns(NSEC_PER_MSEC);
        }
        assert_int_equal(marker[0], 0);
        kmsg_source_close(&s);
        close(fd);
}

/* From here on every read of fd fails with EPIPE, as when the kernel's buffer has wrapped before we read it. 0 or an errno. */
static int fail_reads_of(int fd) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fd, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPIPE),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTSOF(code), .filter = code };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                return errno;
        return 0;
}

static void count(void *userdata, const Observation *o _unused_) {
        (*(unsigned *)userdata)++;
}

enum { OVERRUN_SEEN, OVERRUN_NOT_SEEN, OVERRUN_NO_SECCOMP };

/* The source has half a line when the overrun comes, so that it must survive it. */
static int overrun(void *arg) {
        Log *l = arg;
        unsigned n = 0;

        if (kmsg_source_step(&l->source, 1, count, &n) != 1 || l->source.overruns != 0)
                return OVERRUN_NOT_SEEN;
        if (fail_reads_of(l->source.fd) != 0)
                return OVERRUN_NO_SECCOMP;
        /* It never ends here: the step does, and says how often. */
        if (kmsg_source_step(&l->source, 1, count, &n) != 0 || l->source.overruns != KMSG_STEP_MAX)
                return OVERRUN_NOT_SEEN;
        return OVERRUN_SEEN;
}

static void an_overrun_is_counted(void **state _unused_) {
        Child c = CHILD_NULL;
        int status = 0;
        Log l;

        log_open(&l, true);
        log_write(&l, "6,1,1,-;one\n6,2,1,-;tw");
        assert_int_equal(child_fork(&c, "overrun", overrun, &l), 0);
        assert_int_equal(child_wait(&c, 10 * NSEC_PER_SEC, &status), 1);
        log_close(&l);
        if (WEXITSTATUS(status) == OVERRUN_NO_SECCOMP) {
                print_message("skipped: no seccomp filters here to stand for an overrun\n");
                skip();
        }
        assert_int_equal(status, OVERRUN_SEEN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(records_become_their_text),
                cmocka_unit_test(the_address_that_a_line_names_comes_along),
                cmocka_unit_test(half_a_line_waits_for_the_rest),
                cmocka_unit_test(a_storm_is_cut_into_steps),
                cmocka_unit_test(long_lines_are_cut),
                cmocka_unit_test(a_record_per_read),
                cmocka_unit_test(what_cannot_be_opened_is_named),
                cmocka_unit_test(the_real_log),
                cmocka_unit_test(an_overrun_is_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
