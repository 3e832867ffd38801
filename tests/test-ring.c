/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <liburing.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/macro.h"
#include "stress/ring.h"

static const ChurnEngine engines[] = { ENGINE_URING, ENGINE_PWRITE };

/* NULL and skipped, where this kernel lets us have no io_uring. */
static Writer *make(ChurnEngine engine, size_t block_size, unsigned depth) {
        const WriterShape shape = { .engine = engine, .block_size = block_size, .depth = depth, .seed = 77 };
        Error e = ERROR_NULL;
        Writer *w = NULL;
        int r = writer_new(&w, &shape, &e);

        if (r < 0 && engine == ENGINE_URING && (r == -ENOSYS || r == -EPERM)) {
                print_message("skipped: %s\n", e.sentence);
                skip();
        }
        assert_int_equal(r, 0);
        return w;
}

static int memory_file(void) {
        int fd = memfd_create("test-ring", MFD_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

static void assert_content(int fd, uint64_t length, const Pattern *p) {
        _cleanup_free_ uint8_t *read_back = malloc(length + 1);
        Pattern expected = *p;
        PatternMismatch m;

        expected.seed = 77;
        assert_non_null(read_back);
        assert_int_equal(pread(fd, read_back, length + 1, 0), length);
        if (!pattern_check(read_back, length, &expected, &m))
                fail_msg("at %llu: %s", (unsigned long long)m.offset, m.text);
}

static void both_engines_write_the_pattern(void **state _unused_) {
        static const struct {
                size_t block;
                unsigned depth;
                uint64_t length;
        } shapes[] = {
                { 4096, 1, 4096 }, { 4096, 8, MiB }, { 64 * KiB, 4, MiB },           { 64 * KiB, 3, MiB + 8192 },
                { MiB, 1, MiB },   { MiB, 4, 1000 }, { 64 * KiB, 16, 7 * MiB + 77 }, { 64 * KiB, 16, 0 },
        };

        for (size_t e = 0; e < ELEMENTSOF(engines); e++)
                for (size_t i = 0; i < ELEMENTSOF(shapes); i++) {
                        _cleanup_(writer_freep) Writer *w = make(engines[e], shapes[i].block, shapes[i].depth);
                        _cleanup_close_ int fd = memory_file();
                        Pattern p = { .owner = 1, .file = 2, .generation = 3 };

                        assert_int_equal(writer_write(w, fd, shapes[i].length, &p), 0);
                        assert_int_equal(w->written, shapes[i].length);
                        assert_content(fd, shapes[i].length, &p);
                        p.generation = 4;
                        assert_int_equal(writer_write(w, fd, shapes[i].length, &p), 0);
                        assert_int_equal(w->written, shapes[i].length);
                        assert_content(fd, shapes[i].length, &p);
                }
}

static void engines_have_names(void **state _unused_) {
        _cleanup_(writer_freep) Writer *p = make(ENGINE_PWRITE, 4096, 1), *u = make(ENGINE_URING, 4096, 1), *a = make(ENGINE_AUTO, 4096, 1);

        assert_string_equal(p->engine->name, "pwrite");
        assert_string_equal(u->engine->name, "io_uring");
        assert_ptr_equal(a->engine, u->engine);
}

/* Both engines' ways into the kernel, taken over by this program: a write takes at most `chop` bytes, and every third fails with EINTR. */
static size_t chop;
static unsigned chopped;

ssize_t pwrite(int fd, const void *b, size_t length, off_t offset) {
        if (chop > 0 && ++chopped % 3 == 0) {
                errno = EINTR;
                return -1;
        }
        return syscall(SYS_pwrite64, fd, b, chop > 0 ? MIN_OF(length, chop) : length, offset);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr) {
        int (*real)(struct io_uring *, unsigned) = (int (*)(struct io_uring *, unsigned))dlsym(RTLD_NEXT, "io_uring_submit_and_wait");

        assert_non_null(real);
        if (chop > 0 && ++chopped % 3 == 0)
                return -EINTR;
        for (unsigned i = ring->sq.sqe_head; chop > 0 && i != ring->sq.sqe_tail; i++) {
                struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];
                sqe->len = MIN_OF(sqe->len, (unsigned)chop);
        }
        return real(ring, wait_nr);
}

static void short_writes_are_continued(void **state _unused_) {
        for (size_t e = 0; e < ELEMENTSOF(engines); e++) {
                _cleanup_(writer_freep) Writer *w = make(engines[e], 64 * KiB, 3);
                _cleanup_close_ int fd = memory_file();
                const Pattern p = { .generation = 1 };
                int r;

                chop = 5000;
                chopped = 0;
                r = writer_write(w, fd, MiB, &p);
                chop = 0;
                assert_int_equal(r, 0);
                assert_int_equal(w->written, MiB);
                assert_true(chopped > 50);
                assert_content(fd, MiB, &p);
        }
}

/* A write that crosses the limit of file sizes is short, and the rest of it fails with EFBIG: so the rest must have been tried. */
static void short_writes_are_continued_to_their_reason(void **state _unused_) {
        const uint64_t limit = 300 * KiB + 1234;

        for (size_t e = 0; e < ELEMENTSOF(engines); e++) {
                _cleanup_(writer_freep) Writer *w = make(engines[e], 64 * KiB, 1);
                char path[] = "/tmp/test-ring-XXXXXX";
                _cleanup_close_ int fd = mkstemp(path);
                struct rlimit old, low;
                const Pattern p = { .generation = 1 };
                int r;

                assert_true(fd >= 0);
                unlink(path);
                signal(SIGXFSZ, SIG_IGN);
                getrlimit(RLIMIT_FSIZE, &old);
                low = (struct rlimit){ .rlim_cur = limit, .rlim_max = old.rlim_max };
                setrlimit(RLIMIT_FSIZE, &low);
                r = writer_write(w, fd, MiB, &p);
                setrlimit(RLIMIT_FSIZE, &old);
                assert_int_equal(r, -EFBIG);
                assert_int_equal(w->written, limit);
                assert_content(fd, limit, &p);
                /* The failure is not remembered. */
                assert_int_equal(writer_write(w, fd, MiB, &p), 0);
                assert_content(fd, MiB, &p);
        }
}

static void a_failure_is_the_kernels_and_leaves_nothing_in_flight(void **state _unused_) {
        for (size_t e = 0; e < ELEMENTSOF(engines); e++) {
                _cleanup_(writer_freep) Writer *w = make(engines[e], 4096, 8);
                _cleanup_close_ int closed = open("/dev/null", O_RDONLY | O_CLOEXEC), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
                _cleanup_close_ int fd = memory_file();
                const Pattern p = { .generation = 5 };

                assert_int_equal(writer_write(w, closed, MiB, &p), -EBADF);
                assert_int_equal(w->written, 0);
                assert_int_equal(writer_write(w, full, MiB, &p), -ENOSPC);
                assert_int_equal(w->written, 0);
                assert_int_equal(writer_write(w, fd, MiB, &p), 0);
                assert_content(fd, MiB, &p);
        }
}

static volatile sig_atomic_t alarms;

static void count_alarm(int sig _unused_) {
        alarms++;
}

static void signals_do_not_hurt(void **state _unused_) {
        const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { 0 };
        const struct sigaction act = { .sa_handler = count_alarm }, dfl = { .sa_handler = SIG_DFL };

        for (size_t e = 0; e < ELEMENTSOF(engines); e++) {
                _cleanup_(writer_freep) Writer *w = make(engines[e], 64 * KiB, 8);
                _cleanup_close_ int fd = memory_file();
                const Pattern p = { .generation = 6 };

                alarms = 0;
                sigaction(SIGALRM, &act, NULL);
                setitimer(ITIMER_REAL, &often, NULL);
                for (unsigned i = 0; i < 1000 && alarms < 20; i++)
                        assert_int_equal(writer_write(w, fd, 4 * MiB, &p), 0);
                setitimer(ITIMER_REAL, &never, NULL);
                sigaction(SIGALRM, &dfl, NULL);
                assert_true(alarms >= 20);
                assert_content(fd, 4 * MiB, &p);
        }
}

static int without_io_uring(int err) {
        const struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { ELEMENTSOF(code), (struct sock_filter *)code };

        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* In a child, whose filter cannot be taken off again: 0 when all is as it should be, else the number of the check. */
static int fallback_entry(void *arg) {
        WriterShape shape = { .engine = ENGINE_AUTO, .block_size = 4096, .depth = 4, .seed = 77 };
        Error e = ERROR_NULL;
        Writer *w = NULL;
        int err = *(int *)arg;

        if (without_io_uring(err) < 0)
                return 77;
        if (writer_new(&w, &shape, &e) != WRITER_FELL_BACK || strcmp(w->engine->name, "pwrite") != 0)
                return 1;
        if (!strstr(e.sentence, "io_uring cannot be used here") || !strstr(e.sentence, strerror(err)) || !strstr(e.sentence, "pwrite"))
                return 2;
        writer_free(TAKE_PTR(w));
        shape.engine = ENGINE_URING;
        if (writer_new(&w, &shape, &e) != -err || w || e.exit != EXIT_ERROR)
                return 3;
        if (!strstr(e.sentence, "kernel.io_uring_disabled=0") || !strstr(e.sentence, "Engine=auto"))
                return 4;
        shape.engine = ENGINE_PWRITE;
        if (writer_new(&w, &shape, &e) != 0)
                return 5;
        writer_free(w);
        return 0;
}

static void without_io_uring_pwrite_does_it_or_it_is_said(void **state _unused_) {
        int errors[] = { EPERM, ENOSYS };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                Child c = CHILD_NULL;
                int status = 0;
                assert_int_equal(child_fork(&c, "fallback", fallback_entry, &errors[i]), 0);
                assert_int_equal(child_wait(&c, 5 * NSEC_PER_SEC, &status), 1);
                if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
                        print_message("skipped: this kernel takes no seccomp filter\n");
                        skip();
                }
                assert_int_equal(status, 0);
        }
}

static void bad_shapes_are_refused(void **state _unused_) {
        static const WriterShape bad[] = { { ENGINE_PWRITE, 0, 1, 0 }, { ENGINE_PWRITE, 4097, 1, 0 }, { ENGINE_PWRITE, 4096, 0, 0 } };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                Error e = ERROR_NULL;
                Writer *w = NULL;
                assert_int_equal(writer_new(&w, &bad[i], &e), -EINVAL);
                assert_null(w);
                assert_int_equal(e.exit, EXIT_USAGE);
                assert_non_null(strstr(e.sentence, "multiple of 4096"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_engines_write_the_pattern),
                cmocka_unit_test(engines_have_names),
                cmocka_unit_test(short_writes_are_continued),
                cmocka_unit_test(short_writes_are_continued_to_their_reason),
                cmocka_unit_test(a_failure_is_the_kernels_and_leaves_nothing_in_flight),
                cmocka_unit_test(signals_do_not_hurt),
                cmocka_unit_test(without_io_uring_pwrite_does_it_or_it_is_said),
                cmocka_unit_test(bad_shapes_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
