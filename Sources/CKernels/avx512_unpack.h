#ifndef CK_AVX512_UNPACK_H
#define CK_AVX512_UNPACK_H

/* What every type looks like to AVX-512: the blocks 2k and 2k + 1 of a group as 64 unsigned bytes; `offset` says what they count from. */
#include "avx2_unpack.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define INLINE512 AVX512 static inline __attribute__((always_inline))

INLINE512 __m512i load512(const void *p) { return _mm512_loadu_si512(p); }

/* The same 32 bytes twice, and two different ones. */
INLINE512 __m512i twice(const void *p) { return _mm512_broadcast_i64x4(load(p)); }
INLINE512 __m512i both(const void *p, const void *q) { return _mm512_inserti64x4(_mm512_castsi256_si512(load(p)), load(q), 1); }

/* Bytes whose low bits count, the upper half's bits being `low` and `high` places up. */
INLINE512 __m512i shifted(__m512i w, int low, int high, int mask) {
    __m512i places = _mm512_inserti64x4(_mm512_set1_epi64(low), _mm256_set1_epi64x(high), 1);
    return _mm512_and_si512(_mm512_srlv_epi64(w, places), _mm512_set1_epi8((char)mask));
}

INLINE512 __m512i unpack512_q8_0(const void *blocks, int k) {
    const block_q8_0 *b = (const block_q8_0 *)blocks + 2 * k;
    return _mm512_xor_si512(both(b[0].q, b[1].q), _mm512_set1_epi8((char)0x80));
}

/* 16 bytes each: low nibbles, high nibbles, and so again. */
INLINE512 __m512i nibbles512(const uint8_t *p, const uint8_t *q) {
    __m512i first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
    __m512i w = _mm512_mask_broadcast_i32x4(first, 0xff00, _mm_loadu_si128((const __m128i *)q));
    __m512i places = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return _mm512_and_si512(_mm512_srlv_epi64(w, places), _mm512_set1_epi8(15));
}

INLINE512 __m512i unpack512_q4_0(const void *blocks, int k) {
    const block_q4_0 *b = (const block_q4_0 *)blocks + 2 * k;
    return nibbles512(b[0].q, b[1].q);
}

INLINE512 __m512i unpack512_q5_0(const void *blocks, int k) {
    const block_q5_0 *b = (const block_q5_0 *)blocks + 2 * k;
    uint32_t low, high;
    memcpy(&low, b[0].high, 4);
    memcpy(&high, b[1].high, 4);
    __m512i w = nibbles512(b[0].q, b[1].q);
    return _mm512_mask_add_epi8(w, (__mmask64)low | (__mmask64)high << 32, w, _mm512_set1_epi8(16));
}

INLINE512 __m512i unpack512_q4_k(const void *block, int k) {
    return shifted(twice(((const block_q4_k *)block)->q + 32 * k), 0, 4, 15);
}

INLINE512 __m512i unpack512_q5_k(const void *block, int k) {
    const block_q5_k *b = block;
    __m512i w = shifted(twice(b->q + 32 * k), 0, 4, 15), fifth = shifted(twice(b->high), 2 * k, 2 * k + 1, 1);
    return _mm512_or_si512(w, _mm512_slli_epi16(fifth, 4));
}

INLINE512 __m512i unpack512_q6_k(const void *block, int k) {
    const block_q6_k *b = block;
    __m512i low = _mm512_and_si512(_mm512_srli_epi16(load512(b->q + k / 2 * 64), k % 2 * 4), _mm512_set1_epi8(15));
    __m512i high = shifted(twice(b->high + k / 2 * 32), k % 2 * 4, k % 2 * 4 + 2, 3);
    return _mm512_or_si512(low, _mm512_slli_epi16(high, 4));
}

#endif
