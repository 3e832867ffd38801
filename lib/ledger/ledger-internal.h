/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The inside of a Ledger, shared by its files: ledger-sql.c (statements), ledger-schema.c (tables), ledger.c (open, begin, end), ledger-read.c (what
 * was), ledger-record.c (what happens). Nobody else but tests includes this.
 */
#include <limits.h>
#include <sqlite3.h>

#include "ledger/ledger.h"

struct Ledger {
        sqlite3 *db;
        char path[PATH_MAX];
        unsigned version;     /* of the file: older than this program's where it is only read */
        char damage[128];     /* what is wrong where SQLite sees nothing wrong; "": nothing */
        sqlite3_stmt *insert_sample;
        int64_t soak;         /* the one under way; 0: none */
        unsigned start;       /* its number */
        int64_t sample;       /* number of the last */
        uint64_t sampled_ns;  /* its time under stress */
        uint64_t real_minus_mono_ns;
};

/* ledger-sql.c. SQL in, SQLite's result codes out; in `types` there is a letter for each argument: i uint64_t, s const char * (NULL: NULL). */
typedef sqlite3_stmt Statement;
void statement_freep(Statement **s);
#define _cleanup_statement_ _cleanup_(statement_freep)

int sql_prepare(const Ledger *l, Statement **ret, const char *sql, const char *types, ...);
/* Without rows: SQLITE_OK when done. */
int sql_run(const Ledger *l, const char *sql, const char *types, ...);
/* A column of the row that the statement stands at. */
uint64_t sql_u64(Statement *s, int column);
void sql_text(Statement *s, int column, char *buf, size_t size);
/* The sentence for a result code: "The ledger X cannot be `done`: reason; remedy". */
int sql_error(const Ledger *l, int code, const char *done, Error *e);
/* func in one transaction, or in a part of the one that is open; undone when it returns anything but SQLITE_OK. */
int sql_together(Ledger *l, int (*func)(Ledger *l, void *arg), void *arg);

/* ledger-schema.c: makes the tables of an empty file and those that an older version lacks; refuses what is no ledger, or a newer one. */
int schema_check(Ledger *l, LedgerMode mode, Error *e);
/* The columns that hold the Totals: those of totals_info, and the others. */
unsigned schema_n_totals(void);
const char *schema_totals_name(unsigned i);
uint64_t *schema_totals_field(Totals *t, unsigned i);

/* ledger-read.c: the soak of this id, added to *ret; a result code. */
int read_soak(Ledger *l, int64_t id, Soak *ret);

/* ledger-record.c: within a transaction. */
int record_sample(Ledger *l, uint64_t real_ns, const Totals *t);
/* That, and what has changed of findings and latencies. */
int record_moment(Ledger *l, uint64_t real_ns, const Report *r);
int record_prepare(Ledger *l);
