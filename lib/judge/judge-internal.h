/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The judge's inside: shared by judge.c (observations, time), judge-kmsg.c (kernel log), judge-rows.c (findings), verdict.c.
 */
#include "judge/errno-policy.h"
#include "judge/judge.h"
#include "judge/kmsg-rules.h"

#define JUDGE_PENDING 256
#define JUDGE_SUSPECTS 8
#define JUDGE_LINGERS 16
#define NO_ROW SIZE_MAX

/* Equal observations that wait to be decided. */
typedef struct Pending {
        Observation first;
        uint64_t count, last_ns, due_ns;
} Pending;

typedef struct Ruling {
        FindingClass class;
        Grade grade;
        Operation op;
        int result;
        uint64_t devid;        /* of a counter's growth, … */
        uint32_t counter;      /* … which is a row for each device; 0: no counter, and one row for all devices */
        const char *why;       /* of the table's row; NULL: the class's sentence */
        const char *reference; /* of the known issue; NULL: none (yet) */
        const char *lines;     /* of the kernel log that belong to it, one under the other; NULL: the observation's text */
} Ruling;

/* Lines of the kernel log; what does not fit is cut off. */
typedef struct Lines {
        size_t n;
        char text[KMSG_REPORT_LINES * 128];
} Lines;

/* Lines of the kernel log that belong together and name no device. */
typedef struct KmsgReport {
        bool open, related, fatal;
        unsigned lines;
        const KmsgRule *rule; /* of the first line */
        Observation first;
        Lines all;
} KmsgReport;

typedef enum IncidentState {
        INCIDENT_NONE,
        INCIDENT_GATHERING, /* waits for the kernel-log line that names the cause */
        INCIDENT_LOST,
} IncidentState;

/* The target is lost. `row` stays after it was made again: for what comes late. */
typedef struct Incident {
        IncidentState state;
        uint64_t first_ns, consequences;
        Observation cause;    /* a kernel-log line, or the operation that met a read-only filesystem */
        const KmsgRule *rule; /* of the line; NULL: an operation */
        Lines lines;
        size_t row;
} Incident;

/* A state that should pass. */
typedef struct Linger {
        Operation op;
        uint64_t devid, first_ns, last_ns;
} Linger;

struct Judge {
        JudgePolicy policy;
        KmsgMatcher *matcher;
        unsigned asks;
        bool confirm_asked;
        bool log_seen; /* the kernel log is watched: there was a line of it */
        uint64_t incidents, overflow, overflow_failing;
        uint64_t near_full_ns, hardware_ns, splat_ns, cause_ns, remade_ns; /* 0: never */
        size_t splat_row, oops_row, hang_row, cause_row;
        KmsgReport report;
        Incident incident;
        size_t n_pending, n_suspects, n_lingers, n_rows;
        Linger lingers[JUDGE_LINGERS];
        Pending suspects[JUDGE_SUSPECTS];
        Finding rows[JUDGE_ROWS];
        char whys[JUDGE_ROWS][256]; /* of restored rows; those of others are of the tables and of policy.known */
        Pending pending[JUDGE_PENDING];
};

static inline bool around(uint64_t seen_ns, uint64_t time_ns, uint64_t distance_ns) {
        return seen_ns && (seen_ns > time_ns ? seen_ns - time_ns : time_ns - seen_ns) <= distance_ns;
}

/* judge-rows.c */
void lines_add(Lines *l, const char *line);
/* The ruling after a look at the known issues. */
Ruling rows_ruling(const Judge *j, const Ruling *ruling, const Observation *first);
/* The row of this ruling after that look, made when there is none; NO_ROW when all are taken. */
size_t rows_add(Judge *j, const Ruling *ruling, const Pending *p);
size_t rows_add_one(Judge *j, const Ruling *ruling, const Observation *o);
void rows_fold(Judge *j, size_t row, uint64_t count);

/* judge-kmsg.c */
void kmsg_feed(Judge *j, const Observation *o);
void kmsg_report_close(Judge *j); /* decides the open report, if any */

/* incident.c */
void incident_open(Judge *j, const Observation *cause, const KmsgRule *rule);
void incident_line(Judge *j, const Observation *o, const KmsgRule *rule, const char *lines);
void incident_fold(Judge *j, uint64_t count);
void incident_decide(Judge *j);

/* judge.c: suspects become unconfirmed findings. */
void suspects_give_up(Judge *j);
void suspect_unconfirmed(Judge *j, const Pending *p);
