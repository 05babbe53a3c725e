import AsyncHTTPClient
import Cryptography
import Glibc
import NIOCore
import NIOHTTP1
import References
import References

/// One file on its way: checked against its announcement while it comes.
struct Download: Sendable {
    let door: Door
    let announcement: Announcement
    let file: Int32
    let validator: String?

    private var origin: Origin { door.registry.origin }

    func run(_ tell: @Sendable (FetchEvent) -> Void) async throws {
        var content = try PartialContent(file, announcement)
        try makeRoom(after: content.count)
        if content.count < announcement.byteCount { content = try await transfer(content, tell) }
        try content.finish()
        tell(.arrived)
    }

    private func makeRoom(after count: Int) throws(CourierError) {
        let limit = door.limits.file
        guard announcement.byteCount <= limit else { throw .noRoom(needed: announcement.byteCount, free: limit) }
        var disk = statvfs()
        guard fstatvfs(file, &disk) == 0 else { throw .cannotWrite(code: errno) }
        let (bytes, isHuge) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
        let free = isHuge ? Int.max : max(bytes - door.limits.reserve, 0)
        guard announcement.byteCount - count <= free else {
            throw .noRoom(needed: announcement.byteCount - count, free: free)
        }
    }

    private func transfer(_ content: PartialContent, _ tell: @Sendable (FetchEvent) -> Void) async throws
        -> PartialContent
    {
        var headers: HTTPHeaders = [:]
        if content.count > 0 {
            headers.add(name: "range", value: "bytes=\(content.count)-")
            if let validator { headers.add(name: "if-range", value: validator) }
        }
        return try await door.follow(.GET, WebAddress(origin, announcement.path), headers) { response in
            var content = content
            if try startsAnew(response, content) { try content.empty() }
            let tag = try response.headers.single("etag", of: origin).flatMap(Promise.validator)
            tell(.began(offset: content.count, validator: tag))
            try await receive(response, &content, tell)
            return content
        }
    }

    /// Whether an answer brings the whole file, or exactly the rest of it.
    private func startsAnew(_ response: HTTPClientResponse, _ content: PartialContent) throws -> Bool {
        let length = try response.headers.single("content-length", of: origin).map { Promise.count($0) ?? -1 }
        switch response.status.code {
        case 200:
            guard length ?? announcement.byteCount == announcement.byteCount else { throw try content.refused() }
            return true
        case 206:
            let range = try response.headers.single("content-range", of: origin).flatMap(Promise.range)
            guard let range, content.count > 0, range.first == content.count, range.last == range.all - 1 else {
                throw CourierError.refusedAnswer(origin, .range)
            }
            guard range.all == announcement.byteCount else { throw try content.refused() }
            return false
        case 416:
            _ = try content.refused()
            throw CourierError.refusedAnswer(origin, .range)
        default: throw CourierError.refusedAnswer(origin, .status(Int(response.status.code)))
        }
    }

    private func receive(
        _ response: HTTPClientResponse, _ content: inout PartialContent, _ tell: @Sendable (FetchEvent) -> Void
    ) async throws {
        // At most some hundred events, however large the file.
        let step = max(announcement.byteCount / 200, 1 << 16)
        var (told, window, end) = (content.count, content.count, ContinuousClock.now + door.limits.window)
        for try await piece in response.body {
            try piece.withUnsafeReadableBytes { try content.append($0) }
            if content.count - told >= step {
                told = content.count
                tell(.progress(told))
            }
            guard ContinuousClock.now >= end else { continue }
            guard content.count - window >= door.limits.leastBytes else {
                throw CourierError.unreachable(origin, .slow)
            }
            (window, end) = (content.count, ContinuousClock.now + door.limits.window)
        }
        guard content.count == announcement.byteCount else { throw CourierError.unreachable(origin, .cut) }
        tell(.progress(content.count))
    }
}

/// The beginning of a file on the disk, and its running digest.
struct PartialContent: Sendable {
    private static let piece = 1 << 20
    private let file: Int32
    private let announcement: Announcement
    private var hash = RunningHash()
    /// Bytes that are there.
    private(set) var count = 0

    /// Reads what is there already; more than was announced is nothing of it.
    init(_ file: Int32, _ announcement: Announcement) throws(CourierError) {
        (self.file, self.announcement) = (file, announcement)
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .cannotWrite(code: errno) }
        guard status.st_size <= announcement.byteCount else {
            try empty()
            return
        }
        var buffer = [UInt8](repeating: 0, count: Self.piece)
        while count < Int(status.st_size) {
            let read = pread(file, &buffer, buffer.count, off_t(count))
            if read < 0 && errno == EINTR { continue }
            guard read > 0 else { throw .cannotWrite(code: errno) }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(read))) }
            count += read
        }
    }

    mutating func empty() throws(CourierError) {
        guard ftruncate(file, 0) == 0 else { throw .cannotWrite(code: errno) }
        (hash, count) = (RunningHash(), 0)
    }

    /// Empties the file; the error that says so.
    func refused() throws(CourierError) -> CourierError {
        var empty = self
        try empty.empty()
        return .differs
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CourierError) {
        guard count + bytes.count <= announcement.byteCount else { throw try refused() }
        var offset = 0
        while offset < bytes.count, let start = bytes.baseAddress {
            let written = pwrite(file, start + offset, bytes.count - offset, off_t(count + offset))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw .cannotWrite(code: errno) }
            offset += written
        }
        hash.update(bytes)
        count += bytes.count
    }

    /// Checks, once all of it is there, that it is what was announced, and syncs it.
    func finish() throws(CourierError) {
        guard Hex.encode(hash.digest()) == announcement.digest else { throw try refused() }
        guard fsync(file) == 0 else { throw .cannotWrite(code: errno) }
    }
}
