public import Cryptography

/// What a sealed request or reply is bound to besides its account: which action on which object.
public struct Place: Sendable, Hashable {
    /// Any object of the account; its kind follows from the action.
    public enum ObjectKind: Sendable {}

    /// Lower-case words and dots, 1 to 64 characters.
    public let action: String
    /// The object, or `.none`.
    public let object: Identifier<ObjectKind>

    /// The place of opening.
    public static let opening = Place(uncheckedAction: "open", object: .none)

    /// A place named by a client.
    /// - Throws: `malformed` unless the action is 1 to 64 characters of `a–z` and `.`.
    public init(action: String, object: Identifier<ObjectKind> = .none) throws(ChannelError) {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard (1...64).contains(action.utf8.count),
            action.utf8.allSatisfy({ letters.contains($0) || $0 == UInt8(ascii: ".") })
        else { throw .malformed }
        self.init(uncheckedAction: action, object: object)
    }

    private init(uncheckedAction: String, object: Identifier<ObjectKind>) {
        (action, self.object) = (uncheckedAction, object)
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.bytes(object.bytes)
        writer.prefixed16(Array(action.utf8))
        return writer.output
    }
}
