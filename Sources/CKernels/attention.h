#ifndef CK_ATTENTION_H
#define CK_ATTENTION_H

/*
 * Attention over what a head remembers, a span of positions at a time: scores, their softmax relative to the span's largest, the values so weighted, and
 * the merging with what earlier spans gave. One text for all forms; `read` brings sixteen stored numbers to floats.
 */
#include "lanes.h"

typedef void (*reader)(const void *stored, lanes *out);
typedef lanes weights_of_span[CK_SPAN / FLOAT_LANES];

/* How numbers are stored (`ck_memory`); every field is a constant where it is used. */
typedef struct {
    size_t bytes;        /* Of a number. */
    reader read, halves; /* How sixteen of them are read, and sixteen scales. */
    int isScaled;
} storing;

/* What is read in order is asked for so many bytes ahead: the processor does so only within a page. */
enum { ATTENTION_AHEAD = 12288, LINE = 64 };
GENERIC void ask_for(const uint8_t *p) { __builtin_prefetch(p + ATTENTION_AHEAD, 0, 2); }

/* Sixteen positions take so many bytes of keys or values; the numbers begin behind the scales. */
GENERIC size_t scale_bytes(storing s, size_t width) { return s.isScaled ? ck_scales(width) * FLOAT_LANES * 2 : 0; }
GENERIC size_t block_bytes(storing s, size_t width, size_t row) { return scale_bytes(s, width) + FLOAT_LANES * row * s.bytes; }

/* Adds the products of an element for 16 positions of each of two blocks. */
GENERIC void add_element(storing s, const uint8_t *keys, size_t apart, size_t i, const ck_queries *q, int count, lanes sum[CK_QUERIES][2]) {
    lanes k[2];
    UNROLL for (size_t h = 0; h < 2; h++) s.read(keys + h * apart + i * FLOAT_LANES * s.bytes, &k[h]);
    UNROLL for (int r = 0; r < count; r++)
        UNROLL for (int h = 0; h < 2; h++) sum[r][h] = fma_of(splat(q->query[r][i]), k[h], sum[r][h]);
}

/* sum[r][h] = query[r] . key over the elements [start, end); a line of the cache has some. */
GENERIC void score_part(storing s, const uint8_t *keys, size_t apart, size_t start, size_t end, const ck_queries *q, int count,
                        lanes sum[CK_QUERIES][2]) {
    const size_t some = LINE / FLOAT_LANES / s.bytes;
    size_t i = start;
    UNROLL for (int r = 0; r < count; r++) sum[r][0] = sum[r][1] = splat(0);
    for (; i + some <= end; i += some) {
        UNROLL for (size_t h = 0; h < 2; h++) ask_for(keys + h * apart + i * FLOAT_LANES * s.bytes);
        for (size_t k = 0; k < some; k++) add_element(s, keys, apart, i + k, q, count, sum);
    }
    for (; i < end; i++) add_element(s, keys, apart, i, q, count, sum);
}

/* weight[r][p] = scale * query[r] . key[p]; positions go 32 at a time, so that eight sums are on their way. */
GENERIC void score(const ck_memory *m, storing s, size_t first, const ck_queries *q, int count, float scale, weights_of_span *weight) {
    size_t block = block_bytes(s, m->width, m->width), scales = scale_bytes(s, m->width);
    const uint8_t *keys = (const uint8_t *)m->keys + first / FLOAT_LANES * block;
    for (size_t b = 0; b * FLOAT_LANES < q->most; b += 2, keys += 2 * block) {
        lanes sum[CK_QUERIES][2], total[CK_QUERIES][2];
        if (!s.isScaled) score_part(s, keys, block, 0, m->width, q, count, total);
        for (size_t i = 0; s.isScaled && i < m->width; i += BLOCK) {
            score_part(s, keys + scales, block, i, i + BLOCK < m->width ? i + BLOCK : m->width, q, count, sum);
            UNROLL for (size_t h = 0; h < 2; h++) {
                lanes k;
                s.halves(keys + h * block + i / BLOCK * FLOAT_LANES * 2, &k);
                UNROLL for (int r = 0; r < count; r++) total[r][h] = i == 0 ? sum[r][h] * k : fma_of(sum[r][h], k, total[r][h]);
            }
        }
        UNROLL for (int r = 0; r < count; r++)
            UNROLL for (size_t h = 0; h < 2; h++) weight[r][b + h] = total[r][h] * splat(scale);
    }
}

/* Scores to weights, of which the largest is 1; those out of sight are 0. Begins the partial result. */
GENERIC void soften(size_t positions, size_t sees, lanes *weight, float *partial) {
    const whole_lanes places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    lanes most = splat(-__builtin_inff()), sum = splat(0);
    for (size_t b = 0; b * FLOAT_LANES < positions; b++) {
        whole_lanes isSeen = places + (int)(b * FLOAT_LANES) < (int)sees;
        weight[b] = chosen(isSeen, weight[b], splat(-__builtin_inff()));
        most = __builtin_elementwise_max(most, weight[b]);
    }
    float largest = largest_of(most);
    for (size_t b = 0; b * FLOAT_LANES < positions; b++) {
        whole_lanes isSeen = places + (int)(b * FLOAT_LANES) < (int)sees;
        weight[b] = chosen(isSeen, exp_of(weight[b] - splat(largest)), splat(0));
        sum += weight[b];
    }
    partial[0] = largest;
    partial[1] = fold_lanes(sum);
}

/* Some vectors of the weighted sum of the values, from element `start` on. */
GENERIC void weigh(const ck_memory *m, storing s, size_t first, const ck_queries *q, int count, int vectors, size_t start,
                   const weights_of_span *weight, float (*partial)[CK_PARTIAL]) {
    size_t row = ck_padded(m->width) * s.bytes, block = block_bytes(s, m->width, ck_padded(m->width));
    const uint8_t *values = (const uint8_t *)m->values + first / FLOAT_LANES * block;
    lanes sum[CK_QUERIES][4];
    UNROLL for (int r = 0; r < count; r++) UNROLL for (int k = 0; k < vectors; k++) sum[r][k] = splat(0);
    for (size_t b = 0; b * FLOAT_LANES < q->most; b++, values += block) {
        const uint8_t *v = values + scale_bytes(s, m->width) + start * s.bytes;
        lanes w[CK_QUERIES][2]; /* The weights times the scales, which two vectors of a block of 32 share. */
        UNROLL for (int k = 0; k < (vectors + 1) / 2; k++) {
            lanes scale = splat(1);
            if (s.isScaled) s.halves(values + (start / BLOCK + (size_t)k) * FLOAT_LANES * 2, &scale);
            UNROLL for (int r = 0; r < count; r++) w[r][k] = s.isScaled ? weight[r][b] * scale : weight[r][b];
        }
        size_t positions = q->most - b * FLOAT_LANES < FLOAT_LANES ? q->most - b * FLOAT_LANES : FLOAT_LANES;
        for (size_t p = 0; p < positions; p++, v += row) {
            lanes x[4];
            for (size_t k = 0; k < (size_t)vectors * FLOAT_LANES * s.bytes; k += LINE) ask_for(v + k);
            UNROLL for (int k = 0; k < vectors; k++) s.read(v + (size_t)k * FLOAT_LANES * s.bytes, &x[k]);
            UNROLL for (int r = 0; r < count; r++)
                UNROLL for (int k = 0; k < vectors; k++) sum[r][k] = fma_of(splat(((const float *)&w[r][k / 2])[p]), x[k], sum[r][k]);
        }
    }
    UNROLL for (int r = 0; r < count; r++) __builtin_memcpy(partial[r] + 2 + start, sum[r], (size_t)vectors * sizeof(lanes));
}

/* Brings two partial results to their larger maximum and adds them. */
GENERIC void merge(size_t width, const float *more, float *partial) {
    float largest = partial[0] > more[0] ? partial[0] : more[0];
    lanes own = exp_of(splat(partial[0] - largest)), its = exp_of(splat(more[0] - largest));
    lanes total = fma_of(splat(partial[1]), own, splat(more[1]) * its);
    partial[0] = largest;
    partial[1] = total[0];
    lanes *sum = (lanes *)(partial + 2);
    const lanes *others = (const lanes *)(more + 2);
    for (size_t j = 0; j < ck_padded(width) / FLOAT_LANES; j++) sum[j] = fma_of(sum[j], own, others[j] * its);
}

GENERIC void attend_span(const ck_memory *m, storing s, size_t first, const ck_queries *q, int count, float scale, float *const *partials) {
    weights_of_span weight[CK_QUERIES];
    float partial[CK_QUERIES][CK_PARTIAL];
    score(m, s, first, q, count, scale, weight);
    for (int r = 0; r < count; r++) soften(q->most, q->sees[r], weight[r], partial[r]);
    size_t row = ck_padded(m->width), start = 0;
    for (; start + 4 * FLOAT_LANES <= row; start += 4 * FLOAT_LANES) weigh(m, s, first, q, count, 4, start, weight, partial);
    for (; start < row; start += FLOAT_LANES) weigh(m, s, first, q, count, 1, start, weight, partial);
    for (int r = 0; r < count; r++) merge(m->width, partial[r], partials[r]);
}

GENERIC void gather_spans(const float *partials, size_t count, size_t width, float *out) {
    float partial[CK_PARTIAL];
    size_t size = 2 + ck_padded(width);
    __builtin_memcpy(partial, partials, size * sizeof *partial);
    for (size_t i = 1; i < count; i++) merge(width, partials + i * size, partial);
    for (size_t i = 0; i < width; i++) out[i] = partial[2 + i] / partial[1];
}

GENERIC void attend_some(const ck_memory *m, storing s, size_t first, const ck_queries *q, float scale, float *const *partials) {
    switch (q->count) {
    case 1: attend_span(m, s, first, q, 1, scale, partials); break;
    case 2: attend_span(m, s, first, q, 2, scale, partials); break;
    case 3: attend_span(m, s, first, q, 3, scale, partials); break;
    default: attend_span(m, s, first, q, 4, scale, partials); break;
    }
}

/* Some of sixteen: gate = silu(gate) * up. */
GENERIC void silu_some(float *gate, const float *up, size_t bytes) {
    lanes g = splat(0), u = splat(0);
    __builtin_memcpy(&g, gate, bytes);
    __builtin_memcpy(&u, up, bytes);
    g = g / (splat(1) + exp_of(-g)) * u;
    __builtin_memcpy(gate, &g, bytes);
}
GENERIC void silu_lanes(float *gate, const float *up, size_t count) {
    size_t i = 0;
    for (; i + FLOAT_LANES <= count; i += FLOAT_LANES) silu_some(gate + i, up + i, sizeof(lanes));
    if (i < count) silu_some(gate + i, up + i, (count - i) * sizeof(float));
}

/* The three of them in the form of the functions that it is used among: their target, and how they read sixteen bytes, halves and floats. */
#define ATTENTION(TARGET, BYTES, HALVES, FLOATS)                                                                                               \
    TARGET static void attend(const ck_memory *m, size_t first, const ck_queries *q, float scale, float *const *partials) {                    \
        switch (m->type) {                                                                                                                     \
        case CK_Q8_0: attend_some(m, (storing){1, BYTES, HALVES, 1}, first, q, scale, partials); break;                                        \
        case CK_F16: attend_some(m, (storing){2, HALVES, HALVES, 0}, first, q, scale, partials); break;                                        \
        default: attend_some(m, (storing){4, FLOATS, HALVES, 0}, first, q, scale, partials); break;                                            \
        }                                                                                                                                      \
    }                                                                                                                                          \
    TARGET static void gather(const float *partials, size_t count, size_t width, float *out) { gather_spans(partials, count, width, out); }    \
    TARGET static void silu_multiply(float *gate, const float *up, size_t count) { silu_lanes(gate, up, count); }

#endif
