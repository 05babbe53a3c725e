import Channel
import Foundation
import HTTPTypes
import Hummingbird

/// How an API writes a completion.
protocol AnswerShape: Sendable {
    /// The media type of a streamed answer.
    var streamType: String { get }
    /// What is written before any text; nil: nothing.
    func opening() throws -> ByteBuffer?
    func piece(_ text: String) throws -> ByteBuffer
    func ending(_ end: Completion.End) throws -> ByteBuffer
    /// What is written when an answer breaks off.
    func failure(_ error: APIError) throws -> ByteBuffer
    /// The whole answer at once.
    func whole(_ text: String, _ end: Completion.End) throws -> Response
}

extension Door {
    /// Answers one request for a completion.
    /// - Parameter order: reads the body; it gets the models that run here.
    func complete<Body: Decodable>(
        _ request: Request, _ order: (Body, [NamedModel]) throws -> CompletionOrder
    ) async throws -> Response {
        try await lending(to: request) { client in
            let body = try await decodeBody(Body.self, from: request)
            let order = try order(body, try await models(client))
            let completion = try await Completion(order.request, over: client)
            guard !order.isStreamed else { return order.shape.stream(completion, client) }
            let (text, end) = try await completion.whole()
            let response = try order.shape.whole(text, end)
            await client.finish()
            return response
        }
    }
}

extension AnswerShape {
    /// Passes an answer on piece by piece.
    fileprivate func stream(_ completion: Completion, _ client: KeyChannel) -> Response {
        Response(
            status: .ok, headers: [.contentType: streamType],
            body: ResponseBody { writer in
                let end: Completion.End
                do {
                    if let opening = try opening() { try await writer.write(opening) }
                    end = try await passTexts(of: completion) { try await writer.write($0) }
                } catch {
                    await client.close()
                    guard let said = APIError(saying: error) else { throw error }
                    try await writer.write(failure(said))
                    return try await writer.finish(nil)
                }
                await client.finish()
                try await writer.write(ending(end))
                try await writer.finish(nil)
            })
    }

    private func passTexts(
        of completion: Completion, to write: (ByteBuffer) async throws -> Void
    ) async throws -> Completion.End {
        while true {
            switch try await completion.next() {
            case .text(let text): try await write(piece(text))
            case .end(let end): return end
            }
        }
    }
}
