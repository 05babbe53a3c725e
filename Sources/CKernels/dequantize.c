#include "blocks.h"

#include <string.h>

/* The same bits on every processor. */
#pragma STDC FP_CONTRACT OFF

/* How each type spells its values, one after another: what the fast forms are compared with. */

float ck_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    union { uint32_t bits; float value; } out;
    if (exponent == 0) {
        out.value = (float)mantissa * 0x1p-24f;
        out.bits |= sign;
    } else if (exponent == 31) {
        out.bits = sign | 0x7f800000 | mantissa << 13;
    } else {
        out.bits = sign | (exponent + 112) << 23 | mantissa << 13;
    }
    return out.value;
}

static void q8_0(const block_q8_0 *block, ck_block *out) {
    out->scale[0] = out->scale[1] = ck_half_to_float(block->d);
    memcpy(out->w, block->q, BLOCK);
}

static void q4_0(const block_q4_0 *block, ck_block *out) {
    out->scale[0] = out->scale[1] = ck_half_to_float(block->d);
    for (int j = 0; j < BLOCK; j++) out->w[j] = (int8_t)((block->q[j % 16] >> j / 16 * 4 & 15) - 8);
}

static void q5_0(const block_q5_0 *block, ck_block *out) {
    out->scale[0] = out->scale[1] = ck_half_to_float(block->d);
    for (int j = 0; j < BLOCK; j++) {
        int bit = block->high[j / 8] >> j % 8 & 1;
        out->w[j] = (int8_t)(((block->q[j % 16] >> j / 16 * 4 & 15) | bit << 4) - 16);
    }
}

/* Part s of Q4_K where high is NULL, else of Q5_K. */
static void q45_k(uint16_t d, uint16_t dmin, const uint8_t *packed, const uint8_t *high, const uint8_t *q, int s, ck_block *out) {
    int scale = s < 4 ? packed[s] & 63 : (packed[s + 4] & 15) | packed[s - 4] >> 6 << 4;
    int min = s < 4 ? packed[s + 4] & 63 : packed[s + 4] >> 4 | packed[s] >> 6 << 4;
    out->scale[0] = out->scale[1] = ck_half_to_float(d) * (float)scale;
    out->min = ck_half_to_float(dmin) * (float)min;
    for (int j = 0; j < BLOCK; j++) {
        int bit = high ? high[j] >> s & 1 : 0;
        out->w[j] = (int8_t)((q[s / 2 * 32 + j] >> s % 2 * 4 & 15) | bit << 4);
    }
}

static void q6_k(const block_q6_k *block, int s, ck_block *out) {
    const uint8_t *q = block->q + s / 4 * 64 + s % 2 * 32, *high = block->high + s / 4 * 32;
    for (int i = 0; i < 2; i++) out->scale[i] = ck_half_to_float(block->d) * (float)block->scales[2 * s + i];
    for (int j = 0; j < BLOCK; j++) out->w[j] = (int8_t)(((q[j] >> s % 4 / 2 * 4 & 15) | (high[j] >> s % 4 * 2 & 3) << 4) - 32);
}

void ck_read_block(int type, const void *row, size_t b, ck_block *out) {
    int s = b % 8;
    out->min = 0;
    switch (type) {
    case CK_Q8_0: q8_0((const block_q8_0 *)row + b, out); break;
    case CK_Q4_0: q4_0((const block_q4_0 *)row + b, out); break;
    case CK_Q5_0: q5_0((const block_q5_0 *)row + b, out); break;
    case CK_Q4_K: {
        const block_q4_k *k = (const block_q4_k *)row + b / 8;
        q45_k(k->d, k->dmin, k->scales, NULL, k->q, s, out);
        break;
    }
    case CK_Q5_K: {
        const block_q5_k *k = (const block_q5_k *)row + b / 8;
        q45_k(k->d, k->dmin, k->scales, k->high, k->q, s, out);
        break;
    }
    case CK_Q6_K: q6_k((const block_q6_k *)row + b / 8, s, out); break;
    }
}

size_t ck_block_count(int type) {
    switch (type) {
    case CK_F32: case CK_F16: case CK_BF16: return 1;
    case CK_Q4_K: case CK_Q5_K: case CK_Q6_K: return 256;
    default: return 32;
    }
}

static size_t block_bytes(int type) {
    switch (type) {
    case CK_F32: return 4;
    case CK_F16: case CK_BF16: return 2;
    case CK_Q8_0: return sizeof(block_q8_0);
    case CK_Q5_0: return sizeof(block_q5_0);
    case CK_Q4_K: return sizeof(block_q4_k);
    case CK_Q5_K: return sizeof(block_q5_k);
    case CK_Q6_K: return sizeof(block_q6_k);
    default: return sizeof(block_q4_0);
    }
}

size_t ck_row_bytes(int type, size_t width) { return width / ck_block_count(type) * block_bytes(type); }

static float value_at(int type, const void *row, size_t i) {
    switch (type) {
    case CK_F16: return ck_half_to_float(((const uint16_t *)row)[i]);
    case CK_BF16: return ck_bfloat_to_float(((const uint16_t *)row)[i]);
    default: return ((const float *)row)[i];
    }
}

void ck_dequantize(int type, const void *row, size_t count, float *out) {
    if (ck_block_count(type) == 1) {
        for (size_t i = 0; i < count; i++) out[i] = value_at(type, row, i);
        return;
    }
    for (size_t b = 0; b < count / BLOCK; b++) {
        ck_block block;
        ck_read_block(type, row, b, &block);
        for (int j = 0; j < BLOCK; j++) out[b * BLOCK + (size_t)j] = block.scale[j / 16] * (float)block.w[j] - block.min;
    }
}
