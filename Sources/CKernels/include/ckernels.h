#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The loops that decide the speed of inference: pure functions on memory that the caller owns. Nothing here allocates, reads a file, or parses
 * input from outside; sizes were checked by the caller.
 *
 * Unless said otherwise: arrays are contiguous, need no alignment beyond their element's, and do not overlap.
 */

/* Tensor types by their GGUF ids. */
enum {
    CK_F32 = 0, CK_F16 = 1, CK_Q4_0 = 2, CK_Q5_0 = 6, CK_Q8_0 = 8,
    CK_Q4_K = 12, CK_Q5_K = 13, CK_Q6_K = 14, CK_BF16 = 30
};

/*
 * Activations, quantised in blocks of 32: value = scale * q. A column of `width` values has width / 32 scales, and width / 16 sums of 16 q each. The scale
 * is rounded to an IEEE half, as llama.cpp does for the types of 32, so that texts can be compared token by token.
 *
 * `lanes` columns at a time lie interleaved: by words of four q, by scales, by sums. With one lane a column is contiguous.
 */
typedef struct { int8_t *q; float *scale; int16_t *sum; size_t lanes; } ck_activations;

/*
 * What one head of a layer remembers: `width` numbers of a key and of a value per position, CK_F32, CK_F16 or CK_Q8_0, in blocks of 16 positions. A block of
 * keys is [width][16], so that a score needs no sum across a register; one of values is [16][ck_padded(width)]. There is room for a multiple of 32 positions.
 *
 * CK_Q8_0: number = scale * q with a half for each position and 32 of `width`, the last of them perhaps fewer; [ceil(width / 32)][16] of those come first in
 * each block. Its scores are summed 32 elements at a time and then scaled, and so are the weights of the values.
 */
typedef struct { int type; void *keys, *values; size_t width; } ck_memory;

/* Attention goes over spans of so many positions, which begin at its multiples. */
enum { CK_SPAN = 256 };

typedef struct ck_queries ck_queries;

/*
 * The kernels in the form of one instruction set. All forms give the same bits, whatever the number of columns, the lanes and the range of rows, because the
 * order of additions is part of the contract:
 *
 * Quantised types: the products of a block of 32 are summed as integers (where the halves of a block differ in scale, each half is a block of 16), and
 *     lane[block % 8] = fma(sum, weight scale * x scale, lane[block % 8]),  then, where there is a minimum,  fma(-minimum, x scale * sum of q, ...)
 * from the first block to the last. After every 64 blocks, and at the end, the eight lanes are folded in halves and added to the result.
 * Other types: lane[i % 16] = fma(w, x, lane[i % 16]) for 16 lanes, folded in halves at the end.
 */
typedef struct {
    const char *name; /* "avx512", "avx2 vnni", "avx2", "neon dotprod", "neon" or "plain" */
    size_t lanes;     /* in which many columns are multiplied fastest */
    size_t few;       /* up to so many columns are multiplied faster one beside the other than interleaved */

    /* Quantises `width` floats (a multiple of 32), rounding to -127...127, as column `column` of out. */
    void (*quantize)(const float *x, size_t width, size_t column, ck_activations out);

    /*
     * out[c * stride + r] = weights[r, :] . x[c, :] for r in [first, last), c in [0, columns).
     *
     * weights: row-major, `width` elements a row, of `type`. For CK_F32, CK_F16 and CK_BF16 `x` is floats [columns, width] and `q` unused; for
     * the others `q` is read, `x` is unused, and width is a multiple of 32, of the _K types of 256. q.lanes is 1 or the form's `lanes`; the columns
     * that fill up the last lanes may hold anything.
     */
    void (*multiply)(int type, const void *weights, size_t width, size_t first, size_t last,
                     const float *x, ck_activations q, size_t columns, float *out, size_t stride);

    /* See ck_attend and ck_gather. */
    void (*attend)(const ck_memory *memory, size_t first, const ck_queries *queries, float scale, float *const *partials);
    void (*gather)(const float *partials, size_t count, size_t width, float *out);

    /* gate = silu(gate) * up, `count` elements. */
    void (*silu_multiply)(float *gate, const float *up, size_t count);
} ck_kernels;

/* The forms that this processor runs, the fastest at 0, the plain reference last; NULL behind it. */
const ck_kernels *ck_kernels_at(size_t index);

/* out[i] = row[i] as float, for `count` elements of `type`: whole blocks of quantised types. */
void ck_dequantize(int type, const void *row, size_t count, float *out);

/* out = x / sqrt(mean(x^2) + epsilon) * weight, `count` elements; out may be x. */
void ck_rms_norm(const float *x, const float *weight, size_t count, float epsilon, float *out);

/*
 * Rotates pairs of each of `heads` vectors of `width` floats; cosine and sine have `rotated` / 2 entries, rotated <= width. The pairs are
 * (2i, 2i+1), or (i, i + rotated / 2) where `halves` is not 0.
 */
void ck_rotate(float *x, size_t heads, size_t width, size_t rotated, const float *cosine, const float *sine, int halves);

/* x += y, `count` elements. */
void ck_add(float *x, const float *y, size_t count);

/* The numbers of a value as they are stored: a multiple of 16. */
size_t ck_padded(size_t width);

/* Bytes of a head's keys, and of its values; positions are a multiple of 16. */
size_t ck_key_bytes(int type, size_t width, size_t positions);
size_t ck_value_bytes(int type, size_t width, size_t positions);

/* Stores the key and the value of a position, and zeroes those of [first, last). */
void ck_remember(const ck_memory *memory, size_t position, const float *key, const float *value);
void ck_forget(const ck_memory *memory, size_t first, size_t last);

/*
 * Attention of `group` heads, which share a memory, for `columns` tokens at the positions from `position` on, each over its own and all earlier ones:
 * out = softmax(scale * K q) V. Only `spans` spans from `span` on are looked at: what comes of them is, for each query, a partial result of
 * 2 + ck_padded(width) floats. Query r of column c lies at query + c * stride + r * width; its result at partials + (c * group + r) * apart.
 */
void ck_attend(const ck_kernels *kernels, const ck_memory *memory, const float *query, size_t stride, size_t columns, size_t group,
               size_t position, size_t span, size_t spans, float scale, float *partials, size_t apart);

/* kernels->gather: out = what `count` partial results of one query, of spans that follow one another, come to: `width` floats. */

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
