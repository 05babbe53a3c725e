import Cryptography
import Foundation
import TestSupport
import Testing

@testable import Channel

/// The bytes that the page's implementation wrote with fixed keys; `node Tests/Web/make_vectors.mjs` has the command.
struct ChannelVectorTests {
    private struct Vectors: Decodable {
        struct Piece: Decodable {
            let json, piece: String
            let final: Bool
        }
        let nodePrivate, record, challenge, fingerprint, body, route, account, object, action: String
        let requestJSON, request: String
        let now: UInt64
        let credential: Credential
        let pieces: [Piece]
    }

    @Test func `what the page seals is opened here, and what is sealed here is what the page expects`() throws {
        let path = Shared.repository.appending(path: "Tests/Vectors/channel.json")
        let vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: path))
        func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

        let record = try NodeRecord(verifying: bytes(vectors.record), now: vectors.now)
        #expect(record.fingerprint == vectors.fingerprint)
        let body = try bytes(vectors.body)
        #expect(Array(body[1..<9]) == record.keyID)
        let challenge = try bytes(vectors.challenge)
        #expect(Array(body[9..<41]) == challenge)
        var recipient = try HybridEncryption.Recipient(
            AgreementKeyPair(privateKey: Secret(bytes(vectors.nodePrivate))), encapsulated: Array(body[41..<73]),
            info: record.openingInfo(challenge: challenge))
        let opened = try Padding.unpad(recipient.open(Array(body[73...]), authenticating: Array("open".utf8)))
        #expect(try JSONDecoder().decode(Credential.self, from: Data(opened)) == vectors.credential)

        let keys = ChannelKeys(try recipient.exported("cloister/channel/v1"))
        #expect(keys.route().hex == vectors.route)
        let place = try Place(action: vectors.action, object: try #require(.init(hex: vectors.object)))
        var host = HostChannel(account: try #require(AccountID(hex: vectors.account)), keys: keys)
        var request = try host.open(bytes(vectors.request), place: place)
        #expect(request.content == Array(vectors.requestJSON.utf8))
        for piece in vectors.pieces {
            #expect(request.sealer.seal(Array(piece.json.utf8), final: piece.final) == (try bytes(piece.piece)))
        }
    }
}
