/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/macro.h"
#include "stress/stressor.h"

const Stressor *const stressors[] = {
        &stressor_balance,
        &stressor_cancel,
        &stressor_churn,
        &stressor_remount,
        &stressor_replace,
        &stressor_scrub,
        &stressor_snapshot,
        &stressor_sync,
        &stressor_trim,
        &stressor_verify,
};
const size_t n_stressors = ELEMENTSOF(stressors);

const Stressor *stressor_find(const char *name) {
        for (size_t i = 0; i < n_stressors; i++)
                if (strcmp(stressors[i]->name, name) == 0)
                        return stressors[i];
        return NULL;
}
