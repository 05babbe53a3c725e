import Glibc

/// A file mapped read-only, or memory that is there anyway.
///
/// Never written; unmapped with its last owner.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// What is mapped, so that the very same file can be handed on; nil for memory.
    let descriptor: Int32?

    convenience init(path: String, followingLinks: Bool = true) throws(InferenceError) {
        // Not blocking: a pipe in the place of a file must not hold us up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { throw .cannotOpen(code: errno) }
        do throws(InferenceError) { try self.init(descriptor: descriptor) } catch {
            close(descriptor)
            throw error
        }
    }

    /// Takes a descriptor over if it throws nothing.
    init(descriptor: Int32) throws(InferenceError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .cannotOpen(code: EINVAL)
        }
        guard status.st_size > 0 else { throw .notGGUF }
        let count = Int(status.st_size)
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw .cannotOpen(code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
        self.descriptor = descriptor
    }

    init(static bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        descriptor = nil
    }

    deinit {
        guard let descriptor else { return }
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        close(descriptor)
    }
}
