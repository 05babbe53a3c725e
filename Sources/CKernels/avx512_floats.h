#ifndef CK_AVX512_FLOATS_H
#define CK_AVX512_FLOATS_H

/* Weights without blocks: tiles of rows by columns, each pair with a register of sums, so that a row is read once for several columns. */
#include "avx512_unpack.h"

enum { FLOAT_ROWS = 6, FLOAT_COLUMNS = 4, FLOAT_BLOCK = 48 };

INLINE512 __m512 read512_f32(const void *p) { return _mm512_loadu_ps(p); }
INLINE512 __m512 read512_f16(const void *p) { return _mm512_cvtph_ps(load(p)); }
INLINE512 __m512 read512_bf16(const void *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load(p)), 16));
}

INLINE512 float fold16(__m512 v) { return sum8(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1))); }

/* How a type is read. */
typedef struct { size_t bytes; __m512 (*read)(const void *); } float_form;

/* Adds sixteen values of each row and column; rows and columns lie so many bytes and floats apart. */
INLINE512 void float_step(float_form f, const uint8_t *row, size_t apart, int rows, const float *x, size_t step, int columns,
                          __m512 sums[FLOAT_ROWS][FLOAT_COLUMNS]) {
    __m512 w[FLOAT_ROWS];
    UNROLL for (int r = 0; r < rows; r++) w[r] = f.read(row + (size_t)r * apart);
    UNROLL for (int c = 0; c < columns; c++) {
        __m512 v = _mm512_loadu_ps(x + (size_t)c * step);
        UNROLL for (int r = 0; r < rows; r++) sums[r][c] = _mm512_fmadd_ps(w[r], v, sums[r][c]);
    }
}

/* `ahead`: how many bytes later the weights lie that are to be fetched meanwhile; 0: none. */
INLINE512 void float_tile(float_form f, const uint8_t *row, int rows, size_t ahead, const float *x, int columns, size_t width, float *out,
                          size_t stride) {
    __m512 sums[FLOAT_ROWS][FLOAT_COLUMNS];
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int c = 0; c < columns; c++) sums[r][c] = _mm512_setzero_ps();
    size_t i = 0, apart = f.bytes * width;
    for (; i + FLOAT_LANES <= width; i += FLOAT_LANES) {
        if (ahead) UNROLL for (int r = 0; r < rows; r++) fetch(row + (size_t)r * apart + f.bytes * i + ahead, 1);
        float_step(f, row + f.bytes * i, apart, rows, x + i, width, columns, sums);
    }
    if (i < width) {
        uint8_t rest[FLOAT_ROWS][FLOAT_LANES * 4] = {0};
        float xRest[FLOAT_COLUMNS][FLOAT_LANES] = {0};
        for (int r = 0; r < rows; r++) memcpy(rest[r], row + (size_t)r * apart + f.bytes * i, f.bytes * (width - i));
        for (int c = 0; c < columns; c++) memcpy(xRest[c], x + (size_t)c * width + i, sizeof(float) * (width - i));
        float_step(f, rest[0], sizeof rest[0], rows, xRest[0], FLOAT_LANES, columns, sums);
    }
    UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int r = 0; r < rows; r++) out[(size_t)c * stride + (size_t)r] = fold16(sums[r][c]);
}

/* The first columns bring the rows of the next tile near. One column alone reads row after row, as the processor reads ahead best. */
INLINE512 void float_columns(float_form f, const uint8_t *row, size_t count, const float *x, int columns, int isFirst, int isAlone, size_t width,
                             float *out, size_t stride) {
    size_t r = 0, bytes = f.bytes * width;
    if (!isAlone)
        for (; r + FLOAT_ROWS <= count; r += FLOAT_ROWS)
            float_tile(f, row + bytes * r, FLOAT_ROWS, isFirst ? FLOAT_ROWS * bytes : 0, x, columns, width, out + r, stride);
    for (; r < count; r++) float_tile(f, row + bytes * r, 1, AHEAD, x, columns, width, out + r, stride);
}

/* All columns of some rows, four at a time. */
INLINE512 void float_block(float_form f, const uint8_t *row, size_t count, size_t width, const float *x, size_t columns, float *out, size_t stride) {
    for (size_t c = 0; c < columns; c += FLOAT_COLUMNS, x += FLOAT_COLUMNS * width, out += FLOAT_COLUMNS * stride)
        switch (columns - c) {
        case 1: float_columns(f, row, count, x, 1, 0, columns == 1, width, out, stride); break;
        case 2: float_columns(f, row, count, x, 2, c == 0, 0, width, out, stride); break;
        case 3: float_columns(f, row, count, x, 3, c == 0, 0, width, out, stride); break;
        default: float_columns(f, row, count, x, FLOAT_COLUMNS, c == 0, 0, width, out, stride); break;
        }
}

/* Rows that many columns share come in blocks that stay in the near cache meanwhile. */
INLINE512 void float_rows(float_form f, const uint8_t *row, size_t count, size_t width, const float *x, size_t columns, float *out, size_t stride) {
    size_t block = columns > FLOAT_COLUMNS ? FLOAT_BLOCK : count;
    for (size_t r = 0; r < count; r += block)
        float_block(f, row + f.bytes * width * r, count - r < block ? count - r : block, width, x, columns, out + r, stride);
}

#endif
