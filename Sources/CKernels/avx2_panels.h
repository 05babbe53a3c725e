#ifndef CK_AVX2_PANELS_H
#define CK_AVX2_PANELS_H

/*
 * Rows of quantised weights times many columns, eight of which lie interleaved: a lane is a column.
 *
 * A panel of rows is unpacked to bytes once and stays in the near cache while all columns pass; a tile of it, four rows by 16 columns, stays in registers.
 * Blocks are visited lane by lane of the contract (0, 8, 16 ..., then 1, 9 ...), so that each of its sums is one register.
 */
#include "avx2_unpack.h"

enum { LANES = 8, PANEL = 12, TILE = 4, VECTORS = 2 };

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

typedef struct {
    uint8_t w[PANEL][SLAB * BLOCK + 32]; /* The odd length keeps rows from sharing cache sets. */
    float first[PANEL][SLAB], second[PANEL][SLAB], min[PANEL][SLAB];
} panel;

/* Eight columns of a slab. */
typedef struct { const int8_t *q; const float *scale; const int16_t *sum; } lanes_of;

/* Keeps the compiler from regrouping sums into trees, for which there are not enough registers. */
INLINE __m256i in_order(__m256i sum) {
    __asm__("" : "+x"(sum));
    return sum;
}

INLINE void fill_row(form f, byte_form bytes, const uint8_t *row, size_t blocks, int isLast, panel *p, size_t r) {
    for (size_t b = 0; b < blocks; b += GROUP, row += f.bytes) {
        rest_of_row rest;
        fetch_ahead(row, f.bytes);
        const uint8_t *group = blocks - b < GROUP ? group_of(row, f.bytes, blocks - b, isLast, &rest) : row;
        factors w = f.begin(group);
        _mm256_storeu_ps(&p->first[r][b], w.first);
        if (f.hasTwoScales) _mm256_storeu_ps(&p->second[r][b], w.second);
        if (f.hasMin) _mm256_storeu_ps(&p->min[r][b], w.min);
        UNROLL for (int s = 0; s < GROUP; s++) _mm256_storeu_si256((__m256i *)&p->w[r][(b + (size_t)s) * BLOCK], bytes.unpack(group, s));
    }
}

/* Adds the products of words [first, last) of block b: in 16 bits as long as they fit. */
INLINE void add_words(byte_form bytes, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b, int first, int last,
                      __m256i dot[TILE][VECTORS]) {
    const int words = bytes.dot ? 1 : bytes.words;
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
                    if (bytes.dot) dot[r][v] = bytes.dot(dot[r][v], w, q[v]);
                    else if (i == 0) sum[r][v] = bytes.pairs(w, q[v]);
                    else sum[r][v] = in_order(_mm256_add_epi16(sum[r][v], bytes.pairs(w, q[v])));
                }
            }
        }
        if (bytes.dot) continue;
        UNROLL for (int r = 0; r < TILE; r++)
            UNROLL for (int v = 0; v < vectors; v++)
                dot[r][v] = in_order(_mm256_add_epi32(dot[r][v], _mm256_madd_epi16(sum[r][v], _mm256_set1_epi16(1))));
    }
}

/* Adds block b: halves with a scale of their own one after the other, else the whole block at once. */
INLINE void add_block(form f, byte_form bytes, const panel *p, size_t row, const lanes_of *x, int vectors, size_t b,
                      __m256 sums[TILE][VECTORS]) {
    const int parts = f.hasTwoScales ? 2 : 1;
    __m256i total[VECTORS];
    __m256 scale[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) scale[v] = _mm256_loadu_ps(x[v].scale + b * LANES), total[v] = _mm256_setzero_si256();
    UNROLL for (int part = 0; part < parts; part++) {
        __m256i dot[TILE][VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            if (f.hasTwoScales) total[v] = _mm256_setzero_si256();
            UNROLL for (int h = part; h < part + 3 - parts; h++) {
                __m128i sum = _mm_loadu_si128((const __m128i *)(x[v].sum + (2 * b + (size_t)h) * LANES));
                total[v] = _mm256_add_epi32(total[v], _mm256_cvtepi16_epi32(sum));
            }
            __m256i start = _mm256_mullo_epi32(total[v], _mm256_set1_epi32(-f.offset));
            UNROLL for (int r = 0; r < TILE; r++) dot[r][v] = start;
        }
        add_words(bytes, p, row, x, vectors, b, part * 8 / parts, (part + 1) * 8 / parts, dot);
        UNROLL for (size_t r = 0; r < TILE; r++) {
            const float *w = part ? p->second[row + r] : p->first[row + r];
            UNROLL for (int v = 0; v < vectors; v++)
                sums[r][v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[r][v]), _mm256_mul_ps(_mm256_set1_ps(w[b]), scale[v]), sums[r][v]);
        }
    }
    if (!f.hasMin) return;
    UNROLL for (int v = 0; v < vectors; v++) {
        __m256 sum = _mm256_mul_ps(scale[v], _mm256_cvtepi32_ps(total[v]));
        UNROLL for (size_t r = 0; r < TILE; r++) sums[r][v] = _mm256_fnmadd_ps(_mm256_set1_ps(p->min[row + r][b]), sum, sums[r][v]);
    }
}

/* Four rows by 8 or 16 columns of a slab. */
INLINE void tile(form f, byte_form bytes, const panel *p, size_t row, const lanes_of *x, int vectors, size_t blocks,
                 __m256 out[TILE][VECTORS]) {
    __m256 lanes[GROUP][TILE][VECTORS];
    for (size_t lane = 0; lane < GROUP; lane++) {
        __m256 sums[TILE][VECTORS];
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = _mm256_setzero_ps();
        for (size_t b = lane; b < blocks; b += GROUP) add_block(f, bytes, p, row, x, vectors, b, sums);
        UNROLL for (int r = 0; r < TILE; r++) UNROLL for (int v = 0; v < vectors; v++) lanes[lane][r][v] = sums[r][v];
    }
    for (size_t r = 0; r < TILE; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            __m256 s[4];
            UNROLL for (int i = 0; i < 4; i++) s[i] = _mm256_add_ps(lanes[i][r][v], lanes[i + 4][r][v]);
            out[r][v] = _mm256_add_ps(_mm256_add_ps(s[0], s[2]), _mm256_add_ps(s[1], s[3]));
        }
}

/* All rows of a panel by some columns. `isFirst`: the first slab is stored, later ones are added. */
INLINE void tiles(form f, byte_form bytes, const panel *p, size_t rows, const lanes_of *x, int vectors, size_t blocks, int isFirst,
                  size_t columns, float *out, size_t stride) {
    for (size_t first = 0; first < rows; first += TILE) {
        size_t count = rows - first < TILE ? rows - first : TILE;
        union { __m256 vector[TILE][VECTORS]; float value[TILE][VECTORS * LANES]; } result;
        tile(f, bytes, p, first, x, vectors, blocks, result.vector);
        for (size_t c = 0; c < columns; c++)
            for (size_t r = 0; r < count; r++) {
                float *o = out + c * stride + first + r;
                *o = isFirst ? result.value[r][c] : *o + result.value[r][c];
            }
    }
}

INLINE void panels_of(form f, byte_form bytes, const uint8_t *weights, size_t count, size_t width, ck_activations q, size_t columns,
                      float *out, size_t stride) {
    panel p;
    size_t blocks = width / BLOCK, length = blocks * f.bytes / GROUP;
    for (size_t first = 0; first < count; first += PANEL) {
        size_t rows = count - first < PANEL ? count - first : PANEL;
        for (size_t done = 0; done < blocks; done += SLAB) {
            size_t slab = blocks - done < SLAB ? blocks - done : SLAB;
            for (size_t r = 0; r < (rows + TILE - 1) / TILE * TILE; r++) { /* The last row fills up the last tile. */
                size_t own = first + (r < rows ? r : rows - 1);
                const uint8_t *row = weights + own * length + done / GROUP * f.bytes;
                fill_row(f, bytes, row, slab, own + 1 == count || blocks < GROUP, &p, r);
            }
            for (size_t c = 0; c < columns; c += VECTORS * LANES) {
                size_t some = columns - c < VECTORS * LANES ? columns - c : VECTORS * LANES;
                lanes_of x[VECTORS];
                for (size_t v = 0; v < VECTORS && v * LANES < some; v++) {
                    size_t start = (c + v * LANES) * width + done * BLOCK * LANES;
                    x[v] = (lanes_of){q.q + start, q.scale + start / BLOCK, q.sum + start / 16};
                }
                if (some > LANES) tiles(f, bytes, &p, rows, x, 2, slab, done == 0, some, out + c * stride + first, stride);
                else tiles(f, bytes, &p, rows, x, 1, slab, done == 0, some, out + c * stride + first, stride);
            }
        }
    }
}

#endif
