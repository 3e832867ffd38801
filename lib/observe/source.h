/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Source: where observations come from besides the workers. The supervisor's loop owns time and file descriptors; a source is stepped.
 */
#include "observe/observation.h"

/* Called for each observation, in order. The observation is only valid during the call. */
typedef void (*ObserveFunc)(void *userdata, const Observation *o);
