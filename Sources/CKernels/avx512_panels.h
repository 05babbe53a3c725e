#ifndef CK_AVX512_PANELS_H
#define CK_AVX512_PANELS_H

/* Panels of 24 rows by columns that lie sixteen interleaved; a tile is six rows by 32 columns. */
#include "avx512_unpack.h"

enum { LANES = 16, PANEL = 24, TILE = 6 };

typedef struct { form512 type; } panel_form;
#define INLINE_PANEL INLINE512
#include "x86_panels.h"

INLINE512 factors unpack_group(panel_form f, const uint8_t *group, uint8_t *bytes) {
    __m512i turned[4], w[4];
    f.type.turn(group, turned);
    turn(turned, w); /* Back: the words of a block side by side. */
    UNROLL for (size_t k = 0; k < 4; k++) _mm512_storeu_si512(bytes + 64 * k, w[k]);
    return f.type.begin(group);
}

INLINE512 void add_words(panel_form f, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b, int first, int last,
                         panel_words dot[TILE][VECTORS]) {
    (void)f; /* All types are multiplied alike here. */
    UNROLL for (int k = first; k < last; k++) {
        size_t place = b * 8 + (size_t)k;
        __m512i q[VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) q[v] = load512(x[v].q + place * LANES * 4);
        UNROLL for (size_t r = 0; r < TILE; r++) {
            int word;
            memcpy(&word, &p->w[row + r][place * 4], 4);
            UNROLL for (int v = 0; v < vectors; v++)
                dot[r][v] = (panel_words)_mm512_dpbusd_epi32((__m512i)dot[r][v], _mm512_set1_epi32(word), q[v]);
        }
    }
}

#endif
