#include "blocks.h"

/* The plain forms: what every fast kernel must agree with, and what runs where no fast one fits. */

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

void ck_dequantize(int type, const void *row, size_t count, float *out) {
    switch (type) {
    case CK_F32:
        for (size_t i = 0; i < count; i++) out[i] = ((const float *)row)[i];
        break;
    case CK_F16:
        for (size_t i = 0; i < count; i++) out[i] = ck_half_to_float(((const uint16_t *)row)[i]);
        break;
    case CK_Q8_0:
        for (size_t b = 0; b < count / 32; b++) {
            const block_q8_0 *block = (const block_q8_0 *)row + b;
            float d = ck_half_to_float(block->d);
            for (int j = 0; j < 32; j++) out[b * 32 + j] = d * block->q[j];
        }
        break;
    case CK_Q4_0:
        for (size_t b = 0; b < count / 32; b++) {
            const block_q4_0 *block = (const block_q4_0 *)row + b;
            float d = ck_half_to_float(block->d);
            for (int j = 0; j < 16; j++) {
                out[b * 32 + j] = d * ((block->q[j] & 15) - 8);
                out[b * 32 + j + 16] = d * ((block->q[j] >> 4) - 8);
            }
        }
        break;
    }
}

size_t ck_row_bytes(int type, size_t width) {
    switch (type) {
    case CK_F32: return width * 4;
    case CK_F16: return width * 2;
    case CK_Q8_0: return width / 32 * sizeof(block_q8_0);
    default: return width / 32 * sizeof(block_q4_0);
    }
}

static float dot_blocks(int type, const void *row, size_t width, const ck_block *q) {
    float sum = 0;
    for (size_t b = 0; b < width / 32; b++) {
        float w[32];
        ck_dequantize(type, (const uint8_t *)row + ck_row_bytes(type, 32) * b, 32, w);
        for (int j = 0; j < 32; j++) sum += w[j] * q[b].scale * q[b].q[j];
    }
    return sum;
}

static float dot_floats(int type, const void *row, size_t width, const float *x) {
    float sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += x[i] * (type == CK_F32 ? ((const float *)row)[i] : ck_half_to_float(((const uint16_t *)row)[i]));
    return sum;
}

void ck_matmul_reference(int type, const void *weights, size_t width, size_t first, size_t last,
                         const float *x, const ck_block *q, size_t columns, float *out, size_t stride) {
    for (size_t r = first; r < last; r++) {
        const uint8_t *row = (const uint8_t *)weights + r * ck_row_bytes(type, width);
        for (size_t c = 0; c < columns; c++)
            out[c * stride + r] = type == CK_F32 || type == CK_F16 ? dot_floats(type, row, width, x + c * width)
                                                                   : dot_blocks(type, row, width, q + c * (width / 32));
    }
}
