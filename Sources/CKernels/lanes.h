#ifndef CK_LANES_H
#define CK_LANES_H

/*
 * Sixteen floats at once, in the compiler's own vectors: one text that every form compiles for its processor. Nothing here is left to the compiler that
 * could change a bit: products and sums are either apart or said to be one.
 */
#include "blocks.h"

#pragma clang diagnostic ignored "-Wpsabi" /* All of it is inlined; no vector is ever passed. */
#define GENERIC static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t whole_lanes __attribute__((vector_size(64), aligned(4)));

GENERIC lanes splat(float x) { return (lanes){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
GENERIC lanes fma_of(lanes a, lanes b, lanes c) { return __builtin_elementwise_fma(a, b, c); }
GENERIC lanes chosen(whole_lanes isFirst, lanes first, lanes second) {
    return (lanes)(((whole_lanes)first & isFirst) | ((whole_lanes)second & ~isFirst));
}

/* Adds, or takes the largest of, the lanes in halves. */
GENERIC float fold_lanes(lanes v) {
    float s[FLOAT_LANES];
    __builtin_memcpy(s, &v, sizeof s);
    UNROLL for (int half = 8; half > 0; half /= 2)
        UNROLL for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
}
GENERIC float largest_of(lanes v) {
    float m = v[0];
    UNROLL for (int i = 1; i < FLOAT_LANES; i++) m = v[i] > m ? v[i] : m;
    return m;
}

/*
 * e^x within 2 units of the last place for -87 <= x <= 88, and what it is at the nearer end beyond: 2^n e^r with n whole and |r| <= ln 2 / 2, the series to
 * its sixth power.
 */
GENERIC lanes exp_of(lanes x) {
    x = __builtin_elementwise_min(__builtin_elementwise_max(x, splat(-87)), splat(88));
    const lanes magic = splat(12582912.0f); /* 1.5 * 2^23: what is added to it loses its fraction. */
    lanes n = fma_of(x, splat(1.44269504f), magic) - magic;
    lanes r = fma_of(n, splat(-0.693145752f), x);
    r = fma_of(n, splat(-1.42860677e-6f), r);
    lanes p = fma_of(r, splat(1.0f / 720), splat(1.0f / 120));
    p = fma_of(p, r, splat(1.0f / 24));
    p = fma_of(p, r, splat(1.0f / 6));
    p = fma_of(p, r, splat(0.5f));
    p = fma_of(p, r, splat(1));
    p = fma_of(p, r, splat(1));
    whole_lanes exponent = (__builtin_convertvector(n, whole_lanes) + 127) << 23;
    return p * (lanes)exponent;
}

#endif
