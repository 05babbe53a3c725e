#ifndef CK_AVX2_UNPACK_H
#define CK_AVX2_UNPACK_H

/* What every type looks like to AVX2: the scales of a group, and block s of it as 32 bytes. AVX-512 reads the scales with the same functions. */
#include "x86_rows.h"

/* Eight halves that lie `step` bytes apart. */
INLINE __m256 halves(const void *first, size_t step) {
    uint16_t h[GROUP];
    for (int s = 0; s < GROUP; s++) __builtin_memcpy(h + s, (const uint8_t *)first + (size_t)s * step, 2);
    return _mm256_cvtph_ps(_mm_setr_epi16((short)h[0], (short)h[1], (short)h[2], (short)h[3], (short)h[4], (short)h[5], (short)h[6], (short)h[7]));
}

INLINE factors begin_q8_0(const void *b) { return (factors){.first = halves(b, sizeof(block_q8_0))}; }
INLINE factors begin_q4_0(const void *b) { return (factors){.first = halves(b, sizeof(block_q4_0))}; }
INLINE factors begin_q5_0(const void *b) { return (factors){.first = halves(b, sizeof(block_q5_0))}; }

/* Eight bytes times a scale. */
INLINE __m256 scaled(__m128i bytes, __m128 scale) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_broadcastss_ps(scale));
}

/*
 * Q4_K and Q5_K begin with d, dmin and 12 bytes s: scale and minimum i < 4 are the low six bits of s[i] and s[i + 4]; those of i >= 4 are the nibbles of
 * s[i + 4] below the high two bits of s[i - 4] and s[i]. All sixteen at once: scales first, then minimums.
 */
INLINE __m128i scales_of_k(__m128i head) {
    __m128i low = _mm_shuffle_epi8(head, _mm_setr_epi8(4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
    __m128i high = _mm_shuffle_epi8(head, _mm_setr_epi8(-1, -1, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1, 8, 9, 10, 11));
    low = _mm_and_si128(_mm_srlv_epi32(low, _mm_setr_epi32(0, 0, 0, 4)), _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
    return _mm_or_si128(low, _mm_and_si128(_mm_srli_epi16(high, 2), _mm_set1_epi8(0x30)));
}
INLINE factors begin_k(const void *block) {
    __m128i head = _mm_loadu_si128(block), scales = scales_of_k(head);
    __m128 d = _mm_cvtph_ps(head);
    return (factors){.first = scaled(scales, d), .min = scaled(_mm_srli_si128(scales, 8), _mm_movehdup_ps(d))};
}
INLINE factors begin_q4_k(const void *block) { return begin_k(block); }
INLINE factors begin_q5_k(const void *block) { return begin_k(block); }

INLINE factors begin_q6_k(const void *block) {
    const block_q6_k *b = block;
    __m256 d = _mm256_set1_ps(half(b->d));
    __m128i scales = _mm_loadu_si128((const __m128i *)b->scales);
    /* The even bytes, then the odd ones. */
    __m128i order = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15), sorted = _mm_shuffle_epi8(scales, order);
    return (factors){
        .first = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(sorted))),
        .second = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(sorted, 8)))),
    };
}

INLINE __m256i unpack_q8_0(const void *blocks, int s) { return load(((const block_q8_0 *)blocks)[s].q); }

/* 16 bytes to 32 values: low nibbles, then high ones. */
INLINE __m256i nibbles(const uint8_t *q) {
    __m128i packed = _mm_loadu_si128((const __m128i *)q);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(packed, 4), packed), _mm256_set1_epi8(15));
}
INLINE __m256i unpack_q4_0(const void *blocks, int s) { return nibbles(((const block_q4_0 *)blocks)[s].q); }

INLINE __m256i unpack_q5_0(const void *blocks, int s) {
    const block_q5_0 *b = (const block_q5_0 *)blocks + s;
    int bits;
    __builtin_memcpy(&bits, b->high, 4);
    /* Byte j gets the byte of `bits` that has bit j, then is compared with that bit. */
    __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
    __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    return _mm256_or_si256(nibbles(b->q), _mm256_and_si256(set, _mm256_set1_epi8(16)));
}

/* Block s of 128 bytes in which each 32 hold two. */
INLINE __m256i nibbles_k(const uint8_t *q, int s) {
    return _mm256_and_si256(_mm256_srli_epi16(load(q + s / 2 * 32), s % 2 * 4), _mm256_set1_epi8(15));
}
INLINE __m256i unpack_q4_k(const void *block, int s) { return nibbles_k(((const block_q4_k *)block)->q, s); }

INLINE __m256i unpack_q5_k(const void *block, int s) {
    const block_q5_k *b = block;
    __m256i bit = _mm256_set1_epi8((char)(1 << s));
    __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(load(b->high), bit), bit);
    return _mm256_or_si256(nibbles_k(b->q, s), _mm256_and_si256(set, _mm256_set1_epi8(16)));
}

INLINE __m256i unpack_q6_k(const void *block, int s) {
    const block_q6_k *b = block;
    __m256i low = _mm256_srli_epi16(load(b->q + s / 4 * 64 + s % 2 * 32), s % 4 / 2 * 4);
    __m256i high = _mm256_srli_epi16(load(b->high + s / 4 * 32), s % 4 * 2);
    return _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)), _mm256_slli_epi16(_mm256_and_si256(high, _mm256_set1_epi8(3)), 4));
}

#endif
