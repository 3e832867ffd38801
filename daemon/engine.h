/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Engine: a Run under an sd-event loop: the timer that steps it, the signals that end or reload it, the service manager's watchdog.
 * Both programs are this engine with different ears.
 */
#include "run/run.h"

typedef struct EngineEars {
        RunListener listener; /* notes, findings, states; its userdata goes to the two below as well */
        void (*tick)(void *userdata, const Report *r, RunState s); /* after each step */
        /* SIGHUP: read the configuration again into *c; a negative errno with a sentence keeps the old one. NULL: SIGHUP ends the run. */
        int (*reload)(void *userdata, Config *c, Error *e);
        /* How the reload went; NULL: taken over, or nothing had changed. */
        void (*reloaded)(void *userdata, const char *complaint, bool changed);
} EngineEars;

/* Runs to the end. On success `ended` has been called with the final report and the verdict is returned (ExitCode); a run that could not
 * start returns a negative errno with a sentence. */
int engine_run(const Config *config, const EngineEars *ears, void (*ended)(void *userdata, const Report *r), Error *e);
