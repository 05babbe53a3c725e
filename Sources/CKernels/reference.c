#include "blocks.h"

/* The plain form of the product: what every fast kernel must agree with, and what runs where no fast one fits. */

static float dot_blocks(int type, const uint8_t *row, size_t width, ck_activations q) {
    size_t values = ck_block_count(type), bytes = ck_row_bytes(type, values);
    float sum = 0;
    for (size_t b = 0; b < width / values; b++) {
        float w[256];
        ck_dequantize(type, row + b * bytes, values, w);
        for (size_t j = 0, i = b * values; j < values; j++, i++) sum += w[j] * q.scale[i / 32] * q.q[i];
    }
    return sum;
}

static float dot_floats(int type, const uint8_t *row, size_t width, const float *x) {
    size_t bytes = ck_row_bytes(type, 1);
    float sum = 0;
    for (size_t i = 0; i < width; i++) {
        float w;
        ck_dequantize(type, row + i * bytes, 1, &w);
        sum += x[i] * w;
    }
    return sum;
}

void ck_matmul_reference(int type, const void *weights, size_t width, size_t first, size_t last,
                         const float *x, ck_activations q, size_t columns, float *out, size_t stride) {
    for (size_t r = first; r < last; r++) {
        const uint8_t *row = (const uint8_t *)weights + r * ck_row_bytes(type, width);
        for (size_t c = 0; c < columns; c++)
            out[c * stride + r] = ck_block_count(type) == 1 ? dot_floats(type, row, width, x + c * width)
                                                            : dot_blocks(type, row, width, ck_column(q, c, width));
    }
}
