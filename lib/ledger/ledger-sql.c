/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>

#include "ledger/ledger-internal.h"

void statement_freep(Statement **s) {
        sqlite3_finalize(*s);
}

static int bind(Statement *s, const char *types, va_list ap) {
        int r = SQLITE_OK;

        for (int i = 1; types[i - 1] && r == SQLITE_OK; i++)
                if (types[i - 1] == 's')
                        r = sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
                else
                        r = sqlite3_bind_int64(s, i, (sqlite3_int64)va_arg(ap, uint64_t));
        return r;
}

static int prepare(const Ledger *l, Statement **ret, const char *sql, const char *types, va_list ap) {
        int r = sqlite3_prepare_v2(l->db, sql, -1, ret, NULL);

        return r == SQLITE_OK ? bind(*ret, types, ap) : r;
}

int sql_prepare(const Ledger *l, Statement **ret, const char *sql, const char *types, ...) {
        va_list ap;
        int r;

        va_start(ap, types);
        r = prepare(l, ret, sql, types, ap);
        va_end(ap);
        return r;
}

int sql_run(const Ledger *l, const char *sql, const char *types, ...) {
        _cleanup_statement_ Statement *s = NULL;
        va_list ap;
        int r;

        va_start(ap, types);
        r = prepare(l, &s, sql, types, ap);
        va_end(ap);
        if (r != SQLITE_OK)
                return r;
        while ((r = sqlite3_step(s)) == SQLITE_ROW) /* a PRAGMA answers */
                ;
        return r == SQLITE_DONE ? SQLITE_OK : r;
}

uint64_t sql_u64(Statement *s, int column) {
        return (uint64_t)sqlite3_column_int64(s, column);
}

void sql_text(Statement *s, int column, char *buf, size_t size) {
        const unsigned char *text = sqlite3_column_text(s, column);

        snprintf(buf, size, "%s", text ? (const char *)text : "");
}

static const struct {
        int code, err;
        const char *remedy;
} remedies[] = {
        { SQLITE_FULL, ENOSPC, "make room there" },
        { SQLITE_BUSY, EBUSY, "another program is writing to it; end that one" },
        { SQLITE_NOMEM, ENOMEM, "free some memory" },
        { SQLITE_CORRUPT, EUCLEAN, "move it and what has -wal and -shm behind its name away to begin anew; .recover of sqlite3 may still read it" },
        { SQLITE_NOTADB, EUCLEAN, "move that file away, or name another directory with Soak.LedgerDirectory=" },
        { SQLITE_IOERR, EIO, "look at the kernel log for what is wrong with its disk" },
};

int sql_error(const Ledger *l, int code, const char *done, Error *e) {
        const char *remedy = "make it and its directory writable, or name another directory with Soak.LedgerDirectory=";
        int err = EIO;

        for (size_t i = 0; i < ELEMENTSOF(remedies); i++)
                if (remedies[i].code == (code & 0xff)) {
                        err = remedies[i].err;
                        remedy = remedies[i].remedy;
                }
        return error_set(e, EXIT_ERROR, err, "The ledger %s cannot be %s: %s; %s.", l->path, l->damage[0] ? "read" : done,
                         l->damage[0] ? l->damage : sqlite3_errstr(code & 0xff), remedy);
}

/* A savepoint is a transaction when there is none. */
int sql_together(Ledger *l, int (*func)(Ledger *l, void *arg), void *arg) {
        int r = sql_run(l, "SAVEPOINT together", "");

        if (r != SQLITE_OK)
                return r;
        r = func(l, arg);
        if (r == SQLITE_OK)
                r = sql_run(l, "RELEASE together", "");
        /* Where SQLite has rolled all of it back by itself (a full disk) these find nothing to undo. */
        if (r != SQLITE_OK) {
                sql_run(l, "ROLLBACK TO together", "");
                sql_run(l, "RELEASE together", "");
        }
        return r;
}
