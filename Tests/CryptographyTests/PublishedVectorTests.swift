import Foundation
import TestSupport
import Testing

@testable import Cryptography

@Suite(.enabled(if: Shared.isPresent, "needs ../shared")) struct PublishedVectorTests {
    private struct Wycheproof<Test: Decodable>: Decodable {
        struct Group: Decodable { let tests: [Test] }
        let testGroups: [Group]
        var tests: [Test] { testGroups.flatMap(\.tests) }
    }
    private struct Agreement: Decodable { let tcId: Int; let `public`: String; let shared: String; let result: String }
    private struct GCM: Decodable {
        let tcId: Int
        let key, iv, aad, msg, ct, tag, result: String
    }
    private struct HPKEVector: Decodable {
        struct Encryption: Decodable { let aad, ct, pt: String }
        struct Export: Decodable { let exporter_context, exported_value: String; let L: Int }
        let mode, kem_id, kdf_id, aead_id: Int
        let info, enc, skRm: String
        let encryptions: [Encryption]
        let exports: [Export]
    }

    @Test func `an X25519 key is refused exactly when the published shared secret is zero`() throws {
        let file = try JSONDecoder().decode(
            Wycheproof<Agreement>.self, from: Shared.data("vectors/wycheproof/x25519_test.json"))
        var refused = 0
        for test in file.tests {
            let isZero = test.shared.allSatisfy { $0 == "0" }
            let key = try? AgreementPublicKey(Hex.decode(test.public) ?? [])
            #expect((key == nil) == isZero, "test \(test.tcId)")
            refused += key == nil ? 1 : 0
        }
        #expect(file.tests.count == 518 && refused == 31)
    }

    @Test func `AES-256-GCM opens and refuses as Wycheproof says, with 96-bit nonces only`() throws {
        let file = try JSONDecoder().decode(
            Wycheproof<GCM>.self, from: Shared.data("vectors/wycheproof/aes_gcm_test.json"))
        for test in file.tests where test.key.count == 64 {
            let nonce = Hex.decode(test.iv) ?? []
            let opened = try? AuthenticatedEncryption.open(
                (Hex.decode(test.ct) ?? []) + (Hex.decode(test.tag) ?? []), key: Secret(Hex.decode(test.key) ?? []),
                nonce: nonce, authenticating: Hex.decode(test.aad) ?? [])
            let expected = test.result == "valid" && nonce.count == 12 ? Hex.decode(test.msg) : nil
            #expect(opened == expected, "test \(test.tcId)")
        }
    }

    @Test func `the RFC 9180 base mode vectors of our suite open and export`() throws {
        let all = try JSONDecoder().decode(
            [HPKEVector].self, from: Shared.data("vectors/hpke/rfc9180_x25519_sha256.json"))
        let ours = all.filter { ($0.mode, $0.kem_id, $0.kdf_id, $0.aead_id) == (0, 0x20, 1, 2) }
        #expect(ours.count == 1)
        for vector in ours {
            let pair = try AgreementKeyPair(privateKey: Secret(Hex.decode(vector.skRm) ?? []))
            var recipient = try HybridEncryption.Recipient(
                pair, encapsulated: Hex.decode(vector.enc) ?? [], info: Hex.decode(vector.info) ?? [])
            for message in vector.encryptions {
                let opened = try recipient.open(
                    Hex.decode(message.ct) ?? [], authenticating: Hex.decode(message.aad) ?? [])
                #expect(opened == Hex.decode(message.pt))
            }
        }
    }
}
