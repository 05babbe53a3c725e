import Channel
import HTTPTypes
import Hummingbird
import NIOHTTP1

/// An error in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.
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

    static let noSuchModel = APIError(
        .notFound, "invalid_request_error",
        "There is no such model here. GET /v1/models lists them; \"default\" always works.",
        param: "model", code: "model_not_found")

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
        default: self.init(.internalServerError, "server_error", refusal.message)
        }
    }

    func response() throws -> Response { try jsonResponse(self, status: status) }
}

/// Runs a handler; whatever goes wrong is answered in OpenAI's shape.
func answeringErrors(_ body: () async throws -> Response) async throws -> Response {
    do { return try await body() } catch let error as APIError { return try error.response() } catch let refusal
        as Refusal
    {
        return try APIError(refusal).response()
    } catch is ChannelError {
        return try APIError(.internalServerError, "server_error", "The answer was cut off.").response()
    } catch let error as any HTTPResponseError {
        throw error
    } catch let error as HTTPParserError {
        // Of the request itself; its connection ends with it.
        throw error
    } catch {
        return try APIError.outOfReach.response()
    }
}
