/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Error: what went wrong with *us* or with the environment, as a sentence a user can act on, and the exit code that follows.
 *
 * The contract of every function in this library that can fail:
 *   - it returns 0 or a negative errno; a negative errno is fatal to the caller's purpose and is forwarded;
 *   - a positive return is a named condition that the direct caller handles;
 *   - where the last parameter is `Error *e`, the sentence is written where the failure is first understood and nowhere else;
 *   - an errno that the kernel *under test* gives back is not an error of ours but data: see observe/observation.h.
 * The sentence names the thing, the reason and the remedy.
 */
#include "base/macro.h"

/* The exit codes are a contract, the same for every program of the project. Their table is in error.c. */
typedef enum ExitCode {
        EXIT_PASS = 0,
        EXIT_FAIL = 1,
        EXIT_USAGE = 2,
        EXIT_INCONCLUSIVE = 3,
        EXIT_ERROR = 4,
        EXIT_REFUSED = 5,
        _EXIT_CODE_MAX,
} ExitCode;

typedef struct Error {
        ExitCode exit;
        char sentence[4096]; /* one; a refusal has a line for each interlock that said no */
} Error;

#define ERROR_NULL ((Error){ .exit = EXIT_ERROR })

/* Writes the sentence and the exit code; returns -err (err: a positive errno). An `e` of NULL is allowed: the sentence is dropped.
 * The reason is not appended: put strerror(err) into the sentence where it helps. */
int error_set(Error *e, ExitCode exit, int err, const char *format, ...) _printf_(4, 5);

/* "PASS", "FAIL", …: the verdict's word; and one line that says what it means. Never NULL. */
const char *exit_code_name(ExitCode code);
const char *exit_code_meaning(ExitCode code);

/* Symbolic errno name ("EINVAL") or "E<number>" for one the C library does not know. Static storage or `buf`. */
const char *errno_name(int err, char buf[static 16]);
/* The number for a symbolic name, or -1. */
int errno_from_name(const char *name);
