#ifndef CK_MULTIPLY_H
#define CK_MULTIPLY_H

/*
 * `multiply` of a form, out of what multiplies whole rows of each type: `rows_q8_0` and so on, whose names end with DOT where a form has several ways to
 * multiply bytes, and `rows_f16` and so on of types without blocks.
 */
#include "blocks.h"

#define MULTIPLY(NAME, TARGET, DOT)                                                                                     \
    TARGET static void NAME(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,     \
                            ck_activations q, size_t columns, float *out, size_t stride) {                              \
        size_t count = last - first;                                                                                    \
        const uint8_t *rows = (const uint8_t *)weights + first * ck_row_bytes(type, width);                             \
        out += first;                                                                                                   \
        switch (type) {                                                                                                 \
        case CK_Q8_0: rows_q8_0##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_Q4_0: rows_q4_0##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_Q5_0: rows_q5_0##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_Q4_K: rows_q4_k##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_Q5_K: rows_q5_k##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_Q6_K: rows_q6_k##DOT(rows, count, width, q, columns, out, stride); break;                               \
        case CK_F16: rows_f16(rows, count, width, x, columns, out, stride); break;                                      \
        case CK_BF16: rows_bf16(rows, count, width, x, columns, out, stride); break;                                    \
        default: rows_f32(rows, count, width, x, columns, out, stride); break;                                          \
        }                                                                                                               \
    }

#endif
