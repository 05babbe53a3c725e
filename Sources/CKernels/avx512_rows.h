#ifndef CK_AVX512_ROWS_H
#define CK_AVX512_ROWS_H

/*
 * Rows of quantised weights times few columns. A group of a row is unpacked once for all of them; the columns are turned as the weights are, in pairs, before
 * the first row.
 */
#include "avx512_unpack.h"

enum { PAIRS = 4, TURNED = 128 };

/*
 * A group of two columns. Sums begin with `bias`, which takes the offset of the weights away: the first lower halves of the blocks, if they have scales of
 * their own, the second the upper ones. `total` is scale * sum of q.
 */
typedef struct { __m512i q[2][4]; __m256i bias[2][2]; __m256 scale[2], total[2]; } pair;

/* Turns a group of one of the two columns. */
INLINE512 void turn_column(form512 f, const int8_t *q, const float *scale, const int16_t *sum, int c, pair *out) {
    __m512i w[4];
    UNROLL for (int k = 0; k < 4; k++) w[k] = load512(q + 64 * k);
    turn(w, out->q[c]);
    const unsigned offset = (unsigned)-f.offset & 0xffff;
    __m256i sums = load(sum), none = _mm256_setzero_si256();
    out->bias[c][0] = _mm256_dpwssd_epi32(none, sums, _mm256_set1_epi32((int)(f.hasTwoScales ? offset : offset * 0x10001)));
    out->bias[c][1] = _mm256_dpwssd_epi32(none, sums, _mm256_set1_epi32((int)(f.hasTwoScales ? offset << 16 : 0)));
    out->scale[c] = _mm256_loadu_ps(scale);
    out->total[c] = _mm256_mul_ps(out->scale[c], _mm256_cvtepi32_ps(_mm256_madd_epi16(sums, _mm256_set1_epi16(1))));
}

/* Turns so many blocks of some columns: [group][pair]. */
INLINE512 void turn_columns(form512 f, ck_activations x, size_t width, size_t done, size_t blocks, size_t columns, pair *out) {
    for (size_t b = 0; b < blocks; b += GROUP)
        for (size_t c = 0; c < (columns + 1) / 2 * 2; c++) {
            size_t start = (c < columns ? c : columns - 1) * width + (done + b) * BLOCK;
            ck_activations group = {x.q + start, x.scale + start / BLOCK, x.sum + start / 16, 1};
            rest_of_column rest;
            if (blocks - b < GROUP) group = fill(&rest, group, 0, blocks - b);
            turn_column(f, group.q, group.scale, group.sum, (int)(c % 2), out + b / GROUP * ((columns + 1) / 2) + c / 2);
        }
}

/* Of one column the upper half is zeros: what happens to lie there could be slow to calculate with. */
INLINE512 __m512 of_columns(const __m256 *x, int isOne) { return isOne ? _mm512_zextps256_ps512(*x) : _mm512_loadu_ps(x); }

/* Adds what a group amounts to: the lanes of two columns, or of one, which needs only the lower half. */
INLINE512 __m512 add_pair(form512 f, const __m512i *w, const __m512 *factor, const pair *x, int isOne, __m512 lanes) {
    __m512 scale = of_columns(x->scale, isOne);
    const int parts = f.hasTwoScales ? 2 : 1;
    UNROLL for (int part = 0; part < parts; part++) {
        __m512i p[2];
        UNROLL for (int c = 0; c < 2 - isOne; c++) {
            p[c] = f.hasTwoScales ? _mm512_zextsi256_si512(x->bias[c][part]) : load512(x->bias[c]);
            UNROLL for (int k = part * 4 / parts; k < (part + 1) * 4 / parts; k++) p[c] = _mm512_dpbusd_epi32(p[c], w[k], x->q[c][k]);
        }
        __m512i sum = isOne ? _mm512_add_epi32(p[0], _mm512_shuffle_i64x2(p[0], p[0], 0x4e))
                            : _mm512_add_epi32(_mm512_shuffle_i64x2(p[0], p[1], 0x44), _mm512_shuffle_i64x2(p[0], p[1], 0xee));
        lanes = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(factor[part], scale), lanes);
    }
    return f.hasMin ? _mm512_fnmadd_ps(factor[2], of_columns(x->total, isOne), lanes) : lanes;
}

INLINE512 __m512 spread(__m256 v, int isOne) { return isOne ? _mm512_zextps256_ps512(v) : _mm512_broadcast_f32x8(v); }

INLINE512 void add_group512(form512 f, const uint8_t *group, size_t blocks, const pair *x, int pairs, int isOne, __m512 *lanes) {
    factors s = f.begin(group);
    if (blocks < GROUP) s.first = _mm256_maskz_mov_ps((__mmask8)((1 << blocks) - 1), s.first);
    __m512i w[4];
    f.turn(group, w);
    __m512 factor[3] = {spread(s.first, isOne)};
    if (f.hasTwoScales) factor[1] = spread(s.second, isOne);
    if (f.hasMin) factor[2] = spread(s.min, isOne);
    UNROLL for (int p = 0; p < pairs; p++) lanes[p] = add_pair(f, w, factor, x + p, isOne, lanes[p]);
}

/* Folds the eight lanes of both columns. */
INLINE512 __m512 fold_pair(__m512 v) {
    v = _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0xb1));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0x4e));
    return _mm512_add_ps(v, _mm512_permute_ps(v, 0xb1));
}

/* One row by some columns; `columns` counts those that are stored. */
INLINE512 void row_by_pairs(form512 f, const uint8_t *row, size_t blocks, int isLast, const pair *x, int pairs, int isOne, size_t columns,
                            int isFirst, float *out, size_t stride) {
    __m512 result[PAIRS], lanes[PAIRS];
    float values[2 * PAIRS][GROUP] = {0};
    if (!isFirst) for (size_t c = 0; c < columns; c++) values[c][0] = out[c * stride];
    UNROLL for (int p = 0; p < pairs; p++) result[p] = _mm512_loadu_ps(values[2 * p]);
    for (size_t done = 0; done < blocks;) {
        size_t end = done + SLAB < blocks ? done + SLAB : blocks;
        UNROLL for (int p = 0; p < pairs; p++) lanes[p] = _mm512_setzero_ps();
        for (; done + GROUP <= end; done += GROUP, row += f.bytes, x += pairs) {
            fetch_ahead(row, f.bytes);
            add_group512(f, row, GROUP, x, pairs, isOne, lanes);
        }
        if (done < end) {
            rest_of_row rest;
            add_group512(f, group_of(row, f.bytes, end - done, isLast, &rest), end - done, x, pairs, isOne, lanes);
            done = end;
        }
        UNROLL for (int p = 0; p < pairs; p++) result[p] = _mm512_add_ps(result[p], fold_pair(lanes[p]));
    }
    UNROLL for (int p = 0; p < pairs; p++) _mm512_storeu_ps(values[2 * p], result[p]);
    for (size_t c = 0; c < columns; c++) out[c * stride] = values[c][0];
}

INLINE512 void rows_by_pairs(form512 f, const uint8_t *row, size_t count, size_t width, ck_activations q, int pairs, int isOne, size_t columns,
                             float *out, size_t stride) {
    size_t blocks = width / BLOCK, bytes = blocks * f.bytes / GROUP, most = TURNED / (size_t)pairs * GROUP / SLAB * SLAB;
    pair x[TURNED];
    for (size_t done = 0; done < blocks; done += most) {
        size_t some = blocks - done < most ? blocks - done : most;
        turn_columns(f, q, width, done, some, columns, x);
        for (size_t r = 0; r < count; r++)
            row_by_pairs(f, row + r * bytes + done / GROUP * f.bytes, some, r + 1 == count || blocks < GROUP, x, pairs, isOne, columns,
                         done == 0, out + r, stride);
    }
}

INLINE512 void rows512(form512 f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    for (size_t c = 0; c < columns; c += 2 * PAIRS) {
        size_t some = columns - c < 2 * PAIRS ? columns - c : 2 * PAIRS, start = c * width;
        ck_activations x = {q.q + start, q.scale + start / BLOCK, q.sum + start / 16, 1};
        float *to = out + c * stride;
        switch (some) {
        case 1: rows_by_pairs(f, row, count, width, x, 1, 1, 1, to, stride); break;
        case 2: rows_by_pairs(f, row, count, width, x, 1, 0, 2, to, stride); break;
        case 3: case 4: rows_by_pairs(f, row, count, width, x, 2, 0, some, to, stride); break;
        case 5: case 6: rows_by_pairs(f, row, count, width, x, 3, 0, some, to, stride); break;
        default: rows_by_pairs(f, row, count, width, x, 4, 0, some, to, stride); break;
        }
    }
}

#endif
