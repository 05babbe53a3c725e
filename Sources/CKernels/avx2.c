#if defined(__x86_64__)
#include "attention.h"
#include "avx2_panels.h"

#include <math.h>

/* Adding neighbours never crosses the middle of a register, so the halves of the blocks stay apart. */
INLINE dots dot_of(int isSigned, int hasTwoScales, __m256i (*unpack)(const void *, int), const void *group, const int8_t *q) {
    __m256i p[GROUP];
    UNROLL for (int s = 0; s < GROUP; s++) p[s] = _mm256_madd_epi16(pairs(isSigned, unpack(group, s), load(q + BLOCK * s)), _mm256_set1_epi16(1));
    UNROLL for (int s = 0; s < GROUP; s += 4)
        p[s] = _mm256_hadd_epi32(_mm256_hadd_epi32(p[s], p[s + 1]), _mm256_hadd_epi32(p[s + 2], p[s + 3]));
    dots d = {_mm256_permute2x128_si256(p[0], p[4], 0x20), _mm256_permute2x128_si256(p[0], p[4], 0x31)};
    return hasTwoScales ? d : (dots){.first = _mm256_add_epi32(d.first, d.second)};
}

/* Few columns go row by row, many in panels. */
#define QUANTISED_ROWS(TYPE, PARTS, SIGNED, WORDS, OFFSET, TWO, MIN)                                                        \
    INLINE dots dot_##TYPE(const void *group, const int8_t *q) { return dot_of(SIGNED, TWO, unpack_##TYPE, group, q); }     \
    AVX2 static void rows_##TYPE(const void *weights, size_t count, size_t width, ck_activations q, size_t columns,         \
                                 float *out, size_t stride) {                                                               \
        form f = {sizeof(block_##TYPE) * (GROUP / PARTS), OFFSET, TWO, MIN, begin_##TYPE, dot_##TYPE};                      \
        byte_form bytes = {SIGNED, WORDS, unpack_##TYPE};                                                                   \
        if (q.lanes == 1) rows_of(f, weights, count, width, q, columns, out, stride);                                       \
        else panels_of(f, bytes, weights, count, width, q, columns, out, stride);                                           \
    }

QUANTISED_ROWS(q8_0, 1, 1, 1, 0, 0, 0)
QUANTISED_ROWS(q4_0, 1, 0, 8, 8, 0, 0)
QUANTISED_ROWS(q5_0, 1, 0, 4, 16, 0, 0)
QUANTISED_ROWS(q4_k, 8, 0, 8, 0, 0, 1)
QUANTISED_ROWS(q5_k, 8, 0, 4, 0, 0, 1)
QUANTISED_ROWS(q6_k, 8, 0, 2, 32, 1, 0)

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
    size_t i = 0;
    for (; i + FLOAT_LANES <= width; i += FLOAT_LANES) float_step(bytes, read, row + bytes * i, x + i, width, columns, sums);
    if (i < width) {
        uint8_t rest[FLOAT_LANES * 4] = {0};
        float xRest[COLUMNS][FLOAT_LANES] = {0};
        memcpy(rest, row + bytes * i, bytes * (width - i));
        for (int c = 0; c < columns; c++) memcpy(xRest[c], x + (size_t)c * width + i, sizeof(float) * (width - i));
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

MULTIPLY(AVX2)

/* Four registers of rounded values as 32 bytes, and the sums of each half. */
INLINE __m256i bytes_of(const __m256i *i, int16_t *sums) {
    __m256i low = _mm256_packs_epi32(i[0], i[1]), high = _mm256_packs_epi32(i[2], i[3]), ones = _mm256_set1_epi16(1);
    __m256i both = _mm256_hadd_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    sum = _mm_hadd_epi32(sum, sum);
    sums[0] = (int16_t)_mm_cvtsi128_si32(sum);
    sums[1] = (int16_t)_mm_extract_epi32(sum, 1);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

AVX2 void ck_quantize_avx2(const float *x, size_t width, size_t column, ck_activations out) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    int8_t *word = out.q + 4 * ck_place(out, column, 0, width / 4);
    float *scale = out.scale + ck_place(out, column, 0, width / BLOCK);
    int16_t *sum = out.sum + ck_place(out, column, 0, width / 16);
    for (size_t b = 0; b < width / BLOCK; b++, x += BLOCK) {
        __m256 v[4], largest = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, v[i]));
        }
        __m128 m = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
        m = _mm_max_ps(m, _mm_movehl_ps(m, m));
        float amax = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
        *scale = half(_cvtss_sh(fminf(amax / 127, LARGEST_HALF), _MM_FROUND_TO_NEAREST_INT));
        __m256 inverse = _mm256_set1_ps(amax > 0 ? 127 / amax : 0);
        __m256i i[4];
        for (int k = 0; k < 4; k++) i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(v[k], inverse));
        int8_t q[BLOCK];
        int16_t sums[2];
        _mm256_storeu_si256((__m256i *)q, bytes_of(i, sums));
        for (size_t k = 0; k < 8; k++, word += 4 * out.lanes) memcpy(word, q + 4 * k, 4);
        for (size_t k = 0; k < 2; k++, sum += out.lanes) *sum = sums[k];
        scale += out.lanes;
    }
}

INLINE void both(__m256 (*read)(const void *), size_t bytes, const void *p, lanes *out) {
    __m256 v[2] = {read(p), read((const uint8_t *)p + 8 * bytes)};
    memcpy(out, v, sizeof v);
}
INLINE __m256 load_bytes(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))); }
INLINE void bytes256(const void *p, lanes *out) { both(load_bytes, 1, p, out); }
INLINE void halves256(const void *p, lanes *out) { both(load_f16, 2, p, out); }
INLINE void floats256(const void *p, lanes *out) { both(load_f32, 4, p, out); }
ATTENTION(AVX2, bytes256, halves256, floats256)

const ck_kernels ck_avx2 = {"avx2", LANES, ck_quantize_avx2, multiply, attend, gather, silu_multiply};
#endif
