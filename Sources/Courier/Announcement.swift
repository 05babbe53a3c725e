public import References

/// What a registry says that it will send, before it sends it; what arrives must be exactly this.
public struct Announcement: Hashable, Sendable, Codable {
    /// The model's whole name.
    public let reference: String
    /// The file that was chosen, where a registry has files.
    public let file: String?
    /// SHA-256 of the content, 64 lower-case hexadecimal characters.
    public let digest: String
    /// Bytes of the content, at least 1.
    public let byteCount: Int
    /// Where the content is asked for, inside the registry.
    let path: String

    /// Whether it can be what a reference stands for; for whoever got it from another process.
    public func isSound(for reference: ModelReference) -> Bool {
        self.reference == reference.description && Promise.digest(digest) == digest && byteCount > 0
            && (file.map(ModelReference.isModelFile) ?? true)
    }
}

/// How a fetch goes on.
public enum FetchEvent: Hashable, Sendable, Codable {
    /// The content comes, from this byte on; with this validator the rest can be asked for later (RFC 9110 §8.8.1).
    case began(offset: Int, validator: String?)
    /// Bytes that are there.
    case progress(Int)
    /// All of it is there, synced, and what was announced.
    case arrived
}
