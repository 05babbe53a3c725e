#include "blocks.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const ck_kernels *const forms[] = {
#if defined(__x86_64__)
    &ck_avx512, &ck_avx2_vnni, &ck_avx2,
#elif defined(__aarch64__)
    &ck_neon_dotprod, &ck_neon,
#endif
    &ck_plain,
};

static int runs_here(const ck_kernels *form) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    if (form == &ck_avx2) return avx2;
    if (form == &ck_avx2_vnni) return avx2 && __builtin_cpu_supports("avxvnni");
    if (form == &ck_avx512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
    if (form == &ck_neon) return 1;
    if (form == &ck_neon_dotprod) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
    return form == &ck_plain;
}

const ck_kernels *ck_kernels_at(size_t index) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (runs_here(forms[i]) && index-- == 0) return forms[i];
    return NULL;
}
