#ifndef CK_AVX512_UNPACK_H
#define CK_AVX512_UNPACK_H

/*
 * What every type looks like to AVX-512: a group as four registers of unsigned bytes, turned: word 8 k + b is the k-th word of block b, so that products add
 * up to a lane for each block. `offset` says what the bytes count from.
 */
#include "avx2_unpack.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define INLINE512 AVX512 static inline __attribute__((always_inline))

/* How a type is read; every field is a constant where it is used. */
typedef struct {
    size_t bytes; /* Of a group. */
    int offset, hasTwoScales, hasMin; /* As in `form`. */
    factors (*begin)(const void *group);
    void (*turn)(const void *group, __m512i *out);
} form512;

/* Places to take words from; arithmetic on these is done by the compiler. */
typedef int16_t places16 __attribute__((vector_size(64)));
typedef int32_t places32 __attribute__((vector_size(64)));
static const places16 block16 = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
static const places16 half16 = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3};
static const places32 block32 = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
static const places32 word32 = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

INLINE512 __m512i load512(const void *p) { return _mm512_loadu_si512(p); }
INLINE512 __m512i both(const void *p, const void *q) { return _mm512_inserti64x4(_mm512_castsi256_si512(load(p)), load(q), 1); }
INLINE512 __m512i low_bits(__m512i w, int mask) { return _mm512_and_si512(w, _mm512_set1_epi8((char)mask)); }

/* Eight blocks of 32 bytes, two in a register. */
INLINE512 void turn(const __m512i *w, __m512i *out) {
    __m512i first = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
    __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(4));
    __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high = _mm512_add_epi64(low, _mm512_set1_epi64(4));
    UNROLL for (int k = 0; k < 2; k++) {
        __m512i order = k ? second : first;
        __m512i a = _mm512_permutex2var_epi32(w[0], order, w[1]), b = _mm512_permutex2var_epi32(w[2], order, w[3]);
        out[2 * k] = _mm512_permutex2var_epi64(a, low, b);
        out[2 * k + 1] = _mm512_permutex2var_epi64(a, high, b);
    }
}

INLINE512 void turn_q8_0(const void *blocks, __m512i *out) {
    const block_q8_0 *b = blocks;
    __m512i w[4];
    UNROLL for (int k = 0; k < 4; k++) w[k] = _mm512_xor_si512(both(b[2 * k].q, b[2 * k + 1].q), _mm512_set1_epi8((char)0x80));
    turn(w, out);
}

/* Pairs of bytes of a group that is longer than two registers and no longer than three. */
INLINE512 __m512i pairs_at(const uint8_t *group, size_t bytes, places16 place) {
    __m512i w = _mm512_permutex2var_epi16(load512(group), (__m512i)place, load512(group + 64));
    __mmask32 isBeyond = _mm512_cmpgt_epi16_mask((__m512i)place, _mm512_set1_epi16(63));
    return _mm512_mask_permutexvar_epi16(w, isBeyond, (__m512i)(place - (short)(bytes / 2 - 32)), load512(group + bytes - 64));
}

/* The scales of small blocks. */
INLINE512 __m256 scales_at(const uint8_t *group, size_t bytes, places16 place) {
    return _mm256_cvtph_ps(_mm512_castsi512_si128(pairs_at(group, bytes, place)));
}
static const places16 eight16 = {0, 1, 2, 3, 4, 5, 6, 7};

/* Low nibbles are the first half of a block. */
INLINE512 void turn_nibbles(const uint8_t *group, size_t bytes, places16 start, __m512i *out) {
    UNROLL for (short k = 0; k < 2; k++) {
        __m512i w = pairs_at(group, bytes, start + half16 + (short)(4 * k));
        out[k] = low_bits(w, 15);
        out[k + 2] = low_bits(_mm512_srli_epi16(w, 4), 15);
    }
}

INLINE512 factors begin512_q4_0(const void *blocks) { return (factors){.first = scales_at(blocks, 144, eight16 * 9)}; }
INLINE512 void turn_q4_0(const void *blocks, __m512i *out) { turn_nibbles(blocks, 144, block16 * 9 + 1, out); }

INLINE512 factors begin512_q5_0(const void *blocks) { return (factors){.first = scales_at(blocks, 176, eight16 * 11)}; }
INLINE512 void turn_q5_0(const void *blocks, __m512i *out) {
    turn_nibbles(blocks, 176, block16 * 11 + 3, out);
    __m512i fifth = pairs_at(blocks, 176, block16 * 11 + 1 + (half16 & 1));
    __m512i bit = _mm512_inserti64x4(_mm512_set1_epi32(0x08040201), _mm256_set1_epi32((int)0x80402010), 1);
    UNROLL for (int k = 0; k < 4; k++) {
        __m512i byte = _mm512_shuffle_epi8(fifth, _mm512_add_epi32(_mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0), _mm512_set1_epi8((char)k)));
        out[k] = _mm512_mask_add_epi8(out[k], _mm512_test_epi8_mask(byte, bit), out[k], _mm512_set1_epi8(16));
    }
}

/* Words 2 k and 2 k + 1 of the blocks of a _K type. */
INLINE512 __m512i nibbles_at(const uint8_t *q, places32 place, places32 shift) {
    __m512i w = _mm512_permutex2var_epi32(load512(q), (__m512i)place, load512(q + 64));
    return low_bits(_mm512_srlv_epi32(w, (__m512i)shift), 15);
}

INLINE512 factors begin512_k(const void *block) {
    __m128i head = _mm_loadu_si128(block);
    __m512 d = _mm512_permutexvar_ps((__m512i)word32, _mm512_castps128_ps512(_mm_cvtph_ps(head)));
    __m512 all = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(scales_of_k(head))), d);
    return (factors){.first = _mm512_castps512_ps256(all), .min = _mm512_extractf32x8_ps(all, 1)};
}
INLINE512 void turn_q4_k(const void *block, __m512i *out) {
    UNROLL for (int k = 0; k < 4; k++) out[k] = nibbles_at(((const block_q4_k *)block)->q, block32 / 2 * 8 + word32 + 2 * k, block32 % 2 * 4);
}

INLINE512 void turn_q5_k(const void *block, __m512i *out) {
    const block_q5_k *b = block;
    UNROLL for (int k = 0; k < 4; k++) {
        __m512i fifth = _mm512_permutexvar_epi32((__m512i)(word32 + 2 * k), _mm512_castsi256_si512(load(b->high)));
        fifth = low_bits(_mm512_rolv_epi32(fifth, (__m512i)(4 - block32)), 16);
        out[k] = _mm512_or_si512(nibbles_at(b->q, block32 / 2 * 8 + word32 + 2 * k, block32 % 2 * 4), fifth);
    }
}

INLINE512 factors begin512_q6_k(const void *block) {
    const block_q6_k *b = block;
    __m128i order = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    __m128i scales = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)b->scales), order);
    __m512 all = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(scales)), _mm512_set1_ps(half(b->d)));
    return (factors){.first = _mm512_castps512_ps256(all), .second = _mm512_extractf32x8_ps(all, 1)};
}
INLINE512 void turn_q6_k(const void *block, __m512i *out) {
    const block_q6_k *b = block;
    UNROLL for (int k = 0; k < 4; k++) {
        __m512i high = _mm512_permutexvar_epi32((__m512i)(block32 / 4 * 8 + word32 + 2 * k), load512(b->high));
        high = low_bits(_mm512_rolv_epi32(high, (__m512i)(4 - block32 % 4 * 2)), 48);
        out[k] = _mm512_or_si512(nibbles_at(b->q, block32 / 4 * 16 + block32 % 2 * 8 + word32 + 2 * k, block32 % 4 / 2 * 4), high);
    }
}

#endif
