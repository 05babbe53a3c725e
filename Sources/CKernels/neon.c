#if defined(__aarch64__)
#include "attention.h"
#include "multiply.h"
#include "neon_unpack.h"

#include <math.h>

/* NEON, with the dot products of four bytes where the processor has them, and without. */

/* Columns that share one unpacking of a row. */
enum { COLUMNS = 4 };

typedef int32x4_t (*dot_product)(int32x4_t sum, int8x16_t w, int8x16_t x);

/* How a type is read; every field is a constant where it is used, so that the compiler builds one loop for each type. */
typedef struct {
    size_t bytes; /* Of a group. */
    int hasTwoScales, hasMin;
    void (*begin)(const void *group, factors *w);
    void (*unpack)(const void *group, int s, int8x16_t *w);
    dot_product dot;
} form;

/* Adds products to four sums, whichever comes to which. */
INLINE int32x4_t dot_by_pairs(int32x4_t sum, int8x16_t w, int8x16_t x) {
    sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    return vpadalq_s16(sum, vmull_high_s8(w, x));
}
#define DOTPROD __attribute__((target("dotprod")))
DOTPROD INLINE int32x4_t dot_by_fours(int32x4_t sum, int8x16_t w, int8x16_t x) { return vdotq_s32(sum, w, x); }

INLINE float32x4_t sums_of(const int32x4_t *d) { return vcvtq_f32_s32(vpaddq_s32(vpaddq_s32(d[0], d[1]), vpaddq_s32(d[2], d[3]))); }

/* Adds four blocks of a group to a column's lanes. */
INLINE float32x4_t add_four(form f, const factors *w, int8x16_t v[4][2], const int8_t *q, const float *scale, const int16_t *sum, float32x4_t lanes) {
    int32x4_t first[4], second[4];
    UNROLL for (int i = 0; i < 4; i++) {
        int32x4_t zero = vdupq_n_s32(0);
        first[i] = f.dot(zero, v[i][0], vld1q_s8(q + BLOCK * i));
        second[i] = f.dot(f.hasTwoScales ? zero : first[i], v[i][1], vld1q_s8(q + BLOCK * i + 16));
    }
    float32x4_t x = vld1q_f32(scale);
    if (f.hasTwoScales) {
        lanes = vfmaq_f32(lanes, sums_of(first), vmulq_f32(w->first, x));
        return vfmaq_f32(lanes, sums_of(second), vmulq_f32(w->second, x));
    }
    lanes = vfmaq_f32(lanes, sums_of(second), vmulq_f32(w->first, x));
    return f.hasMin ? vfmsq_f32(lanes, w->min, vmulq_f32(x, vcvtq_f32_s32(vpaddlq_s16(vld1q_s16(sum))))) : lanes;
}

INLINE void add_group(form f, const uint8_t *group, const ck_activations *x, size_t done, int columns, float32x4_t lanes[COLUMNS][2]) {
    factors w[2];
    f.begin(group, w);
    UNROLL for (int h = 0; h < 2; h++) {
        int8x16_t v[4][2];
        UNROLL for (int i = 0; i < 4; i++) f.unpack(group, 4 * h + i, v[i]);
        size_t b = done + 4 * (size_t)h;
        UNROLL for (int c = 0; c < columns; c++)
            lanes[c][h] = add_four(f, &w[h], v, x[c].q + b * BLOCK, x[c].scale + b, x[c].sum + 2 * b, lanes[c][h]);
    }
}

/* Adds the blocks behind the last whole group, which only small ones leave. */
INLINE void add_rest(form f, const uint8_t *row, const ck_activations *x, size_t done, size_t count, int columns, float32x4_t lanes[COLUMNS][2]) {
    float lane[COLUMNS][GROUP];
    memcpy(lane, lanes, sizeof lane);
    for (size_t b = 0; b < count; b++, row += f.bytes / GROUP) {
        int8x16_t v[2];
        f.unpack(row, 0, v);
        UNROLL for (int c = 0; c < columns; c++) {
            const int8_t *q = x[c].q + (done + b) * BLOCK;
            int32x4_t d = f.dot(f.dot(vdupq_n_s32(0), v[0], vld1q_s8(q)), v[1], vld1q_s8(q + 16));
            lane[c][b] = fmaf((float)vaddvq_s32(d), half_at(row) * x[c].scale[done + b], lane[c][b]);
        }
    }
    memcpy(lanes, lane, sizeof lane);
}

INLINE float fold4(float32x4_t v) {
    float32x2_t two = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* One row by some columns. */
INLINE void row_of(form f, const uint8_t *row, size_t blocks, const ck_activations *x, int columns, float *out, size_t stride) {
    float result[COLUMNS] = {0};
    for (size_t done = 0; done < blocks;) {
        size_t end = done + SLAB < blocks ? done + SLAB : blocks;
        float32x4_t lanes[COLUMNS][2];
        for (int c = 0; c < COLUMNS; c++) lanes[c][0] = lanes[c][1] = vdupq_n_f32(0);
        for (; done + GROUP <= end; done += GROUP, row += f.bytes) add_group(f, row, x, done, columns, lanes);
        if (done < end) add_rest(f, row, x, done, end - done, columns, lanes);
        done = end;
        UNROLL for (int c = 0; c < columns; c++) result[c] += fold4(vaddq_f32(lanes[c][0], lanes[c][1]));
    }
    UNROLL for (int c = 0; c < columns; c++) out[(size_t)c * stride] = result[c];
}

INLINE void columns_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t first, int columns, float *out,
                       size_t stride) {
    ck_activations x[COLUMNS];
    for (int c = 0; c < columns; c++) {
        size_t start = (first + (size_t)c) * width;
        x[c] = (ck_activations){q.q + start, q.scale + start / BLOCK, q.sum + start / 16, 1};
    }
    for (size_t r = 0; r < count; r++, row += width / BLOCK * f.bytes / GROUP) row_of(f, row, width / BLOCK, x, columns, out + r, stride);
}

INLINE void rows_of(form f, const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, float *out, size_t stride) {
    size_t c = 0;
    for (; c + COLUMNS <= columns; c += COLUMNS) columns_of(f, row, count, width, q, c, COLUMNS, out + c * stride, stride);
    for (; c < columns; c++) columns_of(f, row, count, width, q, c, 1, out + c * stride, stride);
}

INLINE void read_f32(const void *p, float32x4_t *v) {
    UNROLL for (int i = 0; i < 4; i++) v[i] = vld1q_f32((const float *)p + 4 * i);
}
INLINE void read_f16(const void *p, float32x4_t *v) {
    UNROLL for (int i = 0; i < 4; i++) v[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)p + 4 * i)));
}
INLINE void read_bf16(const void *p, float32x4_t *v) {
    UNROLL for (int i = 0; i < 4; i++) v[i] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16((const uint16_t *)p + 4 * i), 16));
}

/* How a type without blocks is read, sixteen at a time. */
typedef struct { size_t bytes; void (*read)(const void *p, float32x4_t *v); } float_form;

INLINE void float_step(float_form f, const uint8_t *row, const float *x, size_t step, int columns, float32x4_t lanes[COLUMNS][4]) {
    float32x4_t w[4];
    f.read(row, w);
    UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int i = 0; i < 4; i++) lanes[c][i] = vfmaq_f32(lanes[c][i], w[i], vld1q_f32(x + (size_t)c * step + 4 * i));
}

INLINE void float_columns(float_form f, const uint8_t *row, size_t width, const float *x, int columns, float *out, size_t stride) {
    float32x4_t lanes[COLUMNS][4];
    UNROLL for (int c = 0; c < columns; c++) UNROLL for (int i = 0; i < 4; i++) lanes[c][i] = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + FLOAT_LANES <= width; i += FLOAT_LANES) float_step(f, row + f.bytes * i, x + i, width, columns, lanes);
    if (i < width) {
        uint8_t rest[FLOAT_LANES * 4] = {0};
        float xRest[COLUMNS][FLOAT_LANES] = {0};
        memcpy(rest, row + f.bytes * i, f.bytes * (width - i));
        for (int c = 0; c < columns; c++) memcpy(xRest[c], x + (size_t)c * width + i, sizeof(float) * (width - i));
        float_step(f, rest, xRest[0], FLOAT_LANES, columns, lanes);
    }
    UNROLL for (int c = 0; c < columns; c++)
        out[(size_t)c * stride] = fold4(vaddq_f32(vaddq_f32(lanes[c][0], lanes[c][2]), vaddq_f32(lanes[c][1], lanes[c][3])));
}

INLINE void float_rows(float_form f, const uint8_t *row, size_t count, size_t width, const float *x, size_t columns, float *out, size_t stride) {
    for (size_t r = 0; r < count; r++, row += f.bytes * width, out++) {
        size_t c = 0;
        for (; c + COLUMNS <= columns; c += COLUMNS) float_columns(f, row, width, x + c * width, COLUMNS, out + c * stride, stride);
        for (; c < columns; c++) float_columns(f, row, width, x + c * width, 1, out + c * stride, stride);
    }
}

#define QUANTISED_ROWS(TARGET, DOT, TYPE, PARTS, TWO, MIN)                                                              \
    TARGET static void rows_##TYPE##DOT(const uint8_t *row, size_t count, size_t width, ck_activations q, size_t columns, \
                                        float *out, size_t stride) {                                                    \
        form f = {sizeof(block_##TYPE) * (GROUP / PARTS), TWO, MIN, begin_##TYPE, unpack_##TYPE, dot##DOT};             \
        rows_of(f, row, count, width, q, columns, out, stride);                                                         \
    }
#define EVERY_QUANTISED_TYPE(TARGET, DOT)                                                                               \
    QUANTISED_ROWS(TARGET, DOT, q8_0, 1, 0, 0)                                                                          \
    QUANTISED_ROWS(TARGET, DOT, q4_0, 1, 0, 0)                                                                          \
    QUANTISED_ROWS(TARGET, DOT, q5_0, 1, 0, 0)                                                                          \
    QUANTISED_ROWS(TARGET, DOT, q4_k, 8, 0, 1)                                                                          \
    QUANTISED_ROWS(TARGET, DOT, q5_k, 8, 0, 1)                                                                          \
    QUANTISED_ROWS(TARGET, DOT, q6_k, 8, 1, 0)

#define WHOLE_ROWS(TYPE, BYTES)                                                                                         \
    static void rows_##TYPE(const uint8_t *row, size_t count, size_t width, const float *x, size_t columns, float *out, \
                            size_t stride) {                                                                            \
        float_rows((float_form){BYTES, read_##TYPE}, row, count, width, x, columns, out, stride);                       \
    }

WHOLE_ROWS(f32, 4)
WHOLE_ROWS(f16, 2)
WHOLE_ROWS(bf16, 2)

EVERY_QUANTISED_TYPE(, _by_pairs)
MULTIPLY(multiply_by_pairs, , _by_pairs)
EVERY_QUANTISED_TYPE(DOTPROD, _by_fours)
MULTIPLY(multiply_by_fours, DOTPROD, _by_fours)

static void quantize(const float *x, size_t width, size_t column, ck_activations out) {
    for (size_t b = 0; b < width / BLOCK; b++, x += BLOCK) {
        float32x4_t v[8], largest = vdupq_n_f32(0);
        UNROLL for (int i = 0; i < 8; i++) v[i] = vld1q_f32(x + 4 * i), largest = vmaxnmq_f32(largest, vabsq_f32(v[i]));
        float most = vmaxnmvq_f32(largest), inverse = most > 0 ? 127 / most : 0;
        out.scale[ck_place(out, column, b, width / BLOCK)] = (float)(__fp16)fminf(most / 127, LARGEST_HALF);
        int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        UNROLL for (size_t i = 0; i < 8; i++) {
            int32x4_t q = vcvtnq_s32_f32(vmulq_n_f32(v[i], inverse));
            sums[i / 4] = vaddq_s32(sums[i / 4], q);
            int8x8_t bytes = vmovn_s16(vcombine_s16(vmovn_s32(q), vmovn_s32(q)));
            memcpy(out.q + 4 * ck_place(out, column, b * 8 + i, width / 4), &bytes, 4);
        }
        UNROLL for (size_t i = 0; i < 2; i++) out.sum[ck_place(out, column, 2 * b + i, width / 16)] = (int16_t)vaddvq_s32(sums[i]);
    }
}

INLINE void read_bytes(const void *p, float32x4_t *v) {
    int8x16_t bytes = vld1q_s8(p);
    int16x8_t half[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
    UNROLL for (int i = 0; i < 2; i++) {
        v[2 * i] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(half[i])));
        v[2 * i + 1] = vcvtq_f32_s32(vmovl_high_s16(half[i]));
    }
}
INLINE void bytes_lanes(const void *p, lanes *out) { read_bytes(p, (float32x4_t *)out); }
INLINE void halves_lanes(const void *p, lanes *out) { read_f16(p, (float32x4_t *)out); }
INLINE void floats_lanes(const void *p, lanes *out) { read_f32(p, (float32x4_t *)out); }
ATTENTION(, bytes_lanes, halves_lanes, floats_lanes)

const ck_kernels ck_neon = {"neon", 1, 1, quantize, multiply_by_pairs, attend, gather, silu_multiply};
const ck_kernels ck_neon_dotprod = {"neon dotprod", 1, 1, quantize, multiply_by_fours, attend, gather, silu_multiply};
#endif
