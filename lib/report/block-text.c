/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/block-text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define BYTES_PER_LINE 16

static void put_bytes(FILE *f, const uint8_t *bytes, size_t n) {
        for (size_t i = 0; i < BYTES_PER_LINE; i++)
                if (i < n)
                        fprintf(f, "%02x%s", bytes[i], i % 8 == 7 ? " " : "");
                else
                        fprintf(f, "  %s", i % 8 == 7 ? " " : "");
}

char *block_text(const BlockKept *k) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        fprintf(f, "%s\n\n%-7s  %-34s  %s\n", k->text, "byte", "found", "expected");
        for (size_t at = 0; at < k->length; at += BYTES_PER_LINE) {
                size_t n = MIN_OF(k->length - at, (size_t)BYTES_PER_LINE);

                fprintf(f, "%c %04zx   ", memcmp(k->found + at, k->expected + at, n) == 0 ? ' ' : '*', at);
                put_bytes(f, k->found + at, n);
                fputs("  ", f);
                put_bytes(f, k->expected + at, n);
                fputc('\n', f);
        }
        if (fclose(f) == 0)
                return text;
        free(text);
        return NULL;
}
