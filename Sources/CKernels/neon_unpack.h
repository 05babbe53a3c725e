#ifndef CK_NEON_UNPACK_H
#define CK_NEON_UNPACK_H

/*
 * What every quantised type looks like to NEON, in groups of eight blocks of 32 values: eight small blocks, or one of the _K types. `begin_` reads the scales
 * of a group, `unpack_` block s of it as 32 signed bytes.
 */
#include "lanes.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* The scales of four blocks. Two halves of a block may differ: then `second` is that of the upper one. */
typedef struct { float32x4_t first, second, min; } factors;

/* The half that every small block begins with. */
INLINE float half_at(const void *p) {
    __fp16 h;
    memcpy(&h, p, sizeof h);
    return h;
}

/* Eight of them that lie `step` bytes apart. */
INLINE void begin_small(const uint8_t *first, size_t step, factors *w) {
    UNROLL for (size_t h = 0; h < 2; h++) {
        float d[4];
        UNROLL for (size_t i = 0; i < 4; i++) d[i] = half_at(first + (4 * h + i) * step);
        w[h].first = vld1q_f32(d);
    }
}
INLINE void begin_q8_0(const void *b, factors *w) { begin_small(b, sizeof(block_q8_0), w); }
INLINE void begin_q4_0(const void *b, factors *w) { begin_small(b, sizeof(block_q4_0), w); }
INLINE void begin_q5_0(const void *b, factors *w) { begin_small(b, sizeof(block_q5_0), w); }

/* Four of eight whole numbers times a scale. */
INLINE float32x4_t scaled(int16x8_t eight, int h, float scale) {
    int32x4_t four = h ? vmovl_high_s16(eight) : vmovl_s16(vget_low_s16(eight));
    return vmulq_n_f32(vcvtq_f32_s32(four), scale);
}

/*
 * Q4_K and Q5_K begin with d, dmin and 12 bytes s: scale and minimum i < 4 are the low six bits of s[i] and s[i + 4]; those of i >= 4 are the nibbles of
 * s[i + 4] below the high two bits of s[i - 4] and s[i]. All sixteen at once: scales first, then minimums.
 */
INLINE void begin_k(const void *block, factors *w) {
    const uint8x16_t lowPlaces = {4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint8x16_t highPlaces = {255, 255, 255, 255, 4, 5, 6, 7, 255, 255, 255, 255, 8, 9, 10, 11};
    const uint8x16_t low = {63, 63, 63, 63, 15, 15, 15, 15, 63, 63, 63, 63, 0, 0, 0, 0}, last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 15};
    uint8x16_t head = vld1q_u8(block), bits = vqtbl1q_u8(head, lowPlaces);
    uint8x16_t all = vorrq_u8(vandq_u8(bits, low), vandq_u8(vshrq_n_u8(bits, 4), last));
    all = vorrq_u8(all, vandq_u8(vshrq_n_u8(vqtbl1q_u8(head, highPlaces), 2), vdupq_n_u8(0x30)));
    int16x8_t scales = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(all))), mins = vreinterpretq_s16_u16(vmovl_high_u8(all));
    float d = half_at(block), dmin = half_at((const uint8_t *)block + 2);
    UNROLL for (int h = 0; h < 2; h++) w[h] = (factors){.first = scaled(scales, h, d), .min = scaled(mins, h, dmin)};
}
INLINE void begin_q4_k(const void *block, factors *w) { begin_k(block, w); }
INLINE void begin_q5_k(const void *block, factors *w) { begin_k(block, w); }

INLINE void begin_q6_k(const void *block, factors *w) {
    const block_q6_k *b = block;
    int8x16_t scales = vld1q_s8(b->scales);
    int16x8_t low = vmovl_s8(vget_low_s8(vuzp1q_s8(scales, scales))), high = vmovl_s8(vget_low_s8(vuzp2q_s8(scales, scales)));
    float d = half_at(&b->d);
    UNROLL for (int h = 0; h < 2; h++) w[h] = (factors){.first = scaled(low, h, d), .second = scaled(high, h, d)};
}

/* The low bits of bytes that are some places up. */
INLINE uint8x16_t bits_of(uint8x16_t bytes, int places, int mask) {
    return vandq_u8(vshlq_u8(bytes, vdupq_n_s8((int8_t)-places)), vdupq_n_u8((uint8_t)mask));
}
INLINE int8x16_t less(uint8x16_t bytes, int offset) { return vsubq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8((int8_t)offset)); }

INLINE void unpack_q8_0(const void *blocks, int s, int8x16_t *w) {
    const int8_t *q = ((const block_q8_0 *)blocks)[s].q;
    UNROLL for (int i = 0; i < 2; i++) w[i] = vld1q_s8(q + 16 * i);
}

INLINE void unpack_q4_0(const void *blocks, int s, int8x16_t *w) {
    uint8x16_t packed = vld1q_u8(((const block_q4_0 *)blocks)[s].q);
    UNROLL for (int i = 0; i < 2; i++) w[i] = less(bits_of(packed, 4 * i, 15), 8);
}

/* 16 where a bit is set, for 16 bits of `high` from byte `at` on. */
INLINE uint8x16_t fifths(const uint8_t *high, int at) {
    const uint8x8_t bit = {1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t spread = vcombine_u8(vdup_n_u8(high[at]), vdup_n_u8(high[at + 1]));
    return vandq_u8(vtstq_u8(spread, vcombine_u8(bit, bit)), vdupq_n_u8(16));
}
INLINE void unpack_q5_0(const void *blocks, int s, int8x16_t *w) {
    const block_q5_0 *b = (const block_q5_0 *)blocks + s;
    uint8x16_t packed = vld1q_u8(b->q);
    UNROLL for (int i = 0; i < 2; i++) w[i] = less(vorrq_u8(bits_of(packed, 4 * i, 15), fifths(b->high, 2 * i)), 16);
}

/* Blocks of 128 bytes in which each 32 hold two. */
INLINE void unpack_q4_k(const void *block, int s, int8x16_t *w) {
    const uint8_t *q = ((const block_q4_k *)block)->q + s / 2 * 32;
    UNROLL for (int i = 0; i < 2; i++) w[i] = less(bits_of(vld1q_u8(q + 16 * i), s % 2 * 4, 15), 0);
}
INLINE void unpack_q5_k(const void *block, int s, int8x16_t *w) {
    const block_q5_k *b = block;
    UNROLL for (int i = 0; i < 2; i++) {
        uint8x16_t low = bits_of(vld1q_u8(b->q + s / 2 * 32 + 16 * i), s % 2 * 4, 15);
        uint8x16_t fifth = vshlq_n_u8(bits_of(vld1q_u8(b->high + 16 * i), s, 1), 4);
        w[i] = less(vorrq_u8(low, fifth), 0);
    }
}
INLINE void unpack_q6_k(const void *block, int s, int8x16_t *w) {
    const block_q6_k *b = block;
    UNROLL for (int i = 0; i < 2; i++) {
        uint8x16_t low = bits_of(vld1q_u8(b->q + s / 4 * 64 + s % 2 * 32 + 16 * i), s % 4 / 2 * 4, 15);
        uint8x16_t high = bits_of(vld1q_u8(b->high + s / 4 * 32 + 16 * i), s % 4 * 2, 3);
        w[i] = less(vorrq_u8(low, vshlq_n_u8(high, 4)), 32);
    }
}

#endif
