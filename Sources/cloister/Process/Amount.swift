/// Numbers as people read them.
enum Amount {
    /// `2.1 million`, `7.6 billion`.
    static func count(_ count: Int) -> String {
        switch count {
        case ..<1_000_000: "\(count / 1_000) thousand"
        case ..<1_000_000_000: tenths(count, of: 1_000_000) + " million"
        default: tenths(count, of: 1_000_000_000) + " billion"
        }
    }

    /// `2.1 MiB`, `4.7 GiB`.
    static func bytes(_ bytes: Int) -> String {
        switch bytes {
        case ..<(1 << 20): "\(bytes >> 10) KiB"
        case ..<(1 << 30): tenths(bytes, of: 1 << 20) + " MiB"
        default: tenths(bytes, of: 1 << 30) + " GiB"
        }
    }

    private static func tenths(_ count: Int, of unit: Int) -> String {
        let tenths = (count * 10 + unit / 2) / unit
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
