#include "blocks.h"

#include <math.h>

/* To the nearest IEEE half, ties to even, by adding and taking away a number that leaves a half's digits. Below 2^-14 halves have a fixed step. */
static float round_to_half(float x) {
    int exponent;
    frexpf(x, &exponent);
    float step = ldexpf(1, (exponent < -13 ? -13 : exponent) - 11);
    return rintf(x / step) * step;
}

static void quantize_plain(const float *x, size_t count, ck_activations out) {
    for (size_t b = 0; b < count / 32; b++, x += 32) {
        float amax = 0;
        for (int j = 0; j < 32; j++) amax = fmaxf(amax, fabsf(x[j]));
        float inverse = amax > 0 ? 127 / amax : 0;
        out.scale[b] = round_to_half(fminf(amax / 127, LARGEST_HALF));
        int sum = 0;
        for (int j = 0; j < 32; j++) sum += out.q[b * 32 + (size_t)j] = (int8_t)rintf(x[j] * inverse);
        out.sum[b] = out.scale[b] * (float)sum;
    }
}

static void (*matmul)(int, const void *, size_t, size_t, size_t, const float *, ck_activations, size_t, float *,
                      size_t) = ck_matmul_reference;
static void (*quantize)(const float *, size_t, ck_activations) = quantize_plain;
static const char *level = "plain";

__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        matmul = ck_matmul_avx2;
        quantize = ck_quantize_avx2;
        level = "avx2";
    }
#endif
}

const char *ck_level(void) { return level; }

void ck_matmul(int type, const void *weights, size_t width, size_t first, size_t last, const float *x,
               ck_activations q, size_t columns, float *out, size_t stride) {
    matmul(type, weights, width, first, last, x, q, columns, out, stride);
}

void ck_quantize(const float *x, size_t count, ck_activations out) { quantize(x, count, out); }
