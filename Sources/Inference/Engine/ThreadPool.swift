import CKernels

/// The engine's own threads.
///
/// Loops are short and many; Swift's tasks would cost more than the work.
final class ThreadPool: @unchecked Sendable {
    /// What is done for each chunk, by any thread.
    ///
    /// Made once and run often: making one takes memory, running it does not.
    final class Loop {
        fileprivate let body: (_ chunk: Int) -> Void

        init(_ body: @escaping (_ chunk: Int) -> Void) { self.body = body }
    }

    let threads: Int
    private let pool: OpaquePointer

    init(threads: Int) throws(InferenceError) {
        guard let pool = ck_pool_create(threads) else { throw .outOfMemory }
        (self.pool, self.threads) = (pool, threads)
    }

    deinit { ck_pool_destroy(pool) }

    /// Runs `loop` for 0..<chunks on all threads and returns when all are done.
    ///
    /// One caller at a time.
    func run(_ chunks: Int, _ loop: Loop) {
        ck_pool_run(
            pool, chunks,
            { context, chunk in
                guard let context else { return }
                Unmanaged<Loop>.fromOpaque(context).takeUnretainedValue().body(chunk)
            }, Unmanaged.passUnretained(loop).toOpaque())
    }
}
