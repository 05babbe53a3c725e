#include "blocks.h"

#include <math.h>
#include <string.h>

/* What heads remember, and which queries go over it together. */

size_t ck_padded(size_t width) { return (width + FLOAT_LANES - 1) / FLOAT_LANES * FLOAT_LANES; }

/* To the nearest half, ties to even; what is too large becomes infinite. */
static uint16_t float_to_half(float x) {
    union { float value; uint32_t bits; } in = {x}, magic = {0.5f};
    uint32_t sign = in.bits >> 16 & 0x8000;
    in.bits &= 0x7fffffff;
    if (in.bits >= 0x47800000) return (uint16_t)(sign | (in.bits > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (in.bits < 0x38800000) { /* Below 2^-14 halves have a fixed step: adding 1/2 rounds to it. */
        in.value += magic.value;
        return (uint16_t)(sign | (in.bits - magic.bits));
    }
    uint32_t odd = in.bits >> 13 & 1;
    return (uint16_t)(sign | (in.bits - 0x38000000 + 0xfff + odd) >> 13);
}

static size_t number_bytes(int type) { return type == CK_Q8_0 ? 1 : type == CK_F16 ? 2 : 4; }
static size_t scales_bytes(int type, size_t width) { return type == CK_Q8_0 ? ck_scales(width) * FLOAT_LANES * 2 : 0; }

/* Of a block of 16 positions with rows of `row` numbers. */
static size_t block_bytes(int type, size_t width, size_t row) { return scales_bytes(type, width) + FLOAT_LANES * row * number_bytes(type); }

size_t ck_key_bytes(int type, size_t width, size_t positions) { return positions / FLOAT_LANES * block_bytes(type, width, width); }
size_t ck_value_bytes(int type, size_t width, size_t positions) { return positions / FLOAT_LANES * block_bytes(type, width, ck_padded(width)); }

/* Where the numbers of a position lie: its scales, its first number, and how many numbers further on the next one is. */
typedef struct { int type; size_t width; uint8_t *scales, *numbers; size_t step; } place;

static place key_place(const ck_memory *m, size_t position) {
    size_t lane = position % FLOAT_LANES;
    uint8_t *block = (uint8_t *)m->keys + position / FLOAT_LANES * block_bytes(m->type, m->width, m->width);
    uint8_t *numbers = block + scales_bytes(m->type, m->width) + lane * number_bytes(m->type);
    return (place){m->type, m->width, block + lane * 2, numbers, FLOAT_LANES};
}

static place value_place(const ck_memory *m, size_t position) {
    size_t lane = position % FLOAT_LANES, row = ck_padded(m->width);
    uint8_t *block = (uint8_t *)m->values + position / FLOAT_LANES * block_bytes(m->type, m->width, row);
    uint8_t *numbers = block + scales_bytes(m->type, m->width) + lane * row * number_bytes(m->type);
    return (place){m->type, m->width, block + lane * 2, numbers, 1};
}

/* Up to 32 numbers as bytes times a half; what is not finite becomes the largest or 0. */
static void quantise(place p, size_t start, size_t count, const float *x) {
    float largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmaxf(largest, fabsf(x[i]));
    uint16_t half = float_to_half(fminf(largest / 127, LARGEST_HALF));
    float scale = ck_half_to_float(half);
    memcpy(p.scales + start / BLOCK * FLOAT_LANES * 2, &half, sizeof half);
    for (size_t i = 0; i < count; i++) {
        float q = scale > 0 ? fmaxf(-127, fminf(127, rintf(x[i] / scale))) : 0;
        p.numbers[(start + i) * p.step] = (uint8_t)(int8_t)q;
    }
}

static void store(place p, const float *x) {
    switch (p.type) {
    case CK_Q8_0:
        for (size_t i = 0; i < p.width; i += BLOCK) quantise(p, i, p.width - i < BLOCK ? p.width - i : BLOCK, x + i);
        break;
    case CK_F16:
        for (size_t i = 0; i < p.width; i++) ((uint16_t *)p.numbers)[i * p.step] = float_to_half(x[i]);
        break;
    default:
        for (size_t i = 0; i < p.width; i++) ((float *)p.numbers)[i * p.step] = x[i];
    }
}

static void forget(place p) {
    size_t bytes = number_bytes(p.type), run = p.step == 1 ? p.width : 1;
    for (size_t i = 0; i < p.width; i += run) ck_wipe(p.numbers + i * p.step * bytes, run * bytes);
    if (p.type != CK_Q8_0) return;
    for (size_t i = 0; i < ck_scales(p.width); i++) ck_wipe(p.scales + i * FLOAT_LANES * 2, 2);
}

void ck_remember(const ck_memory *m, size_t position, const float *key, const float *value) {
    store(key_place(m, position), key);
    store(value_place(m, position), value);
}

void ck_forget(const ck_memory *m, size_t first, size_t last) {
    size_t keys = ck_key_bytes(m->type, m->width, FLOAT_LANES), values = ck_value_bytes(m->type, m->width, FLOAT_LANES);
    for (size_t position = first; position < last;) {
        size_t block = position / FLOAT_LANES;
        if (position % FLOAT_LANES == 0 && last - position >= FLOAT_LANES) {
            ck_wipe((uint8_t *)m->keys + block * keys, keys);
            ck_wipe((uint8_t *)m->values + block * values, values);
            position += FLOAT_LANES;
        } else {
            forget(key_place(m, position));
            forget(value_place(m, position));
            position++;
        }
    }
}

void ck_attend(const ck_kernels *kernels, const ck_memory *m, const float *query, size_t stride, size_t columns, size_t group,
               size_t position, size_t span, size_t spans, float scale, float *partials, size_t apart) {
    size_t all = columns * group;
    for (size_t i = 0; i < all; i++) {
        memset(partials + i * apart, 0, (2 + ck_padded(m->width)) * sizeof *partials);
        partials[i * apart] = -INFINITY;
    }
    for (size_t first = span * CK_SPAN; first < (span + spans) * CK_SPAN; first += CK_SPAN)
        for (size_t i = 0; i < all; i += CK_QUERIES) {
            ck_queries q = {.count = (int)(all - i < CK_QUERIES ? all - i : CK_QUERIES)};
            float *results[CK_QUERIES];
            for (size_t r = 0; r < (size_t)q.count; r++) {
                size_t column = (i + r) / group, seen = position + column + 1;
                size_t inside = seen > first ? seen - first : 0;
                q.sees[r] = inside < CK_SPAN ? inside : CK_SPAN;
                q.most = q.sees[r] > q.most ? q.sees[r] : q.most;
                q.query[r] = query + column * stride + (i + r) % group * m->width;
                results[r] = partials + (i + r) * apart;
            }
            if (q.most > 0) kernels->attend(m, first, &q, scale, results);
        }
}
