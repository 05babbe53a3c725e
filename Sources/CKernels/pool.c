#include "ckernels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 2000 };

/*
 * A ticket says how many chunks a loop has and which is next. Taking a chunk is one addition, and the answer is whole: a thread that comes late to a finished
 * loop sees that nothing is left and reads nothing else. The caller waits for chunks, not for threads, so that a thread without a core delays nobody.
 */
enum { BITS = 32 };

struct ck_pool {
    size_t workers;
    pthread_t *handles;
    void (*body)(void *, size_t);
    void *context;
    _Atomic uint64_t ticket;
    _Atomic uint32_t done;
    _Atomic uint32_t generation; /* what sleepers wait on */
    _Atomic uint32_t sleepers;
    _Atomic int stopping;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_chunks(ck_pool *pool) {
    for (;;) {
        uint64_t ticket = atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_acq_rel);
        size_t next = (uint32_t)ticket, chunks = ticket >> BITS;
        if (next >= chunks) return;
        pool->body(pool->context, next);
        atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    }
}

static void wait_for_change(ck_pool *pool, uint32_t seen) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
        pause_briefly();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen)
        syscall(SYS_futex, &pool->generation, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void *work(void *argument) {
    ck_pool *pool = argument;
    uint32_t seen = 0;
    for (;;) {
        wait_for_change(pool, seen);
        seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (atomic_load(&pool->stopping)) return NULL;
        take_chunks(pool);
    }
}

static void start_generation(ck_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0)
        syscall(SYS_futex, &pool->generation, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

ck_pool *ck_pool_create(size_t threads) {
    ck_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->handles = calloc(threads, sizeof *pool->handles);
    if (!pool->handles) {
        free(pool);
        return NULL;
    }
    for (size_t i = 1; i < threads; i++) {
        if (pthread_create(&pool->handles[pool->workers], NULL, work, pool) != 0) break;
        pool->workers++;
    }
    return pool;
}

void ck_pool_run(ck_pool *pool, size_t chunks, void (*body)(void *, size_t), void *context) {
    if (pool->workers == 0 || chunks < 2 || chunks > INT32_MAX) {
        for (size_t chunk = 0; chunk < chunks; chunk++) body(context, chunk);
        return;
    }
    pool->body = body;
    pool->context = context;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->ticket, (uint64_t)chunks << BITS, memory_order_release);
    start_generation(pool);
    take_chunks(pool);
    for (int spin = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < chunks; spin++) {
        if (spin < SPINS) pause_briefly();
        else sched_yield();
    }
}

void ck_pool_destroy(ck_pool *pool) {
    atomic_store(&pool->stopping, 1);
    start_generation(pool);
    for (size_t i = 0; i < pool->workers; i++) pthread_join(pool->handles[i], NULL);
    free(pool->handles);
    free(pool);
}
