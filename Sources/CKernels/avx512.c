#if defined(__x86_64__)
#include "attention.h"
#include "avx512_floats.h"
#include "avx512_panels.h"

/* Adds the four lanes of each quarter, and both halves of a block, which are quarters, unless they are wanted apart. */
INLINE512 dots quarters(const __m512i *p, int hasTwoScales) {
    __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(p[0], p[1]), _mm512_unpackhi_epi32(p[0], p[1]));
    __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(p[2], p[3]), _mm512_unpackhi_epi32(p[2], p[3]));
    /* Quarter i of register k comes to lane 4 i + k; the blocks are 2 k and 2 k + 1. */
    __m512i sums = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    if (!hasTwoScales) sums = _mm512_add_epi32(sums, _mm512_shuffle_i32x4(sums, sums, 0xb1));
    sums = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15), sums);
    return (dots){_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1)};
}

INLINE512 dots dot_of(int hasTwoScales, __m512i (*unpack)(const void *, int), const void *group, const int8_t *q) {
    __m512i p[4];
    UNROLL for (int k = 0; k < 4; k++) p[k] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), unpack(group, k), load512(q + 64 * k));
    return quarters(p, hasTwoScales);
}

/* Few columns go row by row, many in panels. */
#define QUANTISED_ROWS(TYPE, PARTS, OFFSET, TWO, MIN)                                                                       \
    INLINE512 dots dot_##TYPE(const void *group, const int8_t *q) { return dot_of(TWO, unpack512_##TYPE, group, q); }       \
    AVX512 static void rows_##TYPE(const void *weights, size_t count, size_t width, ck_activations q, size_t columns,       \
                                   float *out, size_t stride) {                                                             \
        form f = {sizeof(block_##TYPE) * (GROUP / PARTS), OFFSET, TWO, MIN, begin_##TYPE, dot_##TYPE};                      \
        if (q.lanes == 1) rows_of(f, weights, count, width, q, columns, out, stride);                                       \
        else panels_of(f, unpack512_##TYPE, weights, count, width, q, columns, out, stride);                                \
    }

QUANTISED_ROWS(q8_0, 1, 128, 0, 0)
QUANTISED_ROWS(q4_0, 1, 8, 0, 0)
QUANTISED_ROWS(q5_0, 1, 16, 0, 0)
QUANTISED_ROWS(q4_k, 8, 0, 0, 1)
QUANTISED_ROWS(q5_k, 8, 0, 0, 1)
QUANTISED_ROWS(q6_k, 8, 32, 1, 0)

#define WHOLE_ROWS(TYPE, BYTES)                                                                                             \
    AVX512 static void rows_##TYPE(const uint8_t *row, size_t count, size_t width, const float *x, size_t columns,          \
                                   float *out, size_t stride) {                                                             \
        float_rows((float_form){BYTES, read512_##TYPE}, row, count, width, x, columns, out, stride);                        \
    }

WHOLE_ROWS(f32, 4)
WHOLE_ROWS(f16, 2)
WHOLE_ROWS(bf16, 2)

MULTIPLY(AVX512)

INLINE512 void bytes512(const void *p, lanes *out) { *out = (lanes)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p))); }
INLINE512 void halves512(const void *p, lanes *out) { *out = (lanes)read512_f16(p); }
INLINE512 void floats512(const void *p, lanes *out) { *out = (lanes)read512_f32(p); }
ATTENTION(AVX512, bytes512, halves512, floats512)

const ck_kernels ck_avx512 = {"avx512", LANES, ck_quantize_avx2, multiply, attend, gather, silu_multiply};
#endif
