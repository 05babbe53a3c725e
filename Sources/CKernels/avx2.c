#if defined(__x86_64__)
#include "avx2_unpack.h"

#include <math.h>

/* Columns that share one unpacking of a row. With one column, sums that grow in turns: each hides the latency of the others. */
#define COLUMNS 4
#define TURNS 4
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Eight partial sums of 32 products. maddubs wants one unsigned side: where w is signed, its sign moves to x; |w| <= 128 fits because x is within -127...127. */
INLINE __m256 products(int isSigned, __m256i w, __m256i x) {
    __m256i pairs = isSigned ? _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)) : _mm256_maddubs_epi16(w, x);
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* How a type is read; every field is a constant where it is used, so that the compiler builds one loop for each type. */
typedef struct {
    size_t bytes;
    int parts;
    int isSigned, hasTwoScales, hasMin;
    void (*begin)(const void *, factors *);
    __m256i (*unpack)(const void *, int);
} form;

/* Sub-block s of some weights against the sub-block of each column: adds to `sums[turn]`. */
INLINE void add(form f, const uint8_t *block, const factors *scales, int s, const ck_block *q, size_t blocks, int columns, __m256 *sums, float *mins) {
    __m256i w = f.unpack(block, s);
    __m256 scale = _mm256_set1_ps(scales->first[s]);
    if (f.hasTwoScales) scale = _mm256_insertf128_ps(scale, _mm_set1_ps(scales->second[s]), 1);
    UNROLL for (int c = 0; c < columns; c++) {
        const ck_block *x = q + (size_t)c * blocks;
        __m256 product = products(f.isSigned, w, load(x->q));
        sums[c] = _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_set1_ps(x->scale)), product, sums[c]);
        if (f.hasMin) mins[c] += scales->min[s] * x->sum;
    }
}

/* One weight row against some columns, `turns` sub-blocks at a time. */
INLINE void tile(form f, const uint8_t *row, size_t blocks, const ck_block *q, int columns, int turns, float *out, size_t stride) {
    __m256 sums[TURNS][COLUMNS];
    float mins[TURNS][COLUMNS];
    UNROLL for (int t = 0; t < turns; t++)
        UNROLL for (int c = 0; c < columns; c++) sums[t][c] = _mm256_setzero_ps(), mins[t][c] = 0;
    const int whole = f.parts < turns ? turns / f.parts : 1; /* Blocks read together. */
    factors scales[TURNS];
    size_t b = 0;
    for (; b + (size_t)(whole * f.parts) <= blocks; b += (size_t)(whole * f.parts), row += (size_t)whole * f.bytes) {
        UNROLL for (int k = 0; k < whole; k++) f.begin(row + (size_t)k * f.bytes, &scales[k]);
        UNROLL for (int s = 0; s < whole * f.parts; s++)
            add(f, row + (size_t)(s / f.parts) * f.bytes, &scales[s / f.parts], s % f.parts, q + b + (size_t)s, blocks, columns, sums[s % turns], mins[s % turns]);
    }
    for (; b < blocks; b++, row += f.bytes) {
        f.begin(row, &scales[0]);
        add(f, row, &scales[0], 0, q + b, blocks, columns, sums[0], mins[0]);
    }
    UNROLL for (int c = 0; c < columns; c++) {
        UNROLL for (int t = 1; t < turns; t++) sums[0][c] = _mm256_add_ps(sums[0][c], sums[t][c]), mins[0][c] += mins[t][c];
        out[(size_t)c * stride] = sum8(sums[0][c]) - mins[0][c];
    }
}

INLINE void rows_of(form f, const uint8_t *row, size_t count, size_t blocks, const ck_block *q, size_t columns, float *out, size_t stride) {
    for (size_t r = 0; r < count; r++, row += blocks / (size_t)f.parts * f.bytes, out++) {
        size_t c = 0;
        for (; c + COLUMNS <= columns; c += COLUMNS) tile(f, row, blocks, q + c * blocks, COLUMNS, 1, out + c * stride, stride);
        for (; c < columns; c++) tile(f, row, blocks, q + c * blocks, 1, TURNS, out + c * stride, stride);
    }
}

#define QUANTISED_ROWS(TYPE, PARTS, SIGNED, TWO, MIN)                                                                       \
    AVX2 static void rows_##TYPE(const void *weights, size_t count, size_t blocks, const ck_block *q, size_t columns,       \
                                 float *out, size_t stride) {                                                               \
        form f = {sizeof(block_##TYPE), PARTS, SIGNED, TWO, MIN, begin_##TYPE, unpack_##TYPE};                              \
        rows_of(f, weights, count, blocks, q, columns, out, stride);                                                        \
    }

QUANTISED_ROWS(q8_0, 1, 1, 0, 0)
QUANTISED_ROWS(q4_0, 1, 0, 0, 1)
QUANTISED_ROWS(q5_0, 1, 0, 0, 1)
QUANTISED_ROWS(q4_k, 8, 0, 0, 1)
QUANTISED_ROWS(q5_k, 8, 0, 0, 1)
QUANTISED_ROWS(q6_k, 8, 1, 1, 0)

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
    size_t bytes = ck_row_bytes(type, width), blocks = width / 32, count = last - first;
    const uint8_t *rows = (const uint8_t *)weights + first * bytes;
    out += first;
    switch (type) {
    case CK_Q8_0: rows_q8_0(rows, count, blocks, q, columns, out, stride); return;
    case CK_Q4_0: rows_q4_0(rows, count, blocks, q, columns, out, stride); return;
    case CK_Q5_0: rows_q5_0(rows, count, blocks, q, columns, out, stride); return;
    case CK_Q4_K: rows_q4_k(rows, count, blocks, q, columns, out, stride); return;
    case CK_Q5_K: rows_q5_k(rows, count, blocks, q, columns, out, stride); return;
    case CK_Q6_K: rows_q6_k(rows, count, blocks, q, columns, out, stride); return;
    default: break;
    }
    for (size_t r = 0; r < count; r++, rows += bytes, out++) {
        switch (type) {
        case CK_F16: row_f16((const uint16_t *)rows, width, x, columns, out, stride); break;
        case CK_BF16: row_bf16((const uint16_t *)rows, width, x, columns, out, stride); break;
        default: row_f32((const float *)rows, width, x, columns, out, stride); break;
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
