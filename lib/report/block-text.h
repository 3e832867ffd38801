/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * BlockText: a block that was read wrong, for people: in hex, beside what it should be, lines that differ marked.
 */
#include "observe/board.h"

/* The caller frees it; NULL: no memory. */
char *block_text(const BlockKept *k);
