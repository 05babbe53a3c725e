#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The loops that decide the speed of inference: pure functions on memory that the caller owns. Nothing here allocates, reads a file, or parses
 * input from outside; sizes were checked by the caller. Every kernel has a plain reference (`_reference`) that tests compare it with;
 * the fast form is chosen once, at load, from what the processor offers.
 *
 * Unless said otherwise: arrays are contiguous, need no alignment beyond their element's, and do not overlap.
 */

/* Tensor types by their GGUF ids. */
enum {
    CK_F32 = 0, CK_F16 = 1, CK_Q4_0 = 2, CK_Q5_0 = 6, CK_Q8_0 = 8,
    CK_Q4_K = 12, CK_Q5_K = 13, CK_Q6_K = 14, CK_BF16 = 30
};

/*
 * Activations, quantised in blocks of 32: value = scale * q; sum is that of a block's values. One after another for every column: `width` numbers and
 * width / 32 scales and sums. The scale is rounded to an IEEE half, as llama.cpp does for the types of 32, so that texts can be compared token by token.
 */
typedef struct { int8_t *q; float *scale, *sum; } ck_activations;

/* The instruction set in use: "avx2" or "plain". */
const char *ck_level(void);

/* Quantises `count` floats (a multiple of 32), rounding to -127...127. */
void ck_quantize(const float *x, size_t count, ck_activations out);

/*
 * out[c * stride + r] = weights[r, :] . x[c, :] for r in [first, last), c in [0, columns).
 *
 * weights: row-major, `width` elements a row, of `type`. For CK_F32, CK_F16 and CK_BF16 `x` is floats [columns, width] and `q` unused; for
 * the others `q` is read, `x` is unused, and width is a multiple of 32, of the _K types of 256.
 */
void ck_matmul(int type, const void *weights, size_t width, size_t first, size_t last,
               const float *x, ck_activations q, size_t columns, float *out, size_t stride);
void ck_matmul_reference(int type, const void *weights, size_t width, size_t first, size_t last,
                         const float *x, ck_activations q, size_t columns, float *out, size_t stride);

/* out[i] = row[i] as float, for `count` elements of `type`: whole blocks of quantised types. */
void ck_dequantize(int type, const void *row, size_t count, float *out);

/* out = x / sqrt(mean(x^2) + epsilon) * weight, `count` elements; out may be x. */
void ck_rms_norm(const float *x, const float *weight, size_t count, float epsilon, float *out);

/*
 * Rotates pairs of each of `heads` vectors of `width` floats; cosine and sine have `rotated` / 2 entries, rotated <= width. The pairs are
 * (2i, 2i+1), or (i, i + rotated / 2) where `halves` is not 0.
 */
void ck_rotate(float *x, size_t heads, size_t width, size_t rotated, const float *cosine, const float *sine, int halves);

/* gate = silu(gate) * up, `count` elements. */
void ck_silu_multiply(float *gate, const float *up, size_t count);

/* x += y, `count` elements. */
void ck_add(float *x, const float *y, size_t count);

/*
 * Attention of one query head over `positions` cached keys and values: out = softmax(scale * K q) V.
 * Row p of keys and values starts at p * stride; each has `width` floats. `scores` is scratch for `positions` floats.
 */
void ck_attend(const float *query, const float *keys, const float *values, size_t stride, size_t positions,
               size_t width, float scale, float *scores, float *out);

/* Overwrites memory in a way the compiler keeps. */
void ck_wipe(void *memory, size_t count);

/*
 * A pool of threads for loops of some microseconds. It lives here because its hand-over is a few C11 atomics and a futex: workers spin for about
 * 2,000 pauses after a loop and then sleep. The caller is one of the `threads`; chunks are handed out by a counter, so a
 * thread that lost its core delays only its own chunk. One loop at a time.
 */
typedef struct ck_pool ck_pool;
ck_pool *ck_pool_create(size_t threads);
void ck_pool_run(ck_pool *pool, size_t chunks, void (*body)(void *context, size_t chunk), void *context);
void ck_pool_destroy(ck_pool *pool);

#endif
