#if defined(__x86_64__)
#include "avx2_rows.h"

#define VNNI __attribute__((target("avx2,fma,f16c,avxvnni")))

VNNI static inline __attribute__((always_inline)) __m256i dot(__m256i sum, __m256i w, __m256i x) { return _mm256_dpbusd_avx_epi32(sum, w, x); }

INLINE __m256i unpack_unsigned_q8_0(const void *blocks, int s) { return _mm256_xor_si256(unpack_q8_0(blocks, s), _mm256_set1_epi8((char)0x80)); }

#define BYTES(UNPACK) ((byte_form){.unpack = UNPACK, .dot = dot})
QUANTISED_ROWS(VNNI, q8_0, 1, BYTES(unpack_unsigned_q8_0), 128, 0, 0)
QUANTISED_ROWS(VNNI, q4_0, 1, BYTES(unpack_q4_0), 8, 0, 0)
QUANTISED_ROWS(VNNI, q5_0, 1, BYTES(unpack_q5_0), 16, 0, 0)
QUANTISED_ROWS(VNNI, q4_k, 8, BYTES(unpack_q4_k), 0, 0, 1)
QUANTISED_ROWS(VNNI, q5_k, 8, BYTES(unpack_q5_k), 0, 0, 1)
QUANTISED_ROWS(VNNI, q6_k, 8, BYTES(unpack_q6_k), 32, 1, 0)

MULTIPLY(multiply, VNNI, )
ATTENTION(VNNI, bytes256, halves256, floats256)

const ck_kernels ck_avx2_vnni = {"avx2 vnni", LANES, 3, ck_quantize_avx2, multiply, attend, gather, silu_multiply};
#endif
