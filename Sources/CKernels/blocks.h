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

/* The order of additions (`ckernels.h`): a group has eight blocks of 32, one for each lane; a slab has eight groups. */
enum { BLOCK = 32, GROUP = 8, SLAB = 64, FLOAT_LANES = 16 };

#define LARGEST_HALF 65504.0f

/* 32 values as whole numbers: scale[j / 16] * w[j] - min. */
typedef struct { int8_t w[BLOCK]; float scale[2], min; } ck_block;

/* Block b of a row; of the _K types, each of which has eight, a part. */
void ck_read_block(int type, const void *row, size_t b, ck_block *out);

static inline float ck_bfloat_to_float(uint16_t b) {
    union { uint32_t bits; float value; } out = { (uint32_t)b << 16 };
    return out.value;
}
float ck_half_to_float(uint16_t half);

/* Where the i-th of a column's `count` words, scales or sums lies. */
static inline size_t ck_place(ck_activations x, size_t column, size_t i, size_t count) {
    return (column / x.lanes * count + i) * x.lanes + column % x.lanes;
}

/* Values of a block, and bytes of a row. */
size_t ck_block_count(int type);
size_t ck_row_bytes(int type, size_t width);

/* The queries that one pass over the keys and values serves; each sees the first so many positions of the span. */
enum { CK_QUERIES = 4, CK_PARTIAL = 2 + 4096 };
struct ck_queries { const float *query[CK_QUERIES]; size_t sees[CK_QUERIES], most; int count; };

/* The scales of a position's key or value in Q8_0. */
static inline size_t ck_scales(size_t width) { return (width + BLOCK - 1) / BLOCK; }

extern const ck_kernels ck_plain;
#if defined(__x86_64__)
extern const ck_kernels ck_avx2, ck_avx2_vnni, ck_avx512;
void ck_quantize_avx2(const float *x, size_t width, size_t column, ck_activations out);
#elif defined(__aarch64__)
extern const ck_kernels ck_neon, ck_neon_dotprod;
#endif

#endif
