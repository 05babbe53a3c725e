#if defined(__x86_64__)
#include "avx2_unpack.h"

#include <math.h>

/* Columns that share one unpacking of a row. */
#define TILE 4

INLINE float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Eight partial sums of 32 products. maddubs wants one unsigned side, so the sign of w moves to x; |w| <= 128 fits because x is within -127...127. */
INLINE __m256 products(__m256i w, const int8_t *x) {
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(load(x), w));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* How a type is read; every field is a constant where it is used, so that the compiler builds one loop for each type. */
typedef struct {
    size_t bytes;
    int parts;
    int hasTwoScales, hasMin;
    void (*begin)(const void *, factors *);
    __m256i (*unpack)(const void *, int);
} form;

/* One weight row against `n` columns. */
INLINE void tile(form f, const uint8_t *row, size_t blocks, const ck_block *q, int n, float *out, size_t stride) {
    __m256 sums[TILE];
    float mins[TILE];
    for (int c = 0; c < n; c++) sums[c] = _mm256_setzero_ps(), mins[c] = 0;
    for (size_t b = 0; b < blocks; b += (size_t)f.parts, row += f.bytes) {
        factors scales;
        f.begin(row, &scales);
#pragma clang loop unroll(full)
        for (int s = 0; s < f.parts; s++) {
            __m256i w = f.unpack(row, s);
            __m256 scale = _mm256_set1_ps(scales.first[s]);
            if (f.hasTwoScales) scale = _mm256_insertf128_ps(scale, _mm_set1_ps(scales.second[s]), 1);
            for (int c = 0; c < n; c++) {
                const ck_block *x = q + (size_t)c * blocks + b + (size_t)s;
                sums[c] = _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_set1_ps(x->scale)), products(w, x->q), sums[c]);
                if (f.hasMin) mins[c] += scales.min[s] * x->sum;
            }
        }
    }
    for (int c = 0; c < n; c++) out[(size_t)c * stride] = sum8(sums[c]) - mins[c];
}

INLINE void row_of(form f, const uint8_t *row, size_t blocks, const ck_block *q, size_t columns, float *out, size_t stride) {
    size_t c = 0;
    for (; c + TILE <= columns; c += TILE) tile(f, row, blocks, q + c * blocks, TILE, out + c * stride, stride);
    for (; c < columns; c++) tile(f, row, blocks, q + c * blocks, 1, out + c * stride, stride);
}

#define QUANTISED_ROW(TYPE, PARTS, TWO, MIN)                                                                            \
    AVX2 static void row_##TYPE(const void *row, size_t blocks, const ck_block *q, size_t columns, float *out, size_t stride) { \
        row_of((form){sizeof(block_##TYPE), PARTS, TWO, MIN, begin_##TYPE, unpack_##TYPE}, row, blocks, q, columns, out, stride); \
    }

QUANTISED_ROW(q8_0, 1, 0, 0)
QUANTISED_ROW(q4_0, 1, 0, 0)
QUANTISED_ROW(q5_0, 1, 0, 0)
QUANTISED_ROW(q4_k, 8, 0, 1)
QUANTISED_ROW(q5_k, 8, 0, 1)
QUANTISED_ROW(q6_k, 8, 1, 0)

INLINE __m256 load_f32(const float *row, size_t i) { return _mm256_loadu_ps(row + i); }
INLINE __m256 load_f16(const uint16_t *row, size_t i) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(row + i))); }
INLINE __m256 load_bf16(const uint16_t *row, size_t i) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(row + i)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
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
FLOAT_ROW(row_bf16, uint16_t, load_bf16, ck_bfloat_to_float)

AVX2 void ck_matmul_avx2(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,
                         const ck_block *q, size_t columns, float *out, size_t stride) {
    size_t bytes = ck_row_bytes(type, width), blocks = width / 32;
    for (size_t r = first; r < last; r++) {
        const void *row = (const uint8_t *)weights + r * bytes;
        switch (type) {
        case CK_F32: row_f32(row, width, x, columns, out + r, stride); break;
        case CK_F16: row_f16(row, width, x, columns, out + r, stride); break;
        case CK_BF16: row_bf16(row, width, x, columns, out + r, stride); break;
        case CK_Q8_0: row_q8_0(row, blocks, q, columns, out + r, stride); break;
        case CK_Q5_0: row_q5_0(row, blocks, q, columns, out + r, stride); break;
        case CK_Q4_K: row_q4_k(row, blocks, q, columns, out + r, stride); break;
        case CK_Q5_K: row_q5_k(row, blocks, q, columns, out + r, stride); break;
        case CK_Q6_K: row_q6_k(row, blocks, q, columns, out + r, stride); break;
        default: row_q4_0(row, blocks, q, columns, out + r, stride); break;
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
        __m256 inverse = _mm256_set1_ps(amax > 0 ? 127 / amax : 0), sum = _mm256_setzero_ps();
        __m256i i[4];
        for (int k = 0; k < 4; k++) {
            i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(v[k], inverse));
            sum = _mm256_add_ps(sum, _mm256_cvtepi32_ps(i[k]));
        }
        out[b].sum = out[b].scale * sum8(sum);
        __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
        _mm256_storeu_si256((__m256i *)out[b].q, _mm256_permutevar8x32_epi32(words, order));
    }
}
#endif
