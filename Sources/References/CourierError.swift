import Glibc

/// What can go wrong on the way out and back.
public enum CourierError: Error, Equatable, Sendable {
    /// The part of an address that is refused.
    public enum AddressFault: String, Sendable {
        case scheme = "only http:// and https:// addresses are dialled"
        case user = "an address with a user in it is refused"
        case host = "the host is neither a plain name nor an address in its one usual notation"
        case port = "the port is no number from 1 to 65535"
        case path = "the address has characters that programs read differently, or is too long"
    }

    /// What is wrong with the setting `registries`.
    public enum SettingFault: String, Sendable {
        case form = "it reads SHAPE=ORIGIN[+ORIGIN…], with commas between registries"
        case shape = "there are two shapes, hub and ollama"
        case twice = "each shape is there once at most"
        case clear = "http:// wants an address of this machine or of your own network, written down as a number"
        case address = "an address of this kind is never dialled"
        case tooMany = "a registry has at most 16 origins"
    }

    /// Why nothing came.
    public enum Silence: String, Sendable {
        case name = "the name was not resolved"
        case connection = "no connection was made"
        case certificate = "its certificate is not valid for this name, or its issuer is not trusted here"
        case slow = "it is too slow, or went silent"
        case cut = "the connection ended early, or what came is no HTTP"
    }

    /// What is wrong with an answer.
    public enum AnswerFault: Equatable, Sendable {
        /// Another HTTP status than the ones that have a meaning here.
        case status(Int)
        /// More than an answer of its kind has.
        case large
        /// Not the JSON that this shape of registry speaks.
        case form
        /// Compressed although nobody asked for that.
        case encoded
        /// Another part than the one that was asked for.
        case range
        /// No SHA-256, no size, or two that contradict each other.
        case promise
        /// More redirects than anybody needs.
        case redirects
    }

    /// Nothing may be dialled.
    case airGap
    /// What is missing in the configuration.
    case notConfigured(String)
    /// The setting `registries` cannot be read.
    case badSetting(SettingFault)
    /// An address cannot be read in one way only.
    case badAddress(AddressFault)
    /// A name that leads where nothing is dialled without being told so.
    case refusedAddress(Origin.Host, AddressClass)
    /// The registry sends on to somebody who is not configured.
    case refusedRedirect(Origin)
    /// Nothing came from there.
    case unreachable(Origin, Silence)
    /// What came from there is not taken.
    case refusedAnswer(Origin, AnswerFault)
    /// Several model files; their names.
    case ambiguous([String])
    /// What came is not what was announced; nothing of it is kept.
    case differs
    /// Bytes needed, and bytes free or allowed.
    case noRoom(needed: Int, free: Int)
    /// The file cannot be written; carries `errno`.
    case cannotWrite(code: Int32)
}

extension CourierError: CustomStringConvertible {
    /// One sentence for a person.
    public var description: String {
        switch self {
        case .airGap: "the air gap is set: nothing is fetched, and no name is looked up"
        case .notConfigured(let what): "\(what) is not configured"
        case .badSetting(let fault): "registries: \(fault.rawValue)"
        case .badAddress(let fault): fault.rawValue
        case .refusedAddress(let host, let kind):
            "\(host) leads to a \(kind.rawValue) address, which is dialled only if it is written down in the setting registries"
        case .refusedRedirect(let origin):
            "the registry sends on to \(origin), which is not configured and was not dialled; if that is right, add +\(origin) to it in the setting registries"
        case .unreachable(let origin, let silence): "\(origin): \(silence.rawValue)"
        case .refusedAnswer(let origin, let fault): "\(origin): \(fault)"
        case .ambiguous(let names):
            names.isEmpty
                ? "there is no model file of this name"
                : "there are several model files; name one: \(names.joined(separator: ", "))"
        case .differs: "what came is not what the registry announced; nothing was kept"
        case .noRoom(let needed, let free): "the model has \(needed) bytes, and there is room for \(free)"
        case .cannotWrite(ENOSPC): "the disk is full"
        case .cannotWrite: "the model cannot be written"
        }
    }
}

extension CourierError.AnswerFault: CustomStringConvertible {
    /// A sentence without its place.
    public var description: String {
        switch self {
        case .status(404): "there is no such model"
        case .status(let code) where code == 401 || code == 403: "it does not give this model to everybody (\(code))"
        case .status(let code): "it answered with HTTP status \(code)"
        case .large: "the answer is larger than anything sensible"
        case .form: "the answer is not what this kind of registry says"
        case .encoded: "the answer is compressed, which nobody asked for"
        case .range: "another part of the file came than the one asked for"
        case .promise: "it does not say the file's SHA-256 and size, or says two different ones"
        case .redirects: "it sends on and on"
        }
    }
}

extension Origin.Host: CustomStringConvertible {
    /// The name or the address.
    public var description: String {
        switch self {
        case .name(let name): name
        case .address(let address): address.description
        }
    }
}
