#ifndef CK_X86_ROWS_H
#define CK_X86_ROWS_H

/*
 * Rows of quantised weights times columns that lie contiguous, for every type and both instruction sets.
 *
 * Weights are read in groups of eight blocks of 32 values: eight small blocks, or one of the _K types. A type is a `begin`, which reads the scales of a
 * group, and a `dots`, which multiplies its integers; both see whole groups only, and the last blocks of a row are brought to one by zeros.
 */
#include "blocks.h"

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLINE AVX2 static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* Columns that share one unpacking of a row. */
enum { COLUMNS = 4 };

/* The scales of a group, a lane for each block. Two halves of a block may differ: then `second` is that of the upper one. */
typedef struct { __m256 first, second, min; } factors;

/* The dot products of a group's blocks, a lane for each; of a type with two scales in `first` that of the lower half, in `second` that of the upper. */
typedef struct { __m256i first, second; } dots;

/* How a type is read; every field is a constant where it is used, so that the compiler builds one loop for each type. */
typedef struct {
    size_t bytes; /* Of a group. */
    int offset;   /* What the integers count from: value = scale * (integer - offset) - min. */
    int hasTwoScales, hasMin;
    factors (*begin)(const void *group);
    dots (*dot)(const void *group, const int8_t *q);
} form;

INLINE float half(uint16_t h) { return _cvtsh_ss(h); }
INLINE __m256i load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

INLINE float sum4(__m128 v) {
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)));
}
INLINE float sum8(__m256 v) { return sum4(_mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1))); }

/* Adds what a group's integers amount to. */
INLINE __m256 add_group(form f, factors w, dots d, const float *scale, const int16_t *sum, __m256 lanes) {
    __m256 x = _mm256_loadu_ps(scale);
    __m256i sums = load(sum), offset = _mm256_set1_epi32(f.offset);
    if (f.hasTwoScales) {
        __m256i low = _mm256_sub_epi32(d.first, _mm256_mullo_epi32(offset, _mm256_srai_epi32(_mm256_slli_epi32(sums, 16), 16)));
        __m256i high = _mm256_sub_epi32(d.second, _mm256_mullo_epi32(offset, _mm256_srai_epi32(sums, 16)));
        lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), _mm256_mul_ps(w.first, x), lanes);
        return _mm256_fmadd_ps(_mm256_cvtepi32_ps(high), _mm256_mul_ps(w.second, x), lanes);
    }
    __m256i total = _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
    __m256i dot = _mm256_sub_epi32(d.first, _mm256_mullo_epi32(offset, total));
    lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(w.first, x), lanes);
    return f.hasMin ? _mm256_fnmadd_ps(w.min, _mm256_mul_ps(x, _mm256_cvtepi32_ps(total)), lanes) : lanes;
}

/* The last blocks of a row whose width is no multiple of 256, beside zeros. */
typedef struct { int8_t q[GROUP * BLOCK]; float scale[GROUP]; int16_t sum[2 * GROUP]; } rest_of_column;

INLINE ck_activations fill(rest_of_column *rest, ck_activations x, size_t blocks) {
    memset(rest, 0, sizeof *rest);
    memcpy(rest->q, x.q, blocks * BLOCK);
    memcpy(rest->scale, x.scale, blocks * sizeof *x.scale);
    memcpy(rest->sum, x.sum, blocks * 2 * sizeof *x.sum);
    return (ck_activations){rest->q, rest->scale, rest->sum, 1};
}

/* Adds a group to each column. */
INLINE void add_columns(form f, const void *group, const ck_activations *x, int columns, __m256 *lanes) {
    factors w = f.begin(group);
    UNROLL for (int c = 0; c < columns; c++) lanes[c] = add_group(f, w, f.dot(group, x[c].q), x[c].scale, x[c].sum, lanes[c]);
}

/* One row, and the columns from `first` on. */
INLINE void row_of(form f, const uint8_t *row, size_t width, ck_activations q, size_t first, int columns, float *out, size_t stride) {
    ck_activations x[COLUMNS];
    float result[COLUMNS] = {0};
    UNROLL for (int c = 0; c < columns; c++) {
        size_t column = first + (size_t)c;
        x[c] = (ck_activations){q.q + column * width, q.scale + column * (width / BLOCK), q.sum + column * (width / 16), 1};
    }
    for (size_t blocks = width / BLOCK; blocks > 0;) {
        __m256 lanes[COLUMNS];
        UNROLL for (int c = 0; c < columns; c++) lanes[c] = _mm256_setzero_ps();
        size_t slab = blocks < SLAB ? blocks : SLAB;
        for (size_t b = 0; b + GROUP <= slab; b += GROUP, row += f.bytes) {
            add_columns(f, row, x, columns, lanes);
            UNROLL for (int c = 0; c < columns; c++) x[c].q += GROUP * BLOCK, x[c].scale += GROUP, x[c].sum += 2 * GROUP;
        }
        if (slab % GROUP) {
            uint8_t group[GROUP * sizeof(block_q8_0)] = {0};
            rest_of_column rests[COLUMNS];
            memcpy(group, row, slab % GROUP * (f.bytes / GROUP));
            UNROLL for (int c = 0; c < columns; c++) x[c] = fill(&rests[c], x[c], slab % GROUP);
            add_columns(f, group, x, columns, lanes);
        }
        UNROLL for (int c = 0; c < columns; c++) result[c] += sum8(lanes[c]);
        blocks -= slab;
    }
    UNROLL for (int c = 0; c < columns; c++) out[(size_t)c * stride] = result[c];
}

INLINE void rows_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    size_t bytes = width / BLOCK * f.bytes / GROUP;
    for (size_t r = 0; r < count; r++, row += bytes, out++) {
        size_t c = 0;
        for (; c + COLUMNS <= columns; c += COLUMNS) row_of(f, row, width, q, c, COLUMNS, out + c * stride, stride);
        for (; c < columns; c++) row_of(f, row, width, q, c, 1, out + c * stride, stride);
    }
}

#endif
