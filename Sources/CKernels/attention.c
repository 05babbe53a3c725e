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

static void store(int type, void *to, size_t index, float x) {
    if (type == CK_F16) ((uint16_t *)to)[index] = float_to_half(x);
    else ((float *)to)[index] = x;
}

void ck_remember(const ck_memory *m, size_t position, const float *key, const float *value) {
    size_t block = position / FLOAT_LANES, lane = position % FLOAT_LANES;
    for (size_t i = 0; i < m->width; i++) {
        store(m->type, m->keys, (block * m->width + i) * FLOAT_LANES + lane, key[i]);
        store(m->type, m->values, position * ck_padded(m->width) + i, value[i]);
    }
}

void ck_forget(const ck_memory *m, size_t first, size_t last) {
    size_t bytes = m->type == CK_F16 ? 2 : 4, row = ck_padded(m->width) * bytes;
    ck_wipe((uint8_t *)m->values + first * row, (last - first) * row);
    for (size_t p = first; p < last; p++)
        for (size_t i = 0; i < m->width; i++) {
            size_t place = (p / FLOAT_LANES * m->width + i) * FLOAT_LANES + p % FLOAT_LANES;
            ck_wipe((uint8_t *)m->keys + place * bytes, bytes);
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
