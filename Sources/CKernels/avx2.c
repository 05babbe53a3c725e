#if defined(__x86_64__)
#include "avx2_rows.h"

#include <math.h>

/* One side has to be unsigned: where w is signed, its sign moves to x; |w| <= 128 fits because x is within -127...127. */
INLINE __m256i pairs(__m256i w, __m256i x) { return _mm256_maddubs_epi16(w, x); }
INLINE __m256i signed_pairs(__m256i w, __m256i x) { return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)); }

#define BYTES(TYPE, PAIRS, WORDS) ((byte_form){.unpack = unpack_##TYPE, .pairs = PAIRS, .words = WORDS})
QUANTISED_ROWS(AVX2, q8_0, 1, BYTES(q8_0, signed_pairs, 1), 0, 0, 0)
QUANTISED_ROWS(AVX2, q4_0, 1, BYTES(q4_0, pairs, 8), 8, 0, 0)
QUANTISED_ROWS(AVX2, q5_0, 1, BYTES(q5_0, pairs, 4), 16, 0, 0)
QUANTISED_ROWS(AVX2, q4_k, 8, BYTES(q4_k, pairs, 8), 0, 0, 1)
QUANTISED_ROWS(AVX2, q5_k, 8, BYTES(q5_k, pairs, 4), 0, 0, 1)
QUANTISED_ROWS(AVX2, q6_k, 8, BYTES(q6_k, pairs, 2), 32, 1, 0)

MULTIPLY(multiply, AVX2, )

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

ATTENTION(AVX2, bytes256, halves256, floats256)

const ck_kernels ck_avx2 = {"avx2", LANES, 3, ck_quantize_avx2, multiply, attend, gather, silu_multiply};
#endif
