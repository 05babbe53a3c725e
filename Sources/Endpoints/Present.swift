/// Any JSON value, where it only matters whether it asks for something.
struct Present: Decodable {
    /// Whether it is null, false, zero, or empty: what clients send for "nothing".
    let isEmpty: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        isEmpty =
            container.decodeNil() || (try? container.decode([String: Double].self))?.isEmpty == true
            || (try? decoder.unkeyedContainer().count == 0) == true || (try? container.decode(Bool.self)) == false
            || (try? container.decode(Double.self)) == 0 || (try? container.decode(String.self)) == ""
    }

    /// - Throws: `APIError` naming the first of these that asks for something.
    static func refuse(_ fields: KeyValuePairs<String, Present?>) throws {
        for (name, value) in fields where value?.isEmpty == false { throw APIError.unsupported(name) }
    }
}

/// A string, or several.
struct Strings: Decodable {
    let values: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        values = try (try? container.decode(String.self)).map { [$0] } ?? container.decode([String].self)
    }
}
