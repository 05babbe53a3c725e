#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H

#include "ckernels.h"

/* Weight blocks as GGUF stores them: 32 values, an IEEE half as scale. */
typedef struct { uint16_t d; int8_t q[32]; } block_q8_0;   /* 34 bytes: d * q[j] */
typedef struct { uint16_t d; uint8_t q[16]; } block_q4_0;  /* 18 bytes: j < 16: d * ((q[j] & 15) - 8); j + 16: d * ((q[j] >> 4) - 8) */
_Static_assert(sizeof(block_q8_0) == 34 && sizeof(block_q4_0) == 18, "GGUF block sizes");

#define LARGEST_HALF 65504.0f

float ck_half_to_float(uint16_t half);
size_t ck_row_bytes(int type, size_t width);

#if defined(__x86_64__)
typedef void (*ck_matmul_form)(int, const void *, size_t, size_t, size_t, const float *, const ck_block *, size_t,
                               float *, size_t);
void ck_matmul_avx2(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,
                    const ck_block *q, size_t columns, float *out, size_t stride);
void ck_quantize_avx2(const float *x, size_t count, ck_block *out);
#endif

#endif
