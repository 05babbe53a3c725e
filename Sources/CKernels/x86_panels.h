#ifndef CK_X86_PANELS_H
#define CK_X86_PANELS_H

/*
 * Rows of quantised weights times many columns, LANES of which lie interleaved: a lane is a column. One text for registers of both sizes.
 *
 * A panel of rows is unpacked to bytes once and stays in the near cache while all columns pass; a tile of it, some rows by two registers of columns, stays in
 * registers. Blocks are visited lane by lane of the contract (0, 8, 16 ..., then 1, 9 ...), so that each of its sums is one register.
 *
 * Whoever includes it has defined LANES, PANEL, TILE (which divides PANEL), `panel_form` with a field `type`, and INLINE_PANEL; and defines behind it
 * `unpack_group`, which fills in a group of a row, and `add_words`.
 */
#include "x86_rows.h"

enum { VECTORS = 2 };

typedef float panel_floats __attribute__((vector_size(LANES * 4), aligned(4)));
typedef int32_t panel_words __attribute__((vector_size(LANES * 4), aligned(4)));
typedef int16_t panel_sums __attribute__((vector_size(LANES * 2), aligned(2)));

typedef struct {
    uint8_t w[PANEL][SLAB * BLOCK + LANES * 4]; /* The odd length keeps rows from sharing cache sets. */
    float first[PANEL][SLAB], second[PANEL][SLAB], min[PANEL][SLAB];
} panel;

/* The columns of a register, of a slab. */
typedef struct { const int8_t *q; const float *scale; const int16_t *sum; } lanes_of;

/* Unpacks a group of eight blocks to the bytes at `w`. */
INLINE_PANEL factors unpack_group(panel_form f, const uint8_t *group, uint8_t *w);
/* Adds the products of words [first, last) of block b and of TILE rows from `row` on. */
INLINE_PANEL void add_words(panel_form f, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b, int first, int last,
                            panel_words dot[TILE][VECTORS]);

INLINE_PANEL void fill_row(panel_form f, const uint8_t *row, size_t blocks, int isLast, panel *p, size_t r) {
    for (size_t b = 0; b < blocks; b += GROUP, row += f.type.bytes) {
        rest_of_row rest;
        fetch_ahead(row, f.type.bytes);
        const uint8_t *group = blocks - b < GROUP ? group_of(row, f.type.bytes, blocks - b, isLast, &rest) : row;
        factors w = unpack_group(f, group, &p->w[r][b * BLOCK]);
        _mm256_storeu_ps(&p->first[r][b], w.first);
        if (f.type.hasTwoScales) _mm256_storeu_ps(&p->second[r][b], w.second);
        if (f.type.hasMin) _mm256_storeu_ps(&p->min[r][b], w.min);
    }
}

/* Adds block b: halves with a scale of their own one after the other, else the whole block at once. */
INLINE_PANEL void add_block(panel_form f, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b, panel_floats sums[TILE][VECTORS]) {
    const int parts = f.type.hasTwoScales ? 2 : 1;
    panel_words total[VECTORS];
    panel_floats scale[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) scale[v] = *(const panel_floats *)(x[v].scale + b * LANES), total[v] = (panel_words){0};
    UNROLL for (int part = 0; part < parts; part++) {
        panel_words dot[TILE][VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            if (f.type.hasTwoScales) total[v] = (panel_words){0};
            UNROLL for (int h = part; h < part + 3 - parts; h++)
                total[v] += __builtin_convertvector(*(const panel_sums *)(x[v].sum + (2 * b + (size_t)h) * LANES), panel_words);
            UNROLL for (int r = 0; r < TILE; r++) dot[r][v] = total[v] * -f.type.offset;
        }
        add_words(f, p, row, x, vectors, b, part * 8 / parts, (part + 1) * 8 / parts, dot);
        UNROLL for (size_t r = 0; r < TILE; r++) {
            const float *w = part ? p->second[row + r] : p->first[row + r];
            UNROLL for (int v = 0; v < vectors; v++)
                sums[r][v] = __builtin_elementwise_fma(__builtin_convertvector(dot[r][v], panel_floats), w[b] * scale[v], sums[r][v]);
        }
    }
    if (!f.type.hasMin) return;
    UNROLL for (int v = 0; v < vectors; v++) {
        panel_floats less = -(scale[v] * __builtin_convertvector(total[v], panel_floats));
        UNROLL for (size_t r = 0; r < TILE; r++) /* What 0 is taken from stays as it is, in every lane. */
            sums[r][v] = __builtin_elementwise_fma(p->min[row + r][b] - (panel_floats){0}, less, sums[r][v]);
    }
}

/* The rows of a tile by one register of columns or two, of a slab. */
INLINE_PANEL void tile(panel_form f, const panel *p, size_t row, const lanes_of *x, int vectors, size_t blocks, panel_floats out[TILE][VECTORS]) {
    panel_floats lanes[GROUP][TILE][VECTORS];
    for (size_t lane = 0; lane < GROUP; lane++) {
        panel_floats sums[TILE][VECTORS];
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = (panel_floats){0};
        for (size_t b = lane; b < blocks; b += GROUP) add_block(f, p, row, x, vectors, b, sums);
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) lanes[lane][r][v] = sums[r][v];
    }
    for (size_t r = 0; r < TILE; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            panel_floats s[4];
            UNROLL for (int i = 0; i < 4; i++) s[i] = lanes[i][r][v] + lanes[i + 4][r][v];
            out[r][v] = (s[0] + s[2]) + (s[1] + s[3]);
        }
}

/* All rows of a panel by some columns. `isFirst`: the first slab is stored, later ones are added. */
INLINE_PANEL void tiles(panel_form f, const panel *p, size_t rows, const lanes_of *x, int vectors, size_t blocks, int isFirst, size_t columns,
                        float *out, size_t stride) {
    for (size_t first = 0; first < rows; first += TILE) {
        size_t count = rows - first < TILE ? rows - first : TILE;
        union { panel_floats vector[TILE][VECTORS]; float value[TILE][VECTORS * LANES]; } result;
        tile(f, p, first, x, vectors, blocks, result.vector);
        for (size_t c = 0; c < columns; c++)
            for (size_t r = 0; r < count; r++) {
                float *o = out + c * stride + first + r;
                *o = isFirst ? result.value[r][c] : *o + result.value[r][c];
            }
    }
}

INLINE_PANEL void panels_of(panel_form f, const uint8_t *weights, size_t count, size_t width, ck_activations q, size_t columns, float *out,
                            size_t stride) {
    panel p;
    size_t blocks = width / BLOCK, length = blocks * f.type.bytes / GROUP;
    for (size_t first = 0; first < count; first += PANEL) {
        size_t rows = count - first < PANEL ? count - first : PANEL;
        for (size_t done = 0; done < blocks; done += SLAB) {
            size_t slab = blocks - done < SLAB ? blocks - done : SLAB;
            for (size_t r = 0; r < (rows + TILE - 1) / TILE * TILE; r++) { /* The last row fills up the last tile. */
                size_t own = first + (r < rows ? r : rows - 1);
                const uint8_t *row = weights + own * length + done / GROUP * f.type.bytes;
                fill_row(f, row, slab, own + 1 == count || blocks < GROUP, &p, r);
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
