#include "blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))

AVX2 static inline float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AVX2 static inline float half(uint16_t h) { return _cvtsh_ss(h); }

/* 32 signed weights of a block. */
AVX2 static inline __m256i weights_q8_0(const block_q8_0 *b) { return _mm256_loadu_si256((const __m256i *)b->q); }

AVX2 static inline __m256i weights_q4_0(const block_q4_0 *b) {
    __m128i packed = _mm_loadu_si128((const __m128i *)b->q);
    __m256i nibbles = _mm256_set_m128i(_mm_srli_epi16(packed, 4), packed);
    return _mm256_sub_epi8(_mm256_and_si256(nibbles, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
}

/* Eight partial sums of 32 products. maddubs wants one unsigned side, so the sign of w moves to x; |w| <= 128 fits because x is within -127...127. */
AVX2 static inline __m256 products(__m256i w, const int8_t *x) {
    __m256i signedX = _mm256_sign_epi8(_mm256_loadu_si256((const __m256i *)x), w);
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), signedX);
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* One weight row against four (or fewer) columns at a time, so that a row is unpacked once for four columns. */
#define QUANTISED_ROW(NAME, BLOCK, WEIGHTS)                                                                     \
    AVX2 static void NAME(const BLOCK *row, size_t blocks, const ck_block *q, size_t columns, float *out,       \
                          size_t stride) {                                                                      \
        size_t c = 0;                                                                                           \
        for (; c + 4 <= columns; c += 4) {                                                                      \
            const ck_block *q0 = q + c * blocks, *q1 = q0 + blocks, *q2 = q1 + blocks, *q3 = q2 + blocks;       \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                                         \
            for (size_t b = 0; b < blocks; b++) {                                                               \
                __m256i w = WEIGHTS(row + b);                                                                   \
                float d = half(row[b].d);                                                                       \
                s0 = _mm256_fmadd_ps(_mm256_set1_ps(d * q0[b].scale), products(w, q0[b].q), s0);                \
                s1 = _mm256_fmadd_ps(_mm256_set1_ps(d * q1[b].scale), products(w, q1[b].q), s1);                \
                s2 = _mm256_fmadd_ps(_mm256_set1_ps(d * q2[b].scale), products(w, q2[b].q), s2);                \
                s3 = _mm256_fmadd_ps(_mm256_set1_ps(d * q3[b].scale), products(w, q3[b].q), s3);                \
            }                                                                                                   \
            out[c * stride] = sum8(s0);                                                                         \
            out[(c + 1) * stride] = sum8(s1);                                                                   \
            out[(c + 2) * stride] = sum8(s2);                                                                   \
            out[(c + 3) * stride] = sum8(s3);                                                                   \
        }                                                                                                       \
        for (; c < columns; c++) {                                                                              \
            const ck_block *qc = q + c * blocks;                                                                \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0;                                                           \
            size_t b = 0;                                                                                       \
            for (; b + 2 <= blocks; b += 2) {                                                                   \
                s0 = _mm256_fmadd_ps(_mm256_set1_ps(half(row[b].d) * qc[b].scale),                              \
                                     products(WEIGHTS(row + b), qc[b].q), s0);                                  \
                s1 = _mm256_fmadd_ps(_mm256_set1_ps(half(row[b + 1].d) * qc[b + 1].scale),                      \
                                     products(WEIGHTS(row + b + 1), qc[b + 1].q), s1);                          \
            }                                                                                                   \
            if (b < blocks)                                                                                     \
                s0 = _mm256_fmadd_ps(_mm256_set1_ps(half(row[b].d) * qc[b].scale),                              \
                                     products(WEIGHTS(row + b), qc[b].q), s0);                                  \
            out[c * stride] = sum8(_mm256_add_ps(s0, s1));                                                      \
        }                                                                                                       \
    }

QUANTISED_ROW(row_q8_0, block_q8_0, weights_q8_0)
QUANTISED_ROW(row_q4_0, block_q4_0, weights_q4_0)

AVX2 static inline __m256 load_f32(const float *row, size_t i) { return _mm256_loadu_ps(row + i); }
AVX2 static inline __m256 load_f16(const uint16_t *row, size_t i) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(row + i)));
}

#define FLOAT_ROW(NAME, TYPE, LOAD, SCALAR)                                                                     \
    AVX2 static void NAME(const TYPE *row, size_t width, const float *x, size_t columns, float *out,            \
                          size_t stride) {                                                                      \
        for (size_t c = 0; c < columns; c++) {                                                                  \
            const float *xc = x + c * width;                                                                    \
            __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;                                         \
            size_t i = 0;                                                                                       \
            for (; i + 32 <= width; i += 32) {                                                                  \
                s0 = _mm256_fmadd_ps(LOAD(row, i), _mm256_loadu_ps(xc + i), s0);                                \
                s1 = _mm256_fmadd_ps(LOAD(row, i + 8), _mm256_loadu_ps(xc + i + 8), s1);                        \
                s2 = _mm256_fmadd_ps(LOAD(row, i + 16), _mm256_loadu_ps(xc + i + 16), s2);                      \
                s3 = _mm256_fmadd_ps(LOAD(row, i + 24), _mm256_loadu_ps(xc + i + 24), s3);                      \
            }                                                                                                   \
            float sum = sum8(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));                      \
            for (; i < width; i++) sum += SCALAR(row[i]) * xc[i];                                               \
            out[c * stride] = sum;                                                                              \
        }                                                                                                       \
    }

#define AS_IS(v) (v)
FLOAT_ROW(row_f32, float, load_f32, AS_IS)
FLOAT_ROW(row_f16, uint16_t, load_f16, half)

AVX2 void ck_matmul_avx2(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,
                         const ck_block *q, size_t columns, float *out, size_t stride) {
    size_t bytes = ck_row_bytes(type, width);
    for (size_t r = first; r < last; r++) {
        const void *row = (const uint8_t *)weights + r * bytes;
        switch (type) {
        case CK_F32: row_f32(row, width, x, columns, out + r, stride); break;
        case CK_F16: row_f16(row, width, x, columns, out + r, stride); break;
        case CK_Q8_0: row_q8_0(row, width / 32, q, columns, out + r, stride); break;
        default: row_q4_0(row, width / 32, q, columns, out + r, stride); break;
        }
    }
}

AVX2 void ck_quantize_avx2(const float *x, size_t count, ck_block *out) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t b = 0; b < count / 32; b++, x += 32) {
        __m256 v[4], largest = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, v[i]));
        }
        __m128 m = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
        m = _mm_max_ps(m, _mm_movehl_ps(m, m));
        float amax = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
        out[b].scale = half(_cvtss_sh(fminf(amax / 127, LARGEST_HALF), _MM_FROUND_TO_NEAREST_INT));
        __m256 inverse = _mm256_set1_ps(amax > 0 ? 127 / amax : 0);
        __m256i i[4];
        for (int k = 0; k < 4; k++) i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(v[k], inverse));
        __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
        _mm256_storeu_si256((__m256i *)out[b].q, _mm256_permutevar8x32_epi32(words, order));
    }
}
#endif
