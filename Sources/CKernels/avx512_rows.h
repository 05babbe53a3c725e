#ifndef CK_AVX512_ROWS_H
#define CK_AVX512_ROWS_H

/*
 * Rows of quantised weights times few columns. A group of a row is unpacked once for up to eight of them; the columns are turned as the weights are, in pairs,
 * before the first row. One or two go over whole rows, which memory serves best; more go over a slab of all rows after the other, so that they stay in the near
 * cache.
 */
#include "avx512_unpack.h"

enum { PAIRS = 4, TURNED = 64 };

/*
 * A group of two columns. Sums begin with `bias`, which takes the offset of the weights away: where the halves of a block have scales of their own there is one
 * for each, else the second is 0. `total` is scale * sum of q.
 */
typedef struct { __m512i q[2][4]; __m256i bias[2][2]; __m256 scale[2], total[2]; } pair;

/* How many columns go together: some pairs, or half a one. */
typedef struct { int pairs, isOne; } extent;

INLINE512 void turn_column(form512 f, ck_activations x, int c, pair *out) {
    __m512i w[4];
    UNROLL for (int k = 0; k < 4; k++) w[k] = load512(x.q + 64 * k);
    turn(w, out->q[c]);
    const unsigned offset = (unsigned)-f.offset & 0xffff;
    __m256i sums = load(x.sum), none = _mm256_setzero_si256();
    out->bias[c][0] = _mm256_dpwssd_epi32(none, sums, _mm256_set1_epi32((int)(f.hasTwoScales ? offset : offset * 0x10001)));
    out->bias[c][1] = _mm256_dpwssd_epi32(none, sums, _mm256_set1_epi32((int)(f.hasTwoScales ? offset << 16 : 0)));
    out->scale[c] = _mm256_loadu_ps(x.scale);
    out->total[c] = _mm256_mul_ps(out->scale[c], _mm256_cvtepi32_ps(_mm256_madd_epi16(sums, _mm256_set1_epi16(1))));
}

/* Turns blocks of some columns: [group][pair]. The last column is its own neighbour where it has none. */
INLINE512 void turn_columns(form512 f, int pairs, ck_activations x, size_t width, size_t first, size_t blocks, size_t columns, pair *out) {
    for (size_t b = 0; b < blocks; b += GROUP, out += pairs)
        for (size_t c = 0; c < 2 * (size_t)pairs; c++) {
            size_t start = (c < columns ? c : columns - 1) * width + (first + b) * BLOCK;
            ck_activations group = {x.q + start, x.scale + start / BLOCK, x.sum + start / 16, 1};
            rest_of_column rest;
            if (blocks - b < GROUP) group = fill(&rest, group, 0, blocks - b);
            turn_column(f, group, c % 2, out + c / 2);
        }
}

/* Of one column the upper half is zeros: what happens to lie there could be slow to calculate with. */
INLINE512 __m512 of_columns(const __m256 *x, int isOne) { return isOne ? _mm512_zextps256_ps512(*x) : _mm512_loadu_ps(x); }
INLINE512 __m512 of_row(__m256 v, int isOne) { return isOne ? _mm512_zextps256_ps512(v) : _mm512_broadcast_f32x8(v); }

/* A group of a row. */
typedef struct { __m512i w[4]; __m512 first, second, min; } unpacked;

INLINE512 unpacked unpack(form512 f, const void *group, size_t blocks, int isOne) {
    unpacked u;
    factors s = f.begin(group);
    f.turn(group, u.w);
    if (blocks < GROUP) s.first = _mm256_maskz_mov_ps((__mmask8)((1 << blocks) - 1), s.first);
    u.first = of_row(s.first, isOne);
    if (f.hasTwoScales) u.second = of_row(s.second, isOne);
    if (f.hasMin) u.min = of_row(s.min, isOne);
    return u;
}

/* Adds what a group amounts to: eight lanes of each column. */
INLINE512 __m512 add_pair(form512 f, const unpacked *u, const pair *x, int isOne, __m512 lanes) {
    __m512 scale = of_columns(x->scale, isOne);
    const int parts = f.hasTwoScales ? 2 : 1;
    UNROLL for (int part = 0; part < parts; part++) {
        __m512i p[2];
        UNROLL for (int c = 0; c < 2 - isOne; c++) {
            p[c] = f.hasTwoScales ? _mm512_zextsi256_si512(x->bias[c][part]) : load512(x->bias[c]);
            UNROLL for (int k = part * 4 / parts; k < (part + 1) * 4 / parts; k++) p[c] = _mm512_dpbusd_epi32(p[c], u->w[k], x->q[c][k]);
        }
        __m512i sum = isOne ? _mm512_add_epi32(p[0], _mm512_shuffle_i64x2(p[0], p[0], 0x4e))
                            : _mm512_add_epi32(_mm512_shuffle_i64x2(p[0], p[1], 0x44), _mm512_shuffle_i64x2(p[0], p[1], 0xee));
        lanes = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(part ? u->second : u->first, scale), lanes);
    }
    return f.hasMin ? _mm512_fnmadd_ps(u->min, of_columns(x->total, isOne), lanes) : lanes;
}

INLINE512 void add_pairs(form512 f, extent e, const void *group, size_t blocks, const pair *x, __m512 *lanes) {
    unpacked u = unpack(f, group, blocks, e.isOne);
    UNROLL for (int p = 0; p < e.pairs; p++) lanes[p] = add_pair(f, &u, x + p, e.isOne, lanes[p]);
}

/* Folds the eight lanes of both columns. */
INLINE512 __m512 fold_pair(__m512 v) {
    v = _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0xb1));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0x4e));
    return _mm512_add_ps(v, _mm512_permute_ps(v, 0xb1));
}

/* Adds blocks of a row. `ahead`: how many bytes later the weights lie that are to be fetched meanwhile. */
INLINE512 void add_row(form512 f, extent e, const uint8_t *row, size_t blocks, int isLast, size_t ahead, const pair *x, __m512 *result) {
    for (size_t done = 0; done < blocks;) {
        size_t end = done + SLAB < blocks ? done + SLAB : blocks;
        __m512 lanes[PAIRS];
        UNROLL for (int p = 0; p < e.pairs; p++) lanes[p] = _mm512_setzero_ps();
        for (; done + GROUP <= end; done += GROUP, row += f.bytes, x += e.pairs) {
            fetch(row + ahead, f.bytes);
            add_pairs(f, e, row, GROUP, x, lanes);
        }
        if (done < end) {
            rest_of_row rest;
            add_pairs(f, e, group_of(row, f.bytes, end - done, isLast, &rest), end - done, x, lanes);
            done = end;
        }
        UNROLL for (int p = 0; p < e.pairs; p++) result[p] = _mm512_add_ps(result[p], fold_pair(lanes[p]));
    }
}

INLINE512 void few_columns(form512 f, extent e, const uint8_t *weights, size_t count, size_t width, ck_activations q, size_t columns,
                           float *out, size_t stride) {
    pair x[TURNED];
    size_t blocks = width / BLOCK, bytes = blocks * f.bytes / GROUP, most = e.pairs > 1 ? SLAB : TURNED * GROUP;
    for (size_t done = 0; done < blocks; done += most) {
        size_t some = blocks - done < most ? blocks - done : most, part = some * f.bytes / GROUP;
        size_t ahead = some == blocks ? AHEAD : (AHEAD + part - 1) / part * bytes;
        turn_columns(f, e.pairs, q, width, done, some, columns, x);
        for (size_t r = 0; r < count; r++) {
            union { __m512 vector[PAIRS]; float value[PAIRS][2][GROUP]; } result = {0};
            if (done > 0) for (size_t c = 0; c < columns; c++) result.value[c / 2][c % 2][0] = out[c * stride + r];
            const uint8_t *row = weights + r * bytes + done / GROUP * f.bytes;
            add_row(f, e, row, some, r + 1 == count || blocks < GROUP, ahead, x, result.vector);
            for (size_t c = 0; c < columns; c++) out[c * stride + r] = result.value[c / 2][c % 2][0];
        }
    }
}

INLINE512 void rows512(form512 f, const uint8_t *weights, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    for (size_t c = 0; c < columns; c += 2 * PAIRS) {
        size_t some = columns - c < 2 * PAIRS ? columns - c : 2 * PAIRS, start = c * width;
        ck_activations x = {q.q + start, q.scale + start / BLOCK, q.sum + start / 16, 1};
        switch (some) {
        case 1: few_columns(f, (extent){1, 1}, weights, count, width, x, some, out + c * stride, stride); break;
        case 2: few_columns(f, (extent){1, 0}, weights, count, width, x, some, out + c * stride, stride); break;
        case 3: case 4: few_columns(f, (extent){2, 0}, weights, count, width, x, some, out + c * stride, stride); break;
        case 5: case 6: few_columns(f, (extent){3, 0}, weights, count, width, x, some, out + c * stride, stride); break;
        default: few_columns(f, (extent){4, 0}, weights, count, width, x, some, out + c * stride, stride); break;
        }
    }
}

#endif
