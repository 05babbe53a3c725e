#ifndef CK_X86_ROWS_H
#define CK_X86_ROWS_H

/*
 * Rows of quantised weights times columns that lie contiguous, for every type and both instruction sets.
 *
 * Weights are read in groups of eight blocks of 32 values: eight small blocks, or one of the _K types. A type is a `begin`, which reads the scales of a
 * group, and a `dots`, which multiplies its integers; both see whole groups only, and the last blocks of a row are brought to one by zeros.
 */
#include "lanes.h"
#include "multiply.h"

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLINE AVX2 static inline __attribute__((always_inline))

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

/* The last blocks of a column whose width is no multiple of 256, beside zeros. */
typedef struct { int8_t q[GROUP * BLOCK]; float scale[GROUP]; int16_t sum[2 * GROUP]; } rest_of_column;

INLINE ck_activations fill(rest_of_column *rest, ck_activations x, size_t done, size_t blocks) {
    memset(rest, 0, sizeof *rest);
    memcpy(rest->q, x.q + done * BLOCK, blocks * BLOCK);
    memcpy(rest->scale, x.scale + done, blocks * sizeof *x.scale);
    memcpy(rest->sum, x.sum + done * 2, blocks * 2 * sizeof *x.sum);
    return (ck_activations){rest->q, rest->scale, rest->sum, 1};
}

/*
 * The last blocks of a row as a group. Whatever lies behind them may be read and counts for nothing; where it is not ours (`isLast` of the rows, or a row
 * shorter than a group) there are zeros. A copy for each row would make the processor wait for it.
 */
typedef struct { uint8_t bytes[GROUP * sizeof(block_q8_0)]; } rest_of_row;

INLINE const uint8_t *group_of(const uint8_t *row, size_t bytes, size_t blocks, int isLast, rest_of_row *rest) {
    if (!isLast) return row;
    memset(rest, 0, sizeof *rest);
    return memcpy(rest->bytes, row, blocks * (bytes / GROUP));
}

/* Weights are read once and in order, but the processor reads ahead only within a page; asking for what lies beyond never faults. */
enum { AHEAD = 6144 };
INLINE void fetch(const void *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) _mm_prefetch((const char *)from + i, _MM_HINT_T0);
}
INLINE void fetch_ahead(const void *from, size_t bytes) { fetch((const char *)from + AHEAD, bytes); }

/* Adds a group's first `blocks` blocks to each column. */
INLINE void add_columns(form f, const void *group, size_t blocks, const ck_activations *x, size_t done, int columns, __m256 *lanes) {
    factors w = f.begin(group);
    if (blocks < GROUP) {
        __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)blocks), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        w.first = _mm256_and_ps(w.first, _mm256_castsi256_ps(inside));
    }
    UNROLL for (int c = 0; c < columns; c++) {
        dots d = f.dot(group, x[c].q + done * BLOCK);
        lanes[c] = add_group(f, w, d, x[c].scale + done, x[c].sum + 2 * done, lanes[c]);
    }
}

/* One row by some columns. `rest` is where each column ends, if not with a whole group. */
INLINE void row_of(form f, const uint8_t *row, size_t blocks, int isLast, const ck_activations *x, const ck_activations *rest, int columns,
                   float *out, size_t stride) {
    float result[COLUMNS] = {0};
    for (size_t done = 0; done < blocks;) {
        size_t end = done + SLAB < blocks ? done + SLAB : blocks;
        __m256 lanes[COLUMNS];
        UNROLL for (int c = 0; c < columns; c++) lanes[c] = _mm256_setzero_ps();
        for (; done + GROUP <= end; done += GROUP, row += f.bytes) {
            fetch_ahead(row, f.bytes);
            add_columns(f, row, GROUP, x, done, columns, lanes);
        }
        if (done < end) {
            rest_of_row copy;
            add_columns(f, group_of(row, f.bytes, end - done, isLast, &copy), end - done, rest, 0, columns, lanes);
            done = end;
        }
        UNROLL for (int c = 0; c < columns; c++) result[c] += sum8(lanes[c]);
    }
    UNROLL for (int c = 0; c < columns; c++) out[(size_t)c * stride] = result[c];
}

INLINE void columns_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t first, int columns, float *out,
                       size_t stride) {
    size_t blocks = width / BLOCK, bytes = blocks * f.bytes / GROUP;
    ck_activations x[COLUMNS], rest[COLUMNS];
    rest_of_column rests[COLUMNS];
    UNROLL for (int c = 0; c < columns; c++) {
        size_t start = (first + (size_t)c) * width;
        x[c] = (ck_activations){q.q + start, q.scale + start / BLOCK, q.sum + start / 16, 1};
        if (blocks % GROUP) rest[c] = fill(&rests[c], x[c], blocks / GROUP * GROUP, blocks % GROUP);
    }
    for (size_t r = 0; r < count; r++) row_of(f, row + r * bytes, blocks, r + 1 == count || blocks < GROUP, x, rest, columns, out + r, stride);
}

INLINE void rows_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    size_t c = 0;
    for (; c + COLUMNS <= columns; c += COLUMNS) columns_of(f, row, count, width, q, c, COLUMNS, out + c * stride, stride);
    for (; c < columns; c++) columns_of(f, row, count, width, q, c, 1, out + c * stride, stride);
}

#endif
