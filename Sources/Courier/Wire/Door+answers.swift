import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import References

extension Door {
    private enum Step<Answer: Sendable>: Sendable {
        case answer(Answer)
        case moved(WebAddress)
    }

    /// Sends a request, and again wherever the answer sends on, if that is configured.
    /// - Parameter isFinal: whether an answer is taken although it sends on.
    func follow<Answer: Sendable>(
        _ method: HTTPMethod, _ start: WebAddress, _ headers: HTTPHeaders = [:],
        isFinal: @Sendable (HTTPHeaders) -> Bool = { _ in false },
        _ read: @Sendable (HTTPClientResponse) async throws -> Answer
    ) async throws -> Answer {
        var address = start
        for _ in 0...limits.redirects {
            let origin = address.origin
            let step: Step<Answer> = try await send(method, address, headers) { response in
                guard [301, 302, 303, 307, 308].contains(response.status.code), !isFinal(response.headers) else {
                    return .answer(try await read(response))
                }
                let locations = response.headers["location"]
                guard locations.count == 1 else {
                    throw CourierError.refusedAnswer(origin, .status(Int(response.status.code)))
                }
                return .moved(try WebAddress(redirect: locations[0], from: origin))
            }
            switch step {
            case .answer(let answer): return answer
            case .moved(let next):
                guard registry.peer(next.origin) != nil else { throw Self.refusal(of: next.origin) }
                address = next
            }
        }
        throw CourierError.refusedAnswer(start.origin, .redirects)
    }

    /// A small JSON document; a size and a deadline for the whole.
    ///
    /// `JSONDecoder` refuses more than 512 levels by itself.
    func json<Document: Decodable & Sendable>(
        _ path: String, accept: String, limit: Int, as type: Document.Type = Document.self
    ) async throws -> Document {
        let start = try WebAddress(registry.origin, path)
        let origin = registry.origin
        let bytes = try await within(limits.answering, origin) {
            try await follow(.GET, start, ["accept": accept]) { response in
                guard response.status == .ok else {
                    throw CourierError.refusedAnswer(origin, .status(Int(response.status.code)))
                }
                var bytes = Data()
                for try await piece in response.body {
                    guard bytes.count + piece.readableBytes <= limit else {
                        throw CourierError.refusedAnswer(origin, .large)
                    }
                    bytes.append(contentsOf: piece.readableBytesView)
                }
                return bytes
            }
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: bytes) else {
            throw CourierError.refusedAnswer(origin, .form)
        }
        return document
    }

    private func within<Answer: Sendable>(
        _ time: Duration, _ origin: Origin, _ work: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask(operation: work)
            group.addTask {
                try await Task.sleep(for: time)
                throw CourierError.unreachable(origin, .slow)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CourierError.unreachable(origin, .cut) }
            return first
        }
    }
}
