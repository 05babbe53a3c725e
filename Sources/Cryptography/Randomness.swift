import Crypto
import Foundation

/// Random bytes from the system's generator.
public func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}

/// SHA-256 (FIPS 180-4), 32 bytes.
public func sha256(_ parts: [UInt8]...) -> [UInt8] {
    var hash = SHA256()
    for part in parts { hash.update(data: part) }
    return Array(hash.finalize())
}

/// SHA-256 of memory that the caller keeps mapped, 32 bytes.
/// - Parameter progress: told how many bytes were read, every 64 MiB and at the end.
public func sha256(of memory: UnsafeRawBufferPointer, progress: (Int) -> Void = { _ in }) -> [UInt8] {
    var (hash, offset) = (SHA256(), 0)
    while offset < memory.count {
        let end = min(offset + 64 << 20, memory.count)
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: memory[offset..<end]))
        offset = end
        progress(offset)
    }
    return Array(hash.finalize())
}

/// SHA-256 of bytes that come in pieces, 32 bytes.
/// - Parameter next: the next piece; nil at the end.
public func sha256(pulling next: () throws -> [UInt8]?) rethrows -> [UInt8] {
    var hash = SHA256()
    while let piece = try next() { hash.update(data: piece) }
    return Array(hash.finalize())
}

/// SHA-256 of bytes that are seen as they pass.
public struct RunningHash: Sendable {
    private var hash = SHA256()

    /// Nothing was seen yet.
    public init() {}

    /// Sees more bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

    /// The digest of all, 32 bytes.
    public func digest() -> [UInt8] { Array(hash.finalize()) }
}

extension [UInt8] {
    /// Overwrites the bytes and empties the array.
    ///
    /// Copies made earlier are not reached.
    public mutating func erase() {
        withUnsafeMutableBytes { memory in
            guard let start = memory.baseAddress else { return }
            for offset in 0..<memory.count { start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
        }
        removeAll()
    }
}
