#if defined(__x86_64__)
#include "avx2_unpack.h"

#include <math.h>

/* Columns that share one unpacking of a row. With one column, sums that grow in turns: each hides the latency of the others. */
#define COLUMNS 4
#define TURNS 4
#define GROUP 8
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
    size_t bytes; /* Of a group. */
    int isSigned, hasTwoScales, hasMin;
    void (*begin)(const void *, int, factors *);
    __m256i (*unpack)(const void *, int);
} form;

/* The sums of one row with each column: products in turns, and what minimums take away. */
typedef struct { __m256 products[TURNS][COLUMNS], mins[COLUMNS]; } sums;

/* Adds a group's first `count` sub-blocks. `x` is the group's part of each column. */
INLINE void add(form f, const uint8_t *group, int count, const ck_activations *x, int columns, int turns, sums *out) {
    factors scales;
    if (count < GROUP) scales = (factors){0}; /* What is not there is multiplied too. */
    float first[COLUMNS][GROUP], second[COLUMNS][GROUP];
    f.begin(group, count, &scales);
    UNROLL for (int c = 0; c < columns; c++) {
        __m256 scale = _mm256_loadu_ps(x[c].scale);
        _mm256_storeu_ps(first[c], _mm256_mul_ps(scale, _mm256_loadu_ps(scales.first)));
        if (f.hasTwoScales) _mm256_storeu_ps(second[c], _mm256_mul_ps(scale, _mm256_loadu_ps(scales.second)));
        if (f.hasMin) out->mins[c] = _mm256_fmadd_ps(_mm256_loadu_ps(scales.min), _mm256_loadu_ps(x[c].sum), out->mins[c]);
    }
    UNROLL for (int s = 0; s < count; s++) {
        __m256i w = f.unpack(group, s);
        UNROLL for (int c = 0; c < columns; c++) {
            __m256 scale = _mm256_set1_ps(first[c][s]);
            if (f.hasTwoScales) scale = _mm256_insertf128_ps(scale, _mm_set1_ps(second[c][s]), 1);
            __m256 *sum = &out->products[s % turns][c];
            *sum = _mm256_fmadd_ps(scale, products(f.isSigned, w, load(x[c].q + 32 * s)), *sum);
        }
    }
}

/* The last sub-blocks of a row whose width is no multiple of 256, beside zeros. */
INLINE void add_rest(form f, const uint8_t *blocks, int count, const ck_activations *x, int columns, sums *out) {
    float scale[COLUMNS][GROUP] = {0}, sum[COLUMNS][GROUP] = {0};
    ck_activations rest[COLUMNS];
    for (int s = 0; s < count; s++) {
        UNROLL for (int c = 0; c < columns; c++) scale[c][0] = x[c].scale[s], sum[c][0] = x[c].sum[s], rest[c] = (ck_activations){x[c].q + 32 * s, scale[c], sum[c]};
        add(f, blocks + (size_t)s * (f.bytes / GROUP), 1, rest, columns, 1, out);
    }
}

/* One weight row against some columns. */
INLINE void tile(form f, const uint8_t *row, size_t width, ck_activations q, int columns, float *out, size_t stride) {
    const int turns = columns == 1 ? TURNS : 1;
    sums total;
    ck_activations x[COLUMNS];
    UNROLL for (int c = 0; c < columns; c++) {
        UNROLL for (int t = 0; t < turns; t++) total.products[t][c] = _mm256_setzero_ps();
        total.mins[c] = _mm256_setzero_ps();
        x[c] = ck_column(q, (size_t)c, width);
    }
    size_t groups = width / (32 * GROUP), rest = width / 32 % GROUP;
    for (size_t g = 0; g < groups; g++, row += f.bytes) {
        add(f, row, GROUP, x, columns, turns, &total);
        UNROLL for (int c = 0; c < columns; c++) x[c].q += 32 * GROUP, x[c].scale += GROUP, x[c].sum += GROUP;
    }
    if (rest) add_rest(f, row, (int)rest, x, columns, &total);
    UNROLL for (int c = 0; c < columns; c++) {
        __m256 sum = total.products[0][c];
        UNROLL for (int t = 1; t < turns; t++) sum = _mm256_add_ps(sum, total.products[t][c]);
        out[(size_t)c * stride] = sum8(_mm256_sub_ps(sum, total.mins[c]));
    }
}

INLINE void rows_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    size_t bytes = width / 32 * f.bytes / GROUP;
    for (size_t r = 0; r < count; r++, row += bytes, out++) {
        size_t c = 0;
        for (; c + COLUMNS <= columns; c += COLUMNS) tile(f, row, width, ck_column(q, c, width), COLUMNS, out + c * stride, stride);
        for (; c < columns; c++) tile(f, row, width, ck_column(q, c, width), 1, out + c * stride, stride);
    }
}

#define QUANTISED_ROWS(TYPE, PARTS, SIGNED, TWO, MIN)                                                                       \
    AVX2 static void rows_##TYPE(const void *weights, size_t count, size_t width, ck_activations q, size_t columns,         \
                                 float *out, size_t stride) {                                                               \
        form f = {sizeof(block_##TYPE) * (GROUP / PARTS), SIGNED, TWO, MIN, begin_##TYPE, unpack_##TYPE};                   \
        rows_of(f, weights, count, width, q, columns, out, stride);                                                         \
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
                         ck_activations q, size_t columns, float *out, size_t stride) {
    size_t bytes = ck_row_bytes(type, width), count = last - first;
    const uint8_t *rows = (const uint8_t *)weights + first * bytes;
    out += first;
    switch (type) {
    case CK_Q8_0: rows_q8_0(rows, count, width, q, columns, out, stride); return;
    case CK_Q4_0: rows_q4_0(rows, count, width, q, columns, out, stride); return;
    case CK_Q5_0: rows_q5_0(rows, count, width, q, columns, out, stride); return;
    case CK_Q4_K: rows_q4_k(rows, count, width, q, columns, out, stride); return;
    case CK_Q5_K: rows_q5_k(rows, count, width, q, columns, out, stride); return;
    case CK_Q6_K: rows_q6_k(rows, count, width, q, columns, out, stride); return;
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

AVX2 void ck_quantize_avx2(const float *x, size_t count, ck_activations out) {
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
        out.scale[b] = half(_cvtss_sh(fminf(amax / 127, LARGEST_HALF), _MM_FROUND_TO_NEAREST_INT));
        __m256 inverse = _mm256_set1_ps(amax > 0 ? 127 / amax : 0), sum = _mm256_setzero_ps();
        __m256i i[4];
        for (int k = 0; k < 4; k++) {
            i[k] = _mm256_cvtps_epi32(_mm256_mul_ps(v[k], inverse));
            sum = _mm256_add_ps(sum, _mm256_cvtepi32_ps(i[k]));
        }
        out.sum[b] = out.scale[b] * sum8(sum);
        __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
        _mm256_storeu_si256((__m256i *)(out.q + 32 * b), _mm256_permutevar8x32_epi32(words, order));
    }
}
#endif
