#ifndef CK_AVX2_ROWS_H
#define CK_AVX2_ROWS_H

/* Rows of every type for registers of 32 bytes, with the dot products of AVX-VNNI or without; and how attention reads what is stored. */
#include "attention.h"
#include "avx2_panels.h"

/* Adding neighbours never crosses the middle of a register, so the halves of the blocks stay apart. */
INLINE dots dot_of(byte_form bytes, int hasTwoScales, const void *group, const int8_t *q) {
    __m256i p[GROUP];
    UNROLL for (int s = 0; s < GROUP; s++) {
        __m256i w = bytes.unpack(group, s), x = load(q + BLOCK * s);
        p[s] = bytes.dot ? bytes.dot(_mm256_setzero_si256(), w, x) : _mm256_madd_epi16(bytes.pairs(w, x), _mm256_set1_epi16(1));
    }
    UNROLL for (int s = 0; s < GROUP; s += 4)
        p[s] = _mm256_hadd_epi32(_mm256_hadd_epi32(p[s], p[s + 1]), _mm256_hadd_epi32(p[s + 2], p[s + 3]));
    dots d = {_mm256_permute2x128_si256(p[0], p[4], 0x20), _mm256_permute2x128_si256(p[0], p[4], 0x31)};
    return hasTwoScales ? d : (dots){.first = _mm256_add_epi32(d.first, d.second)};
}

/* Few columns go row by row, many in panels. */
#define QUANTISED_ROWS(TARGET, TYPE, PARTS, BYTES, OFFSET, TWO, MIN)                                                        \
    INLINE dots dot_##TYPE(const void *group, const int8_t *q) { return dot_of(BYTES, TWO, group, q); }                     \
    TARGET static void rows_##TYPE(const void *weights, size_t count, size_t width, ck_activations q, size_t columns,       \
                                   float *out, size_t stride) {                                                             \
        form f = {sizeof(block_##TYPE) * (GROUP / PARTS), OFFSET, TWO, MIN, begin_##TYPE, dot_##TYPE};                      \
        if (q.lanes == 1) rows_of(f, weights, count, width, q, columns, out, stride);                                       \
        else panels_of((panel_form){f, BYTES}, weights, count, width, q, columns, out, stride);                                           \
    }

INLINE __m256 load_f32(const void *p) { return _mm256_loadu_ps(p); }
INLINE __m256 load_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128(p)); }
INLINE __m256 load_bf16(const void *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}

/* Adds sixteen values of a row to each of some columns, which lie `step` floats apart. The sixteen lanes are two registers. */
INLINE void float_step(size_t bytes, __m256 (*read)(const void *), const uint8_t *row, const float *x, size_t step, int columns,
                       __m256 sums[COLUMNS][2]) {
    __m256 w[2] = {read(row), read(row + 8 * bytes)};
    UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int i = 0; i < 2; i++) sums[c][i] = _mm256_fmadd_ps(w[i], _mm256_loadu_ps(x + (size_t)c * step + 8 * i), sums[c][i]);
}

INLINE void float_columns(size_t bytes, __m256 (*read)(const void *), const uint8_t *row, size_t width, const float *x, int columns,
                          float *out, size_t stride) {
    __m256 sums[COLUMNS][2];
    UNROLL for (int c = 0; c < columns; c++) sums[c][0] = sums[c][1] = _mm256_setzero_ps();
    size_t whole = width / FLOAT_LANES * FLOAT_LANES;
    for (size_t i = 0; i < whole; i += FLOAT_LANES) {
        if (columns == 1) fetch_ahead(row + bytes * i, 1);
        float_step(bytes, read, row + bytes * i, x + i, width, columns, sums);
    }
    if (whole < width) {
        uint8_t rest[FLOAT_LANES * 4] = {0};
        float xRest[COLUMNS][FLOAT_LANES] = {0};
        memcpy(rest, row + bytes * whole, bytes * (width - whole));
        for (int c = 0; c < columns; c++) memcpy(xRest[c], x + (size_t)c * width + whole, sizeof(float) * (width - whole));
        float_step(bytes, read, rest, xRest[0], FLOAT_LANES, columns, sums);
    }
    UNROLL for (int c = 0; c < columns; c++) out[(size_t)c * stride] = sum8(_mm256_add_ps(sums[c][0], sums[c][1]));
}

/* Rows of a type without blocks; several columns share one reading of a row. */
INLINE void float_rows(size_t bytes, __m256 (*read)(const void *), const uint8_t *row, size_t count, size_t width, const float *x,
                       size_t columns, float *out, size_t stride) {
    size_t c = 0;
    for (; c + COLUMNS <= columns; c += COLUMNS)
        for (size_t r = 0; r < count; r++)
            float_columns(bytes, read, row + r * bytes * width, width, x + c * width, COLUMNS, out + c * stride + r, stride);
    for (; c < columns; c++)
        for (size_t r = 0; r < count; r++) float_columns(bytes, read, row + r * bytes * width, width, x + c * width, 1, out + c * stride + r, stride);
}

#define FLOAT_ROWS(TYPE, BYTES)                                                                                             \
    AVX2 static void rows_##TYPE(const uint8_t *row, size_t count, size_t width, const float *x, size_t columns, float *out, \
                                 size_t stride) {                                                                           \
        float_rows(BYTES, load_##TYPE, row, count, width, x, columns, out, stride);                                         \
    }

FLOAT_ROWS(f32, 4)
FLOAT_ROWS(f16, 2)
FLOAT_ROWS(bf16, 2)

INLINE void both(__m256 (*read)(const void *), size_t bytes, const void *p, lanes *out) {
    __m256 v[2] = {read(p), read((const uint8_t *)p + 8 * bytes)};
    memcpy(out, v, sizeof v);
}
INLINE __m256 load_bytes(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))); }
INLINE void bytes256(const void *p, lanes *out) { both(load_bytes, 1, p, out); }
INLINE void halves256(const void *p, lanes *out) { both(load_f16, 2, p, out); }
INLINE void floats256(const void *p, lanes *out) { both(load_f32, 4, p, out); }

#endif
