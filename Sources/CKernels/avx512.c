#if defined(__x86_64__)
#include "attention.h"
#include "avx512_floats.h"
#include "avx512_panels.h"
#include "avx512_rows.h"

/* Few columns go row by row, many in panels. */
#define QUANTISED_ROWS(TYPE, PARTS, OFFSET, TWO, MIN, BEGIN)                                                                \
    AVX512 static void rows_##TYPE(const void *weights, size_t count, size_t width, ck_activations q, size_t columns,       \
                                   float *out, size_t stride) {                                                             \
        form512 f = {sizeof(block_##TYPE) * (GROUP / PARTS), OFFSET, TWO, MIN, BEGIN, turn_##TYPE};                         \
        if (q.lanes == 1) rows512(f, weights, count, width, q, columns, out, stride);                                       \
        else panels_of((panel_form){f}, weights, count, width, q, columns, out, stride);                                                  \
    }

QUANTISED_ROWS(q8_0, 1, 128, 0, 0, begin_q8_0)
QUANTISED_ROWS(q4_0, 1, 8, 0, 0, begin512_q4_0)
QUANTISED_ROWS(q5_0, 1, 16, 0, 0, begin512_q5_0)
QUANTISED_ROWS(q4_k, 8, 0, 0, 1, begin512_k)
QUANTISED_ROWS(q5_k, 8, 0, 0, 1, begin512_k)
QUANTISED_ROWS(q6_k, 8, 32, 1, 0, begin512_q6_k)

#define WHOLE_ROWS(TYPE, BYTES)                                                                                             \
    AVX512 static void rows_##TYPE(const uint8_t *row, size_t count, size_t width, const float *x, size_t columns,          \
                                   float *out, size_t stride) {                                                             \
        float_rows((float_form){BYTES, read512_##TYPE}, row, count, width, x, columns, out, stride);                        \
    }

WHOLE_ROWS(f32, 4)
WHOLE_ROWS(f16, 2)
WHOLE_ROWS(bf16, 2)

MULTIPLY(multiply, AVX512, )

INLINE512 void bytes512(const void *p, lanes *out) { *out = (lanes)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p))); }
INLINE512 void halves512(const void *p, lanes *out) { *out = (lanes)read512_f16(p); }
INLINE512 void floats512(const void *p, lanes *out) { *out = (lanes)read512_f32(p); }
ATTENTION(AVX512, bytes512, halves512, floats512)

const ck_kernels ck_avx512 = {"avx512", LANES, 12, ck_quantize_avx2, multiply, attend, gather, silu_multiply};
#endif
