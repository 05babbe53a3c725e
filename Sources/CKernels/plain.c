#include "attention.h"

#include <math.h>
#include <string.h>

/* The kernels as `ckernels.h` says them: what every fast form must equal, and what runs where none fits. */

/* Adds the upper half of the lanes to the lower one until one is left. */
static float fold(const float *lanes, int count) {
    float v[FLOAT_LANES];
    for (int i = 0; i < count; i++) v[i] = lanes[i];
    for (int half = count / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}

static void add_block(int type, const void *row, size_t b, ck_activations x, size_t column, size_t width, float *lane) {
    ck_block block;
    ck_read_block(type, row, b, &block);
    int dot[2] = {0}, total = 0;
    for (size_t j = 0; j < BLOCK; j++)
        dot[j / 16] += block.w[j] * x.q[4 * ck_place(x, column, b * 8 + j / 4, width / 4) + j % 4];
    for (size_t i = 0; i < 2; i++) total += x.sum[ck_place(x, column, 2 * b + i, width / 16)];
    float scale = x.scale[ck_place(x, column, b, width / BLOCK)];
    if (type == CK_Q6_K) {
        *lane = fmaf((float)dot[0], block.scale[0] * scale, *lane);
        *lane = fmaf((float)dot[1], block.scale[1] * scale, *lane);
    } else {
        *lane = fmaf((float)(dot[0] + dot[1]), block.scale[0] * scale, *lane);
        if (type == CK_Q4_K || type == CK_Q5_K) *lane = fmaf(-block.min, scale * (float)total, *lane);
    }
}

static float dot_blocks(int type, const void *row, size_t width, ck_activations x, size_t column) {
    float result = 0;
    for (size_t first = 0; first < width / BLOCK; first += SLAB) {
        float lanes[GROUP] = {0};
        for (size_t b = first; b < width / BLOCK && b < first + SLAB; b++)
            add_block(type, row, b, x, column, width, &lanes[b % GROUP]);
        result += fold(lanes, GROUP);
    }
    return result;
}

static float dot_floats(int type, const uint8_t *row, size_t width, const float *x) {
    float lanes[FLOAT_LANES] = {0};
    for (size_t i = 0; i < width; i++) {
        float w;
        ck_dequantize(type, row + i * ck_row_bytes(type, 1), 1, &w);
        lanes[i % FLOAT_LANES] = fmaf(w, x[i], lanes[i % FLOAT_LANES]);
    }
    return fold(lanes, FLOAT_LANES);
}

static void multiply(int type, const void *weights, size_t width, size_t first, size_t last,
                     const float *x, ck_activations q, size_t columns, float *out, size_t stride) {
    for (size_t r = first; r < last; r++) {
        const uint8_t *row = (const uint8_t *)weights + r * ck_row_bytes(type, width);
        for (size_t c = 0; c < columns; c++)
            out[c * stride + r] = ck_block_count(type) == 1 ? dot_floats(type, row, width, x + c * width)
                                                            : dot_blocks(type, row, width, q, c);
    }
}

/* To the nearest IEEE half, ties to even, by adding and taking away a number that leaves a half's digits. Below 2^-14 halves have a fixed step. */
static float round_to_half(float x) {
    int exponent;
    frexpf(x, &exponent);
    float step = ldexpf(1, (exponent < -13 ? -13 : exponent) - 11);
    return rintf(x / step) * step;
}

static void quantize(const float *x, size_t width, size_t column, ck_activations out) {
    for (size_t b = 0; b < width / BLOCK; b++, x += BLOCK) {
        float largest = 0;
        for (int j = 0; j < BLOCK; j++) largest = fmaxf(largest, fabsf(x[j]));
        float inverse = largest > 0 ? 127 / largest : 0;
        out.scale[ck_place(out, column, b, width / BLOCK)] = round_to_half(fminf(largest / 127, LARGEST_HALF));
        int16_t sums[2] = {0};
        for (size_t j = 0; j < BLOCK; j++) {
            int8_t q = (int8_t)rintf(x[j] * inverse);
            out.q[4 * ck_place(out, column, b * 8 + j / 4, width / 4) + j % 4] = q;
            sums[j / 16] = (int16_t)(sums[j / 16] + q);
        }
        for (size_t i = 0; i < 2; i++) out.sum[ck_place(out, column, 2 * b + i, width / 16)] = sums[i];
    }
}

static void read_bytes(const void *p, lanes *out) {
    for (int i = 0; i < FLOAT_LANES; i++) (*out)[i] = ((const int8_t *)p)[i];
}
static void read_halves(const void *p, lanes *out) {
    for (int i = 0; i < FLOAT_LANES; i++) (*out)[i] = ck_half_to_float(((const uint16_t *)p)[i]);
}
static void read_floats(const void *p, lanes *out) { memcpy(out, p, sizeof *out); }

static storing storing_of(int type) {
    switch (type) {
    case CK_Q8_0: return (storing){1, read_bytes, read_halves, 1};
    case CK_F16: return (storing){2, read_halves, read_halves, 0};
    default: return (storing){4, read_floats, read_halves, 0};
    }
}

/* One query at a time. */
static void attend(const ck_memory *m, size_t first, const ck_queries *q, float scale, float *const *partials) {
    for (int r = 0; r < q->count; r++) {
        ck_queries one = {.query = {q->query[r]}, .sees = {q->sees[r]}, .most = q->sees[r], .count = 1};
        attend_span(m, storing_of(m->type), first, &one, 1, scale, partials + r);
    }
}
static void gather(const float *partials, size_t count, size_t width, float *out) { gather_spans(partials, count, width, out); }
static void silu_multiply(float *gate, const float *up, size_t count) { silu_lanes(gate, up, count); }

const ck_kernels ck_plain = {"plain", 1, 1, quantize, multiply, attend, gather, silu_multiply};
