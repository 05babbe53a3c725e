#ifndef CK_AVX2_UNPACK_H
#define CK_AVX2_UNPACK_H

/*
 * Weights are read in groups of eight sub-blocks of 32 values: eight small blocks, or one of the _K types. A type is a `begin`, which reads the scales of
 * a group (or of its first `count` small blocks) at once, and an `unpack` of sub-block s to bytes: value = scale * w - min. The products themselves know
 * no type.
 */
#include "blocks.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define INLINE AVX2 static inline __attribute__((always_inline))

/* The scales of a group. Two halves of a sub-block may differ: then `second` is that of the upper one. */
typedef struct { float first[8], second[8], min[8]; } factors;

INLINE float half(uint16_t h) { return _cvtsh_ss(h); }
INLINE __m256i load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

INLINE void begin_q8_0(const void *blocks, int count, factors *f) {
    for (int s = 0; s < count; s++) f->first[s] = half(((const block_q8_0 *)blocks)[s].d);
}
INLINE __m256i unpack_q8_0(const void *blocks, int s) { return load(((const block_q8_0 *)blocks)[s].q); }

/* 16 bytes to 32 values: low nibbles, then high ones. */
INLINE __m256i nibbles(const uint8_t *q) {
    __m128i packed = _mm_loadu_si128((const __m128i *)q);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(packed, 4), packed), _mm256_set1_epi8(15));
}

INLINE void begin_q4_0(const void *blocks, int count, factors *f) {
    for (int s = 0; s < count; s++) f->min[s] = 8 * (f->first[s] = half(((const block_q4_0 *)blocks)[s].d));
}
INLINE __m256i unpack_q4_0(const void *blocks, int s) { return nibbles(((const block_q4_0 *)blocks)[s].q); }

INLINE void begin_q5_0(const void *blocks, int count, factors *f) {
    for (int s = 0; s < count; s++) f->min[s] = 16 * (f->first[s] = half(((const block_q5_0 *)blocks)[s].d));
}
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

/* Eight bytes times a scale. */
INLINE void scaled(uint32_t low, uint32_t high, float scale, float *out) {
    __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)((uint64_t)high << 32 | low)));
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(scale)));
}

/* ck_scale_and_min for all eight at once, four bytes to a word. */
INLINE void begin_k(uint16_t d, uint16_t dmin, const uint8_t *scales, factors *f) {
    uint32_t a, b, c;
    __builtin_memcpy(&a, scales, 4);
    __builtin_memcpy(&b, scales + 4, 4);
    __builtin_memcpy(&c, scales + 8, 4);
    const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
    scaled(a & six, (c & four) | (a >> 6 & two) << 4, half(d), f->first);
    scaled(b & six, (c >> 4 & four) | (b >> 6 & two) << 4, half(dmin), f->min);
}

/* Sub-block s of 128 bytes in which each 32 hold two sub-blocks. */
INLINE __m256i nibbles_k(const uint8_t *q, int s) {
    return _mm256_and_si256(_mm256_srli_epi16(load(q + s / 2 * 32), s % 2 * 4), _mm256_set1_epi8(15));
}

INLINE void begin_q4_k(const void *block, int count, factors *f) {
    (void)count;
    const block_q4_k *b = block;
    begin_k(b->d, b->dmin, b->scales, f);
}
INLINE __m256i unpack_q4_k(const void *block, int s) { return nibbles_k(((const block_q4_k *)block)->q, s); }

INLINE void begin_q5_k(const void *block, int count, factors *f) {
    (void)count;
    const block_q5_k *b = block;
    begin_k(b->d, b->dmin, b->scales, f);
}
INLINE __m256i unpack_q5_k(const void *block, int s) {
    const block_q5_k *b = block;
    __m256i bit = _mm256_set1_epi8((char)(1 << s));
    __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(load(b->high), bit), bit);
    return _mm256_or_si256(nibbles_k(b->q, s), _mm256_and_si256(set, _mm256_set1_epi8(16)));
}

INLINE void begin_q6_k(const void *block, int count, factors *f) {
    (void)count;
    const block_q6_k *b = block;
    float d = half(b->d);
    for (int s = 0; s < 8; s++) {
        f->first[s] = d * b->scales[2 * s];
        f->second[s] = d * b->scales[2 * s + 1];
    }
}
INLINE __m256i unpack_q6_k(const void *block, int s) {
    const block_q6_k *b = block;
    __m256i low = _mm256_srli_epi16(load(b->q + s / 4 * 64 + s % 2 * 32), s % 4 / 2 * 4);
    __m256i high = _mm256_srli_epi16(load(b->high + s / 4 * 32), s % 4 * 2);
    __m256i six = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)),
                                  _mm256_slli_epi16(_mm256_and_si256(high, _mm256_set1_epi8(3)), 4));
    return _mm256_sub_epi8(six, _mm256_set1_epi8(32));
}

#endif
