/// An opened GGUF file (version 2 or 3): metadata and tensors, every count, length and offset checked against the file.
///
/// `GGUF` ‖ version u32 ‖ tensors u64 ‖ pairs u64 ‖ pairs (key, type, value) ‖ tensors (name, dimensions, type, offset)
/// ‖ data from the next multiple of
/// `general.alignment`. Little-endian throughout.
public final class ModelFile: Sendable {
    /// The file's own name without `.gguf`.
    public let name: String
    /// How the weights are computed, for example `llama`.
    public let architecture: String
    /// Weights in all tensors.
    public let parameterCount: Int
    /// What the file says of its mixture of tensor types, for example `Q4_K_M`, or else the type of most weights.
    public let quantisation: String
    private let file: MappedFile
    private let contents: Contents

    private struct Contents: @unchecked Sendable {
        var metadata: [String: MetadataValue] = [:]
        var tensors: [String: TensorEntry] = [:]
    }

    private struct TensorEntry {
        let type: UInt32
        let width: Int
        let rows: Int
        let offset: Int
    }

    private static let dimensionLimit = 4
    /// The values of `general.file_type` that mean more than one tensor type.
    private static let mixtures = [
        11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M",
    ]

    /// Opens and maps a file.
    /// - Throws: `cannotOpen`, `notGGUF`, `truncated`, `malformed`.
    public convenience init(path: String) throws(InferenceError) {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        try self.init(MappedFile(path: path), name: last.hasSuffix(".gguf") ? String(last.dropLast(5)) : last)
    }

    /// Opens a file of another program's store under the store's name for it; a symbolic link is refused.
    /// - Throws: as `init(path:)`.
    public convenience init(foundAt path: String, name: String) throws(InferenceError) {
        try self.init(MappedFile(path: path, followingLinks: false), name: name)
    }

    /// Maps a file that another process opened.
    /// - Parameter descriptor: taken over, unless this throws `cannotOpen`.
    /// - Throws: as `init(path:)`.
    public convenience init(descriptor: Int32, name: String) throws(InferenceError) {
        try self.init(MappedFile(descriptor: descriptor), name: name)
    }

    /// A descriptor of the very file that is mapped, to hand on; valid as long as this value.
    ///
    /// Nil for a part of the program.
    public var descriptor: Int32? { file.descriptor }

    /// Opens a file that is part of the program.
    /// - Parameter bytes: must stay where they are for the life of the process.
    public convenience init(bytes: UnsafeRawBufferPointer, name: String) throws(InferenceError) {
        try self.init(MappedFile(static: bytes), name: name)
    }

    private init(_ file: MappedFile, name: String) throws(InferenceError) {
        var cursor = ByteCursor(file.bytes)
        guard let magic = try? cursor.integer(UInt32.self), magic == 0x4655_4747,
            let version = try? cursor.integer(UInt32.self), version == 2 || version == 3
        else { throw .notGGUF }
        let tensorCount = try cursor.count(ofAtLeast: 24)
        let pairCount = try cursor.count(ofAtLeast: 13)
        var contents = Contents()
        for _ in 0..<pairCount {
            let key = try cursor.string()
            guard contents.metadata.updateValue(try MetadataValue(from: &cursor), forKey: key) == nil else {
                throw .malformed("a metadata key that appears twice")
            }
        }
        for _ in 0..<tensorCount {
            let name = try cursor.string()
            guard contents.tensors.updateValue(try Self.readTensor(&cursor), forKey: name) == nil else {
                throw .malformed("a tensor that appears twice")
            }
        }
        contents.tensors = try Self.placed(contents, after: cursor.offset, in: file.bytes.count)
        (self.file, self.name, self.contents) = (file, name, contents)
        guard case .string(let architecture)? = contents.metadata["general.architecture"] else {
            throw .malformed("general.architecture")
        }
        self.architecture = architecture
        let sizes = contents.tensors.values.map { ($0.type, $0.width * $0.rows) }
        parameterCount = sizes.reduce(0) { $0 + $1.1 }
        let most = Dictionary(sizes, uniquingKeysWith: +).max { $0.value < $1.value }?.key
        let named = contents.metadata["general.file_type"]?.integer.flatMap { Self.mixtures[$0] }
        quantisation = named ?? most.map(TensorType.name) ?? "none"
    }

    private static func readTensor(_ cursor: inout ByteCursor) throws(InferenceError) -> TensorEntry {
        let dimensions = try cursor.integer(UInt32.self)
        guard (1...UInt32(dimensionLimit)).contains(dimensions) else { throw .malformed("number of dimensions") }
        var (width, rows) = (0, 1)
        for index in 0..<dimensions {
            guard let size = Int(exactly: try cursor.integer(UInt64.self)), size > 0 else {
                throw .malformed("a dimension")
            }
            if index == 0 {
                width = size
            } else {
                let (product, overflow) = rows.multipliedReportingOverflow(by: size)
                guard !overflow else { throw .malformed("a dimension") }
                rows = product
            }
        }
        let type = try cursor.integer(UInt32.self)
        guard let offset = Int(exactly: try cursor.integer(UInt64.self)) else { throw .malformed("a tensor's offset") }
        return TensorEntry(type: type, width: width, rows: rows, offset: offset)
    }

    /// Checks that every tensor lies inside the file; offsets become absolute.
    private static func placed(
        _ contents: Contents, after end: Int, in fileCount: Int
    ) throws(InferenceError) -> [String: TensorEntry] {
        let alignment = contents.metadata["general.alignment"]?.integer ?? 32
        guard alignment > 0, alignment <= 1 << 20, alignment & (alignment - 1) == 0 else {
            throw .malformed("general.alignment")
        }
        let start = (end + alignment - 1) / alignment * alignment
        var placed: [String: TensorEntry] = [:]
        for (name, tensor) in contents.tensors {
            let (count, tooMany) = tensor.width.multipliedReportingOverflow(by: tensor.rows)
            let (first, tooFar) = start.addingReportingOverflow(tensor.offset)
            guard !tooMany, !tooFar, tensor.offset % alignment == 0 else { throw .malformed("a tensor's place") }
            if let type = TensorType(rawValue: tensor.type) {
                guard tensor.width % type.blockCount == 0 else { throw .malformed("a tensor's width") }
                let (bytes, tooLong) = (count / type.blockCount).multipliedReportingOverflow(by: type.blockBytes)
                let (last, beyond) = first.addingReportingOverflow(bytes)
                guard !tooLong, !beyond, last <= fileCount else { throw .truncated }
            } else {
                guard first <= fileCount else { throw .truncated }
            }
            placed[name] = TensorEntry(type: tensor.type, width: tensor.width, rows: tensor.rows, offset: first)
        }
        let (_, overflow) = placed.values.reduce((0, false)) { total, tensor in
            let (sum, over) = total.0.addingReportingOverflow(tensor.width * tensor.rows)
            return (sum, total.1 || over)
        }
        guard !overflow else { throw .malformed("number of parameters") }
        return placed
    }
}

extension ModelFile {
    /// Size of the file in bytes.
    public var byteCount: Int { file.bytes.count }

    /// The longest context that the model was trained on, tokens; 0 if the file does not say.
    public var trainedContextLength: Int { integer("\(architecture).context_length") ?? 0 }

    /// Lends the mapped bytes, for a digest of exactly what is run.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(file) { try body(file.bytes) }
    }

    /// A metadata string of the file, or nil.
    public func metadataString(_ key: String) -> String? {
        guard case .string(let value)? = contents.metadata[key] else { return nil }
        return value
    }

    func value(_ key: String) -> MetadataValue? { contents.metadata[key] }
    func integer(_ key: String) -> Int? { contents.metadata[key]?.integer }
    func number(_ key: String) -> Float? { contents.metadata[key]?.number }
    func flag(_ key: String) -> Bool? {
        guard case .bool(let value)? = contents.metadata[key] else { return nil }
        return value
    }

    /// A tensor of known shape.
    /// - Throws: `malformed` if it is missing or has another shape, `unsupportedTensorType`.
    func tensor(_ name: String, width: Int, rows: Int) throws(InferenceError) -> Tensor {
        guard let tensor = contents.tensors[name] else { throw .malformed("\(name) is missing") }
        guard tensor.width == width, tensor.rows == rows else { throw .malformed("shape of \(name)") }
        guard let type = TensorType(rawValue: tensor.type) else { throw .unsupportedTensorType(tensor.type) }
        guard let base = file.bytes.baseAddress else { throw .truncated }
        return Tensor(type: type, width: width, rows: rows, bytes: base + tensor.offset)
    }

    /// The ids of tensor types in the file that the kernels do not run.
    var unsupportedTypes: [UInt32] {
        Set(contents.tensors.values.map(\.type)).filter { TensorType(rawValue: $0) == nil }.sorted()
    }

    func hasTensor(_ name: String) -> Bool { contents.tensors[name] != nil }
}
