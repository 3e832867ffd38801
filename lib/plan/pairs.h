/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Pairs: with [Run] PairTime= only two stressors run at a time beside churn and sync, every PairTime another two, until each has met each; then
 * again from the first pair. fstests walks the pairs of such operations in btrfs/060 to 074. Pure: times and totals are handed in.
 *
 * What is seen during a turn is put down to its pair. A step that was under way when others got their turn ends in theirs.
 *
 * Life: pairs_make() → under stress, a few times a second, pairs_feed(), and after a pause pairs_resume() first. Plain data.
 */
#include "judge/finding.h"
#include "plan/plan.h"

#define PAIRS_STRESSORS_MAX 16
#define PAIRS_MAX (PAIRS_STRESSORS_MAX * (PAIRS_STRESSORS_MAX - 1) / 2)
#define PAIRS_TURNS 256 /* kept, for findings that are told later */

/* As of a moment they are totals of the run, of a pair its share. */
typedef struct PairSum {
        uint64_t stress_ns, collisions, removals;
} PairSum;

typedef struct Pair {
        const Stressor *first, *second;
        PairSum sum;
        uint64_t findings; /* that fail the run and were first seen in its turns */
} Pair;

typedef struct PairTurn {
        uint64_t begin_ns; /* CLOCK_MONOTONIC */
        unsigned pair;
} PairTurn;

typedef struct Pairs {
        uint64_t time_ns;   /* of a turn, under stress */
        unsigned n, turn;   /* list[turn] has its turn */
        uint64_t stress_ns; /* of all of them */
        PairSum seen;       /* when it was last fed */
        uint64_t n_turns;   /* begun so far; the last of them are kept */
        PairTurn turns[PAIRS_TURNS];
        Pair list[PAIRS_MAX];
} Pairs;

/* The pairs of the plan, the first of which has its turn from now on. Neighbours in the registry come first, then those two apart, and so on, so
 * that each stressor has had a turn early. -EINVAL: the plan has fewer than three such stressors, which is nothing to walk (EXIT_USAGE). */
int pairs_make(Pairs *p, const Plan *plan, uint64_t time_ns, uint64_t now_ns, Error *e);
/* True when the stressor rests because others have their turn. */
bool pairs_benches(const Pairs *p, const Stressor *s);
/* The stress goes on after a pause: what was counted in it is no pair's. */
void pairs_resume(Pairs *p, const PairSum *total);
/* What came since pairs_feed() or pairs_resume() is put down to the pair in turn. Returns true when another pair has its turn now. */
bool pairs_feed(Pairs *p, const PairSum *total, uint64_t now_ns);
/* A finding, seen for the first time, is counted for the pair in whose turn that was; an operation that is stuck for the one in whose turn it
 * began. In a pause or after the stress: the last before. Those that are held against nobody are not counted. */
void pairs_finding(Pairs *p, const Finding *f);
