#ifndef CK_AVX2_PANELS_H
#define CK_AVX2_PANELS_H

/* Panels of twelve rows by columns that lie eight interleaved; a tile is four rows by 16 columns. */
#include "avx2_unpack.h"

enum { LANES = 8, PANEL = 12, TILE = 4 };

/*
 * How the bytes of a type are multiplied: with `dot`, which adds four products to each sum, or with `pairs`, sums of two products in 16 bits, of which those
 * of so many words can be added up before 2 * words * 127 * largest weight leaves 16 bits.
 */
typedef struct {
    __m256i (*unpack)(const void *group, int s);
    __m256i (*dot)(__m256i sum, __m256i w, __m256i x);
    __m256i (*pairs)(__m256i w, __m256i x);
    int words;
} byte_form;

typedef struct { form type; byte_form bytes; } panel_form;
#define INLINE_PANEL INLINE
#include "x86_panels.h"

/* Keeps the compiler from regrouping sums into trees, for which there are not enough registers. */
INLINE __m256i in_order(__m256i sum) {
    __asm__("" : "+x"(sum));
    return sum;
}

INLINE factors unpack_group(panel_form f, const uint8_t *group, uint8_t *w) {
    UNROLL for (int s = 0; s < GROUP; s++) _mm256_storeu_si256((__m256i *)(w + BLOCK * s), f.bytes.unpack(group, s));
    return f.type.begin(group);
}

/* In 16 bits as long as the sums fit. */
INLINE void add_words(panel_form f, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b, int first, int last,
                      panel_words dot[TILE][VECTORS]) {
    const int words = f.bytes.dot ? 1 : f.bytes.words;
    UNROLL for (int k = first; k < last; k += words) {
        __m256i sum[TILE][VECTORS];
        UNROLL for (int i = 0; i < words; i++) {
            size_t place = b * 8 + (size_t)(k + i);
            __m256i q[VECTORS];
            UNROLL for (int v = 0; v < vectors; v++) q[v] = load(x[v].q + place * LANES * 4);
            UNROLL for (size_t r = 0; r < TILE; r++) {
                int word;
                memcpy(&word, &p->w[row + r][place * 4], 4);
                UNROLL for (int v = 0; v < vectors; v++) {
                    __m256i w = _mm256_set1_epi32(word);
                    if (f.bytes.dot) dot[r][v] = (panel_words)f.bytes.dot((__m256i)dot[r][v], w, q[v]);
                    else if (i == 0) sum[r][v] = f.bytes.pairs(w, q[v]);
                    else sum[r][v] = in_order(_mm256_add_epi16(sum[r][v], f.bytes.pairs(w, q[v])));
                }
            }
        }
        if (f.bytes.dot) continue;
        UNROLL for (int r = 0; r < TILE; r++)
            UNROLL for (int v = 0; v < vectors; v++) {
                __m256i more = _mm256_madd_epi16(sum[r][v], _mm256_set1_epi16(1));
                dot[r][v] = (panel_words)in_order(_mm256_add_epi32((__m256i)dot[r][v], more));
            }
    }
}

#endif
