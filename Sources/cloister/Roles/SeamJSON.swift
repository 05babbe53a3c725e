import Cell
import Channel
import Foundation
import Seams

extension SeamClient {
    /// Asks with JSON and reads JSON.
    /// - Throws: `Refusal`.
    func ask<Answer: Decodable>(
        _ method: UInt8, _ content: some Encodable, descriptors: [Descriptor] = [], patience: Duration? = nil,
        as type: Answer.Type
    ) async throws -> Answer {
        do {
            let payload = Array(try JSONEncoder().encode(content))
            return try await ask(method, payload, descriptors: descriptors, patience: patience).read(type)
        } catch let error as SeamError { throw Refusal(error) }
    }
}

extension ServedCall {
    /// Reads the request's JSON.
    func read<Content: Decodable>(_ type: Content.Type) throws(SeamError) -> Content { try payload.read(type) }

    /// Answers with JSON.
    func tell(_ value: some Encodable, descriptors: [Descriptor] = []) async throws {
        try await send(Array(try JSONEncoder().encode(value)), descriptors: descriptors)
    }
}

extension Part {
    /// Reads JSON.
    func read<Content: Decodable>(_ type: Content.Type) throws(SeamError) -> Content { try bytes.read(type) }
}

extension [UInt8] {
    fileprivate func read<Content: Decodable>(_ type: Content.Type) throws(SeamError) -> Content {
        do { return try JSONDecoder().decode(type, from: Data(self)) } catch { throw .malformed }
    }
}
