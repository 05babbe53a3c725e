/// Hides the exact length of what is sealed: length (4 bytes) ‖ bytes ‖ zeros.
public enum Padding: Sendable {
    /// Up to the next multiple, which is also the least size.
    case multiple(of: Int)
    /// Up to PADMÉ of the length (Nikitin et al., PETS 2019: at most 12 % more), at least the given size.
    case padme(atLeast: Int)

    /// Adds length and zeros.
    public func pad(_ content: [UInt8]) -> [UInt8] {
        var padded = bigEndian(UInt32(content.count)) + content
        padded.append(contentsOf: [UInt8](repeating: 0, count: size(of: padded.count) - padded.count))
        return padded
    }

    /// Takes length and zeros off again.
    /// - Throws: `malformed` for a length beyond the end or padding that is not zero.
    public static func unpad(_ padded: [UInt8]) throws(CryptographyError) -> [UInt8] {
        var reader = ByteReader(padded)
        let content = try reader.bytes(Int(try reader.integer(UInt32.self)))
        guard reader.rest().allSatisfy({ $0 == 0 }) else { throw .malformed }
        return content
    }

    private func size(of count: Int) -> Int {
        switch self {
        case .multiple(let unit): (count + unit - 1) / unit * unit
        case .padme(let least): max(least, Self.padme(count))
        }
    }

    /// Rounds up so that only the leading ⌊log₂ log₂ n⌋ + 1 bits of the length can differ from zero.
    static func padme(_ count: Int) -> Int {
        guard count > 2 else { return count }
        let exponent = Int.bitWidth - 1 - count.leadingZeroBitCount
        let significant = Int.bitWidth - exponent.leadingZeroBitCount
        let mask = (1 << (exponent - significant)) - 1
        return (count + mask) & ~mask
    }
}
