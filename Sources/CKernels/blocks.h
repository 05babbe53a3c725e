#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H

#include "ckernels.h"

/* Weight blocks as GGUF stores them, little-endian; d and dmin are IEEE halves. Blocks of 32 values have one scale. */
typedef struct { uint16_t d; int8_t q[32]; } block_q8_0;                /* d * q[j] */
typedef struct { uint16_t d; uint8_t q[16]; } block_q4_0;               /* d * (n - 8); n: low nibbles first, then the high ones */
typedef struct { uint16_t d; uint8_t high[4], q[16]; } block_q5_0;      /* d * (n - 16); bit j of high is the fifth bit of value j */

/*
 * Blocks of 256 values have scales of their own for each 32 or 16. Q4_K and Q5_K: d * scale * n - dmin * min, 6 bits each, packed in 12 bytes; nibbles
 * of 64 values share 32 bytes. Q6_K: d * scale * (n - 32) with a scale for each 16.
 */
typedef struct { uint16_t d, dmin; uint8_t scales[12], q[128]; } block_q4_k;
typedef struct { uint16_t d, dmin; uint8_t scales[12], high[32], q[128]; } block_q5_k;
typedef struct { uint8_t q[128], high[64]; int8_t scales[16]; uint16_t d; } block_q6_k;

_Static_assert(sizeof(block_q8_0) == 34 && sizeof(block_q4_0) == 18 && sizeof(block_q5_0) == 22, "GGUF block sizes");
_Static_assert(sizeof(block_q4_k) == 144 && sizeof(block_q5_k) == 176 && sizeof(block_q6_k) == 210, "GGUF block sizes");

#define LARGEST_HALF 65504.0f

/* The 6-bit scale and minimum of sub-block s (0...7) of Q4_K and Q5_K. */
static inline void ck_scale_and_min(const uint8_t *packed, int s, uint8_t *scale, uint8_t *min) {
    *scale = s < 4 ? packed[s] & 63 : (packed[s + 4] & 15) | packed[s - 4] >> 6 << 4;
    *min = s < 4 ? packed[s + 4] & 63 : packed[s + 4] >> 4 | packed[s] >> 6 << 4;
}

static inline float ck_bfloat_to_float(uint16_t b) {
    union { uint32_t bits; float value; } out = { (uint32_t)b << 16 };
    return out.value;
}

/* The activations of one column. */
static inline ck_activations ck_column(ck_activations all, size_t column, size_t width) {
    return (ck_activations){all.q + column * width, all.scale + column * (width / 32), all.sum + column * (width / 32)};
}

float ck_half_to_float(uint16_t half);
/* Values of a block, and bytes of a row. */
size_t ck_block_count(int type);
size_t ck_row_bytes(int type, size_t width);

#if defined(__x86_64__)
void ck_matmul_avx2(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,
                    ck_activations q, size_t columns, float *out, size_t stride);
void ck_quantize_avx2(const float *x, size_t count, ck_activations out);
#endif

#endif
