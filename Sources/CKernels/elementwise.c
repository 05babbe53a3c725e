#include "ckernels.h"

#include <math.h>
#include <string.h>

/* The same bits on every processor. */
#pragma STDC FP_CONTRACT OFF

/* Loops whose cost is their memory traffic: the compiler vectorises them for whatever the build allows. */

void ck_rms_norm(const float *x, const float *weight, size_t count, float epsilon, float *out) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
    float scale = 1 / sqrtf((float)(sum / (double)count) + epsilon);
    for (size_t i = 0; i < count; i++) out[i] = x[i] * scale * weight[i];
}

void ck_rotate(float *x, size_t heads, size_t width, size_t rotated, const float *cosine, const float *sine, int halves) {
    size_t step = halves ? 1 : 2, gap = halves ? rotated / 2 : 1;
    for (size_t h = 0; h < heads; h++, x += width)
        for (size_t i = 0; i < rotated / 2; i++) {
            float a = x[i * step], b = x[i * step + gap];
            x[i * step] = a * cosine[i] - b * sine[i];
            x[i * step + gap] = a * sine[i] + b * cosine[i];
        }
}

void ck_add(float *x, const float *y, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] += y[i];
}

void ck_wipe(void *memory, size_t count) {
    memset(memory, 0, count);
    __asm__ volatile("" ::"r"(memory) : "memory");
}
