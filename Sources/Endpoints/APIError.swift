import Channel
import HTTPTypes
import Hummingbird
import NIOHTTP1

/// What went wrong, in the words that a program gets; encoded, it has OpenAI's shape: `{"error": {"message", "type",
/// "param", "code"}}`.
struct APIError: Error, Encodable {
    struct Body: Encodable {
        let message: String
        let type: String
        let param: String?
        let code: String?

        enum CodingKeys: CodingKey { case message, type, param, code }

        /// Clients look for `param` and `code` even when they are null.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(param, forKey: .param)
            try container.encode(code, forKey: .code)
        }
    }

    let error: Body
    let status: HTTPResponse.Status
    /// Seconds after which to ask again.
    private(set) var retryAfter: Int?

    enum CodingKeys: CodingKey { case error }

    init(_ status: HTTPResponse.Status, _ type: String, _ message: String, param: String? = nil, code: String? = nil) {
        self.status = status
        error = Body(message: message, type: type, param: param, code: code)
    }

    static let missingKey = APIError(
        .unauthorized, "invalid_request_error",
        "Send an API key: Authorization: Bearer cloister_… (cloister keys create makes one).",
        code: "invalid_api_key")
    static let wrongKey = APIError(
        .unauthorized, "invalid_request_error", "This API key is not valid, or was revoked.", code: "invalid_api_key")

    static func invalid(_ message: String, param: String? = nil) -> APIError {
        APIError(.badRequest, "invalid_request_error", message, param: param)
    }

    static func unsupported(_ param: String) -> APIError {
        APIError(
            .badRequest, "invalid_request_error", "\(param) is not supported by this server yet.", param: param,
            code: "unsupported_parameter")
    }

    /// - Parameter list: the path that lists those that there are.
    static func noSuchModel(_ list: String) -> APIError {
        APIError(
            .notFound, "invalid_request_error",
            "There is no such model here. GET \(list) lists them; \"default\" always works.",
            param: "model", code: "model_not_found")
    }

    static let tooLarge = APIError(
        .contentTooLarge, "invalid_request_error", "The body is larger than \(Door.bodyLimit) bytes.")

    static let cutOff = APIError(.internalServerError, "server_error", "The answer was cut off.")

    static let anotherNode = APIError(
        .badGateway, "server_error",
        "ALARM: this is not the node that was pinned. Someone may be in between. Nothing was sent.",
        code: "node_changed")
    static let outOfReach = APIError(
        .badGateway, "server_error", "The node cannot be reached, or answers in a way that this version does not know.",
        code: "out_of_reach")

    init(_ refusal: Refusal) {
        switch refusal.code {
        case .malformed, .unsupported: self.init(.badRequest, "invalid_request_error", refusal.message)
        case .promptTooLong:
            self.init(.badRequest, "invalid_request_error", refusal.message, code: "context_length_exceeded")
        case .wrongCredential: self = .wrongKey
        case .denied: self.init(.forbidden, "invalid_request_error", refusal.message)
        case .notFound: self.init(.notFound, "invalid_request_error", refusal.message)
        case .busy, .tooManyAttempts: self.init(.tooManyRequests, "rate_limit_error", refusal.message)
        case .overloaded: self.init(.serviceUnavailable, "overloaded_error", refusal.message)
        default: self.init(.internalServerError, "server_error", refusal.message)
        }
        retryAfter = refusal.retryAfter
    }

    /// What a program is told of an error of the cell or of the way to it; nil for any other.
    init?(saying error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let refusal as Refusal: self.init(refusal)
        case is ChannelError: self = .cutOff
        default: return nil
        }
    }

    func response() throws -> Response { try response(self) }

    /// The same, said in another API's shape.
    func response(_ body: some Encodable) throws -> Response {
        var response = try jsonResponse(body, status: status)
        if let retryAfter { response.headers[.retryAfter] = "\(retryAfter)" }
        return response
    }
}

/// Runs a handler; whatever goes wrong is answered.
/// - Parameter say: writes an error in the shape of the caller's API; OpenAI's, if nothing else is said.
func answeringErrors(
    _ say: (APIError) throws -> Response = { try $0.response() }, _ body: () async throws -> Response
) async throws -> Response {
    do { return try await body() } catch let error as any HTTPResponseError {
        throw error
    } catch let error as HTTPParserError {
        // Of the request itself; its connection ends with it.
        throw error
    } catch {
        return try say(APIError(saying: error) ?? .outOfReach)
    }
}
