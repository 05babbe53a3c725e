#include "blocks.h"

/* Weights as floats, one value after another: what the fast forms are compared with. */

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

static void q8_0(const block_q8_0 *block, float *out) {
    float d = ck_half_to_float(block->d);
    for (int j = 0; j < 32; j++) out[j] = d * block->q[j];
}

static void q4_0(const block_q4_0 *block, float *out) {
    float d = ck_half_to_float(block->d);
    for (int j = 0; j < 16; j++) {
        out[j] = d * ((block->q[j] & 15) - 8);
        out[j + 16] = d * ((block->q[j] >> 4) - 8);
    }
}

static void q5_0(const block_q5_0 *block, float *out) {
    float d = ck_half_to_float(block->d);
    for (int j = 0; j < 32; j++) {
        int nibble = j < 16 ? block->q[j] & 15 : block->q[j - 16] >> 4;
        out[j] = d * ((nibble | (block->high[j / 8] >> j % 8 & 1) << 4) - 16);
    }
}

/* Q4_K where high is NULL, else Q5_K. */
static void q45_k(uint16_t half, uint16_t halfMin, const uint8_t *scales, const uint8_t *high, const uint8_t *q, float *out) {
    float d = ck_half_to_float(half), dmin = ck_half_to_float(halfMin);
    for (int s = 0; s < 8; s++) {
        uint8_t scale, min;
        ck_scale_and_min(scales, s, &scale, &min);
        for (int l = 0; l < 32; l++) {
            int n = q[s / 2 * 32 + l] >> s % 2 * 4 & 15;
            if (high) n |= (high[l] >> s & 1) << 4;
            out[s * 32 + l] = d * scale * n - dmin * min;
        }
    }
}

static void q6_k(const block_q6_k *block, float *out) {
    float d = ck_half_to_float(block->d);
    for (int s = 0; s < 8; s++) {
        const uint8_t *q = block->q + s / 4 * 64 + s % 2 * 32, *high = block->high + s / 4 * 32;
        for (int l = 0; l < 32; l++) {
            int n = (q[l] >> s % 4 / 2 * 4 & 15) | (high[l] >> s % 4 * 2 & 3) << 4;
            out[s * 32 + l] = d * block->scales[s * 2 + l / 16] * (n - 32);
        }
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

static void dequantize_block(int type, const void *block, float *out) {
    switch (type) {
    case CK_F32: *out = *(const float *)block; break;
    case CK_F16: *out = ck_half_to_float(*(const uint16_t *)block); break;
    case CK_BF16: *out = ck_bfloat_to_float(*(const uint16_t *)block); break;
    case CK_Q8_0: q8_0(block, out); break;
    case CK_Q4_0: q4_0(block, out); break;
    case CK_Q5_0: q5_0(block, out); break;
    case CK_Q4_K: {
        const block_q4_k *b = block;
        q45_k(b->d, b->dmin, b->scales, NULL, b->q, out);
        break;
    }
    case CK_Q5_K: {
        const block_q5_k *b = block;
        q45_k(b->d, b->dmin, b->scales, b->high, b->q, out);
        break;
    }
    case CK_Q6_K: q6_k(block, out); break;
    }
}

void ck_dequantize(int type, const void *row, size_t count, float *out) {
    size_t values = ck_block_count(type), bytes = block_bytes(type);
    for (size_t b = 0; b < count / values; b++) dequantize_block(type, (const uint8_t *)row + b * bytes, out + b * values);
}
