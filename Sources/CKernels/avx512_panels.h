#ifndef CK_AVX512_PANELS_H
#define CK_AVX512_PANELS_H

/*
 * Rows of quantised weights times many columns, sixteen of which lie interleaved: a lane is a column.
 *
 * A panel of rows is unpacked to bytes once and stays in the near cache while all columns pass; a tile of it, six rows by 32 columns, stays in registers.
 * Blocks are visited lane by lane of the contract (0, 8, 16 ..., then 1, 9 ...), so that each of its sums is one register.
 */
#include "avx512_unpack.h"

enum { LANES = 16, PANEL = 24, TILE = 6, VECTORS = 2 };

typedef struct {
    uint8_t w[PANEL][SLAB * BLOCK + 64]; /* The odd length keeps rows from sharing cache sets. */
    float first[PANEL][SLAB], second[PANEL][SLAB], min[PANEL][SLAB];
} panel;

/* Sixteen columns of a slab. */
typedef struct { const int8_t *q; const float *scale; const int16_t *sum; } lanes_of;

INLINE512 void fill_row(form512 f, const uint8_t *row, size_t blocks, int isLast, panel *p, size_t r) {
    for (size_t b = 0; b < blocks; b += GROUP, row += f.bytes) {
        rest_of_row rest;
        fetch_ahead(row, f.bytes);
        const uint8_t *group = blocks - b < GROUP ? group_of(row, f.bytes, blocks - b, isLast, &rest) : row;
        factors scales = f.begin(group);
        _mm256_storeu_ps(&p->first[r][b], scales.first);
        if (f.hasTwoScales) _mm256_storeu_ps(&p->second[r][b], scales.second);
        if (f.hasMin) _mm256_storeu_ps(&p->min[r][b], scales.min);
        __m512i turned[4], w[4];
        f.turn(group, turned);
        turn(turned, w); /* Back: the words of a block side by side. */
        UNROLL for (size_t k = 0; k < 4; k++) _mm512_storeu_si512(&p->w[r][b * BLOCK + 64 * k], w[k]);
    }
}

/* The rows of a tile; the last one again where a panel ends within it. */
typedef struct { const panel *p; size_t row[TILE]; } rows_of_tile;

/* Adds block b: halves with a scale of their own one after the other, else the whole block at once. */
INLINE512 void add_block(form512 f, const rows_of_tile *t, const lanes_of *x, int vectors, size_t b, __m512 sums[TILE][VECTORS]) {
    const int parts = f.hasTwoScales ? 2 : 1;
    __m512i total[VECTORS];
    __m512 scale[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) scale[v] = _mm512_loadu_ps(x[v].scale + b * LANES), total[v] = _mm512_setzero_si512();
    UNROLL for (int part = 0; part < parts; part++) {
        __m512i dot[TILE][VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            if (f.hasTwoScales) total[v] = _mm512_setzero_si512();
            UNROLL for (int h = part; h < part + 3 - parts; h++)
                total[v] = _mm512_add_epi32(total[v], _mm512_cvtepi16_epi32(load(x[v].sum + (2 * b + (size_t)h) * LANES)));
            __m512i start = _mm512_mullo_epi32(total[v], _mm512_set1_epi32(-f.offset));
            UNROLL for (int r = 0; r < TILE; r++) dot[r][v] = start;
        }
        UNROLL for (int k = part * 8 / parts; k < (part + 1) * 8 / parts; k++) {
            __m512i q[VECTORS];
            UNROLL for (int v = 0; v < vectors; v++) q[v] = load512(x[v].q + (b * 8 + (size_t)k) * LANES * 4);
            UNROLL for (int r = 0; r < TILE; r++) {
                int word;
                memcpy(&word, &t->p->w[t->row[r]][b * BLOCK + 4 * (size_t)k], 4);
                UNROLL for (int v = 0; v < vectors; v++) dot[r][v] = _mm512_dpbusd_epi32(dot[r][v], _mm512_set1_epi32(word), q[v]);
            }
        }
        UNROLL for (int r = 0; r < TILE; r++) {
            const float *w = part ? t->p->second[t->row[r]] : t->p->first[t->row[r]];
            UNROLL for (int v = 0; v < vectors; v++)
                sums[r][v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[r][v]), _mm512_mul_ps(_mm512_set1_ps(w[b]), scale[v]), sums[r][v]);
        }
    }
    if (!f.hasMin) return;
    UNROLL for (int v = 0; v < vectors; v++) {
        __m512 sum = _mm512_mul_ps(scale[v], _mm512_cvtepi32_ps(total[v]));
        UNROLL for (int r = 0; r < TILE; r++) sums[r][v] = _mm512_fnmadd_ps(_mm512_set1_ps(t->p->min[t->row[r]][b]), sum, sums[r][v]);
    }
}

/* Six rows by 16 or 32 columns of a slab. */
INLINE512 void tile(form512 f, const rows_of_tile *t, const lanes_of *x, int vectors, size_t blocks, __m512 out[TILE][VECTORS]) {
    __m512 lanes[GROUP][TILE][VECTORS];
    for (size_t lane = 0; lane < GROUP; lane++) {
        __m512 sums[TILE][VECTORS];
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = _mm512_setzero_ps();
        for (size_t b = lane; b < blocks; b += GROUP) add_block(f, t, x, vectors, b, sums);
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) lanes[lane][r][v] = sums[r][v];
    }
    for (size_t r = 0; r < TILE; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            __m512 s[4];
            UNROLL for (int i = 0; i < 4; i++) s[i] = _mm512_add_ps(lanes[i][r][v], lanes[i + 4][r][v]);
            out[r][v] = _mm512_add_ps(_mm512_add_ps(s[0], s[2]), _mm512_add_ps(s[1], s[3]));
        }
}

/* All rows of a panel by some columns. `isFirst`: the first slab is stored, later ones are added. */
INLINE512 void tiles(form512 f, const panel *p, size_t rows, const lanes_of *x, int vectors, size_t blocks, int isFirst,
                     size_t columns, float *out, size_t stride) {
    for (size_t first = 0; first < rows; first += TILE) {
        rows_of_tile t = {.p = p};
        size_t count = rows - first < TILE ? rows - first : TILE;
        for (size_t r = 0; r < TILE; r++) t.row[r] = first + (r < count ? r : count - 1);
        union { __m512 vector[TILE][VECTORS]; float value[TILE][VECTORS * LANES]; } result;
        tile(f, &t, x, vectors, blocks, result.vector);
        for (size_t c = 0; c < columns; c++)
            for (size_t r = 0; r < count; r++) {
                float *o = out + c * stride + first + r;
                *o = isFirst ? result.value[r][c] : *o + result.value[r][c];
            }
    }
}

INLINE512 void panels_of(form512 f, const uint8_t *weights, size_t count, size_t width, ck_activations q, size_t columns,
                         float *out, size_t stride) {
    panel p;
    size_t blocks = width / BLOCK, bytes = blocks * f.bytes / GROUP;
    for (size_t first = 0; first < count; first += PANEL) {
        size_t rows = count - first < PANEL ? count - first : PANEL;
        for (size_t done = 0; done < blocks; done += SLAB) {
            size_t slab = blocks - done < SLAB ? blocks - done : SLAB;
            for (size_t r = 0; r < rows; r++) {
                const uint8_t *row = weights + (first + r) * bytes + done / GROUP * f.bytes;
                fill_row(f, row, slab, first + r + 1 == count || blocks < GROUP, &p, r);
            }
            for (size_t c = 0; c < columns; c += VECTORS * LANES) {
                size_t some = columns - c < VECTORS * LANES ? columns - c : VECTORS * LANES;
                lanes_of x[VECTORS];
                for (size_t v = 0; v < VECTORS && v * LANES < some; v++) {
                    size_t start = (c + v * LANES) * width + done * BLOCK * LANES;
                    x[v] = (lanes_of){q.q + start, q.scale + start / BLOCK, q.sum + start / 16};
                }
                if (some > LANES) tiles(f, &p, rows, x, 2, slab, done == 0, some, out + c * stride + first, stride);
                else tiles(f, &p, rows, x, 1, slab, done == 0, some, out + c * stride + first, stride);
            }
        }
    }
}

#endif
