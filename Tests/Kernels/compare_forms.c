/*
 * Compares every form of the kernels that a processor runs with the plain one, bit by bit, and prints their names and a digest of the plain results, which
 * is the same on every processor. `compare_forms.py` builds it for aarch64; KernelTests.swift and AttentionTests.swift do the same with the engine's own build.
 */
#include "blocks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 7, COLUMNS = 6, WIDEST = 2304, POSITIONS = 300 };

static uint64_t state = 1, digest = 14695981039346656037u;

static uint32_t number(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 32);
}
static void fill(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] = (float)(int32_t)number() * 0x1p-30f;
}
static void note(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) digest = (digest ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

/* Notes what the plain form gave, and ends the program where another gave something else. */
static void expect(const ck_kernels *form, const void *result, const void *plain, size_t bytes, const char *what, int type, size_t width) {
    if (form->name[0] == 'p') note(plain, bytes);
    else if (memcmp(result, plain, bytes) != 0) {
        printf("%s: %s differs, type %d, width %zu\n", form->name, what, type, width);
        exit(1);
    }
}

static const ck_kernels *plain(void) {
    size_t last = 0;
    while (ck_kernels_at(last + 1)) last++;
    return ck_kernels_at(last);
}

/* Any bits, but scales that are small numbers. */
static void fill_weights(int type, uint8_t *bytes, size_t count) {
    size_t block = ck_row_bytes(type, ck_block_count(type)), scale = type == CK_Q6_K ? 208 : 0, scales = type == CK_Q4_K || type == CK_Q5_K ? 2 : 1;
    if (type == CK_F32) return fill((float *)bytes, count / 4);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)number();
    for (size_t i = 0; i < count; i += block)
        for (size_t s = 0; s < scales; s++) bytes[i + scale + 2 * s + 1] = (type == CK_BF16 ? 0x3c : 0x20) | (bytes[i] & 3);
}

static float x[COLUMNS * WIDEST], out[2][COLUMNS * ROWS];
static uint8_t weights[ROWS * WIDEST * 4];

typedef struct { int8_t q[COLUMNS * WIDEST]; float scale[COLUMNS * WIDEST / BLOCK]; int16_t sum[COLUMNS * WIDEST / 16]; } columns_of;
static columns_of quantised[2];

static ck_activations quantise(const ck_kernels *form, size_t width, columns_of *room) {
    ck_activations q = {room->q, room->scale, room->sum, 1};
    for (size_t c = 0; c < COLUMNS && width % BLOCK == 0; c++) form->quantize(x + c * width, width, c, q);
    return q;
}

static void products(int type, size_t width) {
    fill_weights(type, weights, ROWS * ck_row_bytes(type, width));
    fill(x, COLUMNS * width);
    memset(quantised, 0, sizeof quantised);
    ck_activations q = quantise(plain(), width, &quantised[0]);
    plain()->multiply(type, weights, width, 0, ROWS, x, q, COLUMNS, out[0], ROWS);
    for (size_t i = 0; ck_kernels_at(i); i++) {
        const ck_kernels *form = ck_kernels_at(i);
        quantise(form, width, &quantised[1]);
        expect(form, &quantised[1], &quantised[0], sizeof quantised[0], "rounding", type, width);
        form->multiply(type, weights, width, 0, 3, x, q, COLUMNS, out[1], ROWS);
        form->multiply(type, weights, width, 3, ROWS, x, q, COLUMNS, out[1], ROWS);
        expect(form, out[1], out[0], sizeof out[0], "a product", type, width);
    }
}

static uint8_t keys[POSITIONS * 128 * 8], values[POSITIONS * 128 * 8];
static float attended[2][COLUMNS * 2 * 130];

static void attention(int type, size_t width) {
    ck_memory memory = {type, keys, values, width};
    size_t first = 250, partial = 2 + ck_padded(width);
    memset(keys, 0, sizeof keys), memset(values, 0, sizeof values);
    for (size_t p = 0; p < first + COLUMNS; p++) {
        fill(x, 2 * width);
        ck_remember(&memory, p, x, x + width);
    }
    fill(x, COLUMNS * 2 * width);
    for (size_t i = 0; ck_kernels_at(i); i++) {
        const ck_kernels *form = ck_kernels_at(i);
        for (int k = 0; k < 2; k++)
            ck_attend(k ? form : plain(), &memory, x, 2 * width, COLUMNS, 2, first, 0, 2, 0.1f, attended[k], partial);
        expect(form, attended[1], attended[0], COLUMNS * 2 * partial * sizeof(float), "attention", type, width);
    }
}

static void silu(size_t count) {
    fill(x, 2 * count);
    for (size_t i = 0; ck_kernels_at(i); i++) {
        for (int k = 0; k < 2; k++) {
            memcpy(attended[k], x, count * sizeof *x);
            (k ? ck_kernels_at(i) : plain())->silu_multiply(attended[k], x + count, count);
        }
        expect(ck_kernels_at(i), attended[1], attended[0], count * sizeof *x, "silu", 0, count);
    }
}

int main(void) {
    const int types[] = {CK_F32, CK_F16, CK_BF16, CK_Q8_0, CK_Q4_0, CK_Q5_0, CK_Q4_K, CK_Q5_K, CK_Q6_K};
    const size_t any[] = {1, 7, 31, 32, 33, 100, 896}, small[] = {32, 64, 96, 256, 896, 2080}, whole[] = {256, 512, 768, 1024, 2048, 2304};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < 6; i++) products(types[t], ck_block_count(types[t]) == 1 ? any[i + 1] : ck_block_count(types[t]) == 32 ? small[i] : whole[i]);
    const int stored[] = {CK_F32, CK_F16, CK_Q8_0};
    const size_t widths[] = {8, 40, 64, 80, 128};
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < 5; i++) attention(stored[t], widths[i]);
    for (size_t count = 1; count < 100; count += 7) silu(count);
    for (size_t i = 0; ck_kernels_at(i); i++) printf("%s, ", ck_kernels_at(i)->name);
    printf("digest %016llx\n", (unsigned long long)digest);
    return 0;
}
